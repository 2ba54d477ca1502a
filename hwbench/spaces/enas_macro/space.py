"""The macro space of ENAS (Pham et al. 2018) with six layers, as graph VAEs use it (CHOE 694).

Layers stand in a row between an input and an output; every layer hears of the one before it, and
may hear of any earlier one, the input included. The output hears of the last layer alone.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.strings import PieceStrings

OPERATIONS = (
    "conv3x3",
    "separable_conv3x3",
    "conv5x5",
    "separable_conv5x5",
    "avg_pool3x3",
    "max_pool3x3",
)
N_LAYERS = 6
SKIPS = tuple((source, layer) for layer in range(1, N_LAYERS + 1) for source in range(layer - 1))
"""Connections that a network may have, by layer; 0 is the input."""


def _positions() -> list[tuple[int, int | None]]:
    """What each position says: the operation of a layer (None), then the sources of its skips."""
    found: list[tuple[int, int | None]] = []
    for layer in range(1, N_LAYERS + 1):
        found.append((layer, None))
        found += [(layer, source) for source, target in SKIPS if target == layer]
    return found


POSITIONS = _positions()
_OPERATION_PLACES = [place for place, (_, source) in enumerate(POSITIONS) if source is None]
_SKIP_PLACES = [place for place, (_, source) in enumerate(POSITIONS) if source is not None]


class ENASMacro(PieceStrings):
    """6^6 x 2^15 networks of six layers with six operations and fifteen possible skips.

    A string is what published files hold, the operation of each layer and a 0 or 1 for each skip
    into it: "4 0 1 3 1 0 ...". Graph VAEs are compared on 19,020 networks of this space, which
    `sample(19020, seed)` draws.
    """

    name = "enas_macro"
    title = "ENAS macro space"
    choices = tuple(
        OPERATIONS if source is None else ("no skip", "skip") for _, source in POSITIONS
    )
    positions = tuple(
        f"layer{layer}" if source is None else f"{source}->{layer}" for layer, source in POSITIONS
    )
    encodings = ("onehot", "counts", "integers", "paths", "structure", "graph")

    @cached_property
    def _pieces(self) -> list[list[str]]:
        space = [""] + [" "] * (self.n_positions - 1)
        return [
            [f"{before}{choice}" for choice in range(len(names))]
            for before, names in zip(space, self.choices, strict=True)
        ]

    def from_string(self, text: str) -> IntArray:
        entries = text.split() if isinstance(text, str) else []
        if len(entries) != self.n_positions or not all(entry.isdecimal() for entry in entries):
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; expected {self.n_positions} "
                "numbers: for each layer its operation, then a 0 or 1 for each skip into it"
            )
        # A number of absurd length would overflow where it is no operation anyway.
        numbers = [min(int(entry[:9]), 10**6) for entry in entries]
        for place, (number, names) in enumerate(zip(numbers, self.choices, strict=True)):
            if number >= len(names) or len(entries[place]) > 1:
                raise HwbenchError(
                    f"architecture {text!r}: entry {place + 1} ({self.positions[place]}) is "
                    f"{entries[place]}; valid are 0 .. {len(names) - 1}"
                )
        return np.array(numbers, dtype=np.int64)

    # ------------------------------------------------------------------ graphs

    def _build_graphs(self, archs: IntArray) -> Graphs:
        n_vertices = N_LAYERS + 2
        adjacency = np.zeros((len(archs), n_vertices, n_vertices), dtype=np.uint8)
        chain = np.arange(n_vertices - 1)
        adjacency[:, chain, chain + 1] = 1
        sources, targets = np.array(SKIPS).T
        adjacency[:, sources, targets] = archs[:, _SKIP_PLACES]
        operations = np.empty((len(archs), n_vertices), dtype=np.int8)
        operations[:, 0], operations[:, -1] = len(OPERATIONS), len(OPERATIONS) + 1
        operations[:, 1:-1] = archs[:, _OPERATION_PLACES]
        return Graphs(adjacency, operations, (*OPERATIONS, "input", "output"))

    def _architectures_of(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:
        interior = graphs.operations[:, 1:-1].astype(np.int64)
        known = (interior >= 0) & (interior < len(OPERATIONS))
        archs = np.zeros((len(interior), self.n_positions), dtype=np.int64)
        archs[:, _OPERATION_PLACES] = np.where(known, interior, 0)
        sources, targets = np.array(SKIPS).T
        archs[:, _SKIP_PLACES] = graphs.adjacency[:, sources, targets]
        again = self._build_graphs(archs)
        valid = (again.adjacency == graphs.adjacency).all(axis=(1, 2))
        valid &= (again.operations == graphs.operations).all(axis=1)
        return archs, valid
