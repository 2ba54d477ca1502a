import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from hwbench.advise.measurements import read_measurements
from hwbench.advise.noise import measured_noise


def _measured(space, truth, deviation, rows, seed=0):
    """Measurements of architectures, some of them several times."""
    archs = space.to_strings(space.sample(len(truth), seed=1))
    noise = deviation * np.random.default_rng(seed).standard_normal(len(rows))
    frame = pd.DataFrame({"arch": [archs[row] for row in rows], "latency_ms": truth[rows] + noise})
    return read_measurements(frame, space)


def test_ceiling_is_what_a_perfect_predictor_scores(nasbench201):
    truth = np.random.default_rng(5).normal(10.0, 1.0, size=300)
    rows = np.concatenate([np.arange(300), np.arange(150)])
    found = measured_noise(_measured(nasbench201, truth, 0.5, rows))
    scored = kendalltau(truth, _measured(nasbench201, truth, 0.5, np.arange(300)).values).statistic
    assert found.n_repeats >= 150
    assert found.deviation == pytest.approx(0.5, rel=0.12)
    assert found.tau_ceiling == pytest.approx(scored, abs=0.05)
    assert found.low < found.tau_ceiling < found.high


def test_few_repeats_give_a_wide_interval_that_covers(nasbench201):
    truth = np.random.default_rng(5).normal(10.0, 1.0, size=40)
    expected = 2 / np.pi * np.arcsin(np.sqrt(1 / 1.25))
    covered = []
    for seed in range(40):
        rows = np.concatenate([np.arange(40), np.arange(5)])
        found = measured_noise(_measured(nasbench201, truth, 0.5, rows, seed))
        covered.append(found.low <= expected <= found.high)
    assert np.mean(covered) >= 0.8


def test_twins_count_as_repeats(nasbench201):
    archs = nasbench201.sample(2000, seed=0)
    twins = nasbench201.twins(archs)
    pairs = np.flatnonzero((twins != archs).any(axis=1))[:10]
    both = np.concatenate([archs[pairs], twins[pairs]])
    _, first = np.unique(nasbench201.keys_of(both), return_index=True)
    both = both[np.sort(first)]
    frame = pd.DataFrame(
        {"arch": nasbench201.to_strings(both), "latency_ms": nasbench201.flops(both) / 1e6}
    )
    found = measured_noise(read_measurements(frame, nasbench201))
    assert found.n_repeats >= 5
    assert found.deviation == 0.0
    assert found.tau_ceiling == pytest.approx(1.0)


def test_too_few_repeats_say_nothing(nasbench201):
    truth = np.linspace(1.0, 2.0, 20)
    rows = np.concatenate([np.arange(20), [0, 1]])
    assert measured_noise(_measured(nasbench201, truth, 0.1, rows)) is None


def test_noise_does_not_hang_on_the_scale(nasbench201):
    truth = np.random.default_rng(5).normal(1.0, 0.3, size=100)
    rows = np.concatenate([np.arange(100), np.arange(50)])
    plain = _measured(nasbench201, truth, 0.1, rows)
    skewed = pd.DataFrame(
        {
            "arch": [nasbench201.to_string(plain.archs[row]) for row in plain.all_rows],
            "latency_ms": np.exp(3 * plain.all_values),
        }
    )
    found = measured_noise(read_measurements(skewed, nasbench201))
    assert found.tau_ceiling == pytest.approx(measured_noise(plain).tau_ceiling)
