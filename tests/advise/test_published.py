"""What is advised on a sample of a published column, against the whole column."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from hwbench import advise_on
from hwbench.advise.candidates import cost_of, find_candidates

DEVICES = (
    "embedded-gpu-jetson-nano-fp16_latency_ms",
    "desktop-cpu-core-i7-7820x-fp32_latency_ms",
)
SAMPLES = 60
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


def test_advice_on_a_sample_holds_for_the_column(shared_data, nasbench201):
    sample, others = sample_of(shared_data, DEVICES[0], draw=0)
    advice = advise_on(sample, "nasbench201", predictors=FEW)
    picked = true_tau(advice.model, nasbench201, others)
    assert advice.promise.tau.low <= picked <= advice.promise.tau.high
    zoo = true_taus(nasbench201, sample, others, find_candidates(nasbench201, FEW)[0])
    assert picked >= max(zoo.values()) - 0.02
    assert advice.warnings == ()


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
