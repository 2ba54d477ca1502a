"""How a plain network is trained on images: what retraining and trained tables have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hwbench.arguments import NotNegative, Positive, check_fields
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import Descent, Epoch, OwnLoss, Precision, Schedule, fit, sgd
from hwbench.images.parts import Part
from hwbench.optimisation import check_warm_up, half_cosine, warmed_up


@dataclass(frozen=True, kw_only=True)
class FitRecipe:
    """How a network is trained: by default stochastic gradient descent along a half cosine.

    Attributes
    ----------
    epochs, batch_size : passes over all training images, and images of a step.
    optimiser : "sgd", or "adam" (Kingma and Ba 2015).
    learning_rate : at the start; falls to zero along a half cosine, step by step.
    constant_rate : whether it stays instead.
    warm_up_epochs : in which the learning rate first rises from zero, in a straight line.
    momentum, nesterov, weight_decay : of stochastic gradient descent, as in torch; of Adam the
        momentum is the first beta, the second is 0.999.
    gradient_clip : largest norm of all gradients together; 0 for no limit.
    label_smoothing : share of every label that goes to all classes alike.
    shift, flip, cutout : see `hwbench.images.augmentation.Augmentation`.
    precision : "bfloat16" computes the passes of training in mixed precision; weights stay float32,
        and so does what is tested.
    """

    owner: ClassVar[str] = "training"

    epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate: Positive
    optimiser: Literal["sgd", "adam"] = "sgd"
    constant_rate: bool = False
    warm_up_epochs: NotNegative = 0.0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    weight_decay: NotNegative = 5e-4
    gradient_clip: NotNegative = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shift: NonNegativeInt = 0
    flip: bool = False
    cutout: NonNegativeInt = 0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_fields(self, self.owner)
        if self.nesterov and not self.momentum:
            raise HwbenchError(f"{self.owner}: nesterov needs a momentum above 0")
        if self.optimiser == "adam" and self.nesterov:
            raise HwbenchError(
                f"{self.owner}: adam has no nesterov momentum; set nesterov = false (--no-nesterov)"
            )
        check_warm_up(self.warm_up_epochs, self.epochs, self.owner)

    def optimizer(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """What moves the weights."""
        if self.optimiser == "adam":
            return torch.optim.Adam(
                weights,
                lr=self.learning_rate,
                betas=(self.momentum, 0.999),
                weight_decay=self.weight_decay,
            )
        return sgd(
            weights,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The cross-entropy with smoothed labels, mean over a batch."""
        return cross_entropy(logits, labels, label_smoothing=self.label_smoothing)

    def loss_of(self, network: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
        """What the training of a network minimises: its own loss where it has one."""
        if isinstance(network, OwnLoss):
            return partial(network.loss, label_smoothing=self.label_smoothing)
        return self.loss

    def falling_rate(self) -> Schedule:
        """The learning rate after the rise."""
        return half_cosine(self.learning_rate)

    def schedule(self) -> Schedule:
        """The learning rate of every step."""
        falling = self._constant if self.constant_rate else self.falling_rate()

        def rate(step: int, steps: int) -> float:
            warm_up = round(self.warm_up_epochs * steps / self.epochs)
            return warmed_up(falling, self.learning_rate, warm_up)(step, steps)

        return rate

    def _constant(self, _step: int, _steps: int) -> float:
        return self.learning_rate

    def fit(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        images: Part,
        *,
        generator: torch.Generator | None = None,
        first_epoch: int = 0,
        auxiliary_loss: Callable[[Part], Tensor] | None = None,
        before_epoch: Callable[[int], None] | None = None,
        after_epoch: Callable[[int, Epoch], None] | None = None,
    ) -> None:
        """Train a network, see `hwbench.images.fit.fit`.

        Parameters
        ----------
        network : on the device of the images, in training mode.
        optimizer : that `optimizer` gave.
        images : to train on.
        auxiliary_loss : see `hwbench.images.fit.Descent`.
        generator, first_epoch, before_epoch, after_epoch : see `hwbench.images.fit.fit`.

        Raises
        ------
        DivergedError
            See `hwbench.images.fit.train_epoch`.
        HwbenchError
            Where the augmentation leaves nothing of images of that size.
        """
        augmentation = Augmentation(shift=self.shift, flip=self.flip, cutout=self.cutout)
        augmentation.check_size(images.images.shape[-1])
        fit(
            Descent(
                network=network,
                optimizer=optimizer,
                gradient_clip=self.gradient_clip,
                loss=self.loss_of(network),
                precision=self.precision,
                auxiliary_loss=auxiliary_loss,
            ),
            images,
            optimizer,
            self.schedule(),
            epochs=self.epochs,
            batch_size=self.batch_size,
            augmentation=augmentation,
            generator=generator,
            first_epoch=first_epoch,
            before_epoch=before_epoch,
            after_epoch=after_epoch,
        )


def changes_in_words(recipe: FitRecipe, beside: FitRecipe) -> list[str]:
    """What a recipe has other than one of its kind: "epochs 100", "label smoothing 0.1"."""
    known = asdict(beside)
    return [
        f"{name.replace('_', ' ')} {str(value).lower()}"
        for name, value in asdict(recipe).items()
        if value != known[name]
    ]
