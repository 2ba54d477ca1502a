"""The one-hot encoding that is expected of a supernet, from the probabilities of its candidates."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.darts import EDGES, NOT_DERIVED, DARTSSupernet
from hwbench.live.supernets.supernet import Supernet
from hwbench.spaces.darts.space import CELLS, OPERATIONS, PAIRS


def expected_encoding(supernet: Supernet) -> nn.Module:
    """From probabilities of candidates to the mean one-hot encoding of architectures drawn so.

    Parameters
    ----------
    supernet : whose candidates have the probabilities.

    Returns
    -------
    A differentiable module without parameters, from float32 (n_positions, most candidates), of
    which entries behind a position's candidates are not read, to (n_features,).
    """
    if isinstance(supernet, DARTSSupernet):
        return DARTSChoices(supernet)
    return IndependentChoices(supernet)


class IndependentChoices(nn.Module):
    """Each position of the supernet is one of the space, and drawn alone."""

    def __init__(self, supernet: Supernet) -> None:
        super().__init__()
        space = supernet.space
        offsets = np.concatenate([[0], np.cumsum(space.n_choices)])
        columns = [
            int(offsets[i]) + space.choices[i].index(name)
            for i, position in enumerate(supernet.positions)
            for name in position.operations
        ]
        present = [[k < size for k in range(max(supernet.sizes))] for size in supernet.sizes]
        self.n_features = int(offsets[-1])
        self.register_buffer("columns", torch.tensor(columns))
        self.register_buffer("present", torch.tensor(present))

    def forward(self, probabilities: Tensor) -> Tensor:
        values = probabilities[self.get_buffer("present")]
        empty = values.new_zeros(self.n_features)
        return empty.index_copy(0, self.get_buffer("columns"), values)


class DARTSChoices(nn.Module):
    """Nodes of DARTS cells draw two inputs, and an operation on each.

    No source says how a supernet of 14 edges a cell stands for architectures of eight: here an
    edge's strength is the probability that it holds an operation that an architecture may hold
    (neither `none` nor noise); a node draws the inputs i < j with a probability proportional to
    the product of their strengths, and on each an operation by its share of the strength. Where a
    cell is certain, that is the architecture `derive` gives.

    Raises
    ------
    HwbenchError
        Where a position has no operation that an architecture may hold.
    """

    def __init__(self, supernet: Supernet) -> None:
        super().__init__()
        most = max(supernet.sizes)
        # (positions, most candidates, operations): which operation of the space a candidate is.
        names = torch.zeros(len(supernet.positions), most, len(OPERATIONS))
        for place, position in enumerate(supernet.positions):
            if not set(position.operations) - set(NOT_DERIVED):
                raise HwbenchError(
                    f"cost: {position.name} of the supernet of {supernet.space.name} has no "
                    "candidate that an architecture may hold"
                )
            for index, name in enumerate(position.operations):
                if name not in NOT_DERIVED:
                    names[place, index, OPERATIONS.index(name)] = 1.0
        self.register_buffer("names", names)

    def forward(self, probabilities: Tensor) -> Tensor:
        names = self.get_buffer("names").to(probabilities.dtype)
        held = torch.where(names.sum(dim=2) > 0, probabilities, torch.zeros_like(probabilities))
        strengths = held.sum(dim=1)
        least = torch.finfo(strengths.dtype).tiny
        shares = torch.einsum("pc,pco->po", held, names) / strengths.clamp_min(least)[:, None]
        parts: list[Tensor] = []
        for cell in range(len(CELLS)):
            for node, pairs in enumerate(PAIRS):
                first = cell * len(EDGES) + EDGES.index((0, node + 2))
                low, high = torch.tensor(pairs, device=held.device).unbind(1)
                low, high = first + low, first + high
                joint = strengths[low] * strengths[high]
                drawn = joint / joint.sum().clamp_min(least)
                parts += [drawn] if len(pairs) > 1 else []
                parts += [drawn @ shares[low], drawn @ shares[high]]
        return torch.cat(parts)
