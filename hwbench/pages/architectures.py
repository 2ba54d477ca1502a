"""Architectures as drawings: cells as graphs (SVG), networks of layers as chains (HTML)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.pages.blocks import Drawing
from hwbench.pages.graph_layout import Point, layered_layout
from hwbench.results.run import TargetWords
from hwbench.spaces import Space
from hwbench.spaces.drawing import NO_OPERATION, DrawnAs, Edge
from hwbench.spaces.registry import named_space

MOST_DRAWN = 6
"""Architectures of a front that are drawn."""

MOST_NARROW = 12
"""Positions of a space whose drawings stand side by side."""

NODE_RADIUS = 13.0
BOX_HEIGHT, CHARACTER = 24.0, 6.7
MARGIN = 8.0
LEAST_SCALE = 0.75
"""How far a drawing shrinks on a narrow screen before it scrolls."""

CELL_STEP = 122.0
"""Between the nodes of a cell with operations on its edges."""

SWING, FURTHER = 104.0, 92.0
"""How far an edge over one node swings out, and how much further over each node more."""

CELL_EDGE = 32.0
"""Room for a label beyond the outermost edge."""


def drawing(space_name: str, architecture: str, title: str, caption: str = "") -> Drawing | None:
    """An architecture drawn; None where its space is not known here or it is none of it.

    Parameters
    ----------
    space_name : of the space.
    architecture : its string there.
    title, caption : of the drawing.
    """
    try:
        space = named_space(space_name)
        arch = space.from_string(architecture)
        parts = DRAWN[space.drawn_as](space, arch)
    except HwbenchError:
        return None
    image = Markup("").join(
        Markup("<p>{} cell</p>{}").format(cell, part) if len(parts) > 1 else part
        for cell, part in parts.items()
    )
    wide = len(parts) > 1 or len(space.positions) > MOST_NARROW
    return Drawing(title, image, caption, architecture, wide)


def front_drawings(space_name: str, front: pd.DataFrame, target: TargetWords) -> list[Drawing]:
    """Architectures spread over a front, at most `MOST_DRAWN`.

    Parameters
    ----------
    space_name : of their space.
    front : columns arch, accuracy (%) and metric (in the target's unit), by rising metric.
    target : the metric.
    """
    chosen = np.unique(np.linspace(0, len(front) - 1, min(MOST_DRAWN, len(front))).astype(int))
    made = []
    for row in front.iloc[chosen].itertuples():
        title = f"{row.accuracy:.2f} % at {target.amount(f'{row.metric:.3g}')}"
        drawn = drawing(space_name, str(row.arch), title)
        if drawn is not None:
            made.append(drawn)
    return made


def short_name(operation: str) -> str:
    """An operation's name as people write it: "nor_conv_3x3" is "conv 3 x 3"."""
    words = operation.replace("-bn-relu", "").removeprefix("nor_").replace("_connect", "")
    spaced = re.sub(r"(?<=[a-z])(?=\dx\d)", " ", words.replace("_", " "))
    return re.sub(r"(\d)x(\d)", "\\1\N{MULTIPLICATION SIGN}\\2", spaced)


def colour_of(operation: str) -> str:
    """The style sheet's colour of an operation, the same in all spaces."""
    for part, colour in OPERATION_COLOURS.items():
        if part in operation:
            return colour
    return "c0"


OPERATION_COLOURS = {
    "skip": "muted",
    "identity": "muted",
    "none": "muted",
    "plain": "muted",
    "pool": "c2",
    "dil": "c3",
    "1x1": "c1",
    "5x5": "c4",
    "k5": "c4",
}
"""By a part of the operation's name; the first that fits counts, others have c0."""


# ---------------------------------------------------------------------- operations on edges


def _edge_cells(space: Space, arch: IntArray) -> dict[str, Markup]:
    return {cell: _edge_cell(edges) for cell, edges in _by_cell(space, arch).items()}


def _by_cell(space: Space, arch: IntArray) -> dict[str, list[Edge]]:
    cells: dict[str, list[Edge]] = {}
    for edge in space.edges_of(arch):
        cells.setdefault(edge.cell, []).append(edge)
    return cells


def _edge_cell(edges: Sequence[Edge]) -> Markup:
    """A cell of nodes in a row; edges between neighbours straight, longer ones as arcs."""
    n_nodes = 1 + max(int(edge.target) for edge in edges)
    above = max((_swing(0, node) for node in range(1, n_nodes)), default=0.0)
    below = max((-_swing(1, node) for node in range(2, n_nodes)), default=0.0)
    line = above / 2 + CELL_EDGE
    shown = [edge for edge in edges if edge.operation != NO_OPERATION]
    parts = [_arc(edge, line) for edge in shown]
    labels = ["in", *map(str, range(1, n_nodes - 1)), "out"]
    parts += [_node((_cell_x(node), line), label) for node, label in enumerate(labels)]
    said = [f"{edge.source} to {edge.target} {short_name(edge.operation)}" for edge in shown]
    width = (n_nodes - 1) * CELL_STEP + 2 * NODE_RADIUS + 2 * MARGIN
    height = line + below / 2 + CELL_EDGE
    return _svg(parts, width, height, "Cell: " + (", ".join(said) or "no operation"))


def _cell_x(node: int) -> float:
    return MARGIN + NODE_RADIUS + CELL_STEP * node


def _swing(source: int, target: int) -> float:
    """How far an edge swings out: above the line from even nodes, below it from odd ones."""
    passed = target - source - 1
    if passed == 0:
        return 0.0
    return (SWING + FURTHER * (passed - 1)) * (1 if source % 2 == 0 else -1)


def _arc(edge: Edge, line: float) -> Markup:
    source, target = int(edge.source), int(edge.target)
    swing = _swing(source, target)
    left, right = _cell_x(source), _cell_x(target)
    middle, control = (left + right) / 2, line - swing
    # A curve leaves its circle, and meets the next one, in the direction of its control point.
    lean = math.atan2(swing, middle - left)
    dx, dy = NODE_RADIUS * math.cos(lean), NODE_RADIUS * math.sin(lean)
    start, end = (left + dx, line - dy), (right - dx - 1, line - dy)
    path = f"M{_xy(start)} Q{_xy((middle, control))} {_xy(end)}"
    apex = (start[1] + control) / 2
    label = (middle, apex - 6 if swing >= 0 else apex + 16)
    lean = -lean if swing < 0 else lean
    return _edge(path, end, lean, edge.operation, label, faint=not edge.live)


# ---------------------------------------------------------------------- operations on vertices


def _state_cells(space: Space, arch: IntArray) -> dict[str, Markup]:
    return {cell: _state_cell(edges) for cell, edges in _by_cell(space, arch).items()}


def _state_cell(edges: Sequence[Edge]) -> Markup:
    """A cell as those of DARTS: nodes as circles, the operations between them as boxes.

    What starts from nothing is left out; of a cell without operations it is said.
    """
    edges = [edge for edge in edges if edge.live]
    if not edges:
        return Markup("<p>no operation</p>")
    nodes = list(dict.fromkeys(edge.target for edge in edges))
    inputs = sorted({edge.source for edge in edges} - {*nodes})
    labels = [
        name.replace("c_{k-2}", "k\N{MINUS SIGN}2").replace("c_{k-1}", "k\N{MINUS SIGN}1")
        for name in inputs
    ]
    kinds = ["state"] * len(inputs)
    number = {name: place for place, name in enumerate(inputs)}
    links: list[tuple[int, int]] = []
    for node in nodes:
        own = [edge for edge in edges if edge.target == node]
        for edge in own:
            links += [(number[edge.source], len(labels)), (len(labels), len(labels) + len(own))]
            labels.append(edge.operation)
            kinds.append("operation")
        # All operations come before the node: a later one's link counts from its own place.
        number[node] = len(labels)
        last = len(own)
        for place in range(last):
            at = len(links) - 2 * (last - place) + 1
            links[at] = (links[at][0], number[node])
        labels.append(node)
        kinds.append("state")
    links += [(number[node], len(labels)) for node in nodes]
    labels.append("out")
    kinds.append("state")
    return _boxes(labels, kinds, links)


def _vertex_graph(space: Space, arch: IntArray) -> dict[str, Markup]:
    """A graph whose vertices carry operations, with the parts that reach no output left out."""
    graph = space.graphs(arch[None, :])
    adjacency, operations = graph.adjacency[0], graph.operations[0]
    used = [vertex for vertex in range(len(operations)) if operations[vertex] >= 0]
    labels = [graph.operation_names[operations[vertex]] for vertex in used]
    kinds = ["state" if label in ("input", "output") else "operation" for label in labels]
    links = [
        (i, j)
        for i, source in enumerate(used)
        for j, end in enumerate(used)
        if adjacency[source, end]
    ]
    short = {"input": "in", "output": "out"}
    return {"graph": _boxes([short.get(label, label) for label in labels], kinds, links)}


def _boxes(labels: Sequence[str], kinds: Sequence[str], links: Sequence[tuple[int, int]]) -> Markup:
    sizes = [
        (2 * NODE_RADIUS + 2, 2 * NODE_RADIUS + 2)
        if kind == "state"
        else (CHARACTER * len(short_name(label)) + 14, BOX_HEIGHT)
        for label, kind in zip(labels, kinds, strict=True)
    ]
    layout = layered_layout(sizes, links)
    parts = []
    for (_, end), route in zip(links, layout.routes, strict=True):
        points = [(x + MARGIN, y + MARGIN) for x, y in route]
        last = (points[-1][0] - 1, points[-1][1])
        path = f"M{_xy(points[0])}"
        for (x0, y0), (x1, y1) in zip(points, [*points[1:-1], last], strict=False):
            middle = (x0 + x1) / 2
            path += f" C{_xy((middle, y0))} {_xy((middle, y1))} {_xy((x1, y1))}"
        parts.append(_edge(path, last, 0.0, "plain" if kinds[end] else "", None))
    for label, kind, (width, height), (x, y) in zip(
        labels, kinds, sizes, layout.centres, strict=True
    ):
        centre = (x + MARGIN, y + MARGIN)
        if kind == "state":
            parts.append(_node(centre, label))
        else:
            parts.append(_box(centre, width, height, label))
    said = ", ".join(
        f"{short_name(labels[source])} to {short_name(labels[end])}" for source, end in links
    )
    return _svg(parts, layout.width + 2 * MARGIN, layout.height + 2 * MARGIN, f"Graph: {said}")


def _chain(space: Space, arch: IntArray) -> dict[str, Markup]:
    """Layers one after the other."""
    names = [edge.operation for edge in space.edges_of(arch)]
    items = Markup("").join(
        Markup('<li style="--op: var(--{})">{}</li>').format(colour_of(name), short_name(name))
        for name in names
    )
    chain = Markup('<ol class="chain" aria-label="Layers in order">{}</ol>').format(items)
    return {"network": chain}


DRAWN: Mapping[DrawnAs, Callable[[Space, IntArray], dict[str, Markup]]] = {
    "chain": _chain,
    "edges": _edge_cells,
    "states": _state_cells,
    "vertices": _vertex_graph,
}
"""By what a space says of itself: from an architecture to the image of each cell."""


# ---------------------------------------------------------------------- parts of an image


def _svg(parts: Sequence[Markup], width: float, height: float, label: str) -> Markup:
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="drawing"><svg class="cell" '
        'viewBox="0 0 {w} {h}" width="{w}" height="{h}" style="min-width: {least}px" '
        'role="img" aria-label="{label}">{parts}</svg></div>'
    ).format(
        w=_number(width),
        h=_number(height),
        least=_number(LEAST_SCALE * width),
        label=label,
        parts=Markup("").join(parts),
    )


def _node(centre: Point, label: str) -> Markup:
    x, y = centre
    return Markup(
        '<circle cx="{}" cy="{}" r="{}" class="node"/><text x="{}" y="{}"{}>{}</text>'
    ).format(
        _number(x),
        _number(y),
        _number(NODE_RADIUS),
        _number(x),
        _number(y + 4),
        Markup(' class="tight"') if len(label) > 3 else "",
        label,
    )


def _box(centre: Point, width: float, height: float, operation: str) -> Markup:
    x, y = centre
    return Markup(
        '<g style="--op: var(--{})"><rect x="{}" y="{}" width="{}" height="{}" rx="5" '
        'class="box"/><text x="{}" y="{}">{}</text></g>'
    ).format(
        colour_of(operation),
        _number(x - width / 2),
        _number(y - height / 2),
        _number(width),
        _number(height),
        _number(x),
        _number(y + 4),
        short_name(operation),
    )


def _edge(
    path: str,
    end: Point,
    direction: float,
    operation: str,
    label: Point | None,
    *,
    faint: bool = False,
) -> Markup:
    """A line with an arrow's head that points `direction` (0 is right, positive is down)."""
    corners = [
        (end[0] - 9 * math.cos(direction + turn), end[1] - 9 * math.sin(direction + turn))
        for turn in (0.42, -0.42)
    ]
    head = f"M{_xy(end)} L{_xy(corners[0])} L{_xy(corners[1])}Z"
    text = (
        Markup("")
        if label is None
        else Markup('<text x="{}" y="{}" class="label">{}</text>').format(
            _number(label[0]), _number(label[1]), short_name(operation)
        )
    )
    return Markup(
        '<g style="--op: var(--{})"{}><path d="{}" class="edge"/><path d="{}" class="head"/>{}</g>'
    ).format(
        colour_of(operation), Markup(' class="faint"') if faint else Markup(""), path, head, text
    )


def _xy(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
