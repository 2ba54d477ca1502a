"""Optimisers as nodes of a config: what moves the weights, or a strategy's parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from hwbench.arguments import NotNegative, Positive, check_constructor
from hwbench.errors import HwbenchError
from hwbench.images.fit import sgd

Decay = Annotated[float, Field(ge=0, lt=1)]
"""How much of a running mean a step keeps."""


class Optimiser(ABC):
    """What an optimiser is made of. One of one's own is named "module:Class".

    A constructor takes arguments by keyword, which are checked by their annotations, and stores
    them.

    Attributes
    ----------
    learning_rate : at the start; the weights' follows a schedule from there.
    """

    learning_rate: float

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_constructor(cls, lambda part: f"optimiser {type(part).__name__}")

    @abstractmethod
    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser of these parameters."""


class SGD(Optimiser):
    """Stochastic gradient descent.

    Parameters
    ----------
    learning_rate : at the start.
    momentum, nesterov, weight_decay : as in torch.
    decay_vectors : whether the weight decay includes vectors: scales, shifts and biases.
    """

    def __init__(
        self,
        *,
        learning_rate: Positive = 0.025,
        momentum: Decay = 0.9,
        nesterov: bool = False,
        weight_decay: NotNegative = 3e-4,
        decay_vectors: bool = True,
    ) -> None:
        if nesterov and not momentum:
            raise HwbenchError("optimiser sgd: nesterov needs a momentum above 0")
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.decay_vectors = decay_vectors

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return sgd(
            parameters,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            decay_vectors=self.decay_vectors,
        )


class Adam(Optimiser):
    """Adam (Kingma and Ba 2015).

    Parameters
    ----------
    learning_rate : at the start.
    betas, weight_decay : as in torch; the decay is a part of the gradient.
    """

    def __init__(
        self,
        *,
        learning_rate: Positive = 1e-3,
        betas: tuple[Decay, Decay] = (0.9, 0.999),
        weight_decay: NotNegative = 0.0,
    ) -> None:
        self.learning_rate = learning_rate
        self.betas = betas
        self.weight_decay = weight_decay

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            parameters, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay
        )
