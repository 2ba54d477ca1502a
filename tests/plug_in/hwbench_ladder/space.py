"""Ladders: cells of five nodes in a row, an operation on each step of one node or of two."""

from typing import ClassVar

import numpy as np

from hwbench import HwbenchError, Space
from hwbench.spaces import Skeleton
from hwbench.spaces.drawing import DrawnAs, Edge
from hwbench.spaces.graphs import Graphs

OPERATIONS = ("none", "skip", "conv3x3")
N_NODES = 5
EDGES = tuple(
    (source, target) for target in range(1, N_NODES) for source in (target - 2, target - 1)
    if source >= 0
)  # fmt: skip


class Ladder(Space):
    """2,187 ladders; a string names the operations in the order of the edges."""

    name = "ladder"
    title = "Ladders of five nodes"
    choices = (OPERATIONS,) * len(EDGES)
    positions = tuple(f"{source}->{target}" for source, target in EDGES)
    encodings = ("onehot", "counts", "integers", "graph")
    default_skeleton = Skeleton(channels=8, depth=2)
    drawn_as: ClassVar[DrawnAs] = "edges"
    one_graph_shape = True

    def to_string(self, arch):
        row = self.check(np.asarray(arch)[None, :])[0]
        return "|".join(OPERATIONS[operation] for operation in row)

    def from_string(self, text):
        names = text.strip().split("|") if isinstance(text, str) else []
        if len(names) != len(EDGES) or not set(names) <= set(OPERATIONS):
            raise HwbenchError(
                f"architecture {text!r} is no ladder; expected {len(EDGES)} of "
                f"{', '.join(OPERATIONS)} with | between them"
            )
        return np.array([OPERATIONS.index(name) for name in names], dtype=np.int64)

    def live_edges(self, archs):
        """Which edges carry something from the first node to the last; bool (n_archs, 7)."""
        used = self.check(archs) != OPERATIONS.index("none")
        forth = np.zeros((len(used), N_NODES), dtype=bool)
        back = np.zeros((len(used), N_NODES), dtype=bool)
        forth[:, 0] = back[:, -1] = True
        for edge, (source, target) in enumerate(EDGES):
            forth[:, target] |= used[:, edge] & forth[:, source]
        for edge, (source, target) in reversed(list(enumerate(EDGES))):
            back[:, source] |= used[:, edge] & back[:, target]
        sources, targets = np.array(EDGES).T
        return used & forth[:, sources] & back[:, targets]

    def edges_of(self, arch):
        row = np.asarray(arch)
        live = self.live_edges(row[None, :])[0]
        return [
            Edge("cell", str(source), str(target), OPERATIONS[operation], bool(alive))
            for (source, target), operation, alive in zip(EDGES, row, live, strict=True)
        ]

    def _build_graphs(self, archs):
        size = len(EDGES) + 2
        adjacency = np.zeros((size, size), dtype=np.uint8)
        for edge, (source, target) in enumerate(EDGES, start=1):
            adjacency[0, edge] = source == 0
            adjacency[edge, -1] = target == N_NODES - 1
            for later, (start, _) in enumerate(EDGES, start=1):
                adjacency[edge, later] = start == target
        operations = np.empty((len(archs), size), dtype=np.int8)
        operations[:, 0], operations[:, -1] = len(OPERATIONS), len(OPERATIONS) + 1
        operations[:, 1:-1] = archs
        shape = (len(archs), size, size)
        return Graphs(
            np.broadcast_to(adjacency, shape), operations, (*OPERATIONS, "input", "output")
        )

    def _architectures_of(self, graphs):
        expected = self._build_graphs(self.baseline[None, :])
        inside = graphs.operations[:, 1:-1].astype(np.int64)
        valid = (graphs.adjacency == expected.adjacency).all(axis=(1, 2))
        valid &= (graphs.operations[:, [0, -1]] == expected.operations[:, [0, -1]]).all(axis=1)
        valid &= ((inside >= 0) & (inside < len(OPERATIONS))).all(axis=1)
        return inside, valid

    def _parameter_cost(self, skeleton):
        c = skeleton.channels
        base = 9 * skeleton.input_channels * c + 4 * c + c * skeleton.classes + skeleton.classes
        return base, [[0, 0, skeleton.depth * (9 * c * c + 2 * c)]] * len(EDGES)

    def _flop_cost(self, skeleton):
        c, pixels = skeleton.channels, skeleton.input_size**2
        base = 9 * skeleton.input_channels * c * pixels + c * skeleton.classes + skeleton.classes
        return base, [[0, 0, skeleton.depth * 9 * c * c * pixels]] * len(EDGES)

    def _build_network(self, arch, skeleton):
        from hwbench_ladder.network import LadderNetwork

        return LadderNetwork([OPERATIONS[operation] for operation in arch], skeleton)
