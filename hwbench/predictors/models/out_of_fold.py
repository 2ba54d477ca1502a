"""How far off a model is on rows that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats
from hwbench.predictors.tuning import fold_of_rows

FOLDS = 5

LEAST_DEVIATION = 1e-6
"""Of a new measurement, in units of the fitted targets: no model knows one exactly."""

Told = Callable[[Any, NDArray[Any]], tuple[Floats, Floats]]
"""Of a fitted model and features, what it predicts and how uncertain it says it is."""


def unexplained_variance(
    fit: Callable[[NDArray[Any], Floats], Any],
    told: Told,
    features: NDArray[Any],
    targets: Floats,
    seed: int,
) -> float:
    """The mean square of out-of-fold errors beyond what the model says they are.

    Boosted trees take next to all of a small training set for explained: their virtual ensembles,
    or the normal distributions that they learn, then hold next to none of the new measurements.

    Parameters
    ----------
    fit : gives a model fitted to features (n_archs, n_features) and targets (n_archs,).
    told : see `Told`.
    features, targets : of the training rows.
    seed : of the folds.

    Returns
    -------
    At least the square of `LEAST_DEVIATION`; the targets' variance where there are fewer than 3
    rows.
    """
    if len(targets) < 3:
        return max(float(targets.var()), LEAST_DEVIATION**2)
    folds = fold_of_rows(len(targets), FOLDS, seed)
    excess = np.empty(len(targets))
    for fold in range(int(folds.max()) + 1):
        out = folds == fold
        mean, deviation = told(fit(features[~out], targets[~out]), features[out])
        excess[out] = (mean - targets[out]) ** 2 - deviation**2
    return max(float(excess.mean()), LEAST_DEVIATION**2)
