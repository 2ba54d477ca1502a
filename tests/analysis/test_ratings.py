"""Ratings against brute force: definitions written out, and the likelihood itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from hwbench.analysis.ratings import MEAN_ELO, elo_ratings, ratings, wins_of_trials

FEW = st.sampled_from([0.1, 0.2, 0.3, np.nan])  # draws, and some that took no part
TABLES = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(2, 5)), elements=FEW)


def counted(table):
    """Wins and games, game by game."""
    n = table.shape[1]
    wins, games = np.zeros((n, n)), np.zeros((n, n))
    for trial in table:
        for a in range(n):
            for b in range(n):
                if a == b or np.isnan(trial[a]) or np.isnan(trial[b]):
                    continue
                games[a, b] += 1
                wins[a, b] += 1 if trial[a] > trial[b] else 0.5 if trial[a] == trial[b] else 0
    return wins, games


@given(TABLES)
def test_wins_are_those_that_are_counted_game_by_game(table):
    wins, games = (each.sum(axis=0) for each in wins_of_trials(table))
    expected_wins, expected_games = counted(table)
    np.testing.assert_array_equal(wins, expected_wins)
    np.testing.assert_array_equal(games, expected_games)


@given(TABLES)
def test_elo_is_where_the_likelihood_is_highest(table):
    wins, games = counted(table)
    active = games.sum(axis=1) > 0
    found = elo_ratings(wins, games)
    assert (np.isnan(found) == ~active).all()
    if active.sum() < 2:
        return
    own = np.ix_(active, active)
    won = wins[own] + 0.5 * (1 - np.eye(active.sum()))

    def loss(logs):
        return (won * np.log1p(np.exp(logs[None, :] - logs[:, None]))).sum()

    best = minimize(loss, np.zeros(active.sum()), method="BFGS", tol=1e-9).x
    expected = MEAN_ELO + 400 / np.log(10) * (best - best.mean())
    np.testing.assert_allclose(found[active], expected, atol=0.1)


def test_ten_wins_to_one_are_400_points():
    found = elo_ratings([[0, 1000], [100, 0]], [[0, 1100], [1100, 0]], prior=0)
    assert found[0] - found[1] == pytest.approx(400, abs=1e-6)
    assert found.mean() == pytest.approx(MEAN_ELO)


def test_who_wins_every_game_has_a_finite_rating():
    scores = np.tile([3.0, 2.0, 1.0], (40, 1))
    found = ratings(scores, np.zeros(40))
    assert np.isfinite(found.elo).all()
    assert (np.diff(found.elo) < 0).all()
    np.testing.assert_allclose(found.win_rate, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(found.games, [80, 80, 80])


def test_intervals_hold_the_ratings_and_narrow_with_blocks():
    generator = np.random.default_rng(0)
    scores = generator.normal([0.0, 0.5, 1.0], 1.0, size=(60, 3))
    few = ratings(scores[:6], np.repeat(np.arange(2), 3))
    many = ratings(scores, np.repeat(np.arange(20), 3))
    assert (many.elo_low <= many.elo).all()
    assert (many.elo <= many.elo_high).all()
    assert ((many.win_high - many.win_low) < (few.win_high - few.win_low)).all()
    again = ratings(scores, np.repeat(np.arange(20), 3))
    np.testing.assert_array_equal(again.elo_low, many.elo_low)


def test_seeds_of_one_target_say_little_of_others():
    # On one target the first always wins, on the other the second: however many seeds.
    scores = np.concatenate([np.tile([1.0, 0.0], (50, 1)), np.tile([0.0, 1.0], (50, 1))])
    by_target = ratings(scores, np.repeat([0, 1], 50))
    assert by_target.win_low[0] == 0.0
    assert by_target.win_high[0] == 1.0
    pooled = ratings(scores, np.zeros(100))
    assert pooled.win_low[0] > 0.3


def test_one_trial_has_no_interval():
    found = ratings([[1.0, 2.0]], [0])
    assert np.isnan(found.elo_low).all()
    assert np.isnan(found.win_high).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="square"):
        elo_ratings(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="negative"):
        elo_ratings(np.zeros((2, 2)), np.zeros((2, 2)), prior=-1)
    with pytest.raises(ValueError, match="blocks"):
        ratings(np.zeros((3, 2)), np.zeros(2))
