"""Quality of search spaces: quantiles, distribution functions, chances."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from hwbench.analysis.space_quality import SpaceSample, best_space, better_share
from hwbench.report.space_quality import quality_page, quality_words

GENERATOR = np.random.default_rng(0)
GOOD = SpaceSample("good", GENERATOR.normal(93, 1, 100).round(1))
BAD = SpaceSample("bad", GENERATOR.normal(91, 2, 80).round(1))


def test_distribution_is_the_share_that_is_at_least_as_good():
    values, shares = SpaceSample("", np.array([90.0, 92.0, 92.0, 91.0])).distribution()
    assert values.tolist() == [92.0, 92.0, 91.0, 90.0]
    assert shares.tolist() == [50.0, 50.0, 75.0, 100.0]
    values, shares = SpaceSample("", np.array([9.0, 8.0, 8.0, 7.0]), minimize=True).distribution()
    assert values.tolist() == [7.0, 8.0, 8.0, 9.0]
    assert shares.tolist() == [25.0, 75.0, 75.0, 100.0]


@pytest.mark.parametrize("minimize", [False, True])
def test_the_chance_to_be_better_is_that_of_mann_and_whitney(minimize):
    one, other = (SpaceSample("", each.values, minimize) for each in (GOOD, BAD))
    statistic = mannwhitneyu(one.values, other.values).statistic
    expected = statistic / (len(one.values) * len(other.values))
    found = better_share(one, other)
    assert found == pytest.approx(1 - expected if minimize else expected)
    assert better_share(other, one) == pytest.approx(1 - found)


def test_quantiles_go_from_the_worst_to_the_best():
    for minimize in (False, True):
        found = list(SpaceSample("", GOOD.values, minimize).quantiles().values())
        steps = np.diff(found[:5])
        assert (steps < 0).all() if minimize else (steps > 0).all()
        assert found[-1] == (GOOD.values.min() if minimize else GOOD.values.max())
        assert found[-2] == GOOD.values.mean()


def test_words_and_page_begin_with_the_best_space():
    assert best_space([BAD, GOOD]) is GOOD
    first, second = quality_words([BAD, GOOD], "test accuracy, %")
    assert first.startswith("In the middle random architectures of good are best: 9")
    assert second.startswith("One of them is better than one of bad with a chance of")
    page = quality_page([BAD, GOOD], "test accuracy", "%")
    assert first.replace("test accuracy, %", "test accuracy (%)") in page
    assert "Share of random architectures that are as good as a value" in page
