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

    def pairs(self, features: Sequence[Floats]) -> Pairs:
        """All pairs of a set of rows, for covariances under many parameters.

        Parameters
        ----------
        features : for each group float64 of shape (n_archs, n_features of the group).
        """
        return Pairs(self, features)

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


class Pairs:
    """Covariances of all pairs of a set of rows, and their derivatives by the parameters.

    What is computed an element a time is kept for the lower triangle alone, row after row, in
    memory that is used again: for the hundreds of covariances that parameters are learned by.

    Parameters
    ----------
    kernel : the covariance.
    features : for each group float64 of shape (n_archs, n_features of the group).
    """

    def __init__(self, kernel: GroupedKernel, features: Sequence[Floats]) -> None:
        self.kernel = kernel
        self.n_archs = len(features[0])
        self._lower = np.tril_indices(self.n_archs)
        diagonal = np.arange(self.n_archs)
        self._diagonal = diagonal * (diagonal + 3) // 2
        self._inner, self._distances = [], []
        for group in features:
            product = group @ group.T
            half = np.diagonal(product) / 2
            distances = np.maximum(half[:, None] + half[None, :] - product, 0.0)
            self._inner.append(product[self._lower])
            self._distances.append(distances[self._lower])
        self._smooth = [np.empty_like(each) for each in self._inner]
        self._joint = np.empty_like(self._inner[0])
        self._buffer = np.empty_like(self._joint)
        self._covariance = np.zeros((self.n_archs, self.n_archs))

    def covariance(self, parameters: Floats) -> Floats:
        """The covariance, float64 (n_archs, n_archs), of which the lower triangle is filled in.

        It is overwritten by the next call.
        """
        parts = self._parts = self.kernel.parts(parameters)
        buffer, joint, total = self._buffer, self._joint, np.ones_like(self._joint)
        joint[:] = 0.0
        for group, (inner, distance) in enumerate(zip(self._inner, self._distances, strict=True)):
            total += np.multiply(inner, parts.linear[group], out=buffer)
            joint -= np.multiply(distance, parts.joint_rate[group], out=buffer)
            smooth = np.multiply(distance, -parts.smooth_rate[group], out=self._smooth[group])
            np.exp(smooth, out=smooth)
            smooth *= parts.smooth[group]
            total += smooth
        np.exp(joint, out=joint)
        joint *= parts.joint
        total += joint
        self._covariance[self._lower] = total
        return self._covariance

    def gradient(self, weights: Floats) -> Floats:
        """The sum over all pairs of weights times the covariance's derivative by each parameter.

        Of the parameters that `covariance` was called with last.

        Parameters
        ----------
        weights : symmetric, float64 (n_archs, n_archs), of which the lower triangle counts.

        Returns
        -------
        float64 of shape (size,).
        """
        parts, buffer = self._parts, self._buffer
        own = 2 * weights[self._lower]  # what stands above the diagonal is the same again
        own[self._diagonal] /= 2
        linear = [a * (own @ inner) for a, inner in zip(parts.linear, self._inner, strict=True)]
        smooth, lengths = [], []
        for group, (term, distance) in enumerate(zip(self._smooth, self._distances, strict=True)):
            np.multiply(own, term, out=buffer)
            smooth.append(buffer.sum())
            lengths.append(2 * parts.smooth_rate[group] * (buffer @ distance))
        np.multiply(own, self._joint, out=buffer)
        joint = [
            2 * rate * (buffer @ distance)
            for rate, distance in zip(parts.joint_rate, self._distances, strict=True)
        ]
        return np.array([*linear, *smooth, *lengths, buffer.sum(), *joint])
