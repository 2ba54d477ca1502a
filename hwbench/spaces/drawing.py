"""What a space says of its architectures to whoever draws them: edges, and which drawing fits."""

from __future__ import annotations

from typing import Literal, NamedTuple

DrawnAs = Literal["chain", "edges", "states", "vertices"]
"""Kinds of drawings:

- "chain", layers in a row;
- "edges", cells whose nodes stand in a row, the operations on the arcs between them; a cell's nodes
  are named "0", "1" ... from its input to its output;
- "states", cells whose nodes are joined by boxes of operations; nodes that no edge leads to are
  inputs, all others, which stand in the order of the edges that lead to them, lead to the output;
- "vertices", the graphs of `Space.graphs`, an operation a vertex.
"""


NO_OPERATION = "none"
"""What the operation is called that delivers nothing; drawings leave it out."""


class Edge(NamedTuple):
    """An operation of an architecture as the edge of a graph.

    Attributes
    ----------
    cell : name of the cell it is in, such as "cell", "normal", or "network" for layers in sequence.
    source : name of the vertex that the operation is given.
    target : name of the vertex that its output is added to.
    operation : its name.
    live : whether it carries something from an input to the output.
    """

    cell: str
    source: str
    target: str
    operation: str
    live: bool = True
