"""A covariance over groups of features: linear and smooth in each, and smooth in all together.

With groups g = 1..G of features phi_g(x), and d_g = |phi_g(x) - phi_g(z)|^2 / 2,

    k(x, z) = 1 + sum_g a_g <phi_g(x), phi_g(z)> + sum_g b_g exp(-d_g / l_g^2)
                + c exp(-sum_g d_g / m_g^2)

The sums are additive effects of each group, the last term their interaction; the 1 is the variance
of a constant. All parameters are handled as logarithms, in one vector of `size` numbers: G of a, G
of b, G of l, c, G of m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwbench.arrays import Floats

ROWS_AT_ONCE = 512
"""Rows of a large covariance that are computed together; they fit a processor's cache."""


@dataclass(frozen=True)
class Parts:
    """A parameter vector of the kernel, taken apart: variances, and inverse squared lengths."""

    linear: Floats
    smooth: Floats
    smooth_rate: Floats
    joint: float
    joint_rate: Floats


class GroupedKernel:
    """The covariance of the module's formula.

    Parameters
    ----------
    n_groups : G.
    """

    def __init__(self, n_groups: int) -> None:
        self.n_groups = n_groups
        self.size = 4 * n_groups + 1

    def parts(self, parameters: Floats) -> Parts:
        """Take a vector of `size` logarithms apart."""
        n = self.n_groups
        return Parts(
            linear=np.exp(parameters[:n]),
            smooth=np.exp(parameters[n : 2 * n]),
            smooth_rate=np.exp(-2 * parameters[2 * n : 3 * n]),
            joint=float(np.exp(parameters[3 * n])),
            joint_rate=np.exp(-2 * parameters[3 * n + 1 :]),
        )

    def products(self, features: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
        """Inner products and half squared distances of all pairs of rows, a matrix a group each.

        `features` holds for each group float64 of shape (n_archs, n_features of the group).
        """
        inner, distances = [], []
        for group in features:
            product = group @ group.T
            half = np.diagonal(product) / 2
            inner.append(product)
            distances.append(np.maximum(half[:, None] + half[None, :] - product, 0.0))
        return inner, distances

    def with_gradient(
        self, parameters: Floats, inner: list[Floats], distances: list[Floats]
    ) -> tuple[Floats, list[Floats]]:
        """The covariance of all pairs, and its derivative by each parameter, (n, n) each."""
        parts = self.parts(parameters)
        linear = [a * each for a, each in zip(parts.linear, inner, strict=True)]
        smooth, lengths, exponents = [], [], []
        for group, distance in enumerate(distances):
            scaled = distance * parts.smooth_rate[group]
            term = parts.smooth[group] * np.exp(-scaled)
            smooth.append(term)
            lengths.append(2 * term * scaled)
            exponents.append(distance * parts.joint_rate[group])
        joint = parts.joint * np.exp(-np.sum(exponents, axis=0))
        covariance = 1.0 + np.sum(linear, axis=0) + np.sum(smooth, axis=0) + joint
        return covariance, [*linear, *smooth, *lengths, joint, *(2 * joint * e for e in exponents)]

    def between(
        self, parameters: Floats, left: Sequence[Floats], right: Sequence[Floats]
    ) -> Floats:
        """Covariances between two sets of architectures.

        Parameters
        ----------
        parameters : float64 of shape (size,).
        left, right : for each group float64 of shape (n_left or n_right, n_features of the group).

        Returns
        -------
        float64 of shape (n_left, n_right).
        """
        covariance = np.empty((len(left[0]), len(right[0])))
        for start in range(0, len(covariance), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            self._fill(parameters, [each[rows] for each in left], right, covariance[rows])
        return covariance

    def among(self, parameters: Floats, features: Sequence[Floats]) -> Floats:
        """Covariances among one set: its lower triangle; what stands above is not filled in."""
        n_archs = len(features[0])
        covariance = np.zeros((n_archs, n_archs))
        for start in range(0, n_archs, ROWS_AT_ONCE):
            end = min(start + ROWS_AT_ONCE, n_archs)
            rows = [each[start:end] for each in features]
            before = [each[:end] for each in features]
            self._fill(parameters, rows, before, covariance[start:end, :end])
        return covariance

    def variance(self, parameters: Floats, features: Sequence[Floats]) -> Floats:
        """The covariance of each architecture with itself, float64 of shape (n_archs,)."""
        parts = self.parts(parameters)
        squares = [(each**2).sum(axis=1) for each in features]
        return np.asarray(parts.linear @ squares + 1.0 + parts.smooth.sum() + parts.joint)

    def _fill(
        self,
        parameters: Floats,
        left: Sequence[Floats],
        right: Sequence[Floats],
        covariance: Floats,
    ) -> None:
        parts = self.parts(parameters)
        covariance[:] = 1.0
        exponent = np.zeros_like(covariance)
        for group, (a, b) in enumerate(zip(left, right, strict=True)):
            product = a @ b.T
            covariance += parts.linear[group] * product
            np.subtract((b**2).sum(axis=1) / 2, product, out=product)
            product += (a**2).sum(axis=1)[:, None] / 2
            np.maximum(product, 0.0, out=product)
            exponent -= parts.joint_rate[group] * product
            product *= -parts.smooth_rate[group]
            np.exp(product, out=product)
            product *= parts.smooth[group]
            covariance += product
        np.exp(exponent, out=exponent)
        exponent *= parts.joint
        covariance += exponent
