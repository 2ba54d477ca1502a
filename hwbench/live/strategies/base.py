"""What an architecture strategy is: what mixes or samples a supernet's candidates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn

from hwbench.arguments import check_constructor
from hwbench.live.judge import Judge
from hwbench.live.origins import Origin, Origins
from hwbench.live.renamed import refuse_renamed
from hwbench.live.requirements import Requirements
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import NetworkOptions, Supernet

if TYPE_CHECKING:
    import pandas as pd

    from hwbench.live.trainers.base import Trainer

INITIAL_DEVIATION = 1e-3
"""Of the architecture parameters at the start, as in DARTS."""


_RENAMED = {
    "begin_epoch": "before_epoch",
    "split_now": "before_epoch, which returns the structure",
    "after_architecture_step": "project",
}
"""Hooks of 0.1.0, and what they are now."""


class ArchitectureStrategy(nn.Module, ABC):
    """Decides what a supernet computes in each step, and learns it where it can.

    The life of a strategy, in this order:

    1. The constructor takes arguments by keyword, which are checked by their annotations, and
       stores them. It knows no supernet yet.
    2. `network_options`, once; the supernet is built by it.
    3. `attach`, once, with torch's generator seeded by the run. Then the strategy is moved to the
       device, and the trainer takes its `parameters()`: no other are trained.
    4. After a stop the supernet's structure of the last whole epoch is put back and followed
       (`follow`), `before_epoch` is called for that epoch again, what it gives is dropped, and the
       `state_dict` of its end is loaded.
    5. For each epoch `before_epoch`; for each step of it what the trainer needs, see the methods;
       and after it `strengths`, `probabilities`, for each batch of validation images `mixture`,
       without gradients, and at last `after_epoch`. What these hooks give the supernet becomes,
       and `follow` is called.
    6. In the end the selection: `strengths`, or `mixture` for each batch that it evaluates, or
       further steps, which train the strategy's parameters too.

    All draws come from torch's default generator, which a run seeds, keeps in its checkpoints and
    gives back as it was. What a later epoch needs and `before_epoch` does not set is in parameters,
    persistent buffers or extra state, so that a checkpoint holds it.

    Attributes
    ----------
    deterministic : whether `mixture` depends on the parameters alone. Second-order steps need it.
    learns_strengths : whether `strengths` are learned; a search whose strategy learns none has no
        selection by strength and no cost term.
    learns_by_gradient : whether its parameters are trained by the gradients of a loss; one without,
        which has none or trains them between epochs, is trained on one level.
    learns_policy : whether it learns which architectures to sample, see
        `hwbench.live.selections.policy`.
    requires : what it needs of the parts beside it.
    """

    deterministic: ClassVar[bool] = False
    learns_strengths: ClassVar[bool] = True
    learns_by_gradient: ClassVar[bool] = True
    learns_policy: ClassVar[bool] = False
    requires: ClassVar[Requirements] = Requirements()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_renamed(cls, "strategy", _RENAMED)
        check_constructor(cls, lambda strategy: f"strategy {type(strategy).__name__}")

    def __init__(self) -> None:
        super().__init__()

    def check(self, epochs: int) -> None:
        """Refuse a training that its arguments do not suit; called when a config is read.

        Parameters
        ----------
        epochs : of the training.

        Raises
        ------
        HwbenchError
            Saying why.
        """

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
        warm-up epochs. `project` follows. A strategy that overrides it cannot be
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

    def optimizer(
        self, parameters: Iterator[nn.Parameter], trainer: Trainer
    ) -> torch.optim.Optimizer:
        """What moves its parameters; by default what the trainer's `architecture` describes.

        Called when training starts, and again after each change of the structure.

        Parameters
        ----------
        parameters : its own.
        trainer : started.
        """
        return trainer.make_architecture_optimizer(parameters)

    def before_epoch(self, epoch: int, epochs: int) -> Structure | None:  # noqa: ARG002
        """Change with time: called before each of the epochs 0 .. epochs - 1, in their order.

        After a stop it is called for the last epoch that was done, if any, and for those to come.

        Returns
        -------
        What the supernet is to become before the epoch; None for what it is.
        """
        return None

    def learns_in(self, epoch: int) -> bool:  # noqa: ARG002
        """Whether its parameters are trained in an epoch; by default in each after the warm-up.

        Called after `before_epoch`, with the same epoch.
        """
        return True

    def after_epoch(self, epoch: int, judge: Judge) -> Structure | None:  # noqa: ARG002
        """Learn between epochs: called after the validation of each epoch.

        Parameters
        ----------
        epoch : that has ended.
        judge : evaluates architectures of the supernet, and gives losses with their graph.

        Returns
        -------
        What the supernet is to become after the epoch; None for what it is.
        """
        return None

    def numbers(self) -> Mapping[str, float]:
        """What `after_epoch` came to, for the epoch's row; asked after it. By default nothing.

        Columns and what they hold are among `hwbench.results.live.EPOCH_COLUMNS`.
        """
        return {}

    def follow(self, structure: Structure) -> Origins:  # noqa: ARG002
        """Take in that the supernet has become another; called each time, also after a stop.

        Parameters
        ----------
        structure : what it is now.

        Returns
        -------
        Where the entries of new parameters come from, so that their optimiser keeps what it has
        learned; empty where no parameter is new.
        """
        return {}

    def pools(self) -> pd.DataFrame | None:
        """What became of the candidates so far, see `hwbench.results.pools.POOL_COLUMNS`.

        Called after every epoch. None, by default, where candidates neither come nor go.
        """
        return None

    def penalty(self) -> Tensor | None:
        """What is added to the loss of the architecture parameters, a scalar.

        Called once in each step of the parameters; in second order for the validation loss alone.
        """
        return None

    def project(self) -> None:
        """Mend the parameters, in place and without gradients, after a step of their optimiser."""


class ParametricStrategy(ArchitectureStrategy):
    """A strategy with one parameter for each candidate.

    What variance-stationary DARTS adds to DARTS goes with all of them (CHOE 3.4, Table 3.5), the
    third part, LARC, in the trainer.

    Parameters
    ----------
    node_normalisation : normalise the sum of every node (CHOE eq. 3.1), a channel at a time over
        the batch, as batch normalisation without scale and shift does.
    square_root : weigh candidates with the roots of their shares, whose squares sum to 1 (CHOE eq.
        3.6).

    Attributes
    ----------
    tables : names of its parameters that have an entry for each candidate.
    alpha : the first of them, float32 of shape (n_positions, most candidates).
    present : bool of the same shape, False behind a position's candidates.
    places : int64, where it is true among its entries in order; what picks entries by places rather
        than by a mask need not ask a GPU how many they are.
    """

    deterministic = True
    tables: ClassVar[tuple[str, ...]] = ("alpha",)
    alpha: nn.Parameter

    def __init__(self, *, node_normalisation: bool = False, square_root: bool = False) -> None:
        super().__init__()
        self.node_normalisation = node_normalisation
        self.square_root = square_root

    def network_options(self) -> NetworkOptions:
        return NetworkOptions(node_normalisation=self.node_normalisation)

    def attach(self, supernet: Supernet) -> Self:
        self.requires.check_structure(supernet.structure, f"strategy {type(self).__name__}")
        self._take(supernet.structure)
        for name in self.tables:
            drawn = INITIAL_DEVIATION * torch.randn(len(self.sizes), max(self.sizes))
            setattr(self, name, nn.Parameter(drawn))
        return self

    def follow(self, structure: Structure) -> Origins:
        """Keep the parameters of candidates that stay, and draw those of others anew."""
        before, width = self.operations, max(self.sizes)
        if structure.operations == before:
            return {}
        self._take(structure, self.alpha.device)
        places = torch.full((len(self.sizes), max(self.sizes)), -1, dtype=torch.int64)
        for row, (names, own) in enumerate(zip(structure.operations, before, strict=True)):
            for column, name in enumerate(names):
                if name in own:
                    places[row, column] = row * width + own.index(name)
        origins: dict[Tensor, Origin] = {}
        for name in self.tables:
            old: Tensor = getattr(self, name)
            drawn = (INITIAL_DEVIATION * torch.randn(places.shape)).to(old.device, old.dtype)
            origin = Origin(old, places.flatten())
            kept = origin.carried(old.detach(), places.shape)
            made = nn.Parameter(torch.where(places.to(old.device) >= 0, kept, drawn))
            setattr(self, name, made)
            origins[made] = origin
        return origins

    def _take(self, structure: Structure, device: torch.device | None = None) -> None:
        self.operations = structure.operations
        self.sizes = tuple(map(len, structure.operations))
        present = torch.zeros(len(self.sizes), max(self.sizes), dtype=torch.bool)
        for row, size in zip(present, self.sizes, strict=True):
            row[:size] = True
        self.register_buffer("present", present.to(device), persistent=False)
        places = present.flatten().nonzero()[:, 0]
        self.register_buffer("places", places.to(device), persistent=False)

    def logits(self) -> Tensor:
        """The parameters, minus infinity behind a position's candidates."""
        return self.alpha.masked_fill(~self.get_buffer("present"), float("-inf"))

    def strengths(self) -> Tensor:
        return torch.softmax(self.logits(), dim=1)

    def relaxed(self, shares: Tensor) -> Tensor:
        """What candidates are weighed with: their shares, or the roots of these.

        Parameters
        ----------
        shares : of each candidate, of shape (n_positions, most candidates).
        """
        if not self.square_root:
            return shares
        # Without the infinite slope that a root has at zero.
        return shares.clamp_min(torch.finfo(shares.dtype).tiny).sqrt()

    def mixture(self) -> Mixture:
        return Mixture.weighted(self.relaxed(self.strengths()), self.sizes)
