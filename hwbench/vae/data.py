"""What a graph VAE learns from: which architectures train and test it, and their metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.vae.settings import GraphVAESettings


@dataclass(frozen=True)
class Split:
    """Architectures that train a graph VAE and that test it, (n_archs, n_positions) each."""

    training: IntArray
    test: IntArray


@dataclass(frozen=True)
class Labels:
    """Metrics of the first training architectures.

    Attributes
    ----------
    values : float32 of shape (n_labelled, n_metrics), standardised; row i is of
        `training[rows[i]]`.
    rows : int64 of shape (n_labelled,), places in the training architectures.
    means, scales : float64 of shape (n_metrics,), what the metrics were standardised with.
    """

    values: NDArray[np.float32]
    rows: NDArray[np.int64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]


def split(space: Space, settings: GraphVAESettings) -> Split:
    """The architectures of a VAE; they depend on the space and the settings alone.

    Raises
    ------
    HwbenchError
        Where there are too few.
    """
    n_archs = min(settings.n_graphs, space.n_architectures)
    archs = space.sample(n_archs, np.random.default_rng([settings.seed, 0]))
    n_test = math.ceil(settings.test_share * n_archs)
    if n_test >= n_archs:
        raise HwbenchError(f"graph VAE: of {n_archs} architectures {n_test} would be for the test")
    return Split(archs[n_test:], archs[:n_test])


def labels(space: Space, settings: GraphVAESettings, training: IntArray) -> Labels | None:
    """The metrics that the heads learn; None where there are none.

    Raises
    ------
    HwbenchError
        Where a table or column is unknown, a table is of another space, or fewer than two training
        architectures have all metrics.
    """
    if not settings.metrics:
        return None
    values = np.stack([metric_of(space, target, training) for target in settings.metrics], axis=1)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))[: settings.n_labelled]
    if len(rows) < 2:
        raise HwbenchError(
            f"graph VAE: {len(rows)} training architectures have all of "
            f"{', '.join(settings.metrics)}; at least 2 are needed"
        )
    known = values[rows]
    means, scales = known.mean(axis=0), known.std(axis=0)
    scales = np.where(scales > 0, scales, 1.0)
    return Labels(((known - means) / scales).astype(np.float32), rows, means, scales)


def metric_of(space: Space, target: str, archs: IntArray) -> NDArray[np.float64]:
    """A column's values of architectures, float64 (n_archs,), NaN where it has none."""
    from hwbench.tables import load_target

    return load_target(target).check_space(space.name, "graph VAE").values_of(archs)
