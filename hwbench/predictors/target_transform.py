"""What a target becomes before it is standardised and learned: itself, its logarithm, its rank."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.base import clone

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.predictors.tuning import fold_of_rows, out_of_fold_predictions, rank_agreement

Kind = Literal["raw", "log", "rank"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FEWEST_TO_CHOOSE = 16
"""Training rows below which targets stay raw: agreement of so few ranks is chance."""

MOST_TO_CHOOSE = 100
"""Training rows by which a transform is chosen, at most; of more they are drawn at random."""

WORTHWHILE = 0.25
"""Over the root of the number of rows: what another transform must add to Kendall's tau of the raw
targets to be chosen. Fewer rows mistake chance for gain."""

GOOD_ENOUGH = 0.8
"""Kendall's tau of the raw targets above which no other transform is tried."""

FOLDS = 5

LARGEST_EXPONENT = 700.0
"""Beyond it the exponential is infinite."""


class TargetTransform:
    """A monotone map of measured values, and back.

    Parameters
    ----------
    kind : "raw"; "log", the natural logarithm of positive values; "rank", normal scores of the
        training values' ranks, between which it is linear, and beyond which it goes on as between
        the last two.
    targets : training values, float64 (n_archs,).

    Raises
    ------
    HwbenchError
        Where a logarithm is asked of values that are not all positive.
    """

    smallest: float | None = None
    """The smallest training value, where no value is 0 or less."""

    def __init__(self, kind: Kind, targets: Floats, *, positive: bool = False) -> None:
        self.kind = kind
        if positive and kind != "log" and (targets > 0).all():
            self.smallest = float(targets.min())
        if kind == "log" and not (targets > 0).all():
            row = int(np.flatnonzero(~(targets > 0))[0])
            raise HwbenchError(
                f"target transform 'log' needs positive values, and that of row {row} is "
                f"{targets[row]:g}; 'rank' and 'raw' take any"
            )
        if kind == "rank" and np.ptp(targets) > 0:
            self.values, first = np.unique(targets, return_index=True)
            ranks = rankdata(targets, method="average")[first]
            self.scores: Floats = ndtri((ranks - 0.5) / len(targets))
        elif kind == "rank":
            self.kind = "raw"

    def transformed(self, targets: Floats) -> Floats:
        """Transformed values of training targets, float64 of the same shape."""
        if self.kind == "log":
            return np.log(targets)
        if self.kind == "rank":
            return np.interp(targets, self.values, self.scores)
        return targets

    def inverse(self, transformed: Floats) -> Floats:
        """Values in the target's unit; of a normal distribution's mean its median."""
        found = transformed
        if self.kind == "log":
            found = np.asarray(np.exp(np.minimum(transformed, LARGEST_EXPONENT)))
        elif self.kind == "rank":
            found = self._continued(transformed)
        return found if self.smallest is None else above_nothing(found, self.smallest)

    def deviation(self, mean: Floats, deviation: Floats) -> Floats:
        """Half the way between the values one deviation above and below, in the target's unit."""
        if self.kind == "raw" and self.smallest is None:
            return deviation
        return (self.inverse(mean + deviation) - self.inverse(mean - deviation)) / 2

    def _continued(self, scores: Floats) -> Floats:
        """Between the training values linear, beyond them with the slope of the last two."""
        values, known = self.values, self.scores
        found = np.interp(scores, known, values)
        low = (values[1] - values[0]) / (known[1] - known[0])
        high = (values[-1] - values[-2]) / (known[-1] - known[-2])
        found = np.where(scores < known[0], values[0] + low * (scores - known[0]), found)
        return np.where(scores > known[-1], values[-1] + high * (scores - known[-1]), found)


def above_nothing(values: Floats, smallest: float) -> Floats:
    """Values of which those below the smallest measured one approach 0 and keep their order.

    Parameters
    ----------
    values : float64 of any shape.
    smallest : above 0; from there on values are as they were, and their slope is 1 there.
    """
    bent = smallest**2 / (2 * smallest - np.minimum(values, smallest))
    return np.where(values < smallest, bent, values)


def choose_transform(
    estimator: Any, features: Any, targets: Floats, seed: int
) -> tuple[Kind, Any | None]:
    """The transform under which held-out rows are ranked best; raw unless another is worth it.

    Held out are single rows where the estimator says what it would predict of each
    (`leave_one_out`), else five folds.

    Parameters
    ----------
    estimator : unfitted; it is cloned.
    features, targets : training rows, of which 100 are drawn if there are more.
    seed : of the draw and the folds.

    Returns
    -------
    The kind, and the estimator fitted to all rows so transformed and standardised, where choosing
    has made it; else None.
    """
    rows = np.arange(len(targets))
    if len(rows) > MOST_TO_CHOOSE:
        rows = np.sort(np.random.default_rng([seed, len(rows)]).permutation(rows)[:MOST_TO_CHOOSE])
    own, known = features[rows], targets[rows]
    if len(targets) < FEWEST_TO_CHOOSE or np.ptp(known) == 0:
        return "raw", None
    raw, fitted = _held_out(estimator, own, known, "raw", seed)
    best: tuple[Kind, float, Any] = "raw", raw + WORTHWHILE / np.sqrt(len(known)), fitted
    if raw < GOOD_ENOUGH:
        for kind in ("log", "rank") if (targets > 0).all() else ("rank",):
            tau, model = _held_out(estimator, own, known, kind, seed)
            if tau > best[1]:
                best = kind, tau, model
    return best[0], best[2] if len(rows) == len(targets) else None


def _held_out(
    estimator: Any, features: Any, targets: Floats, kind: Kind, seed: int
) -> tuple[float, Any | None]:
    """Kendall's tau of held-out predictions with the targets, and what was fitted to all if it was.

    Where predictions are not finite tau is -1.
    """
    transformed = TargetTransform(kind, targets).transformed(targets)
    standardised = (transformed - transformed.mean()) / (transformed.std() or 1.0)
    model, fitted = clone(estimator), None
    if hasattr(model, "leave_one_out"):
        fitted = model.fit(features, standardised)
        found = fitted.leave_one_out(standardised)
    else:
        folds = fold_of_rows(len(targets), FOLDS, seed)
        found = out_of_fold_predictions(model, features, standardised, folds, [{}])[0]
    tau = rank_agreement(targets, np.asarray(found))
    return tau if np.isfinite(tau) else -1.0, fitted
