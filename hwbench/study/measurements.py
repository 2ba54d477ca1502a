"""Which targets of a study are of one measurement, so that they count once where tables count."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from hwbench.tables import Target

SAME_ORDER = 0.99
"""Spearman's correlation from which on two columns are one measurement, whatever their units: such
as an energy that is the latency times a constant."""

MOST_ROWS = 5000
"""Common architectures that the correlation is taken over, drawn where there are more."""


def measurement_of(targets: Sequence[Target]) -> dict[str, str]:
    """For every target the first of those that are of the same measurement.

    Two columns are of one measurement where they are of one table, device, dataset and unit (two
    statistics of the same runs; what a card leaves open counts as the same), or where they order
    the architectures of one space alike (`SAME_ORDER`).

    Parameters
    ----------
    targets : of a study.

    Returns
    -------
    "table:column" by "table:column"; a target that stands alone is its own.
    """
    first = {target.key: target.key for target in targets}
    for one, other in combinations(targets, 2):
        if first[other.key] == other.key and _one_measurement(one, other):
            first[other.key] = first[one.key]
    return first


def _one_measurement(one: Target, other: Target) -> bool:
    if one.space.name != other.space.name:
        return False
    cards = (one.card, other.card)
    alike = one.table_name == other.table_name and all(
        getattr(cards[0], name) == getattr(cards[1], name) for name in ("device", "dataset", "unit")
    )
    if alike:
        return True
    rows = np.arange(len(one.table))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    values = other.values_of(one.table.archs[rows])
    known = np.isfinite(values) & np.isfinite(one.values[rows])
    return _order_alike(one.values[rows][known], values[known])


def _order_alike(one: np.ndarray, other: np.ndarray) -> bool:
    from scipy.stats import spearmanr

    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return False
    return bool(abs(spearmanr(one, other).statistic) >= SAME_ORDER)
