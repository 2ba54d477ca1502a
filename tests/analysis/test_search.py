"""How near searches came to the true front: within 0 and 1, whatever they found."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.analysis.search import attainment_surfaces, front_nearness, hypervolume_shares
from hwbench.errors import HwbenchError
from hwbench.fronts.anytime import hypervolumes_so_far
from hwbench.fronts.two import hypervolume, pareto_front

METRIC = "t:m"


def frames(seed, n_archs, n_evaluations, levels):
    """Two seeds of one strategy on a random table, and the table's front."""
    generator = np.random.default_rng(seed)
    accuracy = np.round(100 * generator.random(n_archs) * levels) / levels
    metric = generator.integers(0, levels, n_archs) / 7 + 1.0
    limits = {"reference_accuracy": 0.0, "reference_metric": 1.1 * metric.max()}
    parts = []
    for own in range(2):
        rows = generator.permutation(n_archs)[:n_evaluations]
        areas = hypervolumes_so_far(accuracy[rows] / 100, metric[rows], **limits)
        parts.append(
            pd.DataFrame(
                {
                    "accuracy_target": "t:a",
                    "metric_target": METRIC,
                    "goal": "front",
                    "strategy": "random",
                    "seed": own,
                    "limit": np.nan,
                    "evaluation": np.arange(1, len(rows) + 1),
                    "accuracy": accuracy[rows],
                    "metric": metric[rows],
                    "hypervolume": areas,
                }
            )
        )
    front = pareto_front(accuracy, metric)
    truth = {
        "metric_target": METRIC,
        "accuracy": accuracy[front],
        "metric": metric[front],
        "hypervolume": hypervolume(accuracy / 100, metric, **limits),
    }
    return pd.concat(parts, ignore_index=True), pd.DataFrame(truth)


@given(st.integers(0, 10_000), st.integers(2, 60), st.sampled_from([2, 5, 1000]), st.data())
def test_shares_lie_between_0_and_1(seed, n_archs, levels, data):
    n = data.draw(st.integers(1, n_archs))
    evaluations, fronts = frames(seed, n_archs, n, levels)
    shares = hypervolume_shares(evaluations, fronts, range(1, n + 1))["share"].dropna()
    assert ((shares >= 0) & (shares <= 1)).all()
    near = front_nearness(evaluations, fronts, n)
    assert len(near) == 2
    known = near.dropna()
    assert known["hypervolume_share"].between(0, 1).all()
    assert (known[["igd_plus", "additive_epsilon"]] >= 0).all(axis=None)
    if n == n_archs and len(known):
        assert known["hypervolume_share"].to_numpy() == pytest.approx(1.0)
        assert known[["igd_plus", "additive_epsilon"]].to_numpy() == pytest.approx(0.0)


def test_a_front_of_another_run_is_refused():
    evaluations, fronts = frames(0, 30, 30, 1000)
    fronts["hypervolume"] *= 0.9
    with pytest.raises(HwbenchError, match="of another run; run the search again"):
        hypervolume_shares(evaluations, fronts, [30])


def test_half_of_two_seeds_attain_what_either_found():
    evaluations, _ = frames(1, 40, 10, 1000)
    surfaces = attainment_surfaces(evaluations, 10)
    half = surfaces[surfaces["percent"] == 50]
    front = pareto_front(evaluations["accuracy"].to_numpy(), evaluations["metric"].to_numpy())
    assert half["metric"].to_numpy() == pytest.approx(evaluations["metric"].to_numpy()[front])
    assert half["accuracy"].to_numpy() == pytest.approx(evaluations["accuracy"].to_numpy()[front])
