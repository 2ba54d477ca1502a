"""Latents in the plane, and how well their neighbourhoods agree with a metric (CHOE 4.4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.errors import HwbenchError

N_NEIGHBOURS = 10


@dataclass(frozen=True)
class Projection:
    """Latents seen along the two directions in which they vary most.

    Attributes
    ----------
    points : float64 of shape (n, 2); the second column is zero where there is one latent.
    explained : shares of the variance along each of both, 0 .. 1.
    """

    points: NDArray[np.float64]
    explained: tuple[float, float]


def principal_plane(latents: ArrayLike) -> Projection:
    """The first two principal components of latents (n, latent_size), n at least 2.

    The sign of a component is chosen so that its largest weight is positive.

    Raises
    ------
    HwbenchError
        Where there are fewer than two latents.
    """
    values = np.asarray(latents, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise HwbenchError(f"a projection needs at least two latents, not {values.shape}")
    centred = values - values.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    two = directions[:, ::-1][:, :2]
    two = two * np.sign(two[np.abs(two).argmax(axis=0), np.arange(two.shape[1])])
    points = np.zeros((len(values), 2))
    points[:, : two.shape[1]] = centred @ two
    shares = np.clip(variances[::-1], 0, None) / max(float(variances.sum()), 1e-300)
    shares = np.append(shares, 0.0)
    return Projection(points, (float(shares[0]), float(shares[1])))


def neighbour_correlation(latents: ArrayLike, metric: ArrayLike) -> float:
    """Spearman's correlation of a metric with its mean over the nearest other latents.

    1 where architectures that are near in the latent space are alike in the metric, 0 where
    nearness says nothing of it.

    Parameters
    ----------
    latents : of shape (n, latent_size), n more than `N_NEIGHBOURS`.
    metric : of shape (n,).

    Raises
    ------
    HwbenchError
        Where there are too few latents.
    """
    from scipy.stats import spearmanr
    from sklearn.neighbors import NearestNeighbors

    values, truth = np.asarray(latents, dtype=np.float64), np.asarray(metric, dtype=np.float64)
    if len(values) <= N_NEIGHBOURS:
        raise HwbenchError(f"neighbours need more than {N_NEIGHBOURS} latents, not {len(values)}")
    found = NearestNeighbors(n_neighbors=N_NEIGHBOURS).fit(values)
    nearest = found.kneighbors(return_distance=False)
    return float(spearmanr(truth, truth[nearest].mean(axis=1)).statistic)
