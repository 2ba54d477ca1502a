"""A Gaussian process on the Weisfeiler-Lehman kernel of graphs (Ru et al. 2021, NAS-BOWL).

A vertex begins with its operation as a label. An iteration gives it a new label that stands for its
own and the multiset of its predecessors' labels, so that after h of them a label is a whole subtree
of depth h. Graphs are alike as far as they hold the same labels equally often.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import NonNegativeInt, PositiveInt
from scipy.linalg import cho_solve, cholesky
from scipy.linalg.lapack import dtrtri
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.spaces.graphs import Graphs

Labels = NDArray[np.uint64]

NOISES = np.geomspace(1e-4, 1e2, 49)
"""Variances of the noise that are tried, in units of the process's."""

PREDICTED_AT_ONCE = 2000
"""Architectures whose covariances with the training rows are in memory at once."""


def weisfeiler_lehman_labels(graphs: Graphs, iterations: int) -> Labels:
    """Labels of all vertices after every iteration.

    A label is a number of 64 bits that depends on the subtree alone, not on the other graphs: two
    different subtrees share one with a probability of about 2^-64.

    Parameters
    ----------
    graphs : of n_archs architectures.
    iterations : at least 0.

    Returns
    -------
    uint64 of shape (iterations + 1, n_archs, n_vertices); 0 where there is no vertex.
    """
    there = graphs.operations >= 0
    incoming = graphs.adjacency.transpose(0, 2, 1).astype(np.uint64)
    operations = graphs.operations.astype(np.int64).astype(np.uint64)
    labels = [np.where(there, _scattered(operations + np.uint64(1)), np.uint64(0))]
    for _ in range(iterations):
        # A sum does not know the order of its terms; scattering tells multisets of them apart.
        heard = (incoming @ _scattered(labels[-1] + np.uint64(1))[..., None])[..., 0]
        new = _scattered(_scattered(labels[-1]) + heard)
        labels.append(np.where(there, new, np.uint64(0)))
    return np.stack(labels)


def _scattered(values: Labels) -> Labels:
    """Numbers of 64 bits without likeness to the given ones (Steele et al. 2014, SplitMix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def label_counts(labels: Labels, vocabulary: Labels) -> csr_array:
    """How often each known label stands in each graph, scaled to a length of 1.

    Parameters
    ----------
    labels : uint64 of shape (n_iterations, n_archs, n_vertices), 0 where there is no vertex.
    vocabulary : sorted labels that have a column.

    Returns
    -------
    Sparse float64 of shape (n_archs, len(vocabulary)); a graph's length counts labels that have no
    column too.
    """
    n_archs = labels.shape[1]
    flat = labels.transpose(1, 0, 2).reshape(n_archs, -1)
    rows = np.repeat(np.arange(n_archs), flat.shape[1])
    present = flat.ravel() != 0
    pairs = np.stack([rows[present].astype(np.uint64), flat.ravel()[present]], axis=1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    row, label = distinct[:, 0].astype(np.int64), distinct[:, 1]
    squared = np.bincount(row, weights=counts.astype(np.float64) ** 2, minlength=n_archs)
    values = counts / np.sqrt(squared[row])
    column = np.minimum(np.searchsorted(vocabulary, label), len(vocabulary) - 1)
    known = vocabulary[column] == label
    return csr_array((values[known], (row[known], column[known])), shape=(n_archs, len(vocabulary)))


class WeisfeilerLehmanGaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian process with constant mean on the normalised Weisfeiler-Lehman subtree kernel.

    The number of iterations, the variances of process and noise, and the mean maximise the marginal
    likelihood (Rasmussen and Williams 2006, equation 5.8): exactly for every number of iterations
    and every noise of `NOISES`, by one eigendecomposition each. Of many rows 1,000 tell the number
    of iterations and the ratio of the variances; mean, variance and predictions are of all.

    Parameters
    ----------
    space : the search space, whose architectures have graphs.
    max_iterations : of relabelling that are tried, from 0.
    max_rows : training rows, at most; of more so many are drawn.
    max_tuning_rows : as many of those tell iterations and ratio.
    random_state : seed of the draws.

    Attributes
    ----------
    iterations_ : of relabelling.
    mean_ : constant.
    variance_, noise_ : of process and noise, in squared units of the targets.
    """

    def __init__(
        self,
        space: Space | None = None,
        max_iterations: NonNegativeInt = 3,
        max_rows: PositiveInt = 3000,
        max_tuning_rows: PositiveInt = 1000,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.max_iterations = max_iterations
        self.max_rows = max_rows
        self.max_tuning_rows = max_tuning_rows
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows X of the encoding "graph" and targets y of shape (n_archs,)."""
        check_parameters(self)
        features, targets = np.asarray(X), np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        generator = np.random.default_rng(self.random_state)
        if len(targets) > self.max_rows:
            kept = np.sort(generator.choice(len(targets), self.max_rows, replace=False))
            features, targets = features[kept], targets[kept]
        labels = self._labels(features, self.max_iterations)
        tuning = np.arange(len(targets))
        if len(targets) > self.max_tuning_rows:
            tuning = np.sort(generator.choice(len(targets), self.max_tuning_rows, replace=False))
        best, ratio = -np.inf, float(NOISES[0])
        for iterations in range(self.max_iterations + 1):
            values, vectors = np.linalg.eigh(_kernel(labels[: iterations + 1, tuning]))
            likelihood, found = _most_likely(np.maximum(values, 0.0), vectors, targets[tuning])
            if iterations == 0 or likelihood > best:
                best, ratio = likelihood, found
                self.iterations_ = iterations
        self._condition(labels[: self.iterations_ + 1], targets, ratio)
        return self

    def _condition(self, known: Labels, targets: Floats, ratio: float) -> None:
        """Rest predictions on all rows, given the ratio of the noise's variance to the process's.

        Mean and variance of the process are then those of generalised least squares.
        """
        covariance = _kernel(known)
        covariance[np.diag_indices_from(covariance)] += ratio
        factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        ones = cho_solve((factor, True), np.ones(len(targets)), check_finite=False)
        self.mean_ = float(ones @ targets / ones.sum())
        self._weights = cho_solve((factor, True), targets - self.mean_, check_finite=False)
        scale = max(float(targets.var()), np.finfo(float).tiny)
        variance = float(self._weights @ (targets - self.mean_)) / len(targets)
        self.variance_ = max(variance, 1e-12 * scale)
        self.noise_ = self.variance_ * ratio
        self._known = known
        inverse, _ = dtrtri(factor, lower=True)
        self._roots = np.asarray(inverse).T

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict (Rasmussen and Williams 2006, equations 2.25 and 2.26).

        Parameters
        ----------
        X : rows of the encoding "graph", of shape (n_archs, n_features).
        return_std : also the standard deviation of a new measurement, noise included.

        Returns
        -------
        float64 of shape (n_archs,), with `return_std` a pair of them.
        """
        check_is_fitted(self, "iterations_")
        features = np.asarray(X)
        vocabulary = np.unique(self._known[self._known != 0])
        trained = label_counts(self._known, vocabulary).T
        mean, reduction = np.empty(len(features)), np.empty(len(features))
        for start in range(0, len(features), PREDICTED_AT_ONCE):
            part = slice(start, start + PREDICTED_AT_ONCE)
            counts = label_counts(self._labels(features[part], self.iterations_), vocabulary)
            covariance = (counts @ trained).toarray()
            mean[part] = self.mean_ + covariance @ self._weights
            if return_std:
                reduction[part] = ((covariance @ self._roots) ** 2).sum(axis=1)
        if not return_std:
            return mean
        variance = self.variance_ * np.maximum(1.0 - reduction, 0.0) + self.noise_
        return mean, np.sqrt(variance)

    def _labels(self, features: NDArray[Any], iterations: int) -> Labels:
        if self.space is None:
            raise HwbenchError("WeisfeilerLehmanGaussianProcess: it needs the search space")
        form = self.space.graphs(self.space.baseline[None])
        graphs = Graphs.of_features(features, form.operations.shape[1], form.operation_names)
        return weisfeiler_lehman_labels(graphs, iterations)


def _kernel(labels: Labels) -> Floats:
    """The kernel of all pairs of graphs with these labels, float64 of shape (n_archs, n_archs)."""
    counts = label_counts(labels, np.unique(labels[labels != 0]))
    return np.asarray((counts @ counts.T).toarray())


def _most_likely(values: Floats, vectors: Floats, targets: Floats) -> tuple[float, float]:
    """The largest marginal likelihood over `NOISES`, and the noise that reaches it.

    Given the ratio of the variances, mean and variance of the process that are most likely have
    closed forms (generalised least squares).

    Parameters
    ----------
    values, vectors : eigendecomposition of the kernel's matrix.
    targets : float64 of shape (n_archs,).
    """
    n = len(targets)
    turned, ones = vectors.T @ targets, vectors.T @ np.ones(n)
    scale = max(float(targets.var()), np.finfo(float).tiny)
    best, found = -np.inf, float(NOISES[0])
    for ratio in NOISES:
        inverse = 1.0 / (values + ratio)
        mean = float((ones * inverse) @ turned / ((ones * inverse) @ ones))
        variance = float(inverse @ (turned - mean * ones) ** 2) / n
        if not variance > 1e-12 * scale:
            continue
        likelihood = -0.5 * (n * np.log(variance) - np.log(inverse).sum())
        if likelihood > best:
            best, found = likelihood, float(ratio)
    return best, found
