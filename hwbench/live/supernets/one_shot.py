"""Supernets of the cells of NAS-Bench-1Shot1 (Zela et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.cell import without_affine
from hwbench.live.supernets.mixed_operation import MixedOperation
from hwbench.live.supernets.mixture import Choice, Mixture
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.base import Skeleton, SkeletonValue
from hwbench.spaces.nasbench1shot1.space import INPUTS, OUTPUT, NASBench1Shot1
from hwbench.spaces.nasbench101.cells import MAX_INTERIOR
from hwbench.spaces.nasbench101.cost import N_STACKS


class InputChoice(MixedOperation):
    """Which earlier vertices one adds up, or the output joins: a candidate is a set of them.

    Candidates have no weights, and none is computed alone: a vertex counts as much as the sets that
    hold it do together.

    Parameters
    ----------
    position, names : as for `MixedOperation`; a name is the digits of its vertices.
    """

    def __init__(self, position: int, names: Sequence[str]) -> None:
        super().__init__(position, names, _no_module)

    def shares(self, choice: Choice, place: int | None = None) -> dict[int, Tensor | float]:
        """How much each earlier vertex counts.

        Parameters
        ----------
        choice : of the position in a pass.
        place : of the vertex within its set; by default anywhere in it.
        """
        found: dict[int, Tensor | float] = {}
        for index, active in enumerate(choice.active):
            share = 1.0 if choice.weights is None else choice.weights[index]
            digits = self.names[active]
            for digit in digits if place is None else digits[place]:
                found[int(digit)] = found.get(int(digit), 0.0) + share
        return found


def _no_module(name: str) -> nn.Module:
    del name
    return nn.Identity()


class OneShotCell(nn.Module):
    """Vertices that add up earlier ones and pass the sum to an operation; some are joined.

    The cell's input reaches each vertex through a 1x1 convolution of its own. All vertices are of
    one width, that of what the output joins of each.

    Parameters
    ----------
    supernet : that it is a part of.
    in_channels, channels : of the cell's input and output.
    """

    def __init__(self, supernet: OneShotCellSupernet, in_channels: int, channels: int) -> None:
        super().__init__()
        space = supernet.one_shot_space
        self.n_joined = space.n_parents[-1]
        width = channels // self.n_joined
        self.operations = nn.ModuleList()
        self.inputs = nn.ModuleDict()
        self.projections = nn.ModuleDict()
        for vertex, sets in enumerate(space.parents, start=1):
            name = OUTPUT if vertex > space.n_vertices else f"vertex{vertex}"
            if name != OUTPUT:
                place = space.positions.index(name)
                self.operations.append(supernet._mixed_operation(place, width))
            if len(sets) > 1:
                place = space.positions.index(f"{INPUTS}{name}")
                self.inputs[str(vertex)] = InputChoice(place, supernet.positions[place].operations)
            if any(0 in one for one in sets):
                made = _conv_bn_relu(in_channels, width, 1)
                self.projections[str(vertex)] = (
                    made if supernet.options.affine else without_affine(made)
                )
        self.nodes = nn.ModuleList(supernet._node(width) for _ in self.operations)

    def forward(self, x: Tensor, mixture: Mixture) -> Tensor:
        states: list[Tensor | None] = [x]
        for vertex, (operation, node) in enumerate(
            zip(self.operations, self.nodes, strict=True), start=1
        ):
            position = cast("MixedOperation", operation).position
            if mixture.choices[position].dead:
                states.append(None)
                continue
            total = self._sum(states, vertex, mixture)
            states.append(operation(node(total), mixture))
        output = len(states)
        parts = [self._sum(states, output, mixture, place) for place in range(self.n_joined)]
        return torch.cat(parts, dim=1)

    def _sum(
        self,
        states: Sequence[Tensor | None],
        vertex: int,
        mixture: Mixture,
        place: int | None = None,
    ) -> Tensor:
        """What reaches a vertex, or a place of the output, from those before it."""
        shares: dict[int, Tensor | float] = dict.fromkeys(range(vertex), 1.0)
        if str(vertex) in self.inputs:
            chosen = cast("InputChoice", self.inputs[str(vertex)])
            shares = chosen.shares(mixture.choices[chosen.position], place)
        total: Tensor | None = None
        for source, share in shares.items():
            # What leads to a vertex that leads to the output does so too, and is computed.
            state = cast("Tensor", states[source])
            if source == 0:
                state = self.projections[str(vertex)](state)
            if isinstance(share, float):
                total = state if total is None else total + state
                continue
            share = share.to(state.dtype)
            total = state * share if total is None else torch.addcmul(total, state, share)
        return cast("Tensor", total)


class OneShotCellSupernet(Supernet):
    """Stem, three stacks of cells with max pooling between them, classifier.

    The positions are those of the space: of each vertex the operation, and the set of earlier
    vertices that it adds up. So a pass of one candidate a position is an architecture, for every
    strategy. The published code weighs single vertices by a softmax and derives the strongest.

    What is derived is a cell of NAS-Bench-101, whose network shares its channels out otherwise:
    here every vertex has as many as the output joins of each, and where the output joins the cell's
    input it is one of the parts.
    """

    @property
    def one_shot_space(self) -> NASBench1Shot1:
        """The space, as what it is."""
        return cast("NASBench1Shot1", self.space)

    @classmethod
    def skeleton_of(cls, space: Space, **changes: SkeletonValue) -> Skeleton:
        """That of NAS-Bench-101, with channels that all vertices can share alike."""
        joined = cast("NASBench1Shot1", space).n_parents[-1]
        channels = changes.get("channels", space.default_skeleton.channels)
        if isinstance(channels, int) and (channels % joined or channels < MAX_INTERIOR):
            least = joined * -(-max(channels, MAX_INTERIOR) // joined)
            raise HwbenchError(
                f"supernet of {space.name}: channels must be a multiple of {joined}, the vertices "
                f"that the output joins, and at least {MAX_INTERIOR}, the most that may share them "
                f"in a cell, not {channels}; use channels = {least}"
            )
        return super().skeleton_of(space, **changes)

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        names = space.positions
        return tuple(
            Position(
                name,
                choices,
                name,
                (names.index(f"{INPUTS}{name}"),) if f"{INPUTS}{name}" in names else (),
            )
            for name, choices in zip(names, space.choices, strict=True)
        )

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        del stride, out_channels
        if name == "maxpool3x3":
            return nn.MaxPool2d(3, stride=1, padding=1)
        return _conv_bn_relu(channels, channels, 3 if name == "conv3x3-bn-relu" else 1)

    def _build(self) -> None:
        channels = in_channels = self.skeleton.channels
        self.stem = _conv_bn_relu(self.skeleton.input_channels, channels, 3)
        blocks: list[nn.Module] = []
        for stack in range(N_STACKS):
            if stack > 0:
                blocks.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
                channels *= 2
            for _ in range(self.skeleton.depth):
                blocks.append(OneShotCell(self, in_channels, channels))
                in_channels = channels
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Linear(channels, self.skeleton.classes)

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        mixture = self._mixture(mixture)
        features = self._first_features(images)
        for block in self.blocks:
            cell = isinstance(block, OneShotCell)
            features = block(features, mixture) if cell else block(features)
        return self.classifier(torch.mean(features, dim=(2, 3)))

    def dead_positions(self, archs: ArrayLike) -> NDArray[np.bool_]:
        space = self.one_shot_space
        dead: NDArray[np.bool_] = ~space.live_vertices(archs)[:, space.vertex_of_position]
        return dead


def _conv_bn_relu(in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """As in the benchmark's networks, but for the momentum of the statistics.

    At its 0.003 of the newest batch, short trainings would end with those of their beginning.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
