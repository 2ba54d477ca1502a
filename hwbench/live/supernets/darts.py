"""Supernets of DARTS cells, and the restrictions S1 to S4 (NA 841-849)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.cell import SearchCell, without_affine
from hwbench.live.supernets.mixed_operation import Zero
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.darts.network import make_operation
from hwbench.spaces.darts.skeleton import EDGES, N_NODES, STEM_MULTIPLIER, CellShape, cell_shapes
from hwbench.spaces.darts.space import CELLS, OPERATIONS, PAIRS
from hwbench.spaces.layers import FactorizedReduction, relu_conv_bn

INPUTS_OF_A_NODE = 2

NOT_DERIVED = ("none", "noise")
"""Operations that no architecture may hold: DARTS leaves out the first, S4 the second."""

_SHORT = {
    "skip": "skip_connect",
    "sep": "sep_conv_3x3",
    "dil": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
}


def _pairs(text: str) -> list[tuple[str, ...]]:
    return [tuple(_SHORT[name] for name in pair.split("+")) for pair in text.split()]


# The two best candidates of each edge in a search with DARTS, as published for S1.
_S1 = _pairs(
    "skip+dil skip+dil5 skip+dil5 skip+sep skip+dil max+skip skip+sep skip+sep skip+dil skip+sep "
    "max+skip skip+dil dil+dil5 dil+dil5"
) + _pairs(
    "max+avg max+dil max+avg max+avg skip+dil5 max+avg max+sep skip+dil skip+dil5 max+avg max+avg "
    "skip+dil5 skip+dil5 skip+dil5"
)


class Noise(nn.Module):
    """Gaussian noise N(0, 1) of the output's shape in place of the input (S4)."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.randn_like(x[:, :, :: self.stride, :: self.stride])


class DARTSCell(nn.Module):
    """Two inputs brought to the cell's channels and size, 14 mixed edges, the nodes side by side.

    Parameters
    ----------
    supernet : that it is a part of.
    shape : the cell's place in the network.
    """

    def __init__(self, supernet: DARTSSupernet, shape: CellShape) -> None:
        super().__init__()
        channels = shape.channels
        self.before_last = without_affine(
            FactorizedReduction(shape.channels_before_last, channels)
            if shape.after_reduction
            else relu_conv_bn(shape.channels_before_last, channels, 1)
        )
        self.last = without_affine(relu_conv_bn(shape.channels_last, channels, 1))
        first = len(EDGES) if shape.reduction else 0
        self.graph = SearchCell(
            EDGES,
            [
                supernet._mixed_operation(
                    first + place, channels, 2 if shape.reduction and source < 2 else 1
                )
                for place, (source, _) in enumerate(EDGES)
            ],
            [supernet._node(channels) for _ in range(N_NODES)],
            2 if shape.reduction else 1,
        )

    def forward(self, before_last: Tensor, last: Tensor, mixture: Mixture) -> Tensor:
        states = self.graph([self.before_last(before_last), self.last(last)], mixture)
        return torch.cat(states[2:], dim=1)


class DARTSSupernet(Supernet):
    """Stem, normal and reduction cells with mixed operations on their 14 edges, classifier.

    `depth` normal cells stand before, between and behind the two reduction cells; the published
    search has 2, that is 8 cells. Positions are the edges of the normal cell, then those of the
    reduction cell. The architecture that is derived has at each node the two inputs with the
    strongest candidates, `none` and noise left out.
    """

    edge_operations: ClassVar[tuple[str, ...]] = OPERATIONS
    """What an edge of an architecture may hold."""
    chooses_positions = True
    enumerable = False
    subsets: ClassVar[Mapping[str, Any]] = {
        "all": ("none", *OPERATIONS),
        "no-zero": OPERATIONS,
        "s1": _S1,
        "s2": ("skip_connect", "sep_conv_3x3"),
        "s3": ("none", "skip_connect", "sep_conv_3x3"),
        "s4": ("sep_conv_3x3", "noise"),
    }

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        del space
        return tuple(
            Position(
                f"{cell} {source}->{node}",
                ("none", *cls.edge_operations, "noise"),
                f"{cell} {node}",
                cell=cell,
                after=tuple(
                    number * len(EDGES) + place
                    for place, (_, target) in enumerate(EDGES)
                    if target == source
                ),
            )
            for number, cell in enumerate(CELLS)
            for source, node in EDGES
        )

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        del out_channels
        if name == "none":
            return Zero(stride)
        if name == "noise":
            return Noise(stride)
        operation = make_operation(name, channels, stride)
        if name.endswith("pool_3x3"):
            # Pooling alone is not normalised: beside convolutions it would count for more.
            return nn.Sequential(operation, nn.BatchNorm2d(channels))
        return operation

    def _build(self) -> None:
        stem = STEM_MULTIPLIER * self.skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(self.skeleton.input_channels, stem, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem),
        )
        shapes = cell_shapes(self.skeleton)
        self.cells = nn.ModuleList(DARTSCell(self, shape) for shape in shapes)
        self.classifier = nn.Linear(N_NODES * shapes[-1].channels, self.skeleton.classes)

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        mixture = self._mixture(mixture)
        before_last = last = self._first_features(images)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last, mixture)
        return self.classifier(torch.mean(last, dim=(2, 3)))

    def choices_of(self, arch: ArrayLike) -> list[tuple[int, ...]]:
        choices: list[tuple[int, ...]] = [()] * len(self.positions)
        inputs, operations = self.space.edges(self._row(arch)[None, :])  # type: ignore[attr-defined]
        for cell in range(len(CELLS)):
            for node in range(N_NODES):
                for source, operation in zip(
                    inputs[0, cell, node], operations[0, cell, node], strict=True
                ):
                    position = cell * len(EDGES) + EDGES.index((int(source), node + 2))
                    name = self.edge_operations[int(operation)]
                    choices[position] = (self.candidate_index(position, name),)
        return choices

    def architecture_of(self, choices: Sequence[Sequence[int]]) -> NDArray[np.int64]:
        strengths = torch.zeros(len(self.positions), max(self.sizes))
        for position, indices in zip(self.positions, choices, strict=True):
            if len(indices) > 1:
                raise HwbenchError(
                    f"supernet of {self.space.name}: an architecture has one operation at "
                    f"{position.name}, not {len(indices)}"
                )
        for node in dict.fromkeys(position.node for position in self.positions):
            own = [place for place, each in enumerate(self.positions) if each.node == node]
            held = [place for place in own if choices[place]]
            if len(held) != INPUTS_OF_A_NODE:
                raise HwbenchError(
                    f"supernet of {self.space.name}: an architecture has {INPUTS_OF_A_NODE} inputs "
                    f"of node {node}, not {len(held)}"
                )
            for place in held:
                strengths[place, choices[place][0]] = 1.0
        return self.derive(strengths)

    @classmethod
    def may_hold(cls, name: str) -> bool:
        return name not in NOT_DERIVED

    @property
    def holds_everything(self) -> bool:
        return all(
            set(self.edge_operations) <= set(position.operations) for position in self.positions
        )

    def holds(self, archs: ArrayLike) -> NDArray[np.bool_]:
        inputs, operations = self.space.edges(self.space.check(archs))  # type: ignore[attr-defined]
        names = self.edge_operations
        known = np.zeros((len(CELLS), len(PAIRS), len(PAIRS) + 1, len(names)), dtype=np.bool_)
        for place, position in enumerate(self.positions):
            source, node = EDGES[place % len(EDGES)]
            for name in set(position.operations) & set(names):
                known[place // len(EDGES), node - 2, source, names.index(name)] = True
        cell = np.arange(len(CELLS))[None, :, None, None]
        target = np.arange(len(PAIRS))[None, None, :, None]
        held: NDArray[np.bool_] = known[cell, target, inputs, operations].all(axis=(1, 2, 3))
        return held

    def derive(self, strengths: Tensor, threshold: float = 0.0) -> NDArray[np.int64]:
        del threshold  # a node has two inputs, however weak they are
        arch: list[int] = []
        best = [
            self._strongest(position, row)
            for position, row in enumerate(strengths.detach().cpu().tolist())
        ]
        for cell in range(len(CELLS)):
            for node, pairs in enumerate(PAIRS):
                places = [
                    cell * len(EDGES) + EDGES.index((source, node + 2))
                    for source in range(node + 2)
                ]
                ordered = sorted(range(len(places)), key=lambda k: -best[places[k]][0])
                low, high = sorted(ordered[:2])
                first, second = (
                    self.edge_operations.index(best[places[source]][1]) for source in (low, high)
                )
                if len(pairs) > 1:
                    arch.append(pairs.index((low, high)))
                arch += [first, second]
        return np.array(arch, dtype=np.int64)

    def sample(self, n_archs: int, generator: np.random.Generator) -> NDArray[np.int64]:
        rows = [
            self.derive(torch.from_numpy(generator.random((len(self.positions), max(self.sizes)))))
            for _ in range(n_archs)
        ]
        return np.unique(np.array(rows), axis=0)

    def expected_encoding(self) -> nn.Module:
        return DARTSChoices(self)

    def _strongest(self, position: int, strengths: list[float]) -> tuple[float, str]:
        candidates = [
            (strength, name)
            for strength, name in zip(strengths, self.positions[position].operations, strict=False)
            if name not in NOT_DERIVED
        ]
        if not candidates:
            raise HwbenchError(
                f"supernet of {self.space.name}: {self.positions[position].name} has no candidate "
                "that an architecture may hold"
            )
        return max(candidates, key=lambda found: found[0])


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

    def __init__(self, supernet: DARTSSupernet) -> None:
        super().__init__()
        most = max(supernet.sizes)
        # (positions, most candidates, operations): which operation of the space a candidate is.
        operations = supernet.edge_operations
        names = torch.zeros(len(supernet.positions), most, len(operations))
        for place, position in enumerate(supernet.positions):
            if not set(position.operations) - set(NOT_DERIVED):
                raise HwbenchError(
                    f"cost: {position.name} of the supernet of {supernet.space.name} has no "
                    "candidate that an architecture may hold"
                )
            for index, name in enumerate(position.operations):
                if name not in NOT_DERIVED:
                    names[place, index, operations.index(name)] = 1.0
        self.register_buffer("names", names)
        # Of each node of each cell, which positions its pairs of inputs are: (2, pairs).
        for cell in range(len(CELLS)):
            for node, pairs in enumerate(PAIRS):
                first = cell * len(EDGES) + EDGES.index((0, node + 2))
                self.register_buffer(f"inputs_{cell}_{node}", first + torch.tensor(pairs).T)

    def forward(self, probabilities: Tensor) -> Tensor:
        names = self.get_buffer("names").to(probabilities.dtype)
        held = torch.where(names.sum(dim=2) > 0, probabilities, torch.zeros_like(probabilities))
        strengths = held.sum(dim=1)
        least = torch.finfo(strengths.dtype).tiny
        shares = torch.einsum("pc,pco->po", held, names) / strengths.clamp_min(least)[:, None]
        parts: list[Tensor] = []
        for cell in range(len(CELLS)):
            for node, pairs in enumerate(PAIRS):
                low, high = self.get_buffer(f"inputs_{cell}_{node}")
                joint = strengths[low] * strengths[high]
                drawn = joint / joint.sum().clamp_min(least)
                parts += [drawn] if len(pairs) > 1 else []
                parts += [drawn @ shares[low], drawn @ shares[high]]
        return torch.cat(parts)
