"""The cells that PR-DARTS searches (LAUBE 4.3, 4.4): those of DARTS with other operations."""

from __future__ import annotations

from collections.abc import Mapping

from hwbench.arrays import IntArray
from hwbench.errors import unknown_name
from hwbench.spaces.darts.separable import FIRST, LIMITS, Limits, reachable
from hwbench.spaces.darts.space import CELLS, DARTS, cell_choices

STEPS = 5
"""Transformations from the first convolution: rounds of replacement in the publication."""

KEPT = ("skip_connect", "max_pool_3x3", "avg_pool_3x3")
"""Operations that no transformation makes or changes."""

INITIAL = (*KEPT, str(FIRST))
"""What every pool begins with (LAUBE 790-800)."""


def operations_within(limits: Limits) -> tuple[str, ...]:
    """The operations that a search within some limits may come to."""
    return (*KEPT, *map(str, reachable(limits, STEPS)))


class PRDARTS(DARTS):
    """Pairs of DARTS cells whose edges hold one of 76 operations.

    These are identity, both poolings, and the 73 stacks of separable convolutions that five
    unrestricted transformations make (see `hwbench.spaces.darts.separable`). Strings are genotypes
    with the operations' names; those of the four published pairs of cells are `PUBLISHED`, whose
    names, such as "PR-DARTS DL2", are read too.

    Networks, FLOPs and the skeleton are those of DARTS.
    """

    name = "pr_darts"
    title = "PR-DARTS"
    edge_operations = operations_within(LIMITS["unrestricted"])
    choices = cell_choices(edge_operations) * len(CELLS)

    def from_string(self, text: str) -> IntArray:
        if not isinstance(text, str) or text.strip().startswith("Genotype"):
            return super().from_string(text)
        name = text.strip()
        if name not in PUBLISHED and name.startswith("PR-DARTS"):
            raise unknown_name("pair of cells", name, PUBLISHED, where=f"architecture {text!r}")
        return super().from_string(PUBLISHED.get(name, text))


def _genotype(normal: str, reduction: str) -> str:
    """A genotype from the operations of its cells, each such as "k3x1:0", behind it its input."""
    cells = []
    for text in (normal, reduction):
        edges = []
        for edge in text.split():
            operation, source = edge.split(":")
            kernel, _, widths = operation.partition("w")
            name = _SHORT.get(operation, f"sep_conv_{kernel}_d1_w{widths}")
            edges.append(f"('{name}', {source})")
        cells.append(", ".join(edges))
    return (
        f"Genotype(normal=[{cells[0]}], normal_concat=range(2, 6), "
        f"reduce=[{cells[1]}], reduce_concat=range(2, 6))"
    )


_SHORT = {"skip": "skip_connect", "max": "max_pool_3x3"}

PUBLISHED: Mapping[str, str] = {
    "PR-DARTS DL1": _genotype(
        "k5w1x1:0 k3w1x1:1 k3w1x1:1 skip:2 k3w1x1:1 skip:2 skip:0 skip:2",
        "k3w1x1:0 skip:1 max:0 k5w1x1:2 k3w1x1:0 k3w1x1:1 max:1 k3w1x1:4",
    ),
    "PR-DARTS DL2": _genotype(
        "k3w1x1:0 k3w1:1 k3w1:1 k7w1x1:2 skip:0 k5w1x1:1 k3w1x1:1 k7w1x1:4",
        "k3w1:0 k3w1x1:1 k3w1x1:1 skip:2 max:0 k3w1:3 k3w1:0 skip:3",
    ),
    "PR-DARTS DR": _genotype(
        "k3w1:0 k3w3x1:1 k7w1x1:1 k5w2x1:2 skip:1 skip:3 skip:0 skip:2",
        "k5w2x1:0 max:1 max:1 k3w1x1:2 max:0 k3w3x1:2 max:0 k1w1x1:3",
    ),
    "PR-DARTS UR": _genotype(
        "k3w2x1:0 k1w1:1 k3w1x1x1x1:1 k5w1:2 k1w1x1:1 k3w1x1x1:2 k1w1x1:3 k5w1x1x1:4",
        "k7w1x1:0 k3w1:1 k3w1x1x1:0 k3w1x1:2 skip:0 skip:2 k7w1x1x1:1 skip:2",
    ),
}
"""The cells of LAUBE Table 4.4 and Figures 4.8 and 4.9, as published with the method's code."""
