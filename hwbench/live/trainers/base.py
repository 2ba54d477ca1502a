"""Trainers: how weights and architecture parameters of a supernet are learned.

A trainer's fields are its arguments in a config. `start` gives it a supernet and a strategy; then
`train_epoch` runs one epoch after the other. Random numbers come from torch's default generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from hwbench.arguments import NotNegative, Positive, check_fields
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import Schedule, autocast, train_epoch
from hwbench.images.parts import Part, SearchData
from hwbench.live.components import complete_node, component, make_component
from hwbench.live.cost import ExpectedMetric
from hwbench.live.origins import carry_state
from hwbench.live.renamed import refuse_renamed
from hwbench.live.requirements import Requirements
from hwbench.live.schedules import SCHEDULES, LearningRateSchedule
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import Supernet
from hwbench.live.trainers import OPTIMISERS, TRAINERS
from hwbench.live.trainers.growing_batch import grown_batch
from hwbench.live.trainers.larc import scale_gradients
from hwbench.live.trainers.optimisers import Optimiser

Cost = Callable[[Tensor], Tensor]
"""A soft cost term: from the candidates' probabilities to what is added to the loss."""

Change = Callable[[Mixture], Mixture]
"""What a selection makes of each pass: from what the strategy gives to what is computed."""

TUNING_SHARE = 0.1
"""Of the learning rate in steps after the training, as published for selection by perturbation."""

WEIGHTS: dict[str, Any] = {"name": "sgd"}
SCHEDULE: dict[str, Any] = {"name": "cosine"}
ARCHITECTURE: dict[str, Any] = {
    "name": "adam",
    "learning_rate": 3e-4,
    "betas": [0.5, 0.999],
    "weight_decay": 1e-3,
}
"""What moves weights and the strategy's parameters where a config does not say: as in DARTS."""


_RENAMED = {"split": "become", "tune": "tune_epoch"}
"""Methods of 0.1.0, and what they are now."""


@dataclass(kw_only=True)
class Trainer(ABC):
    """What trainers share.

    The fields are the arguments in a config, and are checked by their annotations. `start` is
    called once; then, after a stop, `become` if the supernet's structure had changed, and
    `load_state_dict`; then `train_epoch` for each epoch in turn, and at last `tune_epoch` as often
    as a selection wants. A subclass says what one `step` is, and in `requires` with which
    strategies it goes.

    Attributes
    ----------
    epochs, batch_size : passes over the training images, and images of a step.
    memory_images : how many images, times the candidates of a position in the mean, fit into
        memory. Where it is given, batches begin with `batch_size` and grow up to `largest_batch` as
        `hwbench.live.trainers.growing_batch` says, for each structure of the supernet.
    largest_batch : that batches may grow to.
    stop_after : epochs after which the training ends all of a sudden, its schedules those of all
        `epochs`: the control of what fewer steps alone change (LAUBE 6.4.3, Fig. 6.6).
    weights : what moves the weights, a node of `hwbench.live.trainers.optimisers`.
    schedule : of their learning rate, a node of `hwbench.live.schedules`.
    architecture : what moves the strategy's parameters, unless it has an optimiser of its own; a
        node as for `weights`. Its learning rate stays.
    gradient_clip : largest norm of all weights' gradients together; 0 for no limit.
    label_smoothing : the share of each label that is spread over all classes in training.
    larc : whether every candidate operation has a learning rate of its own, see
        `hwbench.live.trainers.larc`; gradients are clipped before.
    larc_trust : its factor; 1 is the rate as printed (CHOE 408).
    warm_up_epochs : epochs at the start in which the strategy's parameters stay as they are.
    precision : "bfloat16" computes passes in mixed precision where the device supports it.
    """

    requires: ClassVar[Requirements] = Requirements()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_renamed(cls, "trainer", _RENAMED)

    epochs: PositiveInt = 50
    batch_size: PositiveInt = 64
    memory_images: PositiveInt | None = None
    largest_batch: PositiveInt = 128
    stop_after: PositiveInt | None = None
    weights: Annotated[dict[str, Any], component(OPTIMISERS)] = field(
        default_factory=partial(complete_node, OPTIMISERS, WEIGHTS, where="trainer")
    )
    schedule: Annotated[dict[str, Any], component(SCHEDULES)] = field(
        default_factory=partial(complete_node, SCHEDULES, SCHEDULE, where="trainer")
    )
    architecture: Annotated[dict[str, Any], component(OPTIMISERS)] = field(
        default_factory=partial(complete_node, OPTIMISERS, ARCHITECTURE, where="trainer")
    )
    gradient_clip: NotNegative = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    larc: bool = False
    larc_trust: Positive = 1.0
    warm_up_epochs: NonNegativeInt = 0
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        check_fields(self, "trainer")
        if self.warm_up_epochs >= self.epochs and self.warm_up_epochs:
            raise HwbenchError("trainer: warm_up_epochs must be fewer than the epochs")
        if self.stop_after is not None and self.stop_after > self.epochs:
            raise HwbenchError(
                f"trainer: stop_after = {self.stop_after} is more than the {self.epochs} epochs"
            )
        self._weights: Optimiser = make_component(OPTIMISERS, self.weights)
        self._architecture: Optimiser = make_component(OPTIMISERS, self.architecture)
        self._schedule: LearningRateSchedule = make_component(SCHEDULES, self.schedule)
        self._schedule.check(self._weights.learning_rate, self.epochs)
        self._change: Change | None = None
        self._step_of_epoch = 0

    @property
    def epochs_trained(self) -> int:
        """How many of its epochs a search trains: all, or those before the sudden end."""
        return self.epochs if self.stop_after is None else self.stop_after

    def images_of_a_step(self) -> int:
        """The batch size with the candidates that the supernet has now."""
        if self.memory_images is None:
            return self.batch_size
        candidates = sum(self.supernet.sizes) / len(self.supernet.sizes)
        return grown_batch(self.batch_size, candidates, self.memory_images, most=self.largest_batch)

    @property
    def components(self) -> tuple[object, ...]:
        """What its nodes describe; their code is a part of what trains."""
        return self._weights, self._architecture, self._schedule

    def needs(self) -> Requirements:
        """What it needs of a strategy; by default `requires`, whatever the arguments are."""
        return self.requires

    def start(
        self, supernet: Supernet, strategy: ArchitectureStrategy, cost: Cost | None = None
    ) -> None:
        """Take a supernet and a strategy that was attached to it, on their final device.

        Parameters
        ----------
        supernet, strategy : what to train.
        cost : a soft cost term, from `strategy.probabilities()` to a scalar.

        Raises
        ------
        HwbenchError
            Where strategy and trainer do not go together.
        """
        self.supernet = supernet
        self.strategy = strategy
        self.cost = cost
        self._check(strategy)
        self.weight_optimizer = self._weights.make(supernet.parameters())
        self.architecture_optimizer = self._make_optimizer_of_strategy()

    def make_architecture_optimizer(
        self, parameters: Iterable[nn.Parameter]
    ) -> torch.optim.Optimizer:
        """What the node `architecture` describes, of a strategy's parameters."""
        return self._architecture.make(parameters)

    def train_epoch(
        self, epoch: int, data: SearchData, augmentation: Augmentation
    ) -> dict[str, float]:
        """Train one epoch.

        Returns
        -------
        `train_loss` and `train_accuracy` (in %) averaged over the steps, `learning_rate` of the
        last one, and `batch_size`, where it grows.
        """
        self.become(self.strategy.before_epoch(epoch, self.epochs))
        self.supernet.begin_epoch()
        learns = (
            self.architecture_optimizer is not None
            and epoch >= self.warm_up_epochs
            and self.strategy.learns_in(epoch)
        )
        steps = self._steps(data, augmentation, learns=learns)
        return self._epoch(steps, data, augmentation, self._rate, epoch=epoch, epochs=self.epochs)

    @contextmanager
    def tuning(self, change: Change) -> Iterator[None]:
        """In which `tune_epoch` may be called: at a tenth of the learning rate, which stays.

        The weights' optimiser begins anew; the strategy's goes on, and its parameters learn on, as
        published for selection by perturbation (Wang et al. 2021).

        Parameters
        ----------
        change : what is computed in place of what the strategy gives.
        """
        self.weight_optimizer = self._weights.make(self.supernet.parameters())
        self._change = change
        try:
            yield
        finally:
            self._change = None

    def tune_epoch(self, data: SearchData, augmentation: Augmentation) -> dict[str, float]:
        """Train one epoch more, within `tuning`; numbers as of `train_epoch`."""
        steps = self._steps(data, augmentation, learns=self.architecture_optimizer is not None)
        rate = TUNING_SHARE * self._weights.learning_rate
        return self._epoch(steps, data, augmentation, lambda _step, _steps: rate, epoch=0, epochs=1)

    def _steps(
        self, data: SearchData, augmentation: Augmentation, *, learns: bool
    ) -> Callable[[Part], tuple[Tensor, Tensor]]:
        """The steps of an epoch; the parameters' images are changed as those of the weights are."""
        validation = map(augmentation.apply, data.validation.endless(self.images_of_a_step()))
        self._step_of_epoch = -1

        def step(batch: Part) -> tuple[Tensor, Tensor]:
            self._step_of_epoch += 1
            return self.step(batch, validation, learns=learns)

        return step

    def _epoch(
        self,
        step: Callable[[Part], tuple[Tensor, Tensor]],
        data: SearchData,
        augmentation: Augmentation,
        rate: Schedule,
        *,
        epoch: int,
        epochs: int,
    ) -> dict[str, float]:
        self.supernet.train()
        done = train_epoch(
            step,
            data.train,
            self.weight_optimizer,
            rate,
            epoch=epoch,
            epochs=epochs,
            batch_size=self.images_of_a_step(),
            augmentation=augmentation,
        )
        grown = {} if self.memory_images is None else {"batch_size": float(self.images_of_a_step())}
        return {
            **grown,
            "learning_rate": done.learning_rate,
            "train_loss": done.loss,
            "train_accuracy": 100.0 * float(done.accuracies.mean()),
        }

    @abstractmethod
    def step(
        self, batch: Part, validation: Iterator[Part], *, learns: bool
    ) -> tuple[Tensor, Tensor]:
        """One step on a batch of training images, after the learning rate of the step was set.

        Called for every batch of an epoch, the supernet in training mode. It clears the gradients,
        takes passes from the strategy, and moves the weights (`step_weights`) and, if `learns`, the
        strategy's parameters (`step_architecture`); what else it keeps from step to step belongs
        into `state_dict`.

        Parameters
        ----------
        batch : of training images, augmented.
        validation : endless batches of validation images, in an order drawn anew for every pass; no
            batch is drawn before it is asked for.
        learns : whether the strategy's parameters are trained now: it has some, and the warm-up
            epochs are over.

        Returns
        -------
        The loss of the weights, and the logits of the last pass, of shape (batch, classes).
        """

    def become(self, structure: Structure | None) -> None:
        """Change the supernet's structure if it is another; optimisers keep what they learned.

        Parameters
        ----------
        structure : that the supernet is to have; None for the one it has.
        """
        if structure is None or structure == self.supernet.structure:
            return
        origins = self.supernet.restructure(structure)
        before = self.weight_optimizer
        self.weight_optimizer = self._weights.make(self.supernet.parameters())
        carry_state(before, self.weight_optimizer, origins)
        followed = self.strategy.follow(self.supernet.structure)
        own = self.architecture_optimizer
        if _moved_by(own) != {id(each) for each in self.strategy.parameters()}:
            self.architecture_optimizer = self._make_optimizer_of_strategy()
            if own is not None and self.architecture_optimizer is not None:
                carry_state(own, self.architecture_optimizer, followed)
        if isinstance(self.cost, ExpectedMetric):
            self.cost.follow(self.supernet)

    def state_dict(self) -> dict[str, Any]:
        """What goes on after a stop, besides supernet and strategy: tensors and plain values.

        Asked for after each epoch.
        """
        state: dict[str, Any] = {"weights": self.weight_optimizer.state_dict()}
        if self.architecture_optimizer is not None:
            state["architecture"] = self.architecture_optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state that `state_dict` gave; called after `start`, before the next epoch."""
        self.weight_optimizer.load_state_dict(state["weights"])
        if self.architecture_optimizer is not None:
            self.architecture_optimizer.load_state_dict(state["architecture"])

    # ------------------------------------------------------------------ parts of a step

    def weight_loss(self, batch: Part, mixture: Mixture) -> tuple[Tensor, Tensor]:
        """The supernet's loss and output of one pass."""
        computed = mixture if self._change is None else self._change(mixture)
        with autocast(batch.images.device, self.precision):
            output = self.supernet(batch.images, computed)
            return self.supernet.loss(output, batch.labels, self.label_smoothing), output

    def architecture_terms(self) -> Tensor | None:
        """Penalty and cost, which depend on the strategy's parameters alone."""
        total = self.strategy.penalty()
        if self.cost is not None:
            probabilities = self.strategy.probabilities()
            if probabilities is not None:
                cost = self.cost(probabilities)
                total = cost if total is None else total + cost
        return total

    def step_weights(self) -> None:
        """One step of the weights along the gradients that they hold."""
        if self.gradient_clip:
            nn.utils.clip_grad_norm_(self.supernet.parameters(), self.gradient_clip)
        if self.larc:  # a learning rate of the step, which no limit of gradients is to undo
            scale_gradients(self.supernet, self.larc_trust)
        self.weight_optimizer.step()

    def step_architecture(self) -> None:
        """One step of the strategy's parameters along the gradients that they hold."""
        if self.architecture_optimizer is not None:
            self.architecture_optimizer.step()
            self.strategy.project()

    def clear_gradients(self) -> None:
        """Drop all gradients; a path that is not taken then has none, and its weights rest."""
        self.weight_optimizer.zero_grad()  # a walk through all modules costs a tenth of a step
        self.strategy.zero_grad(set_to_none=True)

    def _make_optimizer_of_strategy(self) -> torch.optim.Optimizer | None:
        if not any(True for _ in self.strategy.parameters()):
            return None
        return self.strategy.optimizer(self.strategy.parameters(), self)

    def _rate(self, step: int, steps: int) -> float:
        epoch = self.epochs * step / steps
        return self._schedule.rate(self._weights.learning_rate, epoch, self.epochs)

    def _check(self, strategy: ArchitectureStrategy) -> None:
        problem = unsuitable(self, strategy)
        if problem:
            raise HwbenchError(problem)
        if self.needs().gradients and not any(True for _ in strategy.parameters()):
            raise HwbenchError(
                f"trainer {_name(self)}: {type(strategy).__name__} has no parameters; use "
                "single_level"
            )


def _moved_by(optimizer: torch.optim.Optimizer | None) -> set[int]:
    """The parameters that an optimiser moves, by identity."""
    groups = [] if optimizer is None else optimizer.param_groups
    return {id(parameter) for group in groups for parameter in group["params"]}


def unsuitable(trainer: Trainer, strategy: ArchitectureStrategy) -> str:
    """Why a trainer does not go with a strategy, in a sentence; empty where it does."""
    needs, who = trainer.needs(), f"trainer {_name(trainer)}"
    what = type(strategy).__name__
    if needs.gradients and not strategy.learns_by_gradient:
        return f"{who}: {what} has no parameters that a loss trains; use single_level"
    if needs.deterministic and not strategy.deterministic:
        return f"{who}: order 2 needs a strategy that draws nothing, which {what} does; use order 1"
    own = type(strategy).architecture_mixture is not ArchitectureStrategy.architecture_mixture
    if needs.one_pass and own:
        return (
            f"{who}: {what} takes other passes for its parameters than for the weights; use bilevel"
        )
    return ""


def _name(trainer: Trainer) -> str:
    kind = type(trainer)
    path = f"{kind.__module__}:{kind.__qualname__}"
    return next((name for name, own in TRAINERS.built_in.items() if own == path), kind.__name__)


@dataclass(kw_only=True)
class SingleLevel(Trainer):
    """Weights, and the strategy's parameters if it has any, on the same training images.

    One pass gives both gradients (SNAS; single-path strategies, which have no parameters).
    """

    requires: ClassVar[Requirements] = Requirements(one_pass=True)

    def step(
        self, batch: Part, validation: Iterator[Part], *, learns: bool
    ) -> tuple[Tensor, Tensor]:
        del validation
        self.clear_gradients()
        total = torch.zeros((), device=batch.images.device)
        logits = total
        mixtures = self.strategy.weight_mixtures()
        for mixture in mixtures:
            loss, logits = self.weight_loss(batch, mixture)
            loss.backward()  # type: ignore[no-untyped-call]
            total = total + loss.detach()
        if learns:
            terms = self.architecture_terms()
            if terms is not None:
                terms.backward()  # type: ignore[no-untyped-call]
            self.step_architecture()
        self.step_weights()
        return total / len(mixtures), logits
