"""Ranking architectures by a trained supernet, and how good the ranking is (LAUBE 6.3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from hwbench.arguments import check_fields
from hwbench.images.fit import evaluate
from hwbench.images.parts import Part, SearchData
from hwbench.live.supernets.supernet import Supernet
from hwbench.progress import Progress, silent


@dataclass(frozen=True)
class Calibration:
    """How statistics of batch normalisation are re-estimated before an architecture is evaluated.

    Starting from the supernet's own statistics, which are not reset (LAUBE 2148).

    Attributes
    ----------
    passes : forward passes on training images, without gradients; 20 in LAUBE B.3.
    batch_size : images of a pass, and of the passes that evaluate.
    momentum : share of a batch in the running statistics after it, 0.1 in torch.
    """

    passes: NonNegativeInt = 20
    batch_size: PositiveInt = 256
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1

    def __post_init__(self) -> None:
        check_fields(self, "ranking")


def evaluate_architectures(
    supernet: Supernet,
    archs: ArrayLike,
    data: SearchData,
    calibration: Calibration = Calibration(),
    *,
    part: str = "validation",
    seed: int = 0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Accuracy and loss of each architecture with the supernet's weights.

    The supernet is afterwards what it was. Every architecture is calibrated on the same batches;
    those that differ in dead operations alone are evaluated once.

    Parameters
    ----------
    supernet : trained.
    archs : integers of shape (n_archs, n_positions).
    data : the search's images, on the supernet's device.
    calibration : of batch normalisation.
    part : of the data to evaluate on, "validation" or "test".
    seed : of the batches of training images.
    progress : called with (architectures done, architectures in all).

    Returns
    -------
    A frame with a row an architecture: `accuracy` in %, and `loss`, the mean cross-entropy.
    """
    valid = supernet.space.check(archs)
    same = supernet.same_passes(valid)
    distinct = np.unique(same)
    images: Part = getattr(data, part)
    passes = list(_calibration_batches(data.train, calibration, seed))
    results = np.zeros((len(valid), 2))
    was_training = supernet.training
    try:
        with _flat_statistics(supernet, calibration.momentum) as statistics, torch.no_grad():
            kept = statistics.clone()
            for done, place in enumerate(distinct):
                progress(done, len(distinct))
                mixture = supernet.mixture_of(valid[place])
                supernet.train()
                for calibrating in passes:
                    supernet(calibrating, mixture)
                supernet.eval()
                found = evaluate(partial(supernet, mixture=mixture), images, calibration.batch_size)
                results[place] = found.right, found.total_loss
                statistics.copy_(kept)
            progress(len(distinct), len(distinct))
    finally:
        supernet.train(was_training)
    accuracy, loss = (results[same] / len(images)).T
    return pd.DataFrame({"accuracy": 100.0 * accuracy, "loss": loss})


def _calibration_batches(train: Part, calibration: Calibration, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(calibration.passes):
        rows = torch.randperm(len(train), generator=generator)[: calibration.batch_size]
        yield train.images[rows.to(train.labels.device)]


@contextmanager
def _flat_statistics(supernet: Supernet, momentum: float) -> Iterator[Tensor]:
    """Lay all running statistics out in one tensor, so that one copy restores them all."""
    layers = [module for module in supernet.modules() if isinstance(module, nn.BatchNorm2d)]
    buffers = [
        (layer, name, getattr(layer, name))
        for layer in layers
        for name in ("running_mean", "running_var")
    ]
    counts = [layer.num_batches_tracked for layer in layers]
    momenta = [layer.momentum for layer in layers]
    statistics = torch.cat([buffer for _, _, buffer in buffers])
    pieces = torch.split(statistics, [len(buffer) for _, _, buffer in buffers])
    for (layer, name, _), piece in zip(buffers, pieces, strict=True):
        setattr(layer, name, piece)
    for layer in layers:
        layer.momentum = momentum
        layer.num_batches_tracked = None
    try:
        yield statistics
    finally:
        for layer, name, buffer in buffers:
            setattr(layer, name, buffer)
        for layer, count, before in zip(layers, counts, momenta, strict=True):
            layer.num_batches_tracked = count
            layer.momentum = before
