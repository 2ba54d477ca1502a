"""The predictor of BANANAS: an ensemble of deep narrow networks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import PositiveInt

from hwbench.arguments import Positive
from hwbench.predictors.models.batched_mlp import ActivationName
from hwbench.predictors.models.mlp import MLP
from hwbench.predictors.tuning import fold_of_rows

NOISE_FOLDS = 5


class Bananas(MLP):
    """Mean of three networks; how much they differ says how uncertain it is (LAUBE A.1).

    What they agree on and is wrong all the same is estimated by cross-validation of one network,
    trained beside the members. The zoo's card gives it one-hot features, which in cells of fixed
    connections say what the study's path encoding does (LAUBE A.1).

    Parameters
    ----------
    n_layers, width, learning_rate, activation, residual, steps, batch_size, n_members : as for MLP.
    random_state : seed of starts and batches.

    Attributes
    ----------
    weights_ : as for MLP.
    noise_ : standard deviation, in units of the fitted targets, of what the members agree on.
    """

    def __init__(
        self,
        n_layers: PositiveInt = 20,
        width: PositiveInt = 20,
        learning_rate: Positive = 1e-3,
        activation: ActivationName = "relu",
        residual: bool = True,
        steps: PositiveInt = 2000,
        batch_size: PositiveInt | None = None,
        n_members: PositiveInt = 3,
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            n_layers=n_layers,
            width=width,
            learning_rate=learning_rate,
            activation=activation,
            residual=residual,
            steps=steps,
            batch_size=batch_size,
            n_members=n_members,
            random_state=random_state,
        )

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        super().fit(X, y)
        self.noise_ = 0.0
        if self.constant_ is None:
            targets = np.asarray(y, dtype=np.float64)
            folds = fold_of_rows(len(targets), NOISE_FOLDS, self._seed())
            left_out = self.cross_val_predict(X, targets, folds, [{"n_members": 1}])[0]
            spread = self._member_predictions(X).std(axis=0, ddof=min(1, self.n_members - 1))
            unexplained = ((targets - left_out) ** 2).mean() - (spread**2).mean()
            self.noise_ = float(np.sqrt(max(unexplained, np.finfo(float).tiny)))
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from features of shape (n_archs, n_features).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement.
        """
        members = self._member_predictions(X)
        mean = members.mean(axis=0)
        if not return_std:
            return mean
        spread = members.std(axis=0, ddof=min(1, len(members) - 1))
        return mean, np.maximum(np.hypot(spread, self.noise_), np.finfo(float).tiny)
