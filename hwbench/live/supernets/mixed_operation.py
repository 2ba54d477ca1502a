"""A position of a supernet: its candidate operations and how they are mixed."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import product

import torch
from torch import Tensor, nn

from hwbench.live.supernets.mixture import Mixture


class Zero(nn.Module):
    """The operation `none`: zeros of the output's shape, and no gradient for what was before it."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


class ConditionalCandidate(nn.Module):
    """One operation with weights of its own for every choice of the positions before it.

    The conditional super-network weights of LAUBE 6.3.2.

    Parameters
    ----------
    operation : what every copy starts as.
    predecessors : the positions on which the weights depend.
    sizes : candidates of each of them.
    """

    def __init__(
        self, operation: nn.Module, predecessors: Sequence[int], sizes: Sequence[int]
    ) -> None:
        super().__init__()
        self.predecessors = tuple(predecessors)
        self.copies = nn.ModuleDict(
            {_key(indices): copy.deepcopy(operation) for indices in product(*map(range, sizes))}
        )

    def chosen(self, mixture: Mixture) -> nn.Module:
        """The copy for what a pass of single paths computes before this operation."""
        indices = [mixture.choices[position].active[0] for position in self.predecessors]
        return self.copies[_key(indices)]


def _key(indices: Sequence[int]) -> str:
    return "_".join(map(str, indices))


class MixedOperation(nn.Module):
    """The candidate operations of a position at one place of the network.

    Parameters
    ----------
    position : the number of the supernet's position that decides here.
    candidates : modules by name, in the order of the position's operations.
    """

    def __init__(self, position: int, candidates: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.position = position
        self.names = tuple(candidates)
        self.candidates = nn.ModuleDict(dict(candidates))

    def forward(self, x: Tensor, mixture: Mixture) -> Tensor | None:
        """The mixture of the active candidates' outputs, None where nothing is computed."""
        mixed = self._mix(x, mixture)
        if mixture.edge_weights is not None and mixed is not None:
            return mixed * mixture.edge_weights[self.position]
        return mixed

    def _mix(self, x: Tensor, mixture: Mixture) -> Tensor | None:
        active, weights, dead = mixture.choices[self.position]
        if dead or not active:
            return None
        if weights is None:
            return self.candidate(active[0], mixture)(x)
        mixed: Tensor | None = None
        for index, weight in zip(active, weights.unbind(0), strict=True):
            if self.names[index] == "none":  # adds nothing, and has no gradient to learn from
                continue
            output = self.candidate(index, mixture)(x)
            # One kernel for product and sum; a multiplication of its own costs as much again.
            mixed = output * weight if mixed is None else torch.addcmul(mixed, output, weight)
        return self.candidates["none"](x) if mixed is None else mixed

    def candidate(self, index: int, mixture: Mixture) -> nn.Module:
        """The module that computes a candidate in a pass."""
        module = self.candidates[self.names[index]]
        return module.chosen(mixture) if isinstance(module, ConditionalCandidate) else module

    def split(self, predecessors: Sequence[int], sizes: Sequence[int]) -> dict[Tensor, Tensor]:
        """Give every operation with weights one set for each choice of the positions before.

        Returns
        -------
        The parameter that each new one is a copy of.
        """
        origin: dict[Tensor, Tensor] = {}
        for name, operation in list(self.candidates.items()):
            parameters = list(operation.parameters())
            if not parameters or isinstance(operation, ConditionalCandidate):
                continue
            conditional = ConditionalCandidate(operation, predecessors, sizes)
            for made in conditional.copies.values():
                origin.update(zip(made.parameters(), parameters, strict=True))
            self.candidates[name] = conditional
        return origin

    def weight_sets(self) -> int:
        """How many sets of weights the candidates have in all (LAUBE 6.3.3)."""
        total = 0
        for operation in self.candidates.values():
            if any(True for _ in operation.parameters()):
                total += len(operation.copies) if isinstance(operation, ConditionalCandidate) else 1
        return total


class PartialMixedOperation(MixedOperation):
    """Only the first 1/K of the channels pass the candidates; the others go past them.

    PC-DARTS (YU 269-291 shows the formula without its operation). Afterwards the channels are
    shuffled, so that the next mixture is given others. Where the stride is 2 those that go past are
    max-pooled, as in the method's own code.

    Parameters
    ----------
    position, candidates : as for `MixedOperation`, the candidates made for channels / K.
    share : K.
    stride : of the candidates.
    """

    def __init__(
        self, position: int, candidates: Mapping[str, nn.Module], share: int, stride: int
    ) -> None:
        super().__init__(position, candidates)
        self.share = share
        self.past: nn.Module = nn.MaxPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()

    def _mix(self, x: Tensor, mixture: Mixture) -> Tensor | None:
        selected = x.shape[1] // self.share
        mixed = super()._mix(x[:, :selected], mixture)
        if mixed is None:
            return None
        joined = torch.cat([mixed, self.past(x[:, selected:])], dim=1)
        batch, channels, height, width = joined.shape
        grouped = joined.view(batch, self.share, channels // self.share, height, width)
        shuffled = grouped.transpose(1, 2).reshape(batch, channels, height, width)
        return shuffled.contiguous(memory_format=torch.channels_last)
