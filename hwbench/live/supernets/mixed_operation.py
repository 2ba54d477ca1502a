"""A position of a supernet: its candidate operations and how they are mixed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.origins import Origin
from hwbench.live.supernets.mixture import Mixture

Make = Callable[[str], nn.Module]
"""Makes the module of a candidate by its name."""


class Zero(nn.Module):
    """The operation `none`: zeros of the output's shape, and no gradient for what was before it."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


class LinearTransformer(nn.Conv2d):
    """A 1x1 convolution on a skip while the supernet is trained (LAUBE 1309).

    It is no operation of an architecture: it is neither split nor counted as a set of weights.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 1, bias=False)


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
        indices = []
        for position in self.predecessors:
            active = mixture.choices[position].active
            if len(active) != 1:
                raise HwbenchError(
                    "supernet: weights are split by what one candidate computes before them; a "
                    f"pass has {len(active)} there"
                )
            indices.append(active[0])
        return self.copies[_key(indices)]


def _key(indices: Sequence[int]) -> str:
    return "_".join(map(str, indices))


class MixedOperation(nn.Module):
    """The candidate operations of a position at one place of the network.

    Parameters
    ----------
    position : the number of the supernet's position that decides here.
    names : of the candidates, in the order of the position's operations.
    make : makes the module of each, and those of candidates that come later.
    """

    def __init__(self, position: int, names: Sequence[str], make: Make) -> None:
        super().__init__()
        self.position = position
        self.names = tuple(names)
        self.make = make
        self.candidates = nn.ModuleDict({name: make(name) for name in self.names})

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
            return self._sum(x, mixture)
        mixed: Tensor | None = None
        for index, weight in zip(active, weights.unbind(0), strict=True):
            if self.names[index] == "none":  # adds nothing, and has no gradient to learn from
                continue
            output = self.candidate(index, mixture)(x)
            # One kernel for product and sum; a multiplication of its own costs as much again.
            # In its precision: in mixed precision, autocast would make float32 of all three.
            weight = weight.to(output.dtype)
            mixed = output * weight if mixed is None else torch.addcmul(mixed, output, weight)
        return self.candidates["none"](x) if mixed is None else mixed

    def _sum(self, x: Tensor, mixture: Mixture) -> Tensor:
        first, *others = mixture.choices[self.position].active
        total: Tensor = self.candidate(first, mixture)(x)
        for index in others:
            total = total + self.candidate(index, mixture)(x)
        return total

    def candidate(self, index: int, mixture: Mixture) -> nn.Module:
        """The module that computes a candidate in a pass."""
        module = self.candidates[self.names[index]]
        return module.chosen(mixture) if isinstance(module, ConditionalCandidate) else module

    def planned(
        self,
        names: Sequence[str],
        parents: Mapping[str, str],
        inherit: Callable[[nn.Module, nn.Module], dict[Tensor, Origin]],
    ) -> tuple[dict[str, nn.Module], dict[Tensor, Origin]]:
        """What it would be with these candidates; nothing is changed.

        Parameters
        ----------
        names : of the candidates.
        parents : by name of a new candidate that of the one it starts from.
        inherit : gives a new module the weights of its parent, see `Supernet.inherit`.

        Returns
        -------
        The modules in this order, those that are there and new ones; and for each new parameter
        that has one its origin.
        """
        origins: dict[Tensor, Origin] = {}
        before = dict(self.candidates.items())
        near = next(iter(self.parameters()), None)
        held: dict[str, nn.Module] = {}
        for name in names:
            if name in before:
                held[name] = before[name]
                continue
            made = self.make(name).train(self.training)
            if near is not None:
                made.to(near.device)
            made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if name in parents:
                origins.update(inherit(made, before[parents[name]]))
            held[name] = made
        return held, origins

    def hold(self, candidates: Mapping[str, nn.Module]) -> None:
        """Have these candidates from now on."""
        self.names = tuple(candidates)
        self.candidates = nn.ModuleDict(dict(candidates))

    def split(self, predecessors: Sequence[int], sizes: Sequence[int]) -> dict[Tensor, Origin]:
        """Give every operation with weights one set for each choice of the positions before.

        Returns
        -------
        The origin of each new parameter: the one it is a copy of.
        """
        origins: dict[Tensor, Origin] = {}
        for name, operation in list(self.candidates.items()):
            parameters = list(operation.parameters())
            if not _has_weights(operation) or isinstance(operation, ConditionalCandidate):
                continue
            conditional = ConditionalCandidate(operation, predecessors, sizes)
            for made in conditional.copies.values():
                origins.update(zip(made.parameters(), map(Origin, parameters), strict=True))
            self.candidates[name] = conditional
        return origins

    def weight_sets(self) -> int:
        """How many sets of weights the candidates have in all (LAUBE 6.3.3)."""
        total = 0
        for operation in self.candidates.values():
            if _has_weights(operation):
                total += len(operation.copies) if isinstance(operation, ConditionalCandidate) else 1
        return total


def _has_weights(operation: nn.Module) -> bool:
    if isinstance(operation, LinearTransformer):
        return False
    return any(True for _ in operation.parameters())


class PartialMixedOperation(MixedOperation):
    """Only the first 1/K of the channels pass the candidates; the others go past them.

    PC-DARTS (YU 269-291 shows the formula without its operation). Afterwards the channels are
    shuffled, so that the next mixture is given others. Where the stride is 2 those that go past are
    max-pooled, as in the method's own code.

    Parameters
    ----------
    position, names, make : as for `MixedOperation`, the candidates made for channels / K.
    share : K.
    stride : of the candidates.
    """

    def __init__(
        self, position: int, names: Sequence[str], make: Make, share: int, stride: int
    ) -> None:
        super().__init__(position, names, make)
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
