"""Rounds that are chosen one after the other, each choice counted as measured."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwbench as hb
from hwbench.predictors.posterior import Fantasies, Posterior
from hwbench.search import Objective, make_strategy
from hwbench.search.strategies.acquisition import expected_hypervolume_improvement
from hwbench.search.strategies.batches import ByHypervolume, ByWeights

SPACE = hb.get_space("nasbench201")


def posterior(n_archs, seed, noise=0.1):
    """Some joint normal distribution, and the covariance of its values."""
    generator = np.random.default_rng(seed)
    root = generator.standard_normal((n_archs, 4))
    covariance = root @ root.T + 0.1 * np.eye(n_archs)
    mean = generator.standard_normal(n_archs)
    given = Posterior(
        mean, np.diagonal(covariance), np.full(n_archs, noise), lambda row: covariance[row]
    )
    return given, covariance


def test_a_fantasy_is_a_measurement_of_what_is_expected():
    """Against the formula of a conditioned normal distribution."""
    given, covariance = posterior(9, seed=1)
    found = Fantasies(given)
    rows = [2, 7, 2]
    for row in rows:
        found.imagine(row)
    among = covariance[np.ix_(rows, rows)] + 0.1 * np.eye(3)
    to_all = covariance[rows]
    left = covariance - to_all.T @ np.linalg.solve(among, to_all)
    np.testing.assert_allclose(found.deviation**2, np.diagonal(left) + 0.1)
    np.testing.assert_array_equal(found.mean, given.mean)


def test_independent_errors_tell_of_no_other():
    found = Fantasies(Posterior.independent(np.zeros(3), np.array([1.0, 2.0, 3.0])))
    found.imagine(1)
    np.testing.assert_allclose(found.deviation, [1, 2, 3])


def test_the_posterior_is_what_the_process_predicts():
    archs = SPACE.sample(40, seed=3)
    values = SPACE.flops(archs) / 1e8 + np.sin(archs).sum(axis=1)
    model = hb.make_predictor("structural_gaussian_process", space=SPACE, max_iterations=5)
    model.fit(archs, values)
    asked = np.concatenate([SPACE.sample(20, seed=4), archs[:1]])
    given = model.posterior(asked)
    mean, deviation = model.predict(asked, return_std=True)
    np.testing.assert_allclose(given.mean, mean)
    np.testing.assert_allclose(np.sqrt(given.variance + given.noise), deviation)
    covariance = np.stack([given.covariances(row) for row in range(len(asked))])
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-9 * covariance.max())
    np.testing.assert_allclose(np.diagonal(covariance), given.variance, atol=1e-7)
    assert np.linalg.eigvalsh(covariance).min() > -1e-7 * covariance.max()


def area(costs, reference):
    """What costs (n, 2) dominate up to the reference."""
    kept = costs[(costs < reference).all(axis=1)]
    total, top = 0.0, reference[1]
    for first, second in kept[np.argsort(kept[:, 0])]:
        if second < top:
            total += (reference[0] - first) * (top - second)
            top = second
    return total


@given(seed=st.integers(0, 50), n_known=st.integers(1, 6))
@settings(max_examples=10, deadline=None)
def test_the_expected_improvement_of_the_hypervolume_is_its_mean(seed, n_known):
    generator = np.random.default_rng(seed)
    known = generator.random((n_known, 2))
    mean, deviation = generator.random((2, 2)), 0.1 + generator.random((2, 2))
    reference = np.array([1.1, 1.2])
    found = expected_hypervolume_improvement(mean, deviation, known, reference)
    before = area(known, reference)
    for row in range(2):
        draws = generator.normal(mean[row], deviation[row], size=(4000, 2))
        grown = [area(np.concatenate([known, draw[None]]), reference) - before for draw in draws]
        error = 5 * np.std(grown) / np.sqrt(len(grown)) + 1e-9
        assert abs(np.mean(grown) - found[row]) < error


def beliefs(seed, n_archs=200):
    return [Fantasies(posterior(n_archs, seed + each)[0]) for each in range(2)]


def made(kind, seed, n_archs=200):
    known = np.random.default_rng(seed).standard_normal((5, 2))
    return kind(
        beliefs(seed), np.array([1.0, 2.0]), known, np.zeros(n_archs), np.random.default_rng(seed)
    )


@pytest.mark.parametrize("seed", range(4))
def test_bounds_choose_what_computing_all_does(seed):
    chosen = made(ByHypervolume, seed).choose(8, fantasies=True)
    everything = made(ByHypervolume, seed)
    known = everything.known
    reference = known.max(axis=0) + 0.1 * np.ptp(known, axis=0)
    expected = []
    for _ in range(8):
        deviations = np.stack([each.deviation for each in everything.beliefs], axis=1) / [1.0, 2.0]
        promise = expected_hypervolume_improvement(everything.means, deviations, known, reference)
        promise[expected] = -1.0
        expected.append(int(np.argmax(promise)))
        known = np.concatenate([known, everything.means[[expected[-1]]]])
        for each in everything.beliefs:
            each.imagine(expected[-1])
    assert chosen.tolist() == expected


@pytest.mark.parametrize("kind", [ByHypervolume, ByWeights])
def test_without_fantasies_a_round_is_the_best_by_what_was_known(kind):
    alone = made(kind, 0).choose(6, fantasies=False)
    assert len(set(alone)) == 6
    together = made(kind, 0).choose(6, fantasies=True)
    assert together[0] == alone[0]
    assert together.tolist() != alone.tolist()


def test_hypervolume_is_of_few_objectives():
    objectives = [Objective(name) for name in "abc"]
    with pytest.raises(hb.HwbenchError, match="one or two optimised objectives, not 3"):
        make_strategy(
            "gaussian_process",
            space=SPACE,
            objectives=objectives,
            acquisition="expected_hypervolume_improvement",
        )


def test_a_search_goes_on_from_what_its_predictor_has_learned(monkeypatch):
    starts = []
    strategy = make_strategy(
        "gaussian_process",
        space=SPACE,
        objectives=[Objective("cost")],
        n_initial=10,
        round_size=3,
        pool_size=50,
    )
    original = type(strategy)._go_on

    def watched(self, model, place):
        original(self, model, place)
        starts.append((model.estimator.start, model.estimator.max_iterations))

    monkeypatch.setattr(type(strategy), "_go_on", watched)
    for _ in range(17):
        archs = strategy.ask(1)
        strategy.tell(archs, SPACE.flops(archs) / 1e8)
    assert [start is None for start, _ in starts] == [True, False, False]
    assert [steps for _, steps in starts] == [20, 2, 2]


def test_a_start_of_another_space_is_refused():
    archs = SPACE.sample(5, seed=0)
    model = hb.make_predictor("structural_gaussian_process", space=SPACE, start=(0.0, 1.0))
    with pytest.raises(hb.HwbenchError, match="start holds 2 numbers"):
        model.fit(archs, np.arange(5.0))
