"""The bilevel trainer of DARTS: architecture on validation images, weights on training images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.images.parts import Part
from hwbench.live.requirements import Requirements
from hwbench.live.trainers.base import Trainer
from hwbench.live.trainers.optimisers import SGD

PERTURBATION = 0.01
"""Length of the step to both sides of the weights in the second-order gradient (DARTS)."""


@dataclass(kw_only=True)
class Bilevel(Trainer):
    """Alternating steps (CHOE 237-250; YU 192-224).

    Attributes
    ----------
    order : 1 takes the weights as they are. 2 takes them after one step of gradient descent on the
        training batch at the current learning rate, with momentum and weight decay, and follows
        the architecture's influence on that step by a finite difference.
    architecture_every : steps of the weights from one step of the strategy's parameters to the
        next, counted from the first of each epoch.
    """

    requires: ClassVar[Requirements] = Requirements(gradients=True)

    order: Literal[1, 2] = 1
    architecture_every: PositiveInt = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order == 2 and not isinstance(self._weights, SGD):
            raise HwbenchError("trainer bilevel: order 2 needs the optimiser sgd of the weights")

    def needs(self) -> Requirements:
        return replace(self.requires, deterministic=self.order == 2)

    def step(
        self, batch: Part, validation: Iterator[Part], *, learns: bool
    ) -> tuple[Tensor, Tensor]:
        if learns and self._step_of_epoch % self.architecture_every == 0:
            self.clear_gradients()
            if self.order == 1:
                self.first_order_gradient(next(validation))
            else:
                self.second_order_gradient(batch, next(validation))
            self.step_architecture()
        self.clear_gradients()
        total = torch.zeros((), device=batch.images.device)
        logits = total
        mixtures = self.strategy.weight_mixtures()
        with self._architecture_fixed():
            for mixture in mixtures:
                loss, logits = self.weight_loss(batch, mixture)
                loss.backward()  # type: ignore[no-untyped-call]
                total = total + loss.detach()
        self.step_weights()
        return total / len(mixtures), logits

    def first_order_gradient(self, validation: Part) -> None:
        """Set the gradient of the validation loss at the weights as they are."""
        alphas = list(self.strategy.parameters())
        # Only towards the strategy's parameters: the weights' gradients are never computed.
        for alpha, gradient in zip(
            alphas, _gradients(self._validation_loss(validation), alphas), strict=True
        ):
            alpha.grad = gradient

    def second_order_gradient(self, batch: Part, validation: Part) -> None:
        """Set the gradient of the validation loss after one step of the weights.

        grad_alpha L_val(w', alpha) - xi * (grad_alpha L_train(w+, alpha) - grad_alpha
        L_train(w-, alpha)) / (2 epsilon), where w' = w - xi * (the step's direction), w+- = w +-
        epsilon * grad_w' L_val, and epsilon = 0.01 / ||grad_w' L_val||. Weights and statistics are
        afterwards what they were.

        Parameters
        ----------
        batch : the training images of the step.
        validation : the validation images of the step.
        """
        weights = list(self.supernet.parameters())
        alphas = list(self.strategy.parameters())
        kept_weights = [weight.detach().clone() for weight in weights]
        kept_buffers = [buffer.clone() for buffer in self.supernet.buffers()]
        rate = self.weight_optimizer.param_groups[0]["lr"]
        direction = self._direction(_gradients(self._loss(batch), weights))
        _set(weights, kept_weights, [-rate * each for each in direction])
        found = _gradients(self._validation_loss(validation), alphas + weights)
        first, towards = found[: len(alphas)], found[len(alphas) :]
        length = torch.sqrt(sum((each**2).sum() for each in towards))  # type: ignore[arg-type]
        # Of length zero: both sides are the weights themselves, and their difference is zero. The
        # length stays on the device, which nothing here has to wait for.
        epsilon = PERTURBATION / torch.where(length > 0, length, torch.ones_like(length))
        sides = []
        for shift in (epsilon, -epsilon):
            _set(weights, kept_weights, [shift * each for each in towards])
            sides.append(_gradients(self._loss(batch), alphas))
        for gradient, plus, minus in zip(first, *sides, strict=True):
            gradient -= rate * (plus - minus) / (2 * epsilon)
        _set(weights, kept_weights)
        with torch.no_grad():
            for buffer, kept in zip(self.supernet.buffers(), kept_buffers, strict=True):
                buffer.copy_(kept)
        for alpha, gradient in zip(alphas, first, strict=True):
            alpha.grad = gradient

    def _loss(self, batch: Part) -> Tensor:
        return self.weight_loss(batch, self.strategy.architecture_mixture())[0]

    def _validation_loss(self, validation: Part) -> Tensor:
        loss = self._loss(validation)
        terms = self.architecture_terms()
        return loss if terms is None else loss + terms

    def _direction(self, gradients: list[Tensor]) -> list[Tensor]:
        """What the next step of the weights would take off them, but for the learning rate."""
        decay = {
            weight: group["weight_decay"]
            for group in self.weight_optimizer.param_groups
            for weight in group["params"]
        }
        momentum = self.weight_optimizer.param_groups[0]["momentum"]
        directions = []
        for weight, gradient in zip(self.supernet.parameters(), gradients, strict=True):
            direction = gradient + decay[weight] * weight.detach()
            buffer = self.weight_optimizer.state.get(weight, {}).get("momentum_buffer")
            if buffer is not None:
                direction = direction + momentum * buffer
            directions.append(direction)
        return directions

    @contextmanager
    def _architecture_fixed(self) -> Iterator[None]:
        """Spare the gradients of the strategy's parameters, which a step of the weights ignores."""
        parameters = list(self.strategy.parameters())
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)


def _gradients(loss: Tensor, of: list[nn.Parameter]) -> list[Tensor]:
    """Gradients that belong to the caller, zeros where the loss does not depend on a parameter."""
    found = torch.autograd.grad(loss, of, allow_unused=True)
    return [
        torch.zeros_like(parameter) if gradient is None else gradient
        for parameter, gradient in zip(of, found, strict=True)
    ]


def _set(
    weights: list[nn.Parameter], base: list[Tensor], shift: list[Tensor] | None = None
) -> None:
    """Set weights to base + shift, in place."""
    with torch.no_grad():
        for place, (weight, kept) in enumerate(zip(weights, base, strict=True)):
            weight.copy_(kept if shift is None else kept + shift[place])
