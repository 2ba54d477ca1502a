"""The loss around what a strategy has learned: how steep it is there (NA 1235-1246, Fig. 4.6)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hwbench.devices import choose_device, forked_random, seeded
from hwbench.errors import HwbenchError
from hwbench.images.parts import Part
from hwbench.live.config import load_config
from hwbench.live.requirements import Requirements
from hwbench.live.search import Search, batch_statistics
from hwbench.live.strategies.base import ParametricStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.trained import config_path, trained_search
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed
from hwbench.progress import Progress, silent
from hwbench.results.diagnostics import LANDSCAPE_COLUMNS
from hwbench.results.frames import write_frame
from hwbench.results.names import LANDSCAPE

WHO = "live landscape"
BATCH = 256
"""Images of a pass; batch normalisation uses their statistics."""


def landscape_run(
    folder: Path,
    *,
    points: int = 11,
    reach: float = 1.0,
    images: int = 1024,
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    progress: Progress = silent,
) -> pd.DataFrame:
    """The loss on a grid around the strengths that a run has learned.

    The axes are the gradient of the loss by what candidates are weighed with, and a direction
    orthogonal to it, drawn at random by the run's seed, both of length 1. Candidates are weighed
    as the strategy does, or with their strengths where it draws their weights; `none`, whose weight
    changes nothing, moves in neither direction. The frame is kept as `landscape.parquet`.

    Parameters
    ----------
    folder : the run folder, of a search whose strategy has a parameter for each candidate.
    points : of each axis, odd, so that the middle is what was learned.
    reach : of each axis to both sides.
    images : validation images of each point, the first so many; all where there are fewer.
    device, threads, deterministic : as for `hwbench.live.run.run_live`.
    progress : called with (points done, points in all).

    Returns
    -------
    A frame, see `hwbench.results.diagnostics.LANDSCAPE_COLUMNS`, a row a point.

    Raises
    ------
    HwbenchError
        Where the folder holds no trained search, its checkpoint is gone, its strategy has no
        parameter for each candidate, or `points` is even.
    """
    if points < 3 or points % 2 == 0:
        raise HwbenchError(f"{WHO}: points must be odd and at least 3, not {points}")
    config = load_config(str(config_path(folder)))
    place = choose_device(device)
    with only_writer(folder) as claim:
        with seeded(config.seed, place, threads, deterministic=deterministic), denormals_flushed():
            search = trained_search(
                folder, config, place, needs=Requirements(training=True), who=WHO
            )
            landscape = Landscape(search, images)
            shifts = np.linspace(-reach, reach, points)
            rows: list[dict[str, float]] = []
            for along in shifts.tolist():
                for across in shifts.tolist():
                    progress(len(rows), points**2)
                    loss = landscape.loss(along, across)
                    rows.append({"along": along, "across": across, "loss": loss})
            progress(points**2, points**2)
        frame = pd.DataFrame(rows)[list(LANDSCAPE_COLUMNS)]
        claim.check()
        write_frame(folder / LANDSCAPE, frame)
    return frame


class Landscape:
    """The loss of a supernet as a function of what its candidates are weighed with.

    Parameters
    ----------
    search : trained.
    n_images : of the validation.

    Attributes
    ----------
    weights : what was learned, float32 of shape (n_positions, most candidates).
    gradient, orthogonal : the axes, of the same shape and of length 1.
    """

    def __init__(self, search: Search, n_images: int) -> None:
        strategy = search.strategy
        if not isinstance(strategy, ParametricStrategy):
            name = search.config.strategy["name"]
            raise HwbenchError(
                f"{WHO}: {name} has no parameter for each candidate, around which there would be "
                "a landscape"
            )
        self.search = search
        self.images = search.data.validation[slice(0, n_images)]
        with torch.no_grad(), forked_random(strategy.alpha.device):
            learned = strategy.mixture()
            self._edge_weights = learned.edge_weights
            self.weights = strategy.relaxed(strategy.strengths()).clone()
        if strategy.deterministic:  # strengths need not be what it weighs candidates with
            for row, choice in zip(self.weights, learned.choices, strict=True):
                if choice.weights is not None:
                    row[: len(choice.weights)] = choice.weights
        free = strategy.get_buffer("present").clone()
        for row, position in zip(free, search.supernet.positions, strict=True):
            for column, name in enumerate(position.operations):
                row[column] &= name != "none"
        self.gradient = _unit(self._gradient() * free)
        drawn = torch.randn(free.shape, generator=torch.Generator().manual_seed(search.config.seed))
        across = drawn.to(self.weights) * free
        self.orthogonal = _unit(across - (across * self.gradient).sum() * self.gradient)

    def loss(self, along: float, across: float) -> float:
        """The validation loss at a place of the plane."""
        weights = self.weights + along * self.gradient + across * self.orthogonal
        with torch.no_grad():
            return float(self._loss(weights, self.images))

    def _gradient(self) -> Tensor:
        weights = self.weights.clone().requires_grad_()
        total = torch.zeros_like(weights)
        for batch in self.images.batches(BATCH):
            loss = self._loss(weights, batch) * len(batch)
            total += torch.autograd.grad(loss, weights)[0]
        return total

    def _loss(self, weights: Tensor, images: Part) -> Tensor:
        """Mean over the images; draws of the supernet are the same at each call."""
        supernet = self.search.supernet
        mixture = Mixture.weighted(weights, supernet.sizes, self._edge_weights)
        total = torch.zeros((), device=images.labels.device)
        with batch_statistics(supernet), forked_random(images.labels.device):
            for batch in images.batches(BATCH):
                total = total + supernet.loss(supernet(batch.images, mixture), batch.labels) * len(
                    batch
                )
        return total / len(images)


def _unit(direction: Tensor) -> Tensor:
    return direction / direction.norm().clamp_min(torch.finfo(direction.dtype).tiny)
