"""A live search in memory: supernet, strategy, trainer and images put together from a config."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.events import check_events
from hwbench.images.fit import EVALUATION_BATCH, Stateful, evaluate, restore, state_of
from hwbench.images.image_set import ImageSet
from hwbench.images.parts import SearchData, split_images
from hwbench.images.sets import load_images
from hwbench.images.subsets import take_subset
from hwbench.live.components import make_component
from hwbench.live.config import LiveConfig
from hwbench.live.cost import make_cost
from hwbench.live.journal import NO_JOURNAL, Journal
from hwbench.live.memory import Memory
from hwbench.live.ranking import Calibration, Evaluator
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import Supernet, make_supernet
from hwbench.live.trainers import TRAINERS
from hwbench.live.trainers.base import Trainer
from hwbench.live.training_images import check_images, rows_of, taken_images
from hwbench.spaces import get_space


@dataclass
class Search:
    """What a live search works on.

    Attributes
    ----------
    config : the complete tree.
    supernet, strategy, trainer : made from it; the trainer has been started.
    data : images on the device.
    augmentation : of training images.
    images : what records say of the image set, see `ImageSet.about`.
    taken : the training images that it learns from, see `hwbench.live.training_images`; None where
        these are all.
    ranking : of architectures, from best to worst, see `hwbench.results.live.RANKING_COLUMNS`; None
        before there is one.
    memory : of evaluations of the trained supernet; None while it is trained.
    journal : where a selection that changes the supernet keeps how far it is.
    """

    config: LiveConfig
    supernet: Supernet
    strategy: ArchitectureStrategy
    trainer: Trainer
    data: SearchData
    augmentation: Augmentation
    images: dict[str, Any]
    taken: pd.DataFrame | None = None
    ranking: pd.DataFrame | None = None
    memory: Memory | None = None
    journal: Journal = NO_JOURNAL

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Train one epoch; returns the trainer's numbers and those of a validation after it.

        See `hwbench.results.live.EPOCH_COLUMNS`.
        """
        numbers = self.trainer.train_epoch(epoch, self.data, self.augmentation)
        numbers |= {f"train_{name}": value for name, value in self.supernet.averages().items()}
        if self.strategy.strengths() is None:
            numbers |= self.validate(self.strategy.mixture)
        else:
            with observed_variances(self.supernet) as ratios:
                numbers |= self.validate(self.strategy.mixture)
            numbers["variance_ratio"] = float(np.median(ratios))
        if type(self.strategy).after_epoch is not ArchitectureStrategy.after_epoch:
            self.trainer.become(self.strategy.after_epoch(epoch, self.judge()))
        return numbers | dict(self.strategy.numbers())

    def judge(self) -> Evaluator:
        """What evaluates architectures of the supernet as it is now, see `hwbench.live.judge`."""
        return Evaluator(
            self.supernet, self.data, self.calibration, seed=self.config.seed, memory=self.memory
        )

    @property
    def calibration(self) -> Calibration:
        """How architectures are calibrated: as the section [ranking] says, else as published."""
        ranking = self.config.ranking
        return Calibration() if ranking is None else Calibration(**ranking.calibration)

    def accuracy(self, mixture: Callable[[], Mixture]) -> float:
        """Validation accuracy in % with the statistics of each batch, as in training.

        The running statistics are neither used nor changed: they are of what the supernet computed
        in training, not of what a selection makes of it.

        Parameters
        ----------
        mixture : asked anew for each batch.
        """
        images = self.data.validation
        with batch_statistics(self.supernet):
            found = evaluate(
                lambda batch: self.supernet(batch, mixture()),
                images,
                min(EVALUATION_BATCH, len(images)),
                self.supernet.loss,
            )
        return found.accuracy

    def validate(self, mixture: Callable[[], Mixture]) -> dict[str, float]:
        """Loss and accuracy (in %) on validation images with the supernet's own statistics.

        Parameters
        ----------
        mixture : asked anew for each batch.
        """
        self.supernet.eval()
        found = evaluate(
            lambda images: self.supernet(images, mixture()),
            self.data.validation,
            loss=self.supernet.loss,
        )
        self.supernet.train()
        return {"validation_loss": found.loss, "validation_accuracy": found.accuracy}

    def candidate_strengths(self) -> Tensor | None:
        """Strength and probability of every candidate, float32 (2, candidates of all positions).

        Candidates follow one another as positions and their operations do. None where the strategy
        learns no strengths.
        """
        strengths, probabilities = self.strategy.strengths(), self.strategy.probabilities()
        if strengths is None or probabilities is None:
            return None
        rows = [
            torch.cat([row[:size] for row, size in zip(each, self.supernet.sizes, strict=True)])
            for each in (strengths, probabilities)
        ]
        return torch.stack(rows).detach().float().cpu()

    def state_dict(self) -> dict[str, Any]:
        """All that training changes, torch's random state included."""
        return {"structure": self.supernet.structure.plain(), **state_of(**self._parts())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.trainer.become(Structure.of(state["structure"]))
        restore(state, **self._parts())

    def _parts(self) -> dict[str, Stateful]:
        return {"supernet": self.supernet, "strategy": self.strategy, "trainer": self.trainer}


@contextmanager
def batch_statistics(supernet: Supernet) -> Iterator[None]:
    """In which batch normalisation uses the statistics of each batch and keeps none of them."""
    layers = [layer for layer in supernet.modules() if isinstance(layer, nn.BatchNorm2d)]
    kept = [(layer.running_mean, layer.running_var, layer.num_batches_tracked) for layer in layers]
    was_training = supernet.training
    supernet.train()
    for layer in layers:  # without them torch takes the batch's, and tracks nothing
        layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    try:
        yield
    finally:
        for layer, (mean, variance, count) in zip(layers, kept, strict=True):
            layer.running_mean, layer.running_var = mean, variance
            layer.num_batches_tracked = count
        supernet.train(was_training)


@contextmanager
def observed_variances(supernet: Supernet) -> Iterator[list[float]]:
    """Collect each mixed operation's variance of the output over that of the input.

    The ratios of CHOE Fig. 3.6, of every pass while the context lasts; passes of a mixed operation
    that computes nothing, or whose input is constant, are left out. The list is filled when the
    context ends, so that no pass has to wait for its numbers.
    """
    ratios: list[float] = []
    inputs: list[Tensor] = []
    found: list[Tensor] = []

    def observe(_module: nn.Module, given: tuple[Any, ...], output: Tensor | None) -> None:
        if output is not None:
            inputs.append(given[0].var())
            found.append(output.var() / inputs[-1])

    hooks = [each.register_forward_hook(observe) for each in supernet.mixed_operations()]
    try:
        yield ratios
    finally:
        for hook in hooks:
            hook.remove()
    if found:
        variances, shares = torch.stack(inputs).tolist(), torch.stack(found).tolist()
        ratios += [share for share, given in zip(shares, variances, strict=True) if given > 0]


def make_search(config: LiveConfig, device: torch.device, folder: Path | None = None) -> Search:
    """Put a search together; within `seeded` it is a function of the config alone.

    Parameters
    ----------
    config : the complete tree.
    device : of torch.
    folder : of the run, if it is one: a search that was begun goes on with the images that it was
        begun with.

    Raises
    ------
    HwbenchError
        Where the parts do not go together, images, tables or predictors cannot be had, or the
        images are others than those that the run was begun with.
    """
    images, data, taken = load_data(config, device, folder)
    check_events(images, get_space(config.space.name))
    data = data.to(device)
    strategy: ArchitectureStrategy = make_component(STRATEGIES, config.strategy)
    options = strategy.network_options()
    supernet = make_supernet(
        config.space.name,
        supernet=config.space.supernet,
        operations=config.space.operations,
        seed=config.seed,
        options=replace(
            options,
            affine=config.space.affine or options.affine,
            linear_transformers=config.space.linear_transformers or options.linear_transformers,
        ),
        **config.space.skeleton,
        channels=config.space.channels,
        depth=config.space.depth,
        input_channels=images.channels,
        input_size=images.size,
        classes=images.classes,
    ).to(device)
    strategy.attach(supernet).to(device)
    trainer: Trainer = make_component(TRAINERS, config.trainer)
    cost = None
    if config.cost is not None:
        cost = make_cost(supernet, **config.cost.model_dump(), seed=config.seed).to(device)
    trainer.start(supernet, strategy, cost)
    augmentation = Augmentation(**config.data.augmentation)
    augmentation.check_size(images.size)
    return Search(config, supernet, strategy, trainer, data, augmentation, images.about(), taken)


def load_data(
    config: LiveConfig, device: torch.device, folder: Path | None = None
) -> tuple[ImageSet, SearchData, pd.DataFrame | None]:
    """The image set that a config names, or the part of it, how a search splits it, and the part.

    The part is the one that the folder of the run names, else it is chosen on the device; images
    are left on the CPU.
    """
    images = load_image_set(config)
    if folder is not None:
        check_images(folder, images.about())
    taken = None
    if config.data.subset is not None:
        taken = taken_images(
            config.data.subset, images, seed=config.seed, device=device, folder=folder
        )
        images = take_subset(images, rows_of(taken))
    try:
        return images, split_images(images, config.data.validation_share, config.seed), taken
    except HwbenchError as error:
        if taken is None:
            raise
        name = config.data.subset["name"] if config.data.subset else ""
        raise HwbenchError(
            f"{error}; the section [data.subset] takes no more ({name}): raise its images"
        ) from error


def load_image_set(config: LiveConfig) -> ImageSet:
    """The whole image set that a config names."""
    folder = config.data.folder
    try:
        return load_images(config.data.name, None if folder is None else Path(folder))
    except HwbenchError as error:
        raise HwbenchError(f"section [data]: {error}") from error
