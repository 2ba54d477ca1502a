"""Multi-layer perceptrons, alone or as an ensemble, and many of them cross-validated at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import Positive, check_parameters
from hwbench.predictors.models.batched_mlp import (
    ActivationName,
    Network,
    Weights,
    outputs,
    predict,
    train,
)

SMALLEST_BATCH, LARGEST_BATCH = 16, 128
BATCHES_A_PASS = 64
"""Where the training set is large enough for batches between those sizes."""


class MLP(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Mean of fully connected networks (LAUBE A.1), trained by Adam on Huber's loss.

    Parameters
    ----------
    n_layers : hidden layers.
    width : units of each.
    learning_rate : the largest of a schedule that warms up and falls along a cosine.
    activation : "relu", "tanh" or "hardswish".
    residual : whether every hidden layer but the first adds to what it is given, which deep
        networks need to learn from few rows.
    steps : of the optimiser, whatever the number of rows.
    batch_size : rows a step; by default between 16 and 128, growing with the training set.
    n_members : networks of other starts and batches whose mean is the prediction.
    random_state : seed of starts and batches.

    Attributes
    ----------
    weights_ : of each member and layer a float32 matrix (inputs, outputs) and vector (outputs,).
    """

    def __init__(
        self,
        n_layers: PositiveInt = 3,
        width: PositiveInt = 32,
        learning_rate: Positive = 1e-3,
        activation: ActivationName = "relu",
        residual: bool = False,
        steps: PositiveInt = 2000,
        batch_size: PositiveInt | None = None,
        n_members: PositiveInt = 1,
        random_state: int | None = None,
    ) -> None:
        self.n_layers = n_layers
        self.width = width
        self.learning_rate = learning_rate
        self.activation = activation
        self.residual = residual
        self.steps = steps
        self.batch_size = batch_size
        self.n_members = n_members
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        features = np.ascontiguousarray(X, dtype=np.float32)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        self.constant_ = float(targets[0]) if np.ptp(targets) == 0 else None
        self.weights_: list[Weights] = []
        if self.constant_ is None:
            networks = self._networks({}, np.arange(len(targets)), self._seed())
            self.weights_ = train(networks, features, targets.astype(np.float32))
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from features of shape (n_archs, n_features)."""
        return np.asarray(self._member_predictions(X).mean(axis=0))

    def cross_val_predict(
        self,
        X: ArrayLike,
        y: ArrayLike,
        folds: NDArray[np.int64],
        configurations: Sequence[Mapping[str, Any]],
    ) -> NDArray[np.float64]:
        """Out-of-fold predictions of many configurations, their networks trained side by side.

        Parameters
        ----------
        X, y : features (n_archs, n_features) and targets (n_archs,).
        folds : int64 of shape (n_archs,); each row is predicted by a model of the other folds.
        configurations : hyper-parameters that replace this estimator's own.

        Returns
        -------
        float64 of shape (n_configurations, n_archs).
        """
        features = np.ascontiguousarray(X, dtype=np.float32)
        targets = np.asarray(y, dtype=np.float64)
        predictions = np.zeros((len(configurations), len(targets)))
        seed = self._seed()
        networks, owners = [], []
        for place, configuration in enumerate(configurations):
            for fold in range(int(folds.max()) + 1):
                rows = np.flatnonzero(folds != fold)
                if np.ptp(targets[rows]) == 0:
                    predictions[place, folds == fold] = targets[rows[0]]
                    continue
                members = self._networks(configuration, rows, seed)
                networks += members
                owners += [(place, fold, len(members))] * len(members)
        trained = train(networks, features, targets.astype(np.float32))
        for network, weights, (place, fold, n_members) in zip(
            networks, trained, owners, strict=True
        ):
            left_out = folds == fold
            own = predict(weights, network.activation, network.residual, features[left_out])
            predictions[place, left_out] += own / n_members
        return predictions

    def to_torch(self) -> torch.nn.Module:
        """The fitted network as a module: float features (n_archs, n_features) to (n_archs,).

        Features may be relaxed one-hots; the module is differentiable in them.
        """
        check_is_fitted(self, "weights_")
        if self.constant_ is not None:
            return ConstantNetwork(self.constant_)
        return MeanNetwork(self.weights_, self.activation, self.residual)

    def _member_predictions(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predictions of every member, float64 of shape (n_members, n_archs)."""
        check_is_fitted(self, "weights_")
        features = np.ascontiguousarray(X, dtype=np.float32)
        if self.constant_ is not None:
            return np.full((1, len(features)), self.constant_)
        return np.stack(
            [predict(own, self.activation, self.residual, features) for own in self.weights_]
        )

    def _networks(
        self, configuration: Mapping[str, Any], rows: NDArray[np.int64], seed: int
    ) -> list[Network]:
        check_parameters(self, configuration)
        own = {**self.get_params(deep=False), **configuration}
        batch = own["batch_size"] or min(
            max(SMALLEST_BATCH, len(rows) // BATCHES_A_PASS), LARGEST_BATCH
        )
        return [
            Network(
                n_layers=own["n_layers"],
                width=own["width"],
                learning_rate=own["learning_rate"],
                activation=own["activation"],
                residual=own["residual"],
                batch_size=min(batch, len(rows)),
                steps=own["steps"],
                rows=rows,
                seed=(seed, member),
            )
            for member in range(own["n_members"])
        ]

    def _seed(self) -> int:
        if self.random_state is not None:
            return self.random_state
        return int(np.random.default_rng().integers(2**31))


class MeanNetwork(torch.nn.Module):
    """Mean of fully connected networks: features (n_archs, n_features) to (n_archs,)."""

    def __init__(self, members: Sequence[Weights], activation: str, residual: bool) -> None:
        super().__init__()
        self.members = torch.nn.ModuleList(
            torch.nn.ParameterList(
                torch.nn.Parameter(torch.from_numpy(part.copy()))
                for layer in weights
                for part in layer
            )
            for weights in members
        )
        self.activation = activation
        self.residual = residual

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict."""
        found = []
        for member in self.members:
            parts = list(member.parameters())
            layers = list(zip(parts[::2], parts[1::2], strict=True))
            found.append(outputs(layers, self.activation, self.residual, features))
        return torch.stack(found).mean(dim=0)


class ConstantNetwork(torch.nn.Module):
    """The same value for any features (n_archs, n_features)."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict."""
        return features.sum(dim=1) * 0 + self.value
