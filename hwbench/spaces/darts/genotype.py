"""Reading the genotypes that DARTS and its successors print.

A genotype is a text such as
`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], ...)`: for
each cell two operations a node with their inputs, 0 and 1 being the two cells before, and the nodes
whose outputs are joined. Nothing of the text is ever evaluated as code.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.darts.genotype_variants import plain_genotype, shown

FORM = (
    "Genotype(normal=[('op', input), ...], normal_concat=range(2, 6), "
    "reduce=[('op', input), ...], reduce_concat=range(2, 6))"
)

_LIST = r"\[([^\[\]]*)\]"
_CONCAT = r"(range\([^()]*\)|\[[^\[\]]*\])"
_GENOTYPE = re.compile(
    rf"Genotype\(\s*normal\s*=\s*{_LIST}\s*,\s*normal_concat\s*=\s*{_CONCAT}\s*,"
    rf"\s*reduce\s*=\s*{_LIST}\s*,\s*reduce_concat\s*=\s*{_CONCAT}\s*,?\s*\)"
)
_EDGE = re.compile(r"""\(\s*(['"])(\w*)\1\s*,\s*([0-9]{1,3})\s*\)""")
_EDGES = re.compile(r"#(?:,#)*,?")  # with # for each edge and without white space
_NUMBERS = re.compile(r"[0-9]{1,3}(?:,[0-9]{1,3})*,?")


class Edge(NamedTuple):
    """An operation and the number of the node whose output it is given."""

    operation: str
    source: int


def read_genotype(
    text: str, operations: tuple[str, ...], n_nodes: int
) -> tuple[list[list[Edge]], list[list[Edge]]]:
    """Read a genotype.

    Parameters
    ----------
    text : the genotype; white space between its parts does not matter, nor a name before it
        ("DARTS_V2 = "), tuples in place of lists, or a list a node; see `plain_genotype`.
    operations : the names that an operation may have.
    n_nodes : nodes of each cell behind its two inputs.

    Returns
    -------
    The normal and the reduction cell: for each node its two edges, the lower input first.

    Raises
    ------
    HwbenchError
        Where the text is no genotype of such cells; the message names cell, node and operation.
    """
    match = _GENOTYPE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None and isinstance(text, str):
        match = _GENOTYPE.fullmatch(plain_genotype(text) or "")
    where = f"architecture {shown(text)}"
    if match is None:
        raise HwbenchError(f"{where} is no DARTS string; expected {FORM}")
    normal, normal_concat, reduction, reduction_concat = match.groups()
    for cell, concat in (("normal", normal_concat), ("reduction", reduction_concat)):
        _check_concat(concat, n_nodes, f"{where}: the {cell} cell")
    return (
        _read_cell(normal, operations, n_nodes, f"{where}: the normal cell"),
        _read_cell(reduction, operations, n_nodes, f"{where}: the reduction cell"),
    )


def _check_concat(text: str, n_nodes: int, place: str) -> None:
    inside = "".join(text[text.index("(" if text[0] == "r" else "[") + 1 : -1].split())
    numbers = [int(n) for n in inside.split(",") if n] if _NUMBERS.fullmatch(inside) else []
    joined = list(range(*numbers[:2])) if text[0] == "r" and len(numbers) == 2 else numbers
    expected = list(range(2, 2 + n_nodes))
    if joined != expected or (text[0] == "r" and len(numbers) != 2):
        raise HwbenchError(
            f"{place} joins the nodes {' '.join(text.split())}; in this space all are joined: "
            f"range({expected[0]}, {expected[-1] + 1})"
        )


def _read_cell(
    text: str, operations: tuple[str, ...], n_nodes: int, place: str
) -> list[list[Edge]]:
    found = [(name, int(source)) for _, name, source in _EDGE.findall(text)]
    if not _EDGES.fullmatch("".join(_EDGE.sub("#", text).split())) or "#" in text:
        raise HwbenchError(f"{place} is no list of edges ('op', input)")
    if len(found) != 2 * n_nodes:
        raise HwbenchError(f"{place} has {len(found)} edges, not {2 * n_nodes}")
    nodes = []
    for number in range(2, n_nodes + 2):
        edges = [Edge(*edge) for edge in found[2 * (number - 2) : 2 * (number - 1)]]
        for edge in edges:
            _check_edge(edge, number, operations, f"{place}, node {number}")
        if edges[0].source == edges[1].source:
            raise HwbenchError(
                f"{place}, node {number} has the input {edges[0].source} twice; "
                "in this space the inputs of a node differ"
            )
        nodes.append(sorted(edges, key=lambda edge: edge.source))
    return nodes


def _check_edge(edge: Edge, node: int, operations: tuple[str, ...], place: str) -> None:
    if edge.operation == "none":
        raise HwbenchError(
            f"{place} holds the operation 'none'; an architecture of this space has "
            f"an operation on every edge: {', '.join(operations)}"
        )
    if edge.operation not in operations:
        raise unknown_name("operation", edge.operation, operations, where=place)
    if edge.source >= node:
        raise HwbenchError(
            f"{place} has the input {edge.source}; inputs stand before it: 0 .. {node - 1}"
        )
