"""The one loop that trains networks on images: supernets, found architectures, those of tables.

`fit` goes through the images epoch by epoch, sets the learning rate and hands each augmented
batch to a step; `Descent` is the step of a plain network, and a trainer of supernets brings its
own. Every draw is torch's: the order of images at the start of an epoch, then for each step the
augmentation, then what the step draws. `evaluate` tests what came of it. `state_of` and `restore`
keep all that a training changes, for going on exactly where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.parts import Part

Step = Callable[[Part], tuple[Tensor, Tensor]]
"""Moves the weights along the gradients of one batch; returns its loss, and its logits of shape
(batch, classes)."""

Schedule = Callable[[int, int], float]
"""The learning rate of a step (0 .. steps - 1) of so many steps, as in `hwbench.optimisation`."""

Precision = Literal["float32", "bfloat16"]

NO_AUGMENTATION = Augmentation()
EVALUATION_BATCH = 256


class DivergedError(HwbenchError):
    """A loss is no number any more, nor are the weights that it moved."""


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Attributes
    ----------
    learning_rate : of its last step.
    losses : float32 of shape (steps,), on the images' device.
    accuracies : of each batch before its step, shares; float32 of shape (steps,).
    """

    learning_rate: float
    losses: Tensor
    accuracies: Tensor

    @cached_property
    def loss(self) -> float:
        """Their mean, for which the device is waited for once."""
        return float(self.losses.mean())


@dataclass(frozen=True)
class Evaluation:
    """How well a network labels images.

    Attributes
    ----------
    images : how many were labelled.
    right : how many of them rightly.
    total_loss : sum of their losses.
    measured : what else was measured on the way, by name, means over the images.
    """

    images: int
    right: int
    total_loss: float
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Images labelled rightly, in %."""
        return 100.0 * self.right / self.images

    @property
    def loss(self) -> float:
        """Mean loss, the cross-entropy where nothing else is said."""
        return self.total_loss / self.images


class Stateful(Protocol):
    """A network, an optimizer, or what else gives its state and takes it back."""

    def state_dict(self) -> Mapping[str, Any]:
        """The state."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Take a state back."""


Measure = Callable[[], Mapping[str, Tensor]]
"""Asked after a pass for what it measured besides its output: scalars, means over its images."""


@runtime_checkable
class Measuring(Protocol):
    """A network that measures something in each pass."""

    def measurements(self) -> Mapping[str, Tensor]:
        """What the last pass measured besides its output, means over its images, by name."""


@runtime_checkable
class OwnLoss(Protocol):
    """A network whose output is no logits, and which says what training minimises."""

    def loss(self, output: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """From output (batch, classes) and labels to the mean over a batch, a scalar."""


@dataclass(frozen=True, kw_only=True)
class Descent:
    """A step of a network's weights along the gradient of a loss.

    Attributes
    ----------
    network : from images (batch, channels, size, size) to logits (batch, classes).
    optimizer : of the weights that move.
    gradient_clip : largest norm of all their gradients together; 0 for no limit.
    loss : from logits and labels to the mean over a batch.
    precision : "bfloat16" computes the pass in mixed precision where the device supports it.
    auxiliary_loss : asked after the pass for what is added to the loss; the loss that is returned
        is without it.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    gradient_clip: float = 0.0
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    precision: Precision = "float32"
    auxiliary_loss: Callable[[Part], Tensor] | None = None

    def __call__(self, batch: Part) -> tuple[Tensor, Tensor]:
        """Take the step; see `Step`."""
        self.optimizer.zero_grad()
        with autocast(batch.images.device, self.precision):
            logits = self.network(batch.images)
            loss = self.loss(logits, batch.labels)
            total = loss if self.auxiliary_loss is None else loss + self.auxiliary_loss(batch)
        total.backward()  # type: ignore[no-untyped-call]
        if self.gradient_clip:
            groups = self.optimizer.param_groups
            weights = [weight for group in groups for weight in group["params"]]
            nn.utils.clip_grad_norm_(weights, self.gradient_clip)
        self.optimizer.step()
        return loss, logits


def fit(
    step: Step,
    images: Part,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    epochs: int,
    batch_size: int,
    augmentation: Augmentation = NO_AUGMENTATION,
    generator: torch.Generator | None = None,
    first_epoch: int = 0,
    before_epoch: Callable[[int], None] | None = None,
    after_epoch: Callable[[int, Epoch], None] | None = None,
) -> None:
    """Train, epoch after epoch.

    Parameters
    ----------
    step : moves the weights; the network is in the mode that the caller gave it.
    images : to train on, on the device.
    optimizer : whose learning rate is set before each step.
    schedule : of the learning rate over all steps.
    epochs, batch_size : passes over the images, and images of a step.
    augmentation : of each batch.
    generator : of the images' order; torch's default one by default.
    first_epoch : the epoch to begin with, of a training that goes on.
    before_epoch : called with an epoch's number before its first draw, such as for a probability
        that rises from epoch to epoch.
    after_epoch : called with an epoch's number and what it came to, such as for a checkpoint. It
        must draw nothing.

    Raises
    ------
    DivergedError
        As `train_epoch`.
    """
    for epoch in range(first_epoch, epochs):
        if before_epoch is not None:
            before_epoch(epoch)
        done = train_epoch(
            step,
            images,
            optimizer,
            schedule,
            epoch=epoch,
            epochs=epochs,
            batch_size=batch_size,
            augmentation=augmentation,
            generator=generator,
        )
        if after_epoch is not None:
            after_epoch(epoch, done)


def train_epoch(
    step: Step,
    images: Part,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    epoch: int,
    epochs: int,
    batch_size: int,
    augmentation: Augmentation = NO_AUGMENTATION,
    generator: torch.Generator | None = None,
) -> Epoch:
    """Train one epoch of `epochs`; parameters are those of `fit`.

    Raises
    ------
    DivergedError
        Where a loss is no number, or infinite.
    """
    steps = images.steps(batch_size)
    losses, accuracies, rate = [], [], 0.0
    for place, batch in enumerate(images.shuffled(batch_size, generator)):
        rate = schedule(epoch * steps + place, epochs * steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, logits = step(augmentation.apply(batch))
        losses.append(loss.detach())
        accuracies.append((logits.argmax(dim=1) == batch.labels).float().mean())
    done = Epoch(rate, torch.stack(losses), torch.stack(accuracies))
    if not math.isfinite(done.loss):
        first = int((~torch.isfinite(done.losses)).nonzero()[0]) + 1
        raise DivergedError(
            f"the training diverged: from step {first} of {steps} of epoch {epoch + 1} "
            f"of {epochs} on the loss is no number; use a lower learning rate, or limit the "
            "gradients with gradient_clip"
        )
    return done


def evaluate(
    predict: Callable[[Tensor], Tensor],
    images: Part,
    batch_size: int = EVALUATION_BATCH,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    measure: Measure | None = None,
) -> Evaluation:
    """Label images, without gradients.

    Parameters
    ----------
    predict : from images to logits; a network in the mode that the caller gave it.
    images : on the network's device.
    batch_size : images of a pass.
    loss : from logits and labels to the mean over a batch.
    measure : asked after each pass.
    """
    right: list[Tensor] = []
    losses: list[Tensor] = []
    sizes: list[int] = []
    measured: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for batch in images.batches(batch_size):
            logits = predict(batch.images)
            right.append((logits.argmax(dim=1) == batch.labels).sum())
            losses.append(loss(logits, batch.labels))
            sizes.append(len(batch))
            for name, value in ({} if measure is None else measure()).items():
                measured.setdefault(name, []).append(value)
    # Read at the end, so that no batch has to wait for the numbers of the one before it.
    return Evaluation(
        len(images),
        int(torch.stack(right).sum()),
        sum_over_images(losses, sizes),
        {name: sum_over_images(means, sizes) / len(images) for name, means in measured.items()},
    )


def evaluate_network(
    network: nn.Module, images: Part, batch_size: int = EVALUATION_BATCH
) -> Evaluation:
    """Label images with a network, in the mode that it has: by its own loss, with what it measures.

    Parameters
    ----------
    network, images, batch_size : as for `evaluate`.
    """
    loss = network.loss if isinstance(network, OwnLoss) else cross_entropy
    measure = network.measurements if isinstance(network, Measuring) else None
    return evaluate(network, images, batch_size, loss, measure)


def sum_over_images(means: Sequence[Tensor], sizes: Sequence[int]) -> float:
    """The sum over all images, from the mean of each batch, a scalar, and its number of images."""
    total = 0.0
    for mean, size in zip(torch.stack(tuple(means)).tolist(), sizes, strict=True):
        total += mean * size
    return total


def sgd(
    weights: Iterable[nn.Parameter],
    *,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    nesterov: bool = False,
    decay_vectors: bool = True,
) -> torch.optim.SGD:
    """Stochastic gradient descent.

    Parameters
    ----------
    weights : what moves.
    learning_rate : before a schedule sets it.
    momentum, nesterov, weight_decay : as in torch.
    decay_vectors : whether the weight decay includes vectors: scales, shifts and biases.
    """
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for weight in weights:
        (decayed if decay_vectors or weight.dim() > 1 else others).append(weight)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        foreach=True,
    )


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[Any]:
    """In which passes are computed in mixed precision, or as they are."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def state_of(**parts: Stateful) -> dict[str, Any]:
    """All that training changes: the state of its parts by name, and of torch's random numbers."""
    state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
    state["random"] = torch.get_rng_state()
    if torch.cuda.is_available():
        state["random_cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore(state: Mapping[str, Any], **parts: Stateful) -> None:
    """Take back what `state_of` gave, into parts of the same names.

    Raises
    ------
    KeyError
        Where a part is missing.
    RuntimeError
        Where a part is of another kind, as torch says.
    ValueError
        Where an optimiser's parameters are others.
    """
    for name, part in parts.items():
        part.load_state_dict(state[name])
    torch.set_rng_state(state["random"].cpu())
    if "random_cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["random_cuda"]])
