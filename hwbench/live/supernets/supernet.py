"""A network that holds every candidate operation of a search space.

A supernet is made of a space, the operations that each of its positions may choose from, and the
sizes of the network. A position decides for every place of the network that shares it: an edge of
all cells, or one layer. With one operation left at every position the supernet is the finalised
network of one architecture, with the same names of weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import isabstract
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hwbench.arguments import check_fields
from hwbench.errors import HwbenchError, unknown_name
from hwbench.live.origins import Origin, Origins
from hwbench.live.supernets import SUPERNETS
from hwbench.live.supernets.cell import without_affine
from hwbench.live.supernets.expected_encoding import IndependentChoices
from hwbench.live.supernets.mixed_operation import (
    LinearTransformer,
    MixedOperation,
    PartialMixedOperation,
)
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.spaces import Skeleton, Space, get_space
from hwbench.spaces.base import SkeletonValue


class Position(NamedTuple):
    """One decision of a supernet.

    Attributes
    ----------
    name : such as "0->1".
    operations : names of the candidates, in index order.
    node : the node that its output is added to; positions of one node compete in edge weights.
    predecessors : positions whose choice makes the input, on which conditional weights depend.
    cell : the cell whose decision it is; positions of different cells are decided side by side.
    after : positions that lead to where this one begins; none where it begins with an input.
    """

    name: str
    operations: tuple[str, ...]
    node: str
    predecessors: tuple[int, ...] = ()
    cell: str = ""
    after: tuple[int, ...] = ()


@dataclass(frozen=True)
class NetworkOptions:
    """How a supernet is built, besides space and skeleton.

    Attributes
    ----------
    node_normalisation : whether the sum of every node is batch-normalised (CHOE eq. 3.1).
    partial_channels : K of PC-DARTS, 1 for all channels.
    affine : whether batch normalisation inside candidates scales and shifts. A learned scale undoes
        what an architecture's weight says of an operation (DARTS); single paths have no such
        weights (LAUBE Table B.3).
    linear_transformers : whether skips pass a 1x1 convolution without normalisation (LAUBE 1309,
        Table B.2).
    """

    node_normalisation: bool = False
    partial_channels: PositiveInt = 1
    affine: bool = False
    linear_transformers: bool = False

    def __post_init__(self) -> None:
        check_fields(self, "supernet")


class Supernet(nn.Module, ABC):
    """What the supernets of all spaces share.

    One is made for a search, with torch's generator seeded, then moved to the device, trained by
    the trainer, evaluated by rankings and selections, and exported. `finalised` makes others of the
    same class, with one candidate at each position or none. All that training changes is in
    parameters and buffers; a pass depends on them, the images, the mixture and the mode alone.

    A subclass says what `all_positions` are and how each operation is made (`make_operation`),
    makes the modules in `_build` and passes images through them in `forward`; where its positions
    are not those of the space, or not all of them are in an architecture, it overrides
    `choices_of`, `architecture_of`, `derive`, `architectures`, `sample` and `expected_encoding`
    too. What its networks give need not be logits: it may have a `loss` of its own.

    Parameters
    ----------
    space : the search space.
    operations : for each position the names of its candidates.
    skeleton : sizes of the network.
    options : see `NetworkOptions`.

    Attributes
    ----------
    positions : the decisions.
    subsets : named restrictions of the space: the operations of each position.
    chooses_positions : whether an architecture keeps only some of the positions.
    several_operations : whether an architecture may hold several operations at a position.
    enumerable : whether `architectures` can give all of them.
    structure : the candidates and the copies of their weights; `restructure` changes it.
    is_finalised : whether it is the network of one architecture, which computes all it has.
    """

    stem: nn.Module
    subsets: ClassVar[Mapping[str, Any]] = {}
    chooses_positions: ClassVar[bool] = False
    several_operations: ClassVar[bool] = False
    enumerable: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        operations: Sequence[Sequence[str]],
        skeleton: Skeleton,
        options: NetworkOptions = NetworkOptions(),
    ) -> None:
        super().__init__()
        self.space = space
        self.skeleton = skeleton
        self.options = options
        self.is_finalised = False
        self._copies: tuple[tuple[int, ...], ...] = ()
        self.positions = tuple(
            position._replace(operations=tuple(names))
            for position, names in zip(self.all_positions(space), operations, strict=True)
        )
        self._build()
        # Channels behind one another in memory: pooling and normalisation take half the time.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    # ------------------------------------------------------------------ what a space has to say

    @classmethod
    @abstractmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        """Every position with all candidates of the space, in the order of mixtures' choices.

        Called before a supernet is made, to check the operations that a config names, and once
        while it is made: a function of the space alone.
        """

    @classmethod
    @abstractmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        """The module of a candidate.

        Called for each candidate when a supernet is made, and again where one that is trained gets
        new candidates. Names that carry numbers are read by
        `hwbench.live.supernets.operation_name.parse_operation`.

        Parameters
        ----------
        name : of the operation.
        channels : of its input.
        stride : of the operation.
        out_channels : of its output; only given where a supernet's layers change the channels.
        """

    @classmethod
    def skeleton_of(cls, space: Space, **changes: SkeletonValue) -> Skeleton:
        """The skeleton of supernets of a space; by default the space's own.

        Raises
        ------
        HwbenchError
            Where there is no such option, or no supernet can have it.
        """
        return space.skeleton(**changes)

    @classmethod
    def may_hold(cls, name: str) -> bool:  # noqa: ARG003
        """Whether an architecture may hold a candidate of that name; by default any."""
        return True

    @classmethod
    def check_operation(cls, space: Space, position: Position, name: str) -> None:
        """Refuse what cannot be a candidate of a position.

        By default all but `position.operations`; a supernet that makes operations by the numbers in
        their names says which it can make.

        Raises
        ------
        HwbenchError
            Where there is no such operation; the message says the nearest one.
        """
        if name not in position.operations:
            raise unknown_name(
                f"operation at {position.name} of {space.name}", name, position.operations
            )

    @abstractmethod
    def _build(self) -> None:
        """Make the modules.

        Called once, by the constructor, when `space`, `skeleton`, `options` and `positions` are
        set. Mixed operations are made by `_mixed_operation`, where weights can then be split,
        counted, and found by LARC; sums of nodes pass what `_node` makes. Names of modules must not
        depend on how many candidates a position has: `finalised` takes weights over by name.
        Options that it cannot honour are refused.

        Raises
        ------
        HwbenchError
            Where sizes or options do not suit the space.
        """

    @abstractmethod
    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        """Logits of shape (batch, classes) of images (batch, channels, size, size).

        Called for every batch of training, in training mode, and of evaluation, in evaluation mode
        without gradients. `mixture` may be left out where one operation is left at every position;
        `_mixture` says so.
        """

    def loss(self, output: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """What training minimises, a scalar: the cross-entropy of logits.

        Called after each pass of training, in evaluation mode too.

        Parameters
        ----------
        output : of `forward`, of shape (batch, classes).
        labels : int64 of shape (batch,).
        label_smoothing : the share of each label that is spread over all classes.
        """
        return cross_entropy(output, labels, label_smoothing=label_smoothing)

    def measurements(self) -> Mapping[str, Tensor]:
        """What the last pass measured besides its output, means over its images, by name.

        Asked after each pass that evaluates an architecture; rankings and searches on a trained
        supernet have the means over all images beside the accuracy. Their names, titles and units
        are those of `Space.measured`.
        """
        return {}

    def begin_epoch(self) -> None:
        """Called before each epoch of training: what is averaged over an epoch begins anew."""

    def averages(self) -> Mapping[str, float]:
        """What `measurements` were on average over the passes of the last epoch of training.

        Of the architectures that were drawn, on training images; selections weigh an
        architecture's own measurements by them. Empty before there was one. What it is made of
        belongs into buffers: supernets are trained, stopped and exported.
        """
        return {}

    def choices_of(self, arch: ArrayLike) -> list[tuple[int, ...]]:
        """The candidates that an architecture has at each position, none where it leaves it out.

        Called once for each architecture that is ranked, evaluated or finalised.

        Raises
        ------
        HwbenchError
            Where the architecture has an operation that this supernet lacks, other than `none`: a
            supernet leaves out what it has no `none` for.
        """
        names = [
            self.space.choices[place][int(index)] for place, index in enumerate(self._row(arch))
        ]
        return [
            ()
            if name == "none" and name not in position.operations
            else (self.candidate_index(place, name),)
            for place, (name, position) in enumerate(zip(names, self.positions, strict=True))
        ]

    def architecture_of(self, choices: Sequence[Sequence[int]]) -> NDArray[np.int64]:
        """The architecture that has certain candidates: the inverse of `choices_of`.

        Parameters
        ----------
        choices : for each position the indices of its candidates.

        Returns
        -------
        int64 of shape (space.n_positions,).

        Raises
        ------
        HwbenchError
            Where no architecture of the space has these.
        """
        arch = np.empty(len(self.positions), dtype=np.int64)
        for place, (position, indices) in enumerate(zip(self.positions, choices, strict=True)):
            own = self.space.choices[place]
            if not indices and "none" in own and "none" not in position.operations:
                arch[place] = own.index("none")
                continue
            if len(indices) != 1:
                raise HwbenchError(
                    f"supernet of {self.space.name}: an architecture has one operation at "
                    f"{position.name}, not {len(indices)}"
                )
            arch[place] = self.space.choices[place].index(position.operations[indices[0]])
        return arch

    def choosable(self, position: int) -> tuple[int, ...]:
        """Candidates of a position that an architecture may hold, see `may_hold`."""
        names = self.positions[position].operations
        return tuple(index for index, name in enumerate(names) if self.may_hold(name))

    @property
    def holds_everything(self) -> bool:
        """Whether every architecture of the space is one of this supernet."""
        return all(
            set(choices) <= set(position.operations)
            for choices, position in zip(self.space.choices, self.positions, strict=True)
        )

    def holds(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Which architectures have operations of this supernet alone, bool (n_archs,).

        Parameters
        ----------
        archs : integers of shape (n_archs, space.n_positions).
        """
        valid = self.space.check(archs)
        held = np.ones(len(valid), dtype=np.bool_)
        for place, (choices, position) in enumerate(
            zip(self.space.choices, self.positions, strict=True)
        ):
            held &= np.array([name in position.operations for name in choices])[valid[:, place]]
        return held

    def derive(self, strengths: Tensor, threshold: float = 0.0) -> NDArray[np.int64]:
        """The strongest architecture, int64 of shape (space.n_positions,).

        Called by selections, once in a search.

        Parameters
        ----------
        strengths : of each candidate, of shape (n_positions, most candidates); entries behind a
            position's candidates are not read.
        threshold : a position whose strongest candidate is weaker holds `none`, where the space has
            it there; only given by selections that have one.
        """
        names = []
        for choices, position, row in zip(
            self.space.choices, self.positions, strengths.detach().cpu(), strict=True
        ):
            known = [
                (-float(strength), index)
                for index, (name, strength) in enumerate(
                    zip(position.operations, row, strict=False)
                )
                if name in choices
            ]
            if not known:
                raise HwbenchError(
                    f"supernet of {self.space.name}: {position.name} has no candidate that an "
                    "architecture may hold"
                )
            strength, best = min(known)
            weak = -strength < threshold and "none" in choices
            names.append("none" if weak else position.operations[best])
        return np.array(
            [self.space.choices[i].index(name) for i, name in enumerate(names)], dtype=np.int64
        )

    def architectures(self) -> NDArray[np.int64]:
        """Every architecture of the supernet, int64 (n_archs, space.n_positions).

        Raises
        ------
        HwbenchError
            Where they are too many to enumerate.
        """
        if not self.enumerable:
            raise HwbenchError(
                f"{self.space.name} has too many architectures to enumerate; say how many to draw"
            )
        allowed = [
            [choices.index(name) for name in position.operations if name in choices]
            for choices, position in zip(self.space.choices, self.positions, strict=True)
        ]
        grid = np.meshgrid(*allowed, indexing="ij")
        return np.stack([axis.ravel() for axis in grid], axis=1).astype(np.int64)

    def sample(self, n_archs: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw architectures of the supernet, int64 (n_archs, space.n_positions), all different.

        Called by rankings of a part; all draws are the generator's.

        All of them where there are no more than asked for.
        """
        archs = self.architectures()
        if n_archs >= len(archs):
            return archs
        return archs[np.sort(generator.choice(len(archs), n_archs, replace=False))]

    def expected_encoding(self) -> nn.Module:
        """From probabilities of candidates to the mean one-hot encoding of what is drawn by them.

        Called once in a search with a cost, before it trains.

        Returns
        -------
        A differentiable module without parameters, from float32 (n_positions, most candidates), of
        which entries behind a position's candidates are not read, to (n_features,).
        """
        return IndependentChoices(self)

    # ------------------------------------------------------------------ for all spaces

    @property
    def structure(self) -> Structure:
        """The candidates of each position, and on what their weights depend."""
        return Structure(tuple(position.operations for position in self.positions), self._copies)

    @property
    def is_split(self) -> bool:
        """Whether operations have weights for every choice of the positions before them."""
        return any(self._copies)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Candidates of each position."""
        return tuple(len(position.operations) for position in self.positions)

    def mixed_operations(self) -> Iterator[MixedOperation]:
        """The mixed operations at every place of the network."""
        return (module for module in self.modules() if isinstance(module, MixedOperation))

    def candidate_index(self, position: int, name: str) -> int:
        """The place of an operation among a position's candidates."""
        if name not in self.positions[position].operations:
            raise HwbenchError(
                f"supernet of {self.space.name}: position {self.positions[position].name} has no "
                f"{name}; it has {', '.join(self.positions[position].operations) or 'nothing'}"
            )
        return self.positions[position].operations.index(name)

    def dead_positions(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Positions that lead from no input or to no output, bool (n_archs, n_positions).

        By default none; where a space knows them, rankings spare their passes.

        Parameters
        ----------
        archs : integers of shape (n_archs, space.n_positions).
        """
        return np.zeros((len(self.space.check(archs)), len(self.positions)), dtype=np.bool_)

    def mixture_of(self, arch: ArrayLike) -> Mixture:
        """The pass that computes one architecture, integers of shape (space.n_positions,).

        Dead positions are not computed: normalised by a supernet's statistics, what a convolution
        makes of zeros is not zero.
        """
        dead = self.dead_positions(self._row(arch)[None, :])[0]
        single = Mixture.sums(self.choices_of(arch))
        return Mixture(
            tuple(
                choice._replace(dead=bool(unused))
                for choice, unused in zip(single.choices, dead, strict=True)
            )
        )

    def same_passes(self, archs: ArrayLike) -> NDArray[np.int64]:
        """For each architecture the row of the first that `mixture_of` computes alike.

        Parameters
        ----------
        archs : integers of shape (n_archs, space.n_positions).

        Returns
        -------
        int64 of shape (n_archs,).
        """
        _, first, inverse = np.unique(
            self.passes_of(archs), axis=0, return_index=True, return_inverse=True
        )
        return first[inverse.ravel()]

    def passes_of(self, archs: ArrayLike) -> NDArray[np.int64]:
        """Rows that are equal where `mixture_of` computes alike: -1 for choices that are dead.

        Parameters
        ----------
        archs : integers of shape (n_archs, space.n_positions).

        Returns
        -------
        int64 of the same shape.
        """
        valid = self.space.check(archs)
        if self.is_split:  # what is dead still chooses weights
            return valid
        dead = self.dead_positions(valid)
        return np.where(dead, -1, valid) if dead.any() else valid

    def split_structure(self) -> Structure:
        """Its structure with a set of weights for every choice before each operation.

        Come to by `restructure`, all sets are copies, so the network computes what it did before;
        afterwards it can be passed along single paths only (LAUBE 6.3.2).
        """
        copies = tuple(position.predecessors for position in self.positions)
        return replace(self.structure, copies=copies)

    def restructure(self, to: Structure) -> Origins:
        """Become another structure; candidates that stay keep their weights.

        New candidates start as `inherit` makes them of their `to.parents`, or afresh, drawn from
        torch's default generator. Called by the trainer, which carries over what its optimisers
        have learned.

        Parameters
        ----------
        to : the structure.

        Returns
        -------
        For each new parameter that does not start afresh where it comes from.

        Raises
        ------
        HwbenchError
            Where an operation is unknown, a position would have none, or split weights would have
            to become others; the supernet is then as it was.
        """
        self._check_structure(to)
        origins: dict[Tensor, Origin] = {}
        planned = []
        for operation in self.mixed_operations():
            names = to.operations[operation.position]
            if names != operation.names:
                parents = {
                    name: parent
                    for (position, name), parent in to.parents.items()
                    if position == operation.position
                }
                candidates, new = operation.planned(names, parents, self.inherit)
                planned.append((operation, candidates))
                origins.update(new)
        for operation, candidates in planned:
            operation.hold(candidates)
        self.positions = tuple(
            position._replace(operations=names)
            for position, names in zip(self.positions, to.operations, strict=True)
        )
        for operation in self.mixed_operations():
            before = to.copies[operation.position] if to.copies else ()
            if before:
                origins.update(operation.split(before, [self.sizes[each] for each in before]))
        self._copies = to.copies
        return origins

    def inherit(self, child: nn.Module, parent: nn.Module) -> dict[Tensor, Origin]:
        """Give a new candidate the weights of its parent; by default only one that is alike.

        A supernet whose candidates grow overrides this by a morphism.

        Parameters
        ----------
        child : made by `make_operation`.
        parent : the candidate at the same place that it starts from.

        Returns
        -------
        The origins of the child's parameters.

        Raises
        ------
        HwbenchError
            Where the parent's weights do not fit.
        """
        try:
            child.load_state_dict(parent.state_dict())
        except RuntimeError as error:
            raise HwbenchError(
                f"supernet of {self.space.name}: a new candidate cannot start from its parent, "
                "whose weights are of other shapes"
            ) from error
        return dict(zip(child.parameters(), map(Origin, parent.parameters()), strict=True))

    def _check_structure(self, to: Structure) -> None:
        where = f"supernet of {self.space.name}: structure"
        if len(to.operations) != len(self.positions):
            raise HwbenchError(
                f"{where}: operations are given for {len(to.operations)} positions; it has "
                f"{len(self.positions)}"
            )
        known = self.all_positions(self.space)
        for position, own, names in zip(known, self.positions, to.operations, strict=True):
            if not names or len(set(names)) < len(names):
                raise HwbenchError(f"{where}: {position.name} has an operation twice, or none")
            for name in set(names) - set(own.operations):
                self.check_operation(self.space, position, name)
        for (place, name), parent in to.parents.items():
            if parent not in self.positions[place].operations:
                raise unknown_name(
                    f"parent of {name} at {self.positions[place].name}",
                    parent,
                    self.positions[place].operations,
                )
        if self.is_split and to != self.structure:
            raise HwbenchError(f"{where}: split weights cannot be changed any more")

    def finalised(self, arch: ArrayLike) -> Supernet:
        """A network of one architecture alone, with the weights it has here.

        Raises
        ------
        HwbenchError
            Where the supernet's weights are split: which set is used is no part of the copy.
        """
        if self.is_split:
            raise HwbenchError("supernet: split weights cannot be finalised to one architecture")
        names = [
            [position.operations[index] for index in indices]
            for position, indices in zip(self.positions, self.choices_of(arch), strict=True)
        ]
        network = type(self)(self.space, names, self.skeleton, self.options)
        network.is_finalised = True
        wanted = network.state_dict()
        own = self.state_dict()
        network.load_state_dict({name: own[name] for name in wanted})
        return network.train(self.training)

    def _first_features(self, images: Tensor) -> Tensor:
        """What the stem makes of images, laid out as the rest of the network works fastest."""
        return self.stem(images).contiguous(memory_format=torch.channels_last)

    def _row(self, arch: ArrayLike) -> NDArray[np.int64]:
        return self.space.check(np.asarray(arch)[None, :])[0]

    def _mixture(self, mixture: Mixture | None) -> Mixture:
        if mixture is not None:
            return mixture
        if not self.is_finalised and any(size > 1 for size in self.sizes):
            raise HwbenchError("supernet: it has several candidates a position; say which to mix")
        return Mixture.sums([range(size) for size in self.sizes])

    def _mixed_operation(
        self, position: int, channels: int, stride: int = 1, out_channels: int | None = None
    ) -> MixedOperation:
        """The mixed operation of a position at one place; see `make_operation`."""
        share = self.options.partial_channels
        if channels % share:
            raise HwbenchError(
                f"supernet: partial_channels {share} does not divide the {channels} channels of "
                f"{self.positions[position].name}"
            )
        if share > 1 and out_channels not in (None, channels):
            raise HwbenchError(
                f"supernet of {self.space.name}: where channels change there are no partial ones"
            )
        make = partial(
            self._make_candidate,
            options=self.options,
            channels=channels // share,
            stride=stride,
            out_channels=out_channels,
        )
        names = self.positions[position].operations
        if share == 1:
            return MixedOperation(position, names, make)
        return PartialMixedOperation(position, names, make, share, stride)

    @classmethod
    def _make_candidate(
        cls,
        name: str,
        *,
        options: NetworkOptions,
        channels: int,
        stride: int,
        out_channels: int | None,
    ) -> nn.Module:
        """The module of a candidate as the options want it."""
        more = {} if out_channels is None else {"out_channels": out_channels}
        made = cls.make_operation(name, channels, stride, **more)
        if options.linear_transformers and isinstance(made, nn.Identity):
            return LinearTransformer(channels)
        return made if options.affine else without_affine(made)

    def _node(self, channels: int) -> nn.Module:
        """What the sum of a node passes through."""
        if self.options.node_normalisation:
            return nn.BatchNorm2d(channels, affine=False)
        return nn.Identity()


def supernet_class(space: Space, supernet: str | None = None) -> type[Supernet]:
    """The class of a space's supernets.

    Parameters
    ----------
    space : the search space.
    supernet : one of `SUPERNETS`, or "module:Class" of one's own; by default the one under the
        space's name.

    Raises
    ------
    HwbenchError
        Where the space has none, or it cannot be imported.
    """
    if supernet is None and space.name not in SUPERNETS:
        raise unknown_name("space with a supernet", space.name, SUPERNETS)
    return cast("type[Supernet]", SUPERNETS.load(supernet or space.name))


def make_supernet(
    space: Space | str,
    *,
    supernet: str | None = None,
    operations: str | Sequence[str] | Sequence[Sequence[str]] | None = None,
    seed: int = 0,
    options: NetworkOptions = NetworkOptions(),
    **skeleton: SkeletonValue,
) -> Supernet:
    """Build a supernet.

    Parameters
    ----------
    space : a space that has supernets, or its name.
    supernet : which, see `supernet_class`.
    operations : the candidates: all by default; the name of a subset of the space; names that hold
        at every position; or names for each position.
    seed : of the initial weights; the global generator is left as it was.
    options : see `NetworkOptions`.
    **skeleton : changes to the official skeleton.

    Raises
    ------
    HwbenchError
        Where the space, an operation or a skeleton option is unknown.
    """
    where = get_space(space) if isinstance(space, str) else space
    kind = supernet_class(where, supernet)
    if isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise HwbenchError(f"supernet {kind.__name__}: does not say {missing}")
    names = resolve_operations(kind, where, operations)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(where, names, kind.skeleton_of(where, **skeleton), replace(options))


def resolve_operations(
    kind: type[Supernet],
    space: Space,
    operations: str | Sequence[str] | Sequence[Sequence[str]] | None,
) -> list[list[str]]:
    """The candidates of every position, see `make_supernet`."""
    positions = kind.all_positions(space)
    if operations is None:
        operations = kind.subsets.get("all", [list(p.operations) for p in positions])
    if isinstance(operations, str):
        if operations not in kind.subsets:
            raise unknown_name(f"subset of {space.name}", operations, kind.subsets)
        operations = kind.subsets[operations]
    if all(isinstance(name, str) for name in operations):
        operations = [cast("Sequence[str]", operations)] * len(positions)
    if len(operations) != len(positions):
        raise HwbenchError(
            f"supernet of {space.name}: operations are given for {len(operations)} positions; "
            f"it has {len(positions)}"
        )
    resolved = []
    for position, names in zip(positions, operations, strict=True):
        for name in names:
            kind.check_operation(space, position, name)
        if len(set(names)) < len(names):
            raise HwbenchError(f"supernet of {space.name}: {position.name} has an operation twice")
        resolved.append(list(names))
    return resolved
