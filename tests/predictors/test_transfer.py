"""What other devices have measured, and how much of it is learned from."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.all_architectures()[:60]


@pytest.fixture
def sources():
    """Of two devices, the second has measured every third cell."""
    values = np.stack([np.arange(60.0), 100 + np.arange(60.0)], axis=1)
    values[np.arange(60) % 3 != 0, 1] = np.nan
    return hb.SourceMetrics(SPACE, ARCHS, values, ("one", "two"))


def test_sources_are_checked():
    archs = SPACE.sample(5, seed=0)
    with pytest.raises(HwbenchError, match="shape"):
        hb.SourceMetrics(SPACE, archs, np.zeros((5, 2)), ("one",))
    with pytest.raises(HwbenchError, match="source one: fewer than 2"):
        hb.SourceMetrics(SPACE, archs, np.full((5, 1), np.nan), ("one",))


def test_each_source_has_measured_so_many_of_those_that_it_has(sources):
    found = sources.sampled(12, seed=1)
    assert np.isfinite(found.values).sum(axis=0).tolist() == [12, 12]
    np.testing.assert_array_equal(found.values, np.where(
        np.isfinite(found.values), sources.values_of(found.archs), np.nan
    ))  # fmt: skip
    assert np.isfinite(found.values).any(axis=1).all()
    again, other = sources.sampled(12, seed=1), sources.sampled(12, seed=2)
    np.testing.assert_array_equal(found.archs, again.archs)
    assert not np.array_equal(found.archs, other.archs)
    # Of fewer than are asked for all are taken.
    assert np.isfinite(sources.sampled(50).values).sum(axis=0).tolist() == [50, 20]
    assert np.isfinite(sources.sampled(None).values).sum(axis=0).tolist() == [60, 20]


def test_what_the_target_has_measured_comes_first_and_what_it_is_tested_on_never(sources):
    first, never = ARCHS[[30, 4, 17, 9]], ARCHS[40:]
    outside = SPACE.all_architectures()[-3:]  # which no source has
    found = sources.sampled(
        8, first=np.concatenate([outside, first]), never=np.concatenate([never, outside]), seed=0
    )
    assert np.isfinite(found.values).sum(axis=0).tolist() == [8, 8]
    measured = found.values_of(first)
    np.testing.assert_array_equal(measured[:, 0], [30, 4, 17, 9])
    np.testing.assert_array_equal(measured[:, 1], [130, np.nan, np.nan, 109])
    assert np.isnan(found.values_of(never)).all()


def test_sources_that_have_measured_nothing_but_the_test_set_are_refused(sources):
    with pytest.raises(HwbenchError, match="source two: fewer than 2"):
        sources.sampled(5, never=ARCHS[::3])
