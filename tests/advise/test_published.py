"""What is advised on a sample of a published column, against the whole column."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from hwbench import advise_on
from hwbench.advise.candidates import cost_of, find_candidates
from hwbench.simulation.selection import evaluate_selection
from hwbench.tables.pairs import load_accuracies

DEVICES = (
    "embedded-gpu-jetson-nano-fp16_latency_ms",
    "desktop-cpu-core-i7-7820x-fp32_latency_ms",
)
DSP = "mobile-dsp-snapdragon-675-hexagon-685-int8_latency_ms"
SAMPLES = 60
LINEAR = ["bayesian_linear_regression", "bayesian_ridge_counts"]
FEW = ["structural_gaussian_process", "bayesian_linear_regression", "lightgbm:onehot"]
DEAREST = 3


def sample_of(folder, device, draw):
    """A sample of a device's measurements, and the others."""
    frame = pd.read_parquet(folder / "latbench_nb201.parquet", columns=["arch_str", device])
    frame = frame.dropna().rename(columns={"arch_str": "arch", device: "latency_ms"})
    order = np.random.default_rng([draw, 7]).permutation(len(frame))
    return frame.iloc[order[:SAMPLES]], frame.iloc[order[SAMPLES:]]


def true_tau(model, space, others):
    """Of a fitted model, on all architectures that were not measured."""
    predicted = model.predict(space.from_strings(others["arch"]))
    return float(kendalltau(others["latency_ms"], predicted).statistic)


def true_taus(space, sample, others, candidates):
    """Of every candidate, fitted to the sample."""
    archs, values = space.from_strings(sample["arch"]), sample["latency_ms"].to_numpy()
    found = {}
    for candidate in candidates:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[candidate.label] = true_tau(
                candidate.make(space, 0).fit(archs, values), space, others
            )
    return found


@pytest.mark.slow
def test_advice_on_a_sample_holds_for_the_column(shared_data, nasbench201):
    sample, others = sample_of(shared_data, DEVICES[0], draw=0)
    advice = advise_on(sample, "nasbench201", predictors=FEW)
    picked = true_tau(advice.model, nasbench201, others)
    assert advice.promise.tau.low <= picked <= advice.promise.tau.high
    zoo = true_taus(nasbench201, sample, others, find_candidates(nasbench201, FEW)[0])
    assert picked >= max(zoo.values()) - 0.02
    assert advice.warnings == ()


@pytest.mark.slow
@pytest.mark.parametrize("device", [*DEVICES, DSP])
def test_nine_promises_in_ten_hold(shared_data, nasbench201, device):
    """With two linear models to choose from, 20 samples of a device; and so do the losses.

    Measured: 20, 19 and 16 promises of 20 held.
    """
    accuracies = load_accuracies("hw-nas-bench:cifar10.test_accuracy", "nasbench201")
    held, inside = [], []
    for draw in range(20):
        sample, others = sample_of(shared_data, device, draw)
        advice = advise_on(sample, "nasbench201", predictors=LINEAR)
        tau, promised = true_tau(advice.model, nasbench201, others), advice.promise.tau
        held.append(promised.low <= tau <= promised.high)
        lost = real_losses(advice, accuracies, others, draw)
        told = advice.selection.mra_all
        inside.append(np.mean((told.low <= lost) & (lost <= told.high)))
    assert sum(held) >= 14  # of 20 with a chance of 0.9 each
    assert np.mean(inside) >= 0.7


def real_losses(advice, accuracies, others, seed, repeats=20):
    """MRA of what is picked among 1,000 random architectures by the model's real predictions."""
    space = accuracies.space
    archs, metric = space.from_strings(others["arch"]), others["latency_ms"].to_numpy()
    accuracy, predicted = accuracies.values_of(archs), advice.model.predict(archs)
    generator = np.random.default_rng([seed, 99])
    found = []
    for _ in range(repeats):
        rows = generator.choice(np.flatnonzero(np.isfinite(accuracy)), 1000, replace=False)
        picked = evaluate_selection(accuracy[rows], metric[rows], predicted[rows])
        found.append(picked["mra_all"])
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_advice_on_ten_samples(shared_data, nasbench201, device):
    """Nine promises in ten hold; what is picked is near the best of the zoo.

    Measured with the whole zoo: 10 and 9 promises of 10 held, the pick was 0.0006 and 0.0067 behind
    the best of each draw on average, 0.005 and 0.027 at most.
    """
    candidates = find_candidates(nasbench201)[0]
    tried = [f"{c.predictor}:{c.encoding}" for c in candidates if cost_of(c) <= DEAREST]
    # On other encodings every predictor is more than 0.06 behind the best here.
    candidates = [each for each in candidates if each.encoding in ("live", "integers")]
    held, lost = [], []
    for draw in range(10):
        sample, others = sample_of(shared_data, device, draw)
        advice = advise_on(sample, "nasbench201", predictors=tried, work=10**6)
        picked = true_tau(advice.model, nasbench201, others)
        held.append(advice.promise.tau.low <= picked <= advice.promise.tau.high)
        zoo = true_taus(nasbench201, sample, others, candidates)
        lost.append(max(zoo.values()) - picked)
    assert sum(held) >= 8  # of ten with a chance of 0.9 each
    assert np.mean(lost) <= 0.02
