"""Cross-validating predictors of one metric: out-of-fold predictions and how well they rank.

Only pairs of the same fold are compared, so that both members were predicted by one model that saw
neither. Sums over pairs are kept a row, so that leaving an architecture out costs nothing: that
gives standard errors (the jackknife of a U-statistic) of every tau and of every difference of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from hwbench.arrays import Floats, IntArray
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.predictors.target_transform import TargetTransform
from hwbench.predictors.tuning import out_of_fold_predictions
from hwbench.spaces import Space


def networks_of(space: Space, archs: IntArray) -> IntArray:
    """Which rows are the same network: equal numbers, int64 of shape (n_archs,).

    Twins (`Space.twins`) share a number, so that they can be kept in one fold.
    """
    pairs = np.stack([space.keys_of(archs), space.keys_of(space.twins(archs))], axis=1)
    first = pairs.min(axis=1) if pairs.dtype.kind == "i" else [min(pair) for pair in pairs]
    return np.unique(np.asarray(first), return_inverse=True)[1].astype(np.int64)


def folds_of(networks: IntArray, n_folds: int, seed: Sequence[int]) -> IntArray:
    """Fold of each row, int64 of shape (n_archs,): random, a network's rows in one fold.

    Parameters
    ----------
    networks : of `networks_of`.
    n_folds : parts; no more than there are networks.
    seed : of the draw.
    """
    n_networks = int(networks.max()) + 1
    places = np.random.default_rng([*seed, n_networks]).permutation(n_networks)
    return np.asarray((places % min(n_folds, n_networks))[networks], dtype=np.int64)


def out_of_fold(
    model: ArchitectureRegressor,
    archs: IntArray,
    values: Floats,
    folds: IntArray,
    *,
    share: float = 1.0,
    seed: Sequence[int] = (0,),
) -> Floats:
    """Predictions of every row by models that were not fitted on its fold.

    Parameters
    ----------
    model : unfitted; its estimator is cloned.
    archs, values : all rows, of shapes (n_archs, n_positions) and (n_archs,).
    folds : of `folds_of`.
    share : of the other folds' rows that models are fitted on. Those of a smaller share are among
        those of a larger one, for the same seed.
    seed : of the rows that are left out.

    Returns
    -------
    float64 of shape (n_archs,), in the unit of `values`.
    """
    at_once = share >= 1.0 and model.tuning is None and model.target_transform == "raw"
    if at_once and hasattr(model.estimator, "cross_val_predict"):
        features = model.space.encode(archs, model.encoding)
        mean, scale = values.mean(), values.std() or 1.0
        found = out_of_fold_predictions(
            model.estimator, features, (values - mean) / scale, folds, [{}]
        )
        together = np.asarray(found[0] * scale + mean, dtype=np.float64)
        for fold in range(int(folds.max()) + 1):
            rows = folds == fold
            transform = TargetTransform("raw", values[~rows], positive=model.positive)
            together[rows] = transform.inverse(together[rows])
        return together
    predictions = np.empty(len(values))
    for fold in range(int(folds.max()) + 1):
        left_out = folds == fold
        others = np.flatnonzero(~left_out)
        if share < 1.0:
            order = np.random.default_rng([*seed, fold, len(values)]).permutation(others)
            others = np.sort(order[: max(2, round(share * len(others)))])
        fitted = clone(model).fit(archs[others], values[others])
        predictions[left_out] = fitted.predict(archs[left_out])
    return predictions


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums over the pairs of one fold, for each row over its own pairs, several repeats together.

    Attributes
    ----------
    agreement : of sign(truth difference) * sign(prediction difference), float64 (n_archs,).
    truths : pairs whose truths differ, float64 (n_archs,).
    predictions : pairs whose predictions differ, float64 (n_archs,).
    """

    agreement: Floats
    truths: Floats
    predictions: Floats

    def __add__(self, other: PairSums) -> PairSums:
        return PairSums(
            self.agreement + other.agreement,
            self.truths + other.truths,
            self.predictions + other.predictions,
        )

    @property
    def tau(self) -> float:
        """Kendall's tau-b over all pairs that were compared; 0 where nothing differs."""
        return float(_tau_b(self.agreement.sum(), self.truths.sum(), self.predictions.sum()).item())

    def influences(self, networks: IntArray) -> Floats:
        """What each network adds to tau, float64 of shape (n_networks,).

        The jackknife's pseudo-values less their mean, over n: their sum of squares is the variance
        of tau over samples of networks.
        """
        n = int(networks.max()) + 1
        # A pair counts in both of its rows: leaving one row out takes its pairs from two sums.
        left_out = _tau_b(
            *(
                each.sum() - 2 * np.bincount(networks, each, n)
                for each in (self.agreement, self.truths, self.predictions)
            )
        )
        return np.asarray((left_out.mean() - left_out) * np.sqrt((n - 1) / n))

    def standard_error(self, networks: IntArray) -> float:
        """Jackknife standard error of tau over samples of networks."""
        return float(np.sqrt((self.influences(networks) ** 2).sum()))


def pair_sums(truth: Floats, prediction: Floats, folds: IntArray) -> PairSums:
    """Compare the rows of each fold pairwise.

    Parameters
    ----------
    truth, prediction : float64 of shape (n_archs,).
    folds : int64 of shape (n_archs,).
    """
    sums = np.zeros((3, len(truth)))
    for fold in range(int(folds.max()) + 1):
        rows = np.flatnonzero(folds == fold)
        true = np.sign(truth[rows][:, None] - truth[rows])
        guess = np.sign(prediction[rows][:, None] - prediction[rows])
        sums[0, rows] = (true * guess).sum(axis=1)
        sums[1, rows] = np.abs(true).sum(axis=1)
        sums[2, rows] = np.abs(guess).sum(axis=1)
    return PairSums(*sums)


def _tau_b(agreement: Floats, truths: Floats, predictions: Floats) -> Floats:
    pairs = np.sqrt(np.maximum(truths, 0.0) * np.maximum(predictions, 0.0))
    return np.where(pairs > 0, agreement / np.where(pairs > 0, pairs, 1.0), 0.0)
