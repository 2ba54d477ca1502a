"""Fitted predictors as PyTorch modules, for searches that follow a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from hwbench.errors import HwbenchError
from hwbench.predictors.target_transform import TargetTransform


class Linear(torch.nn.Module):
    """A linear model: maps features (n_archs, n_features) to predictions (n_archs,)."""

    def __init__(self, coefficients: Any, intercept: float) -> None:
        super().__init__()
        self.register_buffer("coefficients", torch.as_tensor(np.asarray(coefficients).reshape(-1)))
        self.register_buffer("intercept", torch.as_tensor(float(intercept), dtype=torch.float64))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict."""
        coefficients = self.get_buffer("coefficients").to(features.dtype)
        return features @ coefficients + self.get_buffer("intercept").to(features.dtype)


class InUnit(torch.nn.Module):
    """A module of standardised predictions, in the unit of the targets."""

    def __init__(
        self,
        standardised: torch.nn.Module,
        mean: float,
        scale: float,
        transform: TargetTransform,
    ) -> None:
        super().__init__()
        self.standardised = standardised
        self.mean = mean
        self.scale = scale
        self.kind = transform.kind
        self.smallest = transform.smallest
        if self.kind == "rank":
            self.register_buffer("values", torch.as_tensor(transform.values))
            self.register_buffer("scores", torch.as_tensor(transform.scores))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict, from features (n_archs, n_features) to (n_archs,)."""
        own: torch.Tensor = self.standardised(features) * self.scale + self.mean
        return self._in_unit(own)

    def mean_and_deviation(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Predictions and standard deviations of a new measurement, (n_archs,) each.

        Raises
        ------
        HwbenchError
            Where the model does not say how uncertain it is.
        """
        told = getattr(self.standardised, "mean_and_variance", None)
        if not callable(told):
            kind = type(self.standardised).__name__
            raise HwbenchError(f"{kind}: this module does not say how uncertain it is")
        mean, variance = told(features)
        own, deviation = mean * self.scale + self.mean, variance.sqrt() * self.scale
        if self.kind == "raw" and self.smallest is None:
            return own, deviation
        above, below = self._in_unit(own + deviation), self._in_unit(own - deviation)
        return self._in_unit(own), (above - below) / 2

    def _in_unit(self, own: torch.Tensor) -> torch.Tensor:
        if self.kind == "log":
            own = own.exp()
        elif self.kind == "rank":
            own = self._of_scores(own)
        return own if self.smallest is None else self._above_nothing(own, self.smallest)

    @staticmethod
    def _above_nothing(own: torch.Tensor, smallest: float) -> torch.Tensor:
        """As `above_nothing` of target transforms."""
        bent = smallest**2 / (2 * smallest - own.clamp(max=smallest))
        return torch.where(own < smallest, bent, own)

    def _of_scores(self, own: torch.Tensor) -> torch.Tensor:
        """As `TargetTransform.inverse`: linear between training values, and beyond the last two."""
        values = self.get_buffer("values").to(own.dtype)
        scores = self.get_buffer("scores").to(own.dtype)
        above = torch.searchsorted(scores, own.detach().contiguous())
        above = above.clamp(1, len(scores) - 1)
        low, high = scores[above - 1], scores[above]
        share = (own - low) / (high - low)
        return values[above - 1] + share * (values[above] - values[above - 1])


def differentiable_predictor(
    estimator: Any, mean: float, scale: float, transform: TargetTransform
) -> torch.nn.Module:
    """The module of a fitted estimator: its own `to_torch()`, or that of its linear coefficients.

    Parameters
    ----------
    estimator : fitted on standardised targets.
    mean, scale : what the transformed targets were standardised with.
    transform : of the targets.

    Raises
    ------
    HwbenchError
        Where the estimator is neither linear nor offers a module.
    """
    if hasattr(estimator, "to_torch"):
        return InUnit(estimator.to_torch(), mean, scale, transform)
    coefficients = getattr(estimator, "coef_", None)
    if coefficients is None or np.size(coefficients) != estimator.n_features_in_:
        raise HwbenchError(
            f"{type(estimator).__name__} is not differentiable: "
            "linear models, neural networks and Gaussian processes are"
        )
    linear = Linear(coefficients, float(np.squeeze(estimator.intercept_)))
    return InUnit(linear, mean, scale, transform)
