"""Supernets of ShuffleNASNet: cells in which every block has all sources and operations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.cell import without_affine
from hwbench.live.supernets.mixed_operation import LinearTransformer, MixedOperation
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.one_shot import InputChoice
from hwbench.live.supernets.supernet import NetworkOptions, Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.layers import convolution
from hwbench.spaces.shufflenasnet.cells import N_BLOCKS
from hwbench.spaces.shufflenasnet.network import (
    bypass,
    make_operation,
    normalisation,
    shuffled,
    stem,
)
from hwbench.spaces.shufflenasnet.skeleton import CellShape, ShuffleSkeleton, cell_shapes
from hwbench.spaces.shufflenasnet.space import CELLS, INPUT, OPERATION

Share = Tensor | float
"""How much a node counts."""


class SearchBlocks(nn.Module):
    """Blocks of all operations, each applied to the sum of what it may be applied to.

    In a reduction cell a block has operations of stride 2 for the cell's input and, with weights of
    their own, others of stride 1 for earlier blocks. Where passes weigh sources, a block counts in
    the output as it is likely that no later one is applied to it.

    Parameters
    ----------
    supernet : that it is a part of.
    shape : the cell's place in the network.
    """

    def __init__(self, supernet: ShuffleSupernet, shape: CellShape) -> None:
        super().__init__()
        self.inputs = nn.ModuleDict()
        self.halving, self.keeping = nn.ModuleDict(), nn.ModuleDict()
        cell, places = CELLS[int(shape.reduction)], supernet.space.positions
        always_used: set[str] = set()
        for block in range(1, N_BLOCKS + 1):
            sources: tuple[str, ...] = ("0",)
            if block > 1:
                place = places.index(f"{cell} {block} {INPUT}")
                sources = supernet.positions[place].operations
                self.inputs[str(block)] = InputChoice(place, sources)
            always_used.update(sources if len(sources) == 1 else ())
            place = places.index(f"{cell} {block} {OPERATION}")
            if shape.reduction and "0" in sources:
                self.halving[str(block)] = supernet.candidates(place, shape.channels, stride=2)
            if not shape.reduction or set(sources) != {"0"}:
                self.keeping[str(block)] = supernet.candidates(place, shape.channels, stride=1)
        self.merge: SearchMerge | None = None
        if supernet.shuffle_skeleton.merge == "concatenation":
            unused = [node for node in range(1, N_BLOCKS + 1) if str(node) not in always_used]
            self.merge = SearchMerge(unused, shape.channels, supernet)

    def forward(self, x: Tensor, mixture: Mixture) -> Tensor:
        states = [x]
        unused: list[Share] = [1.0]  # how much of each node no later block is applied to
        for block in range(1, N_BLOCKS + 1):
            shares: dict[int, Share] = {0: 1.0}
            if str(block) in self.inputs:
                chosen = cast("InputChoice", self.inputs[str(block)])
                shares = dict(chosen.shares(mixture.choices[chosen.position]))
            for source, share in shares.items():
                unused[source] = unused[source] * (1.0 - share)
            states.append(self._block(block, states, shares, mixture))
            unused.append(1.0)
        if self.merge is None:
            return _weighted(states[1:], unused[1:])
        joined: Tensor = self.merge(states, unused)
        return joined

    def _block(
        self, block: int, states: Sequence[Tensor], shares: dict[int, Share], mixture: Mixture
    ) -> Tensor:
        kept = shares
        total: Tensor | None = None
        if str(block) in self.halving and 0 in shares:
            total = _scaled(self.halving[str(block)](states[0], mixture), shares[0])
            kept = {source: share for source, share in shares.items() if source}
        if kept:
            given = _weighted([states[source] for source in kept], list(kept.values()))
            output: Tensor = self.keeping[str(block)](given, mixture)
            total = output if total is None else total + output
        return cast("Tensor", total)


class SearchMerge(nn.Module):
    """The convolution of joined blocks, a part of it for each block that may be one of them.

    Parameters
    ----------
    nodes : blocks that some pass applies no later one to.
    channels : of each, and of what they become.
    supernet : that it is a part of.
    """

    def __init__(self, nodes: Sequence[int], channels: int, supernet: ShuffleSupernet) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict(
            {str(node): convolution(channels, channels, 1) for node in nodes}
        )
        norm = normalisation(channels, normalised=supernet.shuffle_skeleton.batch_normalisation)
        self.norm = nn.Sequential(*norm)
        if not supernet.options.affine:
            without_affine(self.norm)

    def forward(self, states: Sequence[Tensor], unused: Sequence[Share]) -> Tensor:
        parts, shares = [], []
        for node, own in self.convolutions.items():
            share = unused[int(node)]
            if not (isinstance(share, float) and share == 0.0):
                parts.append(own(torch.relu(states[int(node)])))
                shares.append(share)
        joined: Tensor = self.norm(_weighted(parts, shares))
        return joined


class SearchShuffleCell(SearchBlocks):
    """Blocks on one half of the channels, and what goes past them.

    Parameters
    ----------
    supernet, shape : see `SearchBlocks`.
    """

    def __init__(self, supernet: ShuffleSupernet, shape: CellShape) -> None:
        super().__init__(supernet, shape)
        self.splits = not shape.reduction
        past = bypass(shape, supernet.shuffle_skeleton)
        self.past: nn.Module = SearchBlocks(supernet, shape) if past is None else past
        if not supernet.options.affine:
            without_affine(self.past)

    def forward(self, x: Tensor, mixture: Mixture) -> Tensor:
        past, given = x.chunk(2, dim=1) if self.splits else (x, x)
        past = self.past(past, mixture) if isinstance(self.past, SearchBlocks) else self.past(past)
        return shuffled(past, super().forward(given, mixture))


def _scaled(state: Tensor, share: Share) -> Tensor:
    if isinstance(share, float):
        return state if share == 1.0 else state * share
    return state * share.to(state.dtype)


def _weighted(states: Sequence[Tensor], shares: Sequence[Share]) -> Tensor:
    """The sum of what counts; something always does."""
    total: Tensor | None = None
    for state, share in zip(states, shares, strict=True):
        if isinstance(share, float) and share == 0.0:
            continue
        scaled = _scaled(state, share)
        total = scaled if total is None else total + scaled
    return cast("Tensor", total)


class ShuffleSupernet(Supernet):
    """Stem, normal cells with reduction cells between them, classifier (LAUBE 499-536).

    The positions are those of the space: of each block its source and its operation, one for all
    cells of a kind. So a pass of one candidate a position is an architecture. Weights of a block
    may be split by its source.
    """

    enumerable = False

    @property
    def shuffle_skeleton(self) -> ShuffleSkeleton:
        """The skeleton, as what it is."""
        return ShuffleSkeleton.of(self.skeleton)

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        names = space.positions
        found = []
        for name, choices in zip(names, space.choices, strict=True):
            source = name.replace(OPERATION, INPUT)
            chosen = source != name and source in names
            before = (names.index(source),) if chosen else ()
            found.append(Position(name, choices, name, before, name.partition(" ")[0]))
        return tuple(found)

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        del out_channels
        return make_operation(name, channels, stride)

    def _build(self) -> None:
        if self.options.partial_channels > 1 or self.options.node_normalisation:
            raise HwbenchError(
                f"supernet of {self.space.name}: half of the channels goes past a cell already, "
                "and its blocks add nothing up; there are neither partial channels nor node "
                "normalisation"
            )
        skeleton = self.shuffle_skeleton
        shapes = cell_shapes(skeleton)
        self.stem = stem(skeleton)
        self.cells = nn.ModuleList(SearchShuffleCell(self, shape) for shape in shapes)
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)

    def candidates(self, position: int, channels: int, stride: int) -> MixedOperation:
        """The mixed operation of a position at one place."""
        make = partial(
            _make_candidate,
            channels=channels,
            stride=stride,
            normalised=self.shuffle_skeleton.batch_normalisation,
            options=self.options,
        )
        return MixedOperation(position, self.positions[position].operations, make)

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        mixture = self._mixture(mixture)
        features = self._first_features(images)
        for cell in self.cells:
            features = cell(features, mixture)
        return self.classifier(torch.mean(torch.relu(features), dim=(2, 3)))

    def sample(self, n_archs: int, generator: np.random.Generator) -> NDArray[np.int64]:
        columns = [
            generator.choice([choices.index(name) for name in position.operations], n_archs)
            for choices, position in zip(self.space.choices, self.positions, strict=True)
        ]
        return np.unique(np.stack(columns, axis=1).astype(np.int64), axis=0)


def _make_candidate(
    name: str, *, channels: int, stride: int, normalised: bool, options: NetworkOptions
) -> nn.Module:
    made = make_operation(name, channels, stride, normalised=normalised)
    if options.linear_transformers and isinstance(made, nn.Identity):
        return LinearTransformer(channels)
    return made if options.affine else without_affine(made)
