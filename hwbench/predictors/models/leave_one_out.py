"""Leaving out each row of a Gaussian process, without fitting it again."""

from __future__ import annotations

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotri

from hwbench.arrays import Floats


def lower_inverse(factor: Floats) -> Floats:
    """The inverse of a matrix of which `factor` is the lower Cholesky factor.

    Returns
    -------
    float64 of the same shape, of which the lower triangle counts.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where it has none.
    """
    inverse, wrong = dpotri(factor, lower=True)
    if wrong:
        raise LinAlgError("the covariance cannot be inverted")
    return np.asarray(inverse)


def leave_one_out(factor: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Errors of leaving out each row, and deviations (Rasmussen and Williams 2006, eq. 5.12).

    Parameters
    ----------
    factor : lower Cholesky factor of the rows' covariance with noise, float64 (n_rows, n_rows).
    weights : that covariance's inverse times the rows' values less their mean, (n_rows,).

    Returns
    -------
    By how much each value exceeds what the others say, and how far it is expected to, (n_rows,).
    """
    precision = np.diagonal(lower_inverse(factor))
    return weights / precision, 1 / np.sqrt(precision)


def over_confidence(factor: Floats, values: Floats) -> float:
    """By how much deviations are too small, judged by each row from the others; at least 1.

    A process whose parameters were learned from few rows often takes the metric for more certain
    than it is: noise that it has seen none of it counts as none.

    Parameters
    ----------
    factor : as for `leave_one_out`.
    values : of the rows less their mean, float64 (n_rows,).
    """
    errors, deviations = leave_one_out(factor, cho_solve((factor, True), values))
    found = float(np.sqrt(np.mean((errors / deviations) ** 2)))
    return max(1.0, found)
