"""How noisy a column is, and the best rank correlation a predictor can reach against it.

Twins are architectures that are the same network, such as two cells that differ by the order of
their nodes: what is measured on them differs by noise alone. With normal values, the correlation r
of twins is the share of variance that is not noise, a perfect predictor correlates by sqrt(r) with
one noisy measurement, and Kendall's tau is 2/pi arcsin of a correlation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.tables.card import NoiseCard
from hwbench.tables.table import Table

FEWEST_VALUES = 3
DRAWS = 100  # pairs of measurements
MOST_DRAWN = 2_000_000  # values in all
FEWEST_PAIRS = 30  # below, tau of the pairs is itself too uncertain to say anything


def twin_noise(first: ArrayLike, second: ArrayLike) -> NoiseCard | None:
    """Noise of one value, from pairs of values of which each is such a value.

    Parameters
    ----------
    first, second : float64 of shape (n_pairs,), in any order within a pair.

    Returns
    -------
    None where fewer than `FEWEST_PAIRS` pairs have two known values.
    """
    a, b = _known(first, second)
    if len(a) < FEWEST_PAIRS:
        return None
    # A pair has no order: it counts both ways round.
    tau = _kendall_tau(np.concatenate([a, b]), np.concatenate([b, a]))
    return _noise_card("twins", len(a), tau, _correlation(tau), _deviation(a, b))


def halves_noise(
    first: ArrayLike, second: ArrayLike, *, longer: float = 2.0, method: str = "halves"
) -> NoiseCard | None:
    """Noise of a whole measurement, from the same summary of two equal parts of its rounds.

    The whole is `longer` times a part: its correlation with another whole follows from that of the
    parts by the Spearman-Brown formula, and its noise is 1/sqrt(longer) of theirs. That holds for
    averages. What disturbs a measurement only adds time, so that the fastest of more runs gains
    more than this, and the ceiling is a cautious one.

    Parameters
    ----------
    first, second : float64 of shape (n_archs,).
    longer : rounds of the whole for each round of a part.
    method : "seeds" where the parts are trainings.

    Returns
    -------
    None where fewer than `FEWEST_PAIRS` architectures were measured.
    """
    a, b = _known(first, second)
    if len(a) < FEWEST_PAIRS:
        return None
    tau = _kendall_tau(a, b)
    half = _correlation(tau)
    whole = longer * half / (1 + (longer - 1) * half)
    return _noise_card(method, len(a), tau, whole, _deviation(a, b) / math.sqrt(longer))


def given_noise(values: ArrayLike, deviations: ArrayLike, *, method: str) -> NoiseCard | None:
    """Noise of values whose standard deviations are known, from repeats or from who measured.

    Two measurements are drawn of each architecture, normal around its value, and Kendall's tau of
    the two is taken, the mean over `DRAWS` such pairs.

    Parameters
    ----------
    values : float64 of shape (n_archs,), NaN where there is none.
    deviations : of each value, float64 of shape (n_archs,), NaN where it is not known.
    method : "repeats" or "deviations".

    Returns
    -------
    None where fewer than `FEWEST_VALUES` values have a deviation, or all values are equal.
    """
    value = np.asarray(values, dtype=np.float64)
    deviation = np.asarray(deviations, dtype=np.float64)
    known = np.isfinite(value) & np.isfinite(deviation)
    value, deviation = value[known], deviation[known]
    if len(value) < FEWEST_VALUES or np.ptp(value) == 0:
        return None
    generator = np.random.default_rng(0)
    draws = max(1, min(DRAWS, MOST_DRAWN // len(value)))
    noise = generator.standard_normal((draws, 2, len(value))) * deviation
    taus = [_kendall_tau(value + first, value + second) for first, second in noise]
    tau = float(np.mean(taus))
    of_one = float(np.sqrt(np.mean(deviation**2)))
    return _noise_card(method, len(value), tau, _correlation(tau), of_one)


def with_twin_noise(table: Table) -> Table:
    """The table with a noise estimate from twins, if its space has any, in every column's card."""
    first, second = _twin_rows(table)
    if len(first) < FEWEST_PAIRS:
        return table
    columns = {}
    for name, card in table.card.columns.items():
        values = table.column(name)
        found = None
        measured = card.noise is not None and card.noise.method in ("repeats", "deviations")
        if not card.shared_by_function and not measured:
            found = twin_noise(values[first], values[second])
        columns[name] = card if found is None else card.model_copy(update={"noise": found})
    return Table(table.frame, table.card.model_copy(update={"columns": columns}))


def _twin_rows(table: Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the table whose architectures are twins of each other, each pair once."""
    archs = table.archs
    twins = table.space.twins(archs)
    rows = np.flatnonzero((twins != archs).any(axis=1))
    if not len(rows):
        return rows, rows
    others = table.space.rows_among(twins[rows], table.keys)
    once = others > rows
    return rows[once], others[once]


def _known(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    return a[known], b[known]


def _kendall_tau(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    from scipy.stats import kendalltau

    if (a == b).all():
        return 1.0  # without noise, constant columns included
    tau = float(kendalltau(a, b).statistic)
    return 0.0 if math.isnan(tau) else tau


def _correlation(tau: float) -> float:
    return max(0.0, math.sin(math.pi / 2 * tau))


def _deviation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2) / 2))


def _noise_card(
    method: str, n_pairs: int, tau: float, correlation: float, deviation: float
) -> NoiseCard:
    ceiling = 2 / math.pi * math.asin(math.sqrt(min(1.0, correlation)))
    return NoiseCard.model_validate(
        {
            "method": method,
            "n_pairs": n_pairs,
            "kendall_tau": tau,
            "deviation": deviation,
            "tau_ceiling": ceiling,
        }
    )
