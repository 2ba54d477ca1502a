"""Architectures as edges of graphs, for drawings and frames."""

from __future__ import annotations

import pandas as pd

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
    space_name : of a space with supernets.
    architecture : its string there.

    Returns
    -------
    See `EDGE_COLUMNS`. In cells of DARTS "c_{k-2}" and "c_{k-1}" are the outputs of the cells
    before, and the output, the nodes side by side, has no edge of its own.
    """
    from hwbench.spaces import get_space
    from hwbench.spaces.darts.space import CELLS, DARTS, OPERATIONS
    from hwbench.spaces.edge_cell import EDGES, EdgeCellSpace

    space = get_space(space_name)
    arch = space.from_string(architecture)
    rows: list[tuple[str, str, str, str, bool]] = []
    if isinstance(space, EdgeCellSpace):
        live = space.live_edges(arch[None, :])[0]
        for edge, choice, alive in zip(EDGES, arch, live, strict=True):
            name = space.cell_operations[choice]
            rows.append(("cell", str(edge[0]), str(edge[1]), name, bool(alive)))
    elif isinstance(space, DARTS):
        names = ("c_{k-2}", "c_{k-1}", "0", "1", "2", "3")
        inputs, operations = space.edges(arch[None, :])
        for number, cell in enumerate(CELLS):
            for node in range(inputs.shape[2]):
                for source, choice in zip(
                    inputs[0, number, node], operations[0, number, node], strict=True
                ):
                    target = names[node + 2]
                    rows.append((cell, names[source], target, OPERATIONS[choice], True))
    else:
        for place, choice in enumerate(arch):
            name = space.choices[place][choice]
            rows.append(("network", str(place), str(place + 1), name, True))
    return pd.DataFrame(rows, columns=list(EDGE_COLUMNS))
