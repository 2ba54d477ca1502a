"""Supernets of TreeCell-A in PyramidNet: a decision for each path of each block (YANG 5-2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.mixed_operation import MixedOperation, Zero
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.drawing import NO_OPERATION
from hwbench.spaces.tree_cell.network import PyramidBlock, last, make_operation, stem
from hwbench.spaces.tree_cell.skeleton import PyramidSkeleton, block_shapes
from hwbench.spaces.tree_cell.space import SmallTreeCell, TreeCell
from hwbench.spaces.tree_cell.tree import N_PATHS


class PathChoice(MixedOperation):
    """The last operation of a path, which is there or not: None where nothing else is active."""

    def _mix(self, x: Tensor, mixture: Mixture) -> Tensor | None:
        active = mixture.choices[self.position].active
        if all(self.names[index] == NO_OPERATION for index in active):
            return None
        return super()._mix(x, mixture)


def _subsets(space: type[TreeCell]) -> dict[str, Any]:
    return {"all": space.choices, "no-zero": [choices[1:] for choices in space.choices]}


class TreeCellSupernet(Supernet):
    """Blocks of a PyramidNet with all nine paths of TreeCell-A.

    A position is a path of a block; its candidates are `none` and the operation that the path ends
    with, which a mixture weighs. Without `none` ("no-zero") an architecture may still leave it out.
    What several paths have in common is no candidate.
    """

    enumerable = False
    subsets: ClassVar[Mapping[str, Any]] = _subsets(TreeCell)

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        found = []
        for name, choices in zip(space.positions, space.choices, strict=True):
            block = name.partition(" path")[0]
            found.append(Position(name, choices, block, cell=block))
        return tuple(found)

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        del out_channels
        return Zero(stride) if name == NO_OPERATION else make_operation(name, channels, stride)

    def _build(self) -> None:
        if self.options.partial_channels > 1 or self.options.node_normalisation:
            raise HwbenchError(
                f"supernet of {self.space.name}: blocks of a PyramidNet have neither partial "
                "channels nor node normalisation"
            )
        skeleton = PyramidSkeleton.of(self.skeleton)
        shapes = block_shapes(len(self.positions) // N_PATHS, skeleton)
        self.stem = stem(skeleton)
        self.blocks = nn.ModuleList(
            PyramidBlock(shape, partial(self._path, shape.choice * N_PATHS)) for shape in shapes
        )
        self.last = last(shapes[-1].out_channels)
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)

    def _path(self, first: int, path: int, operation: str, channels: int) -> nn.Module | None:
        """The leaf of a path at one place, None where it has no candidate but `none`."""
        del operation  # the candidates say it
        names = self.positions[first + path].operations
        if not set(names) - {NO_OPERATION}:
            return None
        make = partial(
            self._make_candidate,
            options=self.options,
            channels=channels,
            stride=1,
            out_channels=None,
        )
        return PathChoice(first + path, names, make)

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        mixture = self._mixture(mixture)
        features = self._first_features(images)
        for block in self.blocks:
            features = block(features, mixture)
        return self.classifier(torch.mean(self.last(features), dim=(2, 3)))

    def _allowed(self) -> list[NDArray[np.int64]]:
        """What an architecture may hold at each position: nothing, and the candidates."""
        return [
            np.unique([0, *map(choices.index, position.operations)])
            for choices, position in zip(self.space.choices, self.positions, strict=True)
        ]

    @property
    def holds_everything(self) -> bool:
        return all(
            len(allowed) == len(choices)
            for allowed, choices in zip(self._allowed(), self.space.choices, strict=True)
        )

    def holds(self, archs: ArrayLike) -> NDArray[np.bool_]:
        columns = self.space.check(archs).T
        held = [np.isin(column, own) for column, own in zip(columns, self._allowed(), strict=True)]
        return np.all(held, axis=0)

    def sample(self, n_archs: int, generator: np.random.Generator) -> NDArray[np.int64]:
        columns = [generator.choice(own, n_archs) for own in self._allowed()]
        return np.unique(np.stack(columns, axis=1).astype(np.int64), axis=0)


class SmallTreeCellSupernet(TreeCellSupernet):
    """The same of six blocks."""

    subsets: ClassVar[Mapping[str, Any]] = _subsets(SmallTreeCell)
