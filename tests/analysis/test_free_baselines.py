"""What needs no measurement, beside what learns from some."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from hwbench.analysis.free_baselines import free_ranks, free_samples, free_scores, free_taus

FREE = {"a:x": {"flops": 0.5, "random": 0.0}, "b:x": {"flops": 0.7, "random": 0.0}}


def test_scores_are_rows_of_no_measurements():
    found = free_scores(FREE)
    assert found["kendall_tau"].tolist() == [0.5, 0.0, 0.7, 0.0]
    assert set(found["training_size"]) == set(found["seeds"]) == {0}


def test_nothing_is_needed_where_a_tau_is_reached():
    found = free_samples(FREE, 0.5).set_index(["target", "predictor"])["samples"]
    assert found["a:x", "flops"] == found["b:x", "flops"] == 0
    assert found["a:x", "random"] == np.inf


def test_ranks_are_those_of_each_alone_beside_the_predictors():
    taus = pd.DataFrame({"good": [0.9, 0.8], "bad": [0.5, 0.1]}, index=["a:x", "b:x"])
    found = free_ranks(taus, FREE, {"a:x": "a:x", "b:x": "b:x"})
    expected = {
        name: np.mean(
            [rankdata([-own[name], *-taus.loc[target]])[0] for target, own in FREE.items()]
        )
        for name in ("flops", "random")
    }
    assert found == pytest.approx(expected)
    assert list(found) == ["flops", "random"]
    of_one = free_ranks(taus.mean().to_frame("a:x").T, FREE, {"a:x": "a:x", "b:x": "a:x"})
    assert of_one == {"flops": 2.0, "random": 3.0}
    only_one_knows = {**FREE, "b:x": {"random": 0.0}}
    assert list(free_ranks(taus, only_one_knows, {})) == ["random"]
    assert free_ranks(taus, {"a:x": {}, "b:x": {}}, {}) == {}


def test_a_run_that_knows_none_has_none(tmp_path):
    assert free_taus(tmp_path, ["a:x"]) == {"a:x": {}}
    record = {"hwbench": "0.1.0", "baselines": {"a:x": {"flops": 0.5}}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert free_taus(tmp_path, ["a:x", "b:x"]) == {"a:x": {"flops": 0.5}, "b:x": {}}
