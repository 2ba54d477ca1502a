"""Scores of normal predictions against what they are by definition."""

import numpy as np
import pytest
from scipy import integrate, stats

from hwbench.results.study_columns import COVERAGE_AT, UNCERTAINTY_SCORES
from hwbench.results.uncertainty_scores import uncertainty_scores
from hwbench.study.scores import score

RNG = np.random.default_rng(0)
MEAN, DEVIATION = RNG.normal(5, 3, 4000), RNG.uniform(0.5, 2, 4000)
TRUTH = RNG.normal(MEAN, DEVIATION)


def test_intervals_of_a_right_model_hold_what_they_say():
    found = uncertainty_scores(TRUTH, MEAN, DEVIATION)
    for percent in COVERAGE_AT:
        assert found[f"coverage_{percent}"] == pytest.approx(percent, abs=2.5)
    sure = uncertainty_scores(TRUTH, MEAN, DEVIATION / 3)
    assert sure["coverage_95"] < 60
    for name in ("crps", "negative_log_likelihood"):
        assert found[name] < sure[name]
        assert found[name] < uncertainty_scores(TRUTH, MEAN, DEVIATION * 3)[name]


def test_crps_and_likelihood_are_their_definitions():
    truth, mean, deviation = TRUTH[:5], MEAN[:5], DEVIATION[:5]
    found = uncertainty_scores(truth, mean, deviation)
    scale = truth.std()

    def crps(y, m, s):
        below = integrate.quad(lambda x: stats.norm.cdf(x, m, s) ** 2, m - 9 * s, y)[0]
        above = integrate.quad(lambda x: stats.norm.sf(x, m, s) ** 2, y, m + 9 * s)[0]
        return below + above

    wanted = np.mean([crps(*each) for each in zip(truth, mean, deviation, strict=True)])
    assert found["crps"] == pytest.approx(wanted / scale, rel=1e-5)
    surprise = -stats.norm.logpdf(truth / scale, mean / scale, deviation / scale).mean()
    assert found["negative_log_likelihood"] == pytest.approx(surprise)


@pytest.mark.parametrize("wrong", [np.zeros(4000), np.full(4000, np.nan), -DEVIATION])
def test_no_deviation_has_no_score(wrong):
    found = uncertainty_scores(TRUTH, MEAN, wrong)
    assert set(found) == set(UNCERTAINTY_SCORES)
    assert np.isnan(list(found.values())).all()


def test_they_are_scores_of_a_study_where_a_predictor_tells():
    assert set(UNCERTAINTY_SCORES) <= set(score(TRUTH, MEAN, deviation=DEVIATION))
    assert not set(UNCERTAINTY_SCORES) & set(score(TRUTH, MEAN))
