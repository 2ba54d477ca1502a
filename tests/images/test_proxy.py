"""Which images stand for a whole set."""

from itertools import combinations

import numpy as np
import pytest

from hwbench.images.proxy import (
    both_ends_rows,
    centre_rows,
    drawn_rows,
    entropy_bins,
    highest_rows,
    low_and_random_rows,
    lowest_rows,
    prediction_entropy,
    radius,
    selection_probabilities,
)

HEIGHTS = {"p1": (1, 5, 9), "p2": (1, 5, 9), "p3": (1, 2, 4)}
SHARES = {"p1": (9 / 15, 5 / 15, 1 / 15), "p2": (1 / 3,) * 3, "p3": (4 / 7, 2 / 7, 1 / 7)}


def entropies_of(heights, width=0.5):
    """So many images in the bins from 10^-3 on."""
    return np.concatenate(
        [
            np.full(height, 10 ** (-3 + (place + 0.4) * width))
            for place, height in enumerate(heights)
        ]
    )


def test_entropies_of_predictions():
    logits = np.log([[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3], [1.0, 1e-30, 1e-30]])
    expected = [1.5 * np.log(2), np.log(3), 0.0]
    np.testing.assert_allclose(prediction_entropy(logits), expected, atol=1e-12)
    np.testing.assert_allclose(prediction_entropy(logits + 700.0), expected, atol=1e-10)
    assert prediction_entropy([[1000.0, 0.0]])[0] == 0.0


def test_bins_begin_at_the_rounded_least_exponent_stepped_down():
    bins, heights = entropy_bins([10**-3.4, 10**-3.05, 10**-2.9, 10**-0.2], 0.5)
    assert bins.tolist() == [0, 0, 1, 6]  # from -3.5
    assert heights.tolist() == [2, 1, 0, 0, 0, 0, 1]
    bins, _ = entropy_bins([10**-3.6, 10**-3.45], 0.5)
    assert bins.tolist() == [0, 1]  # from -4
    bins, _ = entropy_bins([0.0, 1.0], 0.5)
    assert bins.tolist() == [0, 24]


@pytest.mark.parametrize("kind", HEIGHTS)
def test_shares_of_bins_are_the_published_formulas(kind):
    entropies = entropies_of(HEIGHTS[kind])
    probabilities = selection_probabilities(entropies, kind, 0.5)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    bins, _ = entropy_bins(entropies, 0.5)
    shares = np.bincount(bins, weights=probabilities)
    np.testing.assert_allclose(shares[shares > 0], SHARES[kind], rtol=1e-12)
    if kind == "p3":
        each = [probabilities[bins == place][0] for place in range(3)]
        np.testing.assert_allclose(np.array(each) / each[2], [16, 4, 1])


@pytest.mark.parametrize("kind", HEIGHTS)
def test_empty_bins_are_given_nothing(kind):
    entropies = entropies_of((3, 0, 0, 6))
    probabilities = selection_probabilities(entropies, kind, 0.5)
    low = probabilities[:3].sum()
    assert low == pytest.approx({"p1": 4 / 5, "p2": 1 / 2, "p3": 2 / 3}[kind])


@pytest.mark.parametrize("kind", HEIGHTS)
def test_draws_follow_the_probabilities(kind):
    entropies = entropies_of(HEIGHTS[kind])
    generator = np.random.default_rng(0)
    drawn = [drawn_rows(entropies, 1, kind, 0.5, generator)[0] for _ in range(4000)]
    found = np.bincount(drawn, minlength=len(entropies)) / 4000
    expected = selection_probabilities(entropies, kind, 0.5)
    np.testing.assert_allclose(found, expected, atol=0.035)
    every = drawn_rows(entropies, len(entropies), kind, 0.5, generator)
    assert sorted(every) == list(range(len(entropies)))


def test_ends_are_nested_and_functions_of_the_seed():
    values = np.random.default_rng(1).integers(0, 20, 60)
    for rows, order in ((lowest_rows, values), (highest_rows, -values)):
        every = rows(values, 60, np.random.default_rng(7))
        assert sorted(every) == list(range(60))
        np.testing.assert_array_equal(order[every], np.sort(order))
        for count in (1, 7, 30):
            some = rows(values, count, np.random.default_rng(7))
            np.testing.assert_array_equal(some, every[:count])


@pytest.mark.parametrize(
    "choose",
    [
        lambda values, generator: lowest_rows(values, 10, generator),
        lambda values, generator: highest_rows(values, 10, generator),
        lambda values, generator: both_ends_rows(values, 10, 0.5, generator),
        lambda values, generator: low_and_random_rows(values, 10, 0.5, generator),
        lambda values, generator: centre_rows(values[:, None], 10, generator),
    ],
)
def test_of_equal_images_every_one_is_as_likely(choose):
    values = np.zeros(20, dtype=np.float32)
    often = np.zeros(20)
    generator = np.random.default_rng(0)
    for _ in range(2000):
        often[choose(values, generator)] += 1
    np.testing.assert_allclose(often / 2000, 0.5, atol=0.06)  # five deviations


def test_how_ties_are_broken_leaves_other_draws_alone():
    values = np.random.default_rng(2).random(40)
    order = np.argsort(values)
    drawn = np.random.default_rng(3).choice(order[5:], size=5, replace=False)
    rows = low_and_random_rows(values, 10, 0.5, np.random.default_rng(3))
    np.testing.assert_array_equal(rows, [*order[:5], *drawn])
    centres = centre_rows(values[:, None], 3, np.random.default_rng(3))
    assert centres[0] == np.random.default_rng(3).integers(40)


def test_both_ends():
    values = np.random.default_rng(2).random(40)
    order = np.argsort(values)
    generator = np.random.default_rng(0)
    rows = both_ends_rows(values, 10, 0.9, generator)
    assert set(rows) == {*order[:9], order[-1]}
    assert set(both_ends_rows(values, 10, 1.0, generator)) == set(order[:10])
    assert sorted(both_ends_rows(values, 40, 0.5, generator)) == list(range(40))
    mixed = low_and_random_rows(values, 10, 0.5, np.random.default_rng(0))
    assert set(mixed[:5]) == set(order[:5])
    assert len(set(mixed)) == 10


def test_order_of_the_images_does_not_matter():
    values = np.random.default_rng(3).random(30)
    shuffle = np.random.default_rng(4).permutation(30)
    generator = np.random.default_rng(0)
    for choose in (
        lambda v: lowest_rows(v, 8, generator),
        lambda v: both_ends_rows(v, 8, 0.75, generator),
    ):
        assert set(shuffle[choose(values[shuffle])]) == set(choose(values))
    for kind in HEIGHTS:
        np.testing.assert_allclose(
            selection_probabilities(values[shuffle], kind, 0.5),
            selection_probabilities(values, kind, 0.5)[shuffle],
        )


@pytest.mark.parametrize(("centre", "deviation"), [(0, 1), (30, 0.01), (1e6, 10)])
def test_centres_are_at_most_twice_as_far_as_the_best_ones(centre, deviation):
    generator = np.random.default_rng(5)
    for _ in range(20):
        features = generator.normal(centre, deviation, size=(8, 3)).astype(np.float32)
        radii = []
        for count in range(1, 8):
            centres = centre_rows(features, count, np.random.default_rng(0))
            assert len(set(centres)) == count
            radii.append(radius(features, centres))
            best = min(radius(features, np.array(some)) for some in combinations(range(8), count))
            assert radii[-1] <= 2 * best * (1 + 1e-6)
        assert radii == sorted(radii, reverse=True)


def test_centres_of_equal_images_are_different_rows():
    centres = centre_rows(np.ones((6, 2), dtype=np.float32), 6, np.random.default_rng(0))
    assert sorted(centres) == list(range(6))
