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

    The life of a strategy, in this order:

    1. The constructor takes arguments by keyword, which are checked by their annotations, and
       stores them. It knows no supernet yet.
    2. `network_options`, once; the supernet is built by it.
    3. `attach`, once, with torch's generator seeded by the run. Then the strategy is moved to the
       device, and the trainer takes its `parameters()`: no other are trained.
    4. After a stop, its `state_dict` of the last whole epoch is loaded.
    5. For each epoch `begin_epoch` and `split_now`; for each step of it what the trainer needs, see
       the methods; and after it `strengths`, `probabilities` and, for each batch of validation
       images, `mixture`, without gradients.
    6. In the end the selection: `strengths`, or `mixture` for each batch that it evaluates or tunes
       the weights with.

    All draws come from torch's default generator, which a run seeds, keeps in its checkpoints and
    gives back as it was. What a later epoch needs and `begin_epoch` does not set is in parameters
    or persistent buffers, so that a checkpoint holds it.

    Attributes
    ----------
    deterministic : whether `mixture` depends on the parameters alone. Second-order steps need it.
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
        """How the supernet has to be built for this strategy; asked before `attach`."""
        return NetworkOptions()

    @abstractmethod
    def attach(self, supernet: Supernet) -> Self:
        """Make what depends on the supernet, and return the strategy itself.

        Called once, before anything else but `network_options`, on the CPU. The supernet is given
        for its `positions` and `sizes`; it may be kept, but is not the strategy's to change.

        Raises
        ------
        HwbenchError
            Where the strategy cannot do with such a supernet.
        """

    @abstractmethod
    def mixture(self) -> Mixture:
        """What the supernet computes in the next step.

        Called anew for each pass; a strategy that draws draws each time. Its weights carry
        gradients, which the caller detaches where it wants none.
        """

    def architecture_mixture(self) -> Mixture:
        """What it computes in a step of the architecture parameters.

        Called by the bilevel trainer once a step, before the weights' step, for a batch of
        validation images; in second order four times, and all must be the same. Not called in
        warm-up epochs. `after_architecture_step` follows. A strategy that overrides it cannot be
        trained on one level, where one pass serves weights and parameters.
        """
        return self.mixture()

    def weight_mixtures(self) -> Sequence[Mixture]:
        """The passes whose gradients one step of the weights adds up.

        Called once in each step. The bilevel trainer has then switched off the gradients of the
        strategy's parameters; the single-level trainer takes them from these passes.
        """
        return [self.mixture()]

    def strengths(self) -> Tensor | None:
        """How good each candidate is, of shape (n_positions, most candidates), gradients attached.

        Entries behind a position's candidates are not read. None where nothing is learned about
        the candidates: such a strategy ends in a ranking of architectures. Called after every epoch
        and by selections; it draws nothing, and is None always or never.
        """
        return None

    def probabilities(self) -> Tensor | None:
        """The share that each candidate has in what is expected of the supernet, rows sum to 1.

        What a cost term weighs the candidates with; by default `strengths` scaled to sum 1. Called
        in each step of the parameters if the search has a cost, gradients attached, and after every
        epoch. It draws nothing.
        """
        strengths = self.strengths()
        if strengths is None:
            return None
        return strengths / strengths.sum(dim=1, keepdim=True)

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Change with time: called before each of the epochs 0 .. epochs - 1, in their order.

        After a stop it is called for the last epoch that was done, if any, and for those to come;
        so what it sets, such as a temperature, is a function of its arguments.
        """

    def split_now(self, epoch: int) -> bool:  # noqa: ARG002
        """Whether the supernet's weights are split before this epoch (LAUBE 6.3.2).

        Asked after `begin_epoch`, in every epoch. Once split, weights stay so, and passes must take
        one candidate a position.
        """
        return False

    def penalty(self) -> Tensor | None:
        """What is added to the loss of the architecture parameters, a scalar.

        Called once in each step of the parameters; in second order for the validation loss alone.
        """
        return None

    def after_architecture_step(self) -> None:
        """Mend the parameters, in place and without gradients, after a step of their optimiser."""


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
