"""Supernets of DARTS cells whose separable convolutions grow (LAUBE 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from hwbench.live.morphisms.stages import inherit_stages
from hwbench.live.origins import Origin
from hwbench.live.supernets.darts import DARTSSupernet
from hwbench.spaces.darts.prune_and_replace import INITIAL, PRDARTS, operations_within
from hwbench.spaces.darts.separable import LIMITS


class PRDARTSSupernet(DARTSSupernet):
    """The supernet of DARTS, with the operations of PR-DARTS.

    The subset "initial" is what every pool begins with; the others hold all that transformations
    within limits come to, on every edge.
    """

    edge_operations = PRDARTS.edge_operations
    subsets: ClassVar[Mapping[str, Any]] = {
        "all": PRDARTS.edge_operations,
        "initial": INITIAL,
        **{name: operations_within(limits) for name, limits in LIMITS.items()},
    }

    def inherit(self, child: nn.Module, parent: nn.Module) -> dict[Tensor, Origin]:
        """Give separable convolutions the weights of those that they were made of."""
        if not any(isinstance(layer, nn.Conv2d) for layer in parent.children()):
            return super().inherit(child, parent)
        origins = inherit_stages(cast("nn.Sequential", child), cast("nn.Sequential", parent))
        child.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return origins
