"""Cells of supernets: nodes that add up what mixed operations on their edges deliver."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.live.supernets.mixed_operation import MixedOperation
from hwbench.live.supernets.mixture import Mixture


class SearchCell(nn.Module):
    """Nodes that add up what their edges deliver; an edge is a mixed operation.

    Parameters
    ----------
    edges : (source, target) of each edge, by target; nodes are counted from the cell's inputs on.
    operations : the mixed operations of the edges.
    nodes : what each sum passes through, a module for each target.
    input_stride : of the edges that start from the cell's inputs.
    """

    def __init__(
        self,
        edges: Sequence[tuple[int, int]],
        operations: Sequence[MixedOperation],
        nodes: Sequence[nn.Module],
        input_stride: int = 1,
    ) -> None:
        super().__init__()
        self.edges = tuple(edges)
        self.operations = nn.ModuleList(operations)
        self.nodes = nn.ModuleList(nodes)
        self.n_inputs = self.edges[0][1]
        self.input_stride = input_stride

    def forward(self, inputs: Sequence[Tensor], mixture: Mixture) -> list[Tensor]:
        """The cell's inputs and all its nodes."""
        states = list(inputs)
        total: Tensor | None = None
        for place, ((source, target), operation) in enumerate(
            zip(self.edges, self.operations, strict=True)
        ):
            output = operation(states[source], mixture)
            if output is not None:
                total = output if total is None else total + output
            if place + 1 == len(self.edges) or self.edges[place + 1][1] != target:
                if total is None:  # a node without inputs
                    stride = self.input_stride if source < self.n_inputs else 1
                    states.append(torch.zeros_like(states[source][:, :, ::stride, ::stride]))
                else:
                    states.append(self.nodes[target - self.n_inputs](total))
                total = None
        return states


def without_affine(module: nn.Module) -> nn.Module:
    """The module with batch normalisation that scales and shifts nothing by itself.

    A learned scale would undo what an architecture's weight says of an operation (DARTS).
    """
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.affine = False
            part.register_parameter("weight", None)
            part.register_parameter("bias", None)
    return module
