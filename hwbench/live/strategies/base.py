"""What an architecture strategy is: what mixes or samples a supernet's candidates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from hwbench.arguments import check_constructor
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions, Supernet

INITIAL_DEVIATION = 1e-3
"""Of the architecture parameters at the start, as in DARTS."""


class ArchitectureStrategy(nn.Module, ABC):
    """Decides what a supernet computes in each step, and learns it where it can.

    A constructor takes the strategy's arguments by keyword, checks and stores them; what depends on
    the supernet is made by `attach`. Random draws come from torch's default generator, which a run
    seeds, keeps in its checkpoints and gives back as it was. State that training needs is in
    parameters and buffers, so that a checkpoint holds it.

    Attributes
    ----------
    deterministic : whether `mixture` depends on the parameters alone.
    learns_strengths : whether `strengths` are learned; a search whose strategy learns none ranks
        architectures, and its supernet is trained on one level.
    """

    deterministic: ClassVar[bool] = False
    learns_strengths: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_constructor(cls, lambda strategy: f"strategy {type(strategy).__name__}")

    def __init__(self) -> None:
        super().__init__()

    def network_options(self) -> NetworkOptions:
        """How the supernet has to be built for this strategy."""
        return NetworkOptions()

    @abstractmethod
    def attach(self, supernet: Supernet) -> Self:
        """Make what depends on the supernet; called once, before anything else."""

    @abstractmethod
    def mixture(self) -> Mixture:
        """What the supernet computes in the next step."""

    def architecture_mixture(self) -> Mixture:
        """What it computes in a step of the architecture parameters."""
        return self.mixture()

    def weight_mixtures(self) -> Sequence[Mixture]:
        """The passes whose gradients one step of the weights adds up."""
        return [self.mixture()]

    def strengths(self) -> Tensor | None:
        """How good each candidate is, of shape (n_positions, most candidates), gradients attached.

        Entries behind a position's candidates are not read. None where nothing is learned about
        the candidates: such a strategy ends in a ranking of architectures.
        """
        return None

    def probabilities(self) -> Tensor | None:
        """The share that each candidate has in what is expected of the supernet, rows sum to 1.

        What a cost term weighs the candidates with; by default `strengths` scaled to sum 1.
        """
        strengths = self.strengths()
        if strengths is None:
            return None
        return strengths / strengths.sum(dim=1, keepdim=True)

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Change with time: called before epoch 0 .. epochs - 1."""

    def split_now(self, epoch: int) -> bool:  # noqa: ARG002
        """Whether the supernet's weights are split before this epoch (LAUBE 6.3.2)."""
        return False

    def penalty(self) -> Tensor | None:
        """What is added to the loss of the architecture parameters."""
        return None

    def after_architecture_step(self) -> None:
        """Mend the parameters after a step of their optimiser."""


class ParametricStrategy(ArchitectureStrategy):
    """A strategy with one parameter for each candidate.

    Attributes
    ----------
    alpha : the parameters, float32 of shape (n_positions, most candidates).
    present : bool of the same shape, False behind a position's candidates.
    """

    deterministic = True
    alpha: nn.Parameter

    def attach(self, supernet: Supernet) -> Self:
        self.sizes = supernet.sizes
        present = torch.zeros(len(self.sizes), max(self.sizes), dtype=torch.bool)
        for row, size in zip(present, self.sizes, strict=True):
            row[:size] = True
        self.register_buffer("present", present, persistent=False)
        self.alpha = nn.Parameter(INITIAL_DEVIATION * torch.randn(present.shape))
        return self

    def logits(self) -> Tensor:
        """The parameters, minus infinity behind a position's candidates."""
        return self.alpha.masked_fill(~self.get_buffer("present"), float("-inf"))

    def strengths(self) -> Tensor:
        return torch.softmax(self.logits(), dim=1)

    def mixture(self) -> Mixture:
        return Mixture.weighted(self.strengths(), self.sizes)
