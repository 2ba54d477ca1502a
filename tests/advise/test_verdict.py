"""What leads, what warns and what is said of more measurements never contradict each other."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hwbench import advise_on
from hwbench.advise.baseline import free_baselines
from hwbench.advise.noise import Noise
from hwbench.advise.promise import Estimate
from hwbench.advise.trials import REPEATS, Data
from hwbench.advise.verdict import Against, judge


@pytest.fixture(scope="module")
def advice(nasbench201, measured):
    """A metric that FLOPs do not tell."""
    counts = nasbench201.encode(nasbench201.from_strings(measured["arch"]), "counts")
    own = 5 + counts @ np.arange(counts.shape[1]) ** 2
    return advise_on(
        measured.assign(latency_ms=own), "nasbench201", predictors=["ridge:counts"], work=50
    )


ESTIMATES = [Estimate(0.85, 0.8, 0.9), Estimate(0.8, 0.6, 0.9), Estimate(0.1, -0.2, 0.3)]
GAINS = [Estimate(0.05, 0.03, 0.07), Estimate(0.02, 0.0, 0.05), Estimate(0.005, 0.0, 0.01)]
NOISES = [None, Noise(5, 5, 0.1, 0.95, 0.9, 0.99), Noise(5, 5, 0.1, 0.5, 0.3, 0.6)]
AGAINST = [None, Against("FLOPs", 0.2, Estimate(0.3, 0.1, 0.5)),
           Against("FLOPs", 0.9, Estimate(-0.1, -0.2, 0.0))]  # fmt: skip


@pytest.mark.parametrize(
    ("tau", "gain", "noise", "against"),
    list(itertools.product(ESTIMATES, GAINS, NOISES, AGAINST)),
)
def test_nothing_contradicts(advice, monkeypatch, tau, gain, noise, against):
    promised = replace(advice.promise, tau=tau, gain=gain)
    monkeypatch.setattr("hwbench.advise.verdict._against", lambda *_: against)
    free = [] if against is None else [advice.ranking.chosen]
    verdict = judge(advice.measurements, promised, noise, advice.ranking.chosen, free, advice.data)
    changed = replace(advice, promise=promised, noise=noise, verdict=verdict)
    lines = changed.lines()
    (doubling,) = [line for line in lines if line.startswith("Twice the measurements")]
    leads = ("No model here", "Noise first", "To predict")
    assert lines[0].startswith(leads)
    assert not any(line.startswith(leads) for line in lines[1:])
    text = "\n".join(lines)
    assert lines[0].startswith("No model here") != verdict.has_model
    if verdict.kind == "guessing":
        assert "worthwhile" not in text
        assert "pairs in a hundred" not in text
    if verdict.kind == "noisy":
        assert "repeat measurements rather than add" in doubling
    if "hardly worthwhile" in text or "rather than add" in text:
        assert "Measure more" not in text
    if verdict.kind == "few":
        assert any("too few" in each for each in changed.warnings)
        assert "how good the model is" in doubling or "repeat" in doubling
    if "worthwhile" in text:
        word = (
            "perhaps" if gain.low < 0.02 <= gain.high else "hardly" if gain.high < 0.02 else ": w"
        )
        assert word in doubling
    assert verdict.kind in ("good", "few") or changed.warnings[0] == lines[0]
    assert len(set(changed.warnings)) == len(changed.warnings)


def test_a_free_ranking_that_is_as_good_leads(nasbench201, measured):
    found = advise_on(measured, "nasbench201", predictors=["ridge:counts"], work=50)
    assert found.verdict.kind == "free"
    assert found.lines()[0].startswith("No model here: FLOPs alone, which need no measurement")
    assert found.verdict.against.gain.value <= 0


def test_free_rankings_are_those_of_the_space(nasbench201):
    archs = nasbench201.sample(40, seed=0)
    values = -nasbench201.parameters(archs).astype(float)
    found = free_baselines(Data.of(nasbench201, archs, values, 0))
    assert {each.candidate.title for each in found} == {
        "FLOPs",
        "parameters",
        "operation counts",
    }
    assert {len(each.sums) for each in found} == {REPEATS}
    assert found[0].tau == pytest.approx(1.0)  # that fewer are better is seen, too
    assert found[1].tau <= found[0].tau


def test_a_metric_of_how_many_operations_there_are_needs_no_model(nasbench201):
    archs = nasbench201.sample(60, seed=0)
    counts = nasbench201.structure.computing(archs) + 1e-3 * nasbench201.flops(archs).argsort()
    file = pd.DataFrame({"arch": nasbench201.to_strings(archs), "latency_ms": 1 + counts})
    found = advise_on(file, "nasbench201", predictors=["random_forest"], work=50)
    assert found.verdict.against.title == "operation counts"


def test_noise_alone_has_no_search(measured):
    noise = 10 + np.random.default_rng(1).normal(size=60)
    found = advise_on(
        measured.assign(latency_ms=noise), "nasbench201", predictors=["ridge:counts"], work=50
    )
    assert found.selection is None
    assert "Nothing is said of a search: there is no model to search by." in found.lines()
