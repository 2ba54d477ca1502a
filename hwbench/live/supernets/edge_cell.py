"""Supernets of NAS-Bench-201 cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hwbench.live.supernets.cell import SearchCell
from hwbench.live.supernets.mixed_operation import Zero
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.edge_cell import EDGES, N_STAGES
from hwbench.spaces.nasbench201.network import ReductionBlock, make_operation
from hwbench.spaces.nasbench201.space import OPERATIONS


class EdgeCellSupernet(Supernet):
    """Stem, three stages of equal cells with mixed operations on their six edges, classifier.

    The edges' names are the six paths of LAUBE Fig. 6.3 in this order; weights of paths 3 and 5
    depend on the choice on path 1, those of path 6 on paths 2 and 3 (LAUBE 6.3.3).
    """

    subsets: ClassVar[Mapping[str, Any]] = {
        "all": OPERATIONS,
        "no-zero": OPERATIONS[1:],
        "only-conv": ("nor_conv_1x1", "nor_conv_3x3"),
    }

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        predecessors = {(1, 2): (0,), (1, 3): (0,), (2, 3): (1, 2)}
        return tuple(
            Position(
                name,
                space.choices[i],
                str(edge[1]),
                predecessors.get(edge, ()),
                after=predecessors.get(edge, ()),
            )
            for i, (name, edge) in enumerate(zip(space.positions, EDGES, strict=True))
        )

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        del stride, out_channels
        return Zero() if name == "none" else make_operation(name, channels)

    def _build(self) -> None:
        channels = self.skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(self.skeleton.input_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        blocks: list[nn.Module] = []
        for stage in range(N_STAGES):
            if stage > 0:
                blocks.append(ReductionBlock(channels, 2 * channels))
                channels *= 2
            blocks.extend(self._cell(channels) for _ in range(self.skeleton.depth))
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, self.skeleton.classes)

    def _cell(self, channels: int) -> SearchCell:
        operations = [self._mixed_operation(i, channels) for i in range(len(EDGES))]
        return SearchCell(EDGES, operations, [self._node(channels) for _ in range(3)])

    def dead_positions(self, archs: ArrayLike) -> NDArray[np.bool_]:
        return ~self.space.live_edges(archs)  # type: ignore[attr-defined]

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        mixture = self._mixture(mixture)
        features = self._first_features(images)
        for block in self.blocks:
            if isinstance(block, SearchCell):
                features = block([features], mixture)[-1]
            else:
                features = block(features)
        return self.classifier(torch.mean(self.last(features), dim=(2, 3)))
