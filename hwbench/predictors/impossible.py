"""Predictions that no measurement could be: a latency below zero.

Linear models and Gaussian processes know nothing of a metric's sign. What they predict is left as
it is, since its order may still be right, but it is said that its size is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hwbench.tables.own.column_words import quantity_of
from hwbench.tables.own.plausible import NOT_NEGATIVE, POSITIVE


class ImpossiblePredictionWarning(UserWarning):
    """Some predictions of a metric that is always positive are not."""


def is_positive(unit: str | None, name: str = "") -> bool:
    """Whether no measurement of a metric is 0 or less, by its unit or name: of a latency, say."""
    return quantity_of(unit, name) in POSITIVE


def count_impossible(predictions: ArrayLike, unit: str | None, name: str = "") -> int:
    """How many predictions are values that the metric cannot have.

    Parameters
    ----------
    predictions : float64 of shape (n_archs,).
    unit : of the metric, such as "ms".
    name : of the metric, whose words tell where the unit does not.
    """
    values = np.asarray(predictions, dtype=np.float64)
    quantity = quantity_of(unit, name)
    if quantity in POSITIVE:
        return int((values <= 0).sum())
    if quantity in NOT_NEGATIVE:
        return int((values < 0).sum())
    return 0


def impossible_note(predictions: ArrayLike, unit: str | None, name: str = "") -> str | None:
    """What to say of predictions that the metric cannot have; None where there is none.

    Parameters
    ----------
    predictions, unit, name : as for `count_impossible`.
    """
    count = count_impossible(predictions, unit, name)
    if not count:
        return None
    total = len(np.asarray(predictions))
    quantity = quantity_of(unit, name)
    below = "not above 0" if quantity in POSITIVE else "below 0"
    return (
        f"{count:,} of {total:,} predictions {'is' if count == 1 else 'are'} {below}, which no "
        f"{quantity} is: trust their order at most, not their size; more measurements, or a "
        "predictor of trees, would mend it"
    )
