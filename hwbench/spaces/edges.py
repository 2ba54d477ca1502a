"""Architectures as frames of edges."""

from __future__ import annotations

import pandas as pd

from hwbench.spaces.drawing import Edge
from hwbench.spaces.registry import named_space

EDGE_COLUMNS = {
    "cell": "'cell', or 'normal' and 'reduction', or 'network' for layers in sequence",
    "source": "name of the vertex that an operation is given",
    "target": "name of the vertex that its output is added to",
    "operation": "name",
    "live": "whether it carries something from an input to the output",
}
"""What a frame of an architecture's edges holds, a row for each operation."""


def architecture_edges(space_name: str, architecture: str) -> pd.DataFrame:
    """The operations of an architecture as the edges of graphs.

    Parameters
    ----------
    space_name : of its space, as a file of results names it, see `named_space`.
    architecture : its string there.

    Returns
    -------
    See `EDGE_COLUMNS` and `Space.edges_of`.

    Raises
    ------
    HwbenchError
        Where the space is not known here, or the string is none of its architectures.
    """
    space = named_space(space_name)
    return pd.DataFrame(space.edges_of(space.from_string(architecture)), columns=list(Edge._fields))
