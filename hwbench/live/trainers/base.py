"""Trainers: how weights and architecture parameters of a supernet are learned.

A trainer's fields are its arguments in a config. `start` gives it a supernet and a strategy; then
`train_epoch` runs one epoch after the other. Random numbers come from torch's default generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hwbench.arguments import NotNegative, Positive, check_fields
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import Schedule, autocast, fit, sgd, train_epoch
from hwbench.images.parts import Part, SearchData
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Supernet
from hwbench.live.trainers.larc import scale_gradients
from hwbench.optimisation import half_cosine

Decay = Annotated[float, Field(ge=0, lt=1)]
"""How much of a running mean a step keeps."""

Cost = Callable[[Tensor], Tensor]
"""A soft cost term: from the candidates' probabilities to what is added to the loss."""


@dataclass(kw_only=True)
class Trainer(ABC):
    """What trainers share.

    The fields are the arguments in a config, and are checked by their annotations. `start` is
    called once; then, after a stop, `split` if the supernet was split, and `load_state_dict`; then
    `train_epoch` for each epoch in turn, and at last `tune` as often as a selection wants. A
    subclass says what one `step` is, and in `start` with which strategies it goes.

    Attributes
    ----------
    epochs, batch_size : passes over the training images, and images of a step.
    learning_rate, final_learning_rate : of the weights; falls along a half cosine, step by step.
    momentum, nesterov, weight_decay : of the weights' stochastic gradient descent.
    decay_batch_norm : whether the weight decay includes vectors: scales, shifts and biases.
    gradient_clip : largest norm of all weights' gradients together; 0 for no limit.
    larc : whether every candidate operation has a learning rate of its own, see
        `hwbench.live.trainers.larc`.
    larc_trust : its factor.
    architecture_learning_rate, architecture_betas, architecture_weight_decay : of Adam on the
        strategy's parameters.
    warm_up_epochs : epochs at the start in which the strategy's parameters stay as they are.
    precision : "bfloat16" computes passes in mixed precision where the device supports it.
    """

    epochs: PositiveInt = 50
    batch_size: PositiveInt = 64
    learning_rate: Positive = 0.025
    final_learning_rate: NotNegative = 0.0
    momentum: NotNegative = 0.9
    nesterov: bool = False
    weight_decay: NotNegative = 3e-4
    decay_batch_norm: bool = True
    gradient_clip: NotNegative = 0.0
    larc: bool = False
    larc_trust: Positive = 1.0
    architecture_learning_rate: Positive = 3e-4
    architecture_betas: tuple[Decay, Decay] = (0.5, 0.999)
    architecture_weight_decay: NotNegative = 1e-3
    warm_up_epochs: NonNegativeInt = 0
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        check_fields(self, "trainer")
        if self.warm_up_epochs >= self.epochs and self.warm_up_epochs:
            raise HwbenchError("trainer: warm_up_epochs must be fewer than the epochs")

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
        self.weight_optimizer = self._make_weight_optimizer()
        parameters = list(strategy.parameters())
        self.architecture_optimizer = (
            torch.optim.Adam(
                parameters,
                lr=self.architecture_learning_rate,
                betas=self.architecture_betas,
                weight_decay=self.architecture_weight_decay,
            )
            if parameters
            else None
        )

    def train_epoch(
        self, epoch: int, data: SearchData, augmentation: Augmentation
    ) -> dict[str, float]:
        """Train one epoch.

        Returns
        -------
        `train_loss` and `train_accuracy` (in %) averaged over the steps, and `learning_rate` of the
        last one.
        """
        self.strategy.begin_epoch(epoch, self.epochs)
        if self.strategy.split_now(epoch) and not self.supernet.is_split:
            self.split()
        self.supernet.train()
        learns = self.architecture_optimizer is not None and epoch >= self.warm_up_epochs
        validation = data.validation.endless(self.batch_size)
        done = train_epoch(
            lambda batch: self.step(batch, validation, learns=learns),
            data.train,
            self.weight_optimizer,
            self._schedule(),
            epoch=epoch,
            epochs=self.epochs,
            batch_size=self.batch_size,
            augmentation=augmentation,
        )
        return {
            "learning_rate": done.learning_rate,
            "train_loss": float(done.losses.mean()),
            "train_accuracy": 100.0 * float(done.accuracies.mean()),
        }

    def tune(
        self,
        mixture: Callable[[], Mixture],
        data: SearchData,
        augmentation: Augmentation,
        epochs: int,
    ) -> None:
        """Train the weights alone, at a learning rate that falls from its start once more.

        Parameters
        ----------
        mixture : gives what each step computes.
        data, augmentation : as for `train_epoch`.
        epochs : passes over the training images.
        """

        def step(batch: Part) -> tuple[Tensor, Tensor]:
            self.clear_gradients()
            loss, logits = self.weight_loss(batch, _detached(mixture()))
            loss.backward()  # type: ignore[no-untyped-call]
            self.step_weights()
            return loss, logits

        self.supernet.train()
        fit(
            step,
            data.train,
            self.weight_optimizer,
            self._schedule(),
            epochs=epochs,
            batch_size=self.batch_size,
            augmentation=augmentation,
        )

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

    def split(self) -> None:
        """Split the supernet's weights; copies go on with the momentum of their origin."""
        before = self.weight_optimizer.state
        origin = self.supernet.split()
        self.weight_optimizer = self._make_weight_optimizer()
        for weight in self.supernet.parameters():
            state = before.get(origin.get(weight, weight))
            if state:
                self.weight_optimizer.state[weight] = {
                    name: value.clone() if isinstance(value, Tensor) else value
                    for name, value in state.items()
                }

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
        """Cross-entropy and logits of one pass."""
        with autocast(batch.images.device, self.precision):
            logits = self.supernet(batch.images, mixture)
            return cross_entropy(logits, batch.labels), logits

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
        if self.larc:
            scale_gradients(self.supernet, self.larc_trust)
        if self.gradient_clip:
            nn.utils.clip_grad_norm_(self.supernet.parameters(), self.gradient_clip)
        self.weight_optimizer.step()

    def step_architecture(self) -> None:
        """One step of the strategy's parameters along the gradients that they hold."""
        if self.architecture_optimizer is not None:
            self.architecture_optimizer.step()
            self.strategy.after_architecture_step()

    def clear_gradients(self) -> None:
        """Drop all gradients; a path that is not taken then has none, and its weights rest."""
        self.supernet.zero_grad(set_to_none=True)
        self.strategy.zero_grad(set_to_none=True)

    def _make_weight_optimizer(self) -> torch.optim.SGD:
        return sgd(
            self.supernet.parameters(),
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            decay_vectors=self.decay_batch_norm,
        )

    def _schedule(self) -> Schedule:
        return half_cosine(self.learning_rate, self.final_learning_rate)


@dataclass(kw_only=True)
class SingleLevel(Trainer):
    """Weights, and the strategy's parameters if it has any, on the same training images.

    One pass gives both gradients (SNAS; single-path strategies, which have no parameters).
    """

    def start(
        self, supernet: Supernet, strategy: ArchitectureStrategy, cost: Cost | None = None
    ) -> None:
        if type(strategy).architecture_mixture is not ArchitectureStrategy.architecture_mixture:
            raise HwbenchError(
                f"trainer single_level: {type(strategy).__name__} takes other passes for its "
                "parameters than for the weights; use bilevel"
            )
        super().start(supernet, strategy, cost)

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


def _detached(mixture: Mixture) -> Mixture:
    choices = [
        choice._replace(weights=None if choice.weights is None else choice.weights.detach())
        for choice in mixture.choices
    ]
    edge_weights = mixture.edge_weights
    return Mixture(tuple(choices), None if edge_weights is None else edge_weights.detach())
