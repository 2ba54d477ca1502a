"""Means over the devices of a set, and how often other devices helped."""

import json

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.device_sets import SetWords, set_curves, sources_used
from hwbench.analysis.statistics import mean_interval

SETS = [
    SetWords("A", "", ("t:a", "t:b"), ("t:c",), ()),
    SetWords("B", "", ("t:a",), ("t:c",), ()),
]


def _study():
    """Rho 0.1 times seed plus what predictor, target and set add."""
    rows = []
    for predictor, device_set, bonus in (
        ("ridge", "", 0.0),
        ("transfer", "A", 0.2),
        ("transfer", "B", 0.3),
    ):
        for target, shift in (("t:a", 0.0), ("t:b", 0.1)):
            if device_set == "B" and target == "t:b":
                continue
            for seed in range(3):
                rho = 0.1 * seed + bonus + shift
                about = {"helped": seed > 0, "weights": {"t:c": 0.1 * seed, "t:d": 0.5}}
                rows.append(
                    {
                        "predictor": predictor + f" ({device_set})" * bool(device_set),
                        "title": "t",
                        "own_training_set": False,
                        "encoding": "integers",
                        "device_set": device_set,
                        "target": target,
                        "training_size": 10,
                        "seed": seed,
                        "test_size": 50,
                        "spearman": rho,
                        "kendall_tau": rho / 2,
                        "about": json.dumps(about) if device_set else None,
                        "error": None,
                    }
                )
    return pd.DataFrame(rows)


def test_curves_are_means_over_a_sets_devices_with_intervals_over_seeds():
    found = set_curves(_study(), SETS).set_index(["device_set", "predictor"])
    assert len(found) == 4
    row = found.loc[("A", "transfer")]
    mean, low, high = mean_interval([0.25, 0.35, 0.45])
    assert (row["spearman"], row["low"], row["high"]) == pytest.approx((mean, low, high))
    assert row["kendall_tau"] == pytest.approx(mean / 2)
    assert (row["seeds"], row["targets"], row["training_size"]) == (3, 2, 10)
    assert found.loc[("B", "transfer"), "spearman"] == pytest.approx(0.4)
    assert found.loc[("B", "ridge"), "spearman"] == pytest.approx(0.1)


def test_seeds_that_lack_a_device_do_not_count():
    study = _study()
    failed = (study["target"] == "t:b") & (study["seed"] == 2) & (study["predictor"] == "ridge")
    study.loc[failed, "error"] = "ValueError"
    row = set_curves(study, SETS).set_index(["device_set", "predictor"]).loc[("A", "ridge")]
    assert row["seeds"] == 2
    assert row["spearman"] == pytest.approx(0.1)


def test_how_often_other_devices_helped_and_which():
    found = sources_used(_study()).set_index("device_set")
    assert found.loc["A", ["fits", "helped"]].tolist() == [6, 4]
    weights = found.loc["A", "weights"]
    assert list(weights) == ["t:d", "t:c"]
    assert weights == pytest.approx({"t:d": 0.5, "t:c": np.mean([0.1, 0.2])})
