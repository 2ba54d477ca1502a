"""Ranking architectures by a trained supernet, and how good the ranking is (LAUBE 6.3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from hwbench.arguments import check_fields
from hwbench.arrays import IntArray
from hwbench.devices import sent
from hwbench.images.fit import evaluate
from hwbench.images.parts import Part, SearchData
from hwbench.live.memory import Memory
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Supernet
from hwbench.progress import Progress, silent
from hwbench.spaces import Space


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


class Evaluator:
    """Evaluates architectures of a trained supernet, one after the other or many at once.

    Every architecture is calibrated on the same batches; those that differ in dead operations alone
    are evaluated once. The supernet is after each call what it was.

    Parameters
    ----------
    supernet : trained.
    data : the search's images, on the supernet's device.
    calibration : of batch normalisation.
    seed : of the batches of training images.
    memory : what earlier calls, or an earlier session, have found; see `Memory`.
    """

    def __init__(
        self,
        supernet: Supernet,
        data: SearchData,
        calibration: Calibration = Calibration(),
        *,
        seed: int = 0,
        memory: Memory | None = None,
    ) -> None:
        self.supernet = supernet
        self.data = data
        self.calibration = calibration
        self.memory = memory
        self._passes = list(_calibration_batches(data.train, calibration, seed))

    @property
    def space(self) -> Space:
        """The space of the architectures."""
        return self.supernet.space

    def evaluate(
        self, archs: ArrayLike, part: str = "validation", progress: Progress = silent
    ) -> pd.DataFrame:
        """Accuracy, loss and measurements of architectures with the supernet's weights.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        part : of the data to evaluate on, "validation" or "test".
        progress : called with (architectures done, architectures in all).

        Returns
        -------
        A frame with a row an architecture: `accuracy` in %, `loss`, the supernet's, and a
        column for each of the supernet's measurements.
        """
        valid = self.space.check(archs)
        same = self.supernet.same_passes(valid)
        distinct = np.unique(same)
        passes = self.supernet.passes_of(valid[distinct])
        names = [" ".join(map(str, row)) for row in passes.tolist()]
        images: Part = getattr(self.data, part)
        found: dict[int, Mapping[str, float]] = {}
        was_training = self.supernet.training
        try:
            with (
                _flat_statistics(self.supernet, self.calibration.momentum) as statistics,
                torch.no_grad(),
            ):
                kept = statistics.clone()
                for done, (place, name) in enumerate(zip(distinct, names, strict=True)):
                    progress(done, len(distinct))
                    known = None if self.memory is None else self.memory.read(name, part)
                    if known is None:
                        known = self._one(valid[place], images)
                        statistics.copy_(kept)
                        if self.memory is not None:
                            self.memory.keep(name, part, known)
                    found[int(place)] = known
                progress(len(distinct), len(distinct))
        finally:
            self.supernet.train(was_training)
        if self.memory is not None:
            self.memory.write()
        columns = list(found[int(same[0])]) if len(same) else ["accuracy", "loss"]
        return pd.DataFrame([found[int(place)] for place in same], columns=columns)

    def loss(self, mixture: Mixture) -> Tensor:
        """The loss of one random batch of validation images, see `hwbench.live.judge.Judge`."""
        images = self.data.validation
        size = min(self.calibration.batch_size, len(images))
        rows = sent(torch.randperm(len(images))[:size], images.labels.device)
        was_training = self.supernet.training
        self.supernet.eval()
        try:
            output = self.supernet(images.images[rows], mixture)
            return self.supernet.loss(output, images.labels[rows])
        finally:
            self.supernet.train(was_training)

    def outputs(self, n_images: int) -> Callable[[Mixture], Tensor]:
        """Outputs of some training images, see `hwbench.live.judge.Judge`."""
        images = self.data.train
        rows = torch.randperm(len(images))[:n_images]
        batch = images.images[sent(rows, images.labels.device)]

        def computed(mixture: Mixture) -> Tensor:
            was_training = self.supernet.training
            self.supernet.eval()
            try:
                with torch.no_grad():
                    output: Tensor = self.supernet(batch, mixture)
                    return output
            finally:
                self.supernet.train(was_training)

        return computed

    def _one(self, arch: IntArray, images: Part) -> dict[str, float]:
        """What one architecture comes to; the supernet's statistics are then those of it."""
        supernet, mixture = self.supernet, self.supernet.mixture_of(arch)
        supernet.train()
        for calibrating in self._passes:
            supernet(calibrating, mixture)
        supernet.eval()
        result = evaluate(
            lambda batch: supernet(batch, mixture),
            images,
            self.calibration.batch_size,
            supernet.loss,
            supernet.measurements,
        )
        return {"accuracy": result.accuracy, "loss": result.loss, **result.measured}


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
    """Accuracy and loss of each architecture with the supernet's weights; see `Evaluator`.

    Parameters
    ----------
    supernet, data, calibration, seed : of an `Evaluator`.
    archs, part, progress : of its `evaluate`.
    """
    return Evaluator(supernet, data, calibration, seed=seed).evaluate(archs, part, progress)


def _calibration_batches(train: Part, calibration: Calibration, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(calibration.passes):
        rows = torch.randperm(len(train), generator=generator)[: calibration.batch_size]
        yield train.images[sent(rows, train.labels.device)]


@contextmanager
def _flat_statistics(supernet: Supernet, momentum: float) -> Iterator[Tensor]:
    """Lay all running statistics out in one tensor, so that one copy restores them all."""
    layers = [module for module in supernet.modules() if isinstance(module, nn.BatchNorm2d)]
    if not layers:  # networks without normalisation have nothing to calibrate
        yield torch.zeros(0)
        return
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
