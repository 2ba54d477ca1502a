"""The spaces of AutoSNN: five or eight blocks of a spiking network (NA 1300-1420, 1653-1675)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.autosnn.cost import Cost, around_blocks, costs_of_blocks
from hwbench.spaces.autosnn.measured import SPIKING
from hwbench.spaces.autosnn.skeleton import (
    BLOCKS,
    ENLARGED,
    PROPOSED,
    VARIANT_1,
    VARIANT_2,
    VARIANT_3,
    Macro,
    SpikingSkeleton,
)
from hwbench.spaces.base import Measurement, Skeleton, SkeletonValue
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

OPERATIONS = ("skip", "SCB_k3", "SCB_k5", "SRB_k3", "SRB_k5")
"""The candidates that were searched (NA 1397-1400)."""

SEPARATOR = "|"

SEARCHED: Mapping[str, str] = {
    "-0.08": "SRB_k5|SRB_k5|skip|SRB_k3|SRB_k5",
    "-0.16": "SRB_k5|SRB_k5|skip|SRB_k5|SRB_k5",
    "-0.24": "skip|SRB_k5|skip|SCB_k5|SRB_k5",
}
"""What AutoSNN found on CIFAR-10, by lambda of the fitness (NA Fig. 5.11, Table 5.3).

For lambda = 0 no source gives an architecture with the parameters that are printed.
"""


class AutoSNN(PieceStrings):
    """5^5 spiking networks; a string is the blocks, such as "SRB_k5|SRB_k5|skip|SRB_k3|SRB_k5".

    A block keeps the size of its maps; poolings between blocks halve it and channels are doubled
    behind them. A skip passes on what it is given, behind a 1x1 convolution where the channels
    change. Networks give votes for the classes, 0 .. 10, the mean over the time steps. For FLOPs
    see `hwbench.spaces.autosnn.cost`.

    Subclasses are the other macro architectures of Table 5.1 and 5.9, and the other blocks of 5.2.

    Attributes
    ----------
    macro : where the blocks stand.
    """

    name = "autosnn"
    title = "AutoSNN"
    macro: ClassVar[Macro] = PROPOSED
    blocks: ClassVar[tuple[str, ...]] = OPERATIONS
    measured: ClassVar[Mapping[str, Measurement]] = SPIKING
    takes_events = True
    named_by_position: ClassVar[bool] = True
    default_skeleton = SpikingSkeleton(channels=16, depth=1)

    def __init__(self) -> None:
        self.choices = (self.blocks,) * self.macro.n_blocks
        self.positions = tuple(f"block{place}" for place in range(1, self.macro.n_blocks + 1))

    @cached_property
    def _pieces(self) -> list[list[str]]:
        first = list(self.blocks)
        behind = [SEPARATOR + name for name in self.blocks]
        return [first, *[behind] * (self.n_positions - 1)]

    def from_string(self, text: str) -> IntArray:
        names = text.strip().split(SEPARATOR) if isinstance(text, str) else []
        if len(names) != self.n_positions:
            example = self.to_string(self.n_choices - 1)
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; expected {self.n_positions} "
                f"blocks joined by '{SEPARATOR}', such as {example}"
            )
        for position, name in zip(self.positions, names, strict=True):
            if name not in self.blocks:
                where = f"architecture {text!r}, {position}"
                raise unknown_name("block", name, self.blocks, where=where)
        return np.array([self.blocks.index(name) for name in names], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def neurons(self, archs: ArrayLike, **skeleton: SkeletonValue) -> IntArray:
        """Neurons of each network, the outputs of poolings of spikes counted (NA 1381-1388).

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        **skeleton : changes to the official skeleton.

        Returns
        -------
        int64 array of shape (n_archs,).
        """
        valid = self.check(archs)
        around, blocks = self._costs(self.skeleton(**skeleton))
        counts = np.array([[cost.neurons for cost in place] for place in blocks], dtype=np.int64)
        total: IntArray = around.neurons + counts[np.arange(len(counts)), valid].sum(axis=1)
        return total

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        around, blocks = self._costs(skeleton)
        return around.parameters, [[cost.parameters for cost in place] for place in blocks]

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        around, blocks = self._costs(skeleton)
        return around.multiply_adds, [[cost.multiply_adds for cost in place] for place in blocks]

    def _costs(self, skeleton: Skeleton) -> tuple[Cost, list[list[Cost]]]:
        spiking = SpikingSkeleton.of(skeleton)
        around = around_blocks(self.macro, spiking)
        return around, costs_of_blocks(self.blocks, self.macro, spiking)

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.autosnn.network import autosnn_network

        names = [self.blocks[choice] for choice in arch]
        return autosnn_network(names, self.macro, SpikingSkeleton.of(skeleton))


class AutoSNNAveraged(AutoSNN):
    """Variant 1 of Table 5.1: the map is averaged before the classifier, with neurons."""

    name = "autosnn_gap"
    title = "AutoSNN, global average pooling"
    macro = VARIANT_1


class AutoSNNDownsampling(AutoSNN):
    """Variant 2 of Table 5.1: blocks of stride 2 in place of poolings; 5^8 networks.

    The channels are doubled by the blocks that halve the size, to eight times those of the stem, as
    in the public code.
    """

    name = "autosnn_downsampling"
    title = "AutoSNN, down-sampling by blocks"
    macro = VARIANT_2


class AutoSNNAveragePooling(AutoSNN):
    """Variant 3 of Table 5.1: average pooling, with neurons."""

    name = "autosnn_avgpool"
    title = "AutoSNN, average pooling"
    macro = VARIANT_3


class AutoSNNEnlarged(AutoSNN):
    """A block more before each pooling (Table 5.9); 5^8 networks."""

    name = "autosnn_8"
    title = "AutoSNN, eight blocks"
    macro = ENLARGED


class AutoSNNBottlenecks(AutoSNN):
    """With spiking inverted bottlenecks among the blocks (Table 5.2); 9^5 networks."""

    name = "autosnn_sib"
    title = "AutoSNN with inverted bottlenecks"
    blocks = ("skip", *BLOCKS)
