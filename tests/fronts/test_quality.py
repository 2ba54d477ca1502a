"""Nearness to a true front against moocore, and within its bounds whatever is rounded."""

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwbench.fronts.quality import TrueFront
from hwbench.simulation import measures

# Few different values, so that ties and duplicates are common; and any values.
tied = st.integers(1, 30).flatmap(
    lambda n: arrays(np.int64, (n, 2), elements=st.integers(0, 6)).map(lambda a: a.astype(float))
)
rough = st.integers(1, 30).flatmap(
    lambda n: arrays(np.float64, (n, 2), elements=st.floats(-100, 100, width=32))
)
points = st.one_of(tied, rough)
seeds = st.integers(0, 2**32 - 1)


def some_of(array, seed):
    generator = np.random.default_rng(seed)
    return array[generator.permutation(len(array))[: generator.integers(1, len(array) + 1)]]


@given(tied, seeds)
def test_all_three_agree_with_moocore(array, seed):
    found = some_of(array, seed)
    front = TrueFront.of(*array.T)
    costs = np.column_stack([-front.accuracy, front.metric])
    nadir = costs.max(axis=0)
    if len(costs) == 1:  # the worst of all stand in for its ends
        nadir = np.column_stack([-array[:, 0], array[:, 1]]).max(axis=0)
    nadir = np.where(nadir > costs.min(axis=0), nadir, costs.min(axis=0) + 1)
    ours = np.column_stack([-found[:, 0], found[:, 1]])
    true, own = (
        moocore.normalise(each, lower=costs.min(axis=0), upper=nadir) for each in (costs, ours)
    )
    share = moocore.hypervolume(own, ref=1.1) / moocore.hypervolume(true, ref=1.1)
    assert front.hypervolume_share(*found.T) == pytest.approx(share, abs=1e-9)
    assert front.igd_plus(*found.T) == pytest.approx(moocore.igd_plus(own, ref=true), abs=1e-9)
    assert front.epsilon_additive(*found.T) == pytest.approx(
        moocore.epsilon_additive(own, ref=true), abs=1e-9
    )


@given(points, seeds)
def test_a_share_is_never_above_one_nor_below_zero(array, seed):
    front = TrueFront.of(*array.T)
    order = np.random.default_rng(seed).permutation(len(array))
    shares = front.hypervolume_shares_so_far(*array[order].T)
    assert (shares >= 0).all()
    assert (shares <= 1).all()
    assert (np.diff(shares) >= 0).all()
    assert shares[-1] == 1.0  # exactly: what was not left out reaches all of the front
    assert front.hypervolume_share(front.accuracy, front.metric) == 1.0
    assert front.hypervolume_share(np.empty(0), np.empty(0)) == 0.0


@given(points, points)
def test_points_beyond_a_front_do_not_make_its_share_larger_than_one(array, others):
    # A front of a table that lacks architectures which were measured otherwise.
    share = TrueFront.of(*array.T).hypervolume_share(*np.concatenate([array, others]).T)
    assert share == 1.0


@given(tied, seeds)
def test_shares_so_far_are_those_of_the_first_points(array, seed):
    front = TrueFront.of(*array.T)
    found = some_of(array, seed)
    expected = [front.hypervolume_share(*found[: n + 1].T) for n in range(len(found))]
    np.testing.assert_allclose(front.hypervolume_shares_so_far(*found.T), expected, atol=1e-12)


@given(points)
def test_units_decide_nothing(array):
    found = array[: max(1, len(array) // 2)]
    one = TrueFront.of(*array.T)
    gaps = np.concatenate([np.diff(np.unique(values)) for values in array.T])
    if len(one.metric) == 1 or gaps.min() < 1e-3:
        scaled, moved = array, found  # nothing to scale, or points that rounding puts together
    else:
        scaled, moved = (each * [0.5, 1000.0] + [10.0, -3.0] for each in (array, found))
    other = TrueFront.of(*scaled.T)
    for name in ("hypervolume_share", "igd_plus", "epsilon_additive"):
        value = getattr(other, name)(*moved.T)
        assert value == pytest.approx(getattr(one, name)(*found.T), abs=1e-6), name


def test_ideal_and_nadir_are_the_ends_of_the_front():
    front = TrueFront.of(np.array([70.0, 80.0, 90.0, 10.0]), np.array([1.0, 2.0, 5.0, 9.0]))
    assert front.ideal == (90.0, 1.0)
    assert front.nadir == (70.0, 5.0)  # the hopeless fourth point moves nothing
    np.testing.assert_allclose(
        front.normalised(front.accuracy, front.metric), [[1, 0], [0.5, 0.25], [0, 1]]
    )
    # Strips of the unit square and a tenth around it, with the point in the middle and without.
    whole = 0.1 * 0.25 + 0.6 * 0.75 + 1.1 * 0.1
    assert front.hypervolume_share(np.array([70.0, 90.0]), np.array([1.0, 5.0])) == pytest.approx(
        (0.1 * 1 + 1.1 * 0.1) / whole
    )
    assert front.epsilon_additive(np.array([70.0, 90.0]), np.array([1.0, 5.0])) == 0.5


def test_a_front_of_one_point_is_normalised_by_all_points():
    front = TrueFront.of(np.array([90.0, 80.0]), np.array([1.0, 3.0]))
    assert (front.ideal, front.nadir) == ((90.0, 1.0), (80.0, 3.0))
    alone = TrueFront.of(np.array([90.0]), np.array([1.0]))
    assert alone.nadir == (89.0, 2.0)
    assert TrueFront.of(np.array([90.0]), np.array([1.0]), nadir=(50.0, 4.0)).nadir == (50.0, 4.0)


def test_compiled_code_counts_as_far_beyond_the_nadir():
    from hwbench.fronts import quality

    assert measures.BEYOND_NADIR == quality.BEYOND
