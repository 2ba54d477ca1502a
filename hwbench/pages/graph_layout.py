"""Where the vertices of a small directed acyclic graph stand when it is drawn from left to right.

Layers by longest path, long edges led through the layers between, crossings lessened by
barycentres (Sugiyama, Tagawa and Toda 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]

LAYER_GAP, ROW_GAP = 30.0, 14.0
PASSING_HEIGHT = 6.0
"""Room for an edge that passes a layer."""

SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """A drawing's geometry.

    Attributes
    ----------
    centres : of each vertex, x to the right and y down.
    routes : for each edge the points it passes, from the right side of its source to the left side
        of its target.
    width, height : of everything.
    """

    centres: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layered_layout(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]
) -> Layout:
    """Lay a graph out.

    Parameters
    ----------
    sizes : width and height of each vertex.
    edges : pairs of vertices, each from a lower to a higher number.
    """
    layer = _layers(len(sizes), edges)
    # A vertex of height `PASSING_HEIGHT` for every layer that an edge passes.
    chains: list[list[int]] = []
    dimensions = list(sizes)
    for source, target in edges:
        chain = [source]
        for between in range(layer[source] + 1, layer[target]):
            chain.append(len(dimensions))
            dimensions.append((0.0, PASSING_HEIGHT))
            layer.append(between)
        chains.append([*chain, target])
    rows: list[list[int]] = [[] for _ in range(max(layer, default=0) + 1)]
    for vertex, place in enumerate(layer):
        rows[place].append(vertex)
    before: list[list[int]] = [[] for _ in layer]
    after: list[list[int]] = [[] for _ in layer]
    for chain in chains:
        for source, target in pairwise(chain):
            after[source].append(target)
            before[target].append(source)
    heights = [height for _, height in dimensions]
    _order(rows, before, after)
    y = _settle(rows, before, after, heights)
    x = _columns(rows, [width for width, _ in dimensions])
    routes = tuple(
        (
            (x[chain[0]] + dimensions[chain[0]][0] / 2, y[chain[0]]),
            *((x[vertex], y[vertex]) for vertex in chain[1:-1]),
            (x[chain[-1]] - dimensions[chain[-1]][0] / 2, y[chain[-1]]),
        )
        for chain in chains
    )
    n = len(sizes)
    return Layout(
        tuple(zip(x[:n], y[:n], strict=True)),
        routes,
        max((x[v] + dimensions[v][0] / 2 for v in range(n)), default=0.0),
        max((y[v] + heights[v] / 2 for v in range(len(heights))), default=0.0),
    )


def _layers(n_vertices: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The number of edges on the longest path to each vertex."""
    layer = [0] * n_vertices
    for target in range(n_vertices):
        sources = [source for source, end in edges if end == target]
        layer[target] = max((layer[source] + 1 for source in sources), default=0)
    return layer


def _order(rows: list[list[int]], before: list[list[int]], after: list[list[int]]) -> None:
    """Order each layer by where its vertices' neighbours stand."""
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        sequence = rows[1:] if forward else rows[-2::-1]
        place = {vertex: i for row in rows for i, vertex in enumerate(row)}
        for row in sequence:
            row.sort(
                key=lambda vertex: _mean([place[v] for v in neighbours[vertex]], place[vertex])
            )
            place.update({vertex: i for i, vertex in enumerate(row)})


def _settle(
    rows: list[list[int]],
    before: list[list[int]],
    after: list[list[int]],
    heights: Sequence[float],
) -> list[float]:
    """Heights at which vertices stand near their neighbours and never on each other."""
    y = [0.0] * len(heights)
    for row in rows:
        _spread(row, y, heights, [0.0] * len(row))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = [_mean([y[v] for v in before[u] + after[u]], y[u]) for u in row]
            _spread(row, y, heights, wanted)
    top = min((y[v] - heights[v] / 2 for v in range(len(y))), default=0.0)
    return [value - top for value in y]


def _spread(
    row: Sequence[int], y: list[float], heights: Sequence[float], wanted: Sequence[float]
) -> None:
    """Place a layer in its order as near to the wanted heights as its vertices leave room."""
    offsets = [0.0]
    for above, below in pairwise(row):
        offsets.append(offsets[-1] + (heights[above] + heights[below]) / 2 + ROW_GAP)
    # What is wanted less the room above must not fall: neighbours that would are put together.
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier, many = blocks.pop()
            total, count = total + earlier, count + many
        blocks.append((total, count))
    levels = [total / count for total, count in blocks for _ in range(count)]
    for vertex, level, offset in zip(row, levels, offsets, strict=True):
        y[vertex] = level + offset


def _columns(rows: Sequence[Sequence[int]], widths: Sequence[float]) -> list[float]:
    x = [0.0] * len(widths)
    left = 0.0
    for row in rows:
        width = max(widths[vertex] for vertex in row)
        for vertex in row:
            x[vertex] = left + width / 2
        left += width + LAYER_GAP
    return x


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
