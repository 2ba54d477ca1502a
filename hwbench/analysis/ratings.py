"""Ratings of competitors from scores in the same trials: win rates, Elo, and their intervals.

A trial is won by the higher score; equal scores are half a win for both. Elo ratings are those of
Bradley and Terry's model (*Rank analysis of incomplete block designs*, 1952) at its maximum of
likelihood: unlike ratings that are updated game by game they depend on no order of the games.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import Floats, IntArray

PRIOR_GAMES = 1.0
"""Each pair is taken to have drawn so many games beside those that were played: who has won or lost
every game would be infinitely far from the others."""

POINTS = 400.0
"""Elo points between two of whom one wins ten times as often."""

MEAN_ELO = 1000.0
"""The mean rating of all."""

RESAMPLES = 200
"""Of trials, for an interval."""


@dataclass(frozen=True)
class Ratings:
    """How competitors stand.

    Attributes
    ----------
    elo : float64 of shape (n,); NaN of one that has played no game.
    elo_low, elo_high : their 95 % bootstrap intervals, NaN where there is one block.
    win_rate : share of games that each has won, draws half, float64 of shape (n,).
    win_low, win_high : their intervals.
    games : trials times rivals, int64 of shape (n,).
    """

    elo: Floats
    elo_low: Floats
    elo_high: Floats
    win_rate: Floats
    win_low: Floats
    win_high: Floats
    games: IntArray


def wins_of_trials(scores: ArrayLike) -> tuple[Floats, Floats]:
    """Who beats whom in each trial.

    Parameters
    ----------
    scores : higher is better, NaN where one took no part, shape (n_trials, n).

    Returns
    -------
    Wins and games, float64 of shape (n_trials, n, n): of the row's against the column's.
    """
    table = np.asarray(scores, dtype=np.float64)
    mine, other = table[:, :, None], table[:, None, :]
    played = ~(np.isnan(mine) | np.isnan(other))
    played[:, np.arange(table.shape[1]), np.arange(table.shape[1])] = False
    won = (mine > other) + 0.5 * (mine == other)
    return np.where(played, won, 0.0), played.astype(np.float64)


def elo_ratings(wins: ArrayLike, games: ArrayLike, *, prior: float = PRIOR_GAMES) -> Floats:
    """Elo ratings of Bradley and Terry's model, of mean `MEAN_ELO`.

    Parameters
    ----------
    wins, games : of the row's against the column's, shape (n, n); the diagonal is not read.
    prior : drawn games that each pair is taken to have played besides.

    Returns
    -------
    float64 of shape (n,); NaN of those that have played no game.

    Raises
    ------
    ValueError
        Where the shapes do not fit, or `prior` is negative.
    """
    won, played = np.array(wins, dtype=np.float64), np.array(games, dtype=np.float64)
    if won.ndim != 2 or won.shape[0] != won.shape[1] or won.shape != played.shape:
        raise ValueError("wins and games must be square, and of one shape")
    if prior < 0:
        raise ValueError(f"prior must not be negative, not {prior}")
    for each in (won, played):
        np.fill_diagonal(each, 0.0)
    active = np.flatnonzero(played.sum(axis=1) > 0)
    found = np.full(len(won), np.nan)
    if not len(active):
        return found
    n_games = played[np.ix_(active, active)]
    n_wins = won[np.ix_(active, active)]
    off = ~np.eye(len(active), dtype=bool)
    n_games[off] += prior
    n_wins[off] += prior / 2
    logs = _bradley_terry(n_wins.sum(axis=1), n_games)
    found[active] = MEAN_ELO + POINTS / np.log(10) * (logs - logs.mean())
    return found


def _bradley_terry(won: Floats, games: Floats) -> Floats:
    """Logarithms of strengths at the maximum of likelihood, by Newton's method.

    The likelihood is concave in the logarithms, so that its one maximum is where the games that
    each is expected to win are those that it has won.
    """
    logs = np.zeros(len(won))
    for _ in range(100):
        share = 1.0 / (1.0 + np.exp(logs[None, :] - logs[:, None]))
        slope = won - (games * share).sum(axis=1)
        weights = games * share * (1.0 - share)
        curvature = np.diag(weights.sum(axis=1)) - weights
        # The sum of the logarithms is free: it is held where it is.
        step = np.linalg.solve(curvature + 1.0 / len(won), slope)
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        logs += step
        if np.abs(step).max() < 1e-10:
            break
    return logs - logs.mean()


def ratings(
    scores: ArrayLike,
    blocks: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ratings:
    """Elo and win rates with bootstrap intervals.

    What is drawn again is blocks, such as targets, and within each its trials, such as seeds: what
    is known of few targets stays little however many seeds they have.

    Parameters
    ----------
    scores : higher is better, NaN where one took no part, shape (n_trials, n).
    blocks : of each trial, shape (n_trials,); with one block its trials alone are drawn again.
    confidence : of the intervals.
    resamples, seed : of the bootstrap.

    Raises
    ------
    ValueError
        Where the shapes do not fit.
    """
    table, of_trial = np.asarray(scores, dtype=np.float64), np.asarray(blocks)
    if table.ndim != 2 or of_trial.shape != table.shape[:1]:
        raise ValueError("scores must have shape (n_trials, n), blocks (n_trials,)")
    wins, games = wins_of_trials(table)
    elo, rate = _both(wins.sum(axis=0), games.sum(axis=0))
    n = table.shape[1]
    elos, rates = np.full((resamples, n), np.nan), np.full((resamples, n), np.nan)
    if len(table) > 1:
        flat = wins.reshape(len(table), -1), games.reshape(len(table), -1)
        for place, weights in enumerate(_drawn_again(of_trial, resamples, seed)):
            won, played = ((weights @ each).reshape(n, n) for each in flat)
            elos[place], rates[place] = _both(won, played)
    edges = [(1 - confidence) / 2, (1 + confidence) / 2]
    (elo_low, elo_high), (win_low, win_high) = _quantiles(elos, edges), _quantiles(rates, edges)
    return Ratings(
        elo, elo_low, elo_high, rate, win_low, win_high, games.sum(axis=(0, 2)).astype(np.int64)
    )


def _both(wins: Floats, games: Floats) -> tuple[Floats, Floats]:
    """Elo and win rate."""
    played = games.sum(axis=1)
    rate = np.divide(wins.sum(axis=1), played, out=np.full(len(wins), np.nan), where=played > 0)
    return elo_ratings(wins, games), rate


def _quantiles(values: Floats, edges: list[float]) -> Floats:
    """Quantiles of the columns, NaN of those that have no value in some resamples."""
    found = np.full((2, values.shape[1]), np.nan)
    whole = ~np.isnan(values).any(axis=0) & (len(values) > 0)
    if whole.any():
        found[:, whole] = np.quantile(values[:, whole], edges, axis=0)
    return found


def _drawn_again(blocks: np.ndarray, resamples: int, seed: int) -> Floats:
    """How often each trial counts in each resample, float64 of shape (resamples, n_trials)."""
    generator = np.random.default_rng(seed)
    names, of_trial = np.unique(blocks, return_inverse=True)
    members = [np.flatnonzero(of_trial == place) for place in range(len(names))]
    weights = np.zeros((resamples, len(blocks)))
    for row in weights:
        for block in generator.integers(len(names), size=len(names)):
            own = members[block]
            np.add.at(row, generator.choice(own, len(own)), 1.0)
    return weights
