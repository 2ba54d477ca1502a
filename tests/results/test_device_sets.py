"""Trials of several device sets become one of each predictor."""

import numpy as np
import pandas as pd

from hwbench.results.device_sets import over_device_sets, predictions_of_one_set


def _row(predictor, device_set, tau, **more):
    title = f"Transfer ({device_set}, short fits)" if device_set else "Ridge"
    return {
        "predictor": f"{predictor} ({device_set})" if device_set else predictor,
        "title": title,
        "own_training_set": False,
        "encoding": "integers",
        "device_set": device_set,
        "target": "t:a",
        "training_size": 10,
        "seed": 0,
        "test_size": 50,
        "kendall_tau": tau,
        "error": None,
        **more,
    }


def test_a_target_of_two_sets_counts_once():
    study = pd.DataFrame(
        [
            _row("ridge", "", 0.5),
            _row("transfer", "A", 0.6),
            _row("transfer", "B", 0.8),
            _row("transfer", "B", np.nan, seed=1, error="ValueError: none"),
        ]
    )
    found = over_device_sets(study).set_index(["predictor", "seed"])
    assert found.loc[("ridge", 0), "kendall_tau"] == 0.5
    assert found.loc[("transfer", 0), "kendall_tau"] == np.mean([0.6, 0.8])
    assert found.loc[("transfer", 0), "title"] == "Transfer (short fits)"
    assert found.loc[("transfer", 1), "error"] == "ValueError: none"
    assert len(found) == 3
    assert list(over_device_sets(study)) == list(study)
    alone = study[study["device_set"] == ""]
    assert over_device_sets(alone) is alone


def test_predictions_are_of_one_set():
    study = pd.DataFrame([_row("ridge", "", 0.5), _row("transfer", "A", 0.6)])
    study = pd.concat([study, pd.DataFrame([_row("transfer", "B", 0.6)])], ignore_index=True)
    names = ["ridge", "transfer (A)", "transfer (B)", "transfer (B)"]
    targets = ["t:a", "t:a", "t:a", "t:b"]
    predictions = pd.DataFrame({"predictor": names, "target": targets, "truth": range(4)})
    found = predictions_of_one_set(predictions, study)
    assert found["predictor"].tolist() == ["ridge", "transfer", "transfer"]
    assert found["truth"].tolist() == [0, 1, 3]
