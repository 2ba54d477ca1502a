"""Genotypes as people have them, brought into the form that DARTS prints.

A line of `genotypes.py` ("DARTS_V2 = Genotype(...)"), a line of a log, tuples in place of lists, a
list of pairs a node, a dictionary with the keys "normal" and "reduce": these differ in nothing that
matters. Compact genotypes hold numbers in place of names; which operation a number means differs
between libraries by one, so that they are read only where it is said how.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.spaces.code_values import mapping_of, whole_number

LONGEST = 10_000
"""Characters of a text that is looked into."""

SHOWN = 60
"""Characters of a text that a message shows."""

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_CONCAT = "range(2, 6)"
_BEHIND = re.compile(r"""\s*['"]?\s*[,;]?\s*(?:#[^\n]*)?""")
_RANGE = re.compile(r"range\(\s*\d{1,3}\s*,\s*\d{1,3}\s*\)")
_PAIR = 2


def shown(text: object) -> str:
    """A text for a message, short enough that what is wrong with it is read."""
    whole = repr(text)
    return whole if len(whole) <= SHOWN else f"{whole[:SHOWN]}..."


def plain_genotype(text: str) -> str | None:
    """The genotype that a text holds, as DARTS prints it; None where it holds none.

    What stands before `Genotype(`, such as a name or the time of a log, is passed over; behind its
    closing bracket may be a mark, a quote or a comment.
    """
    start = text.find("Genotype(")
    if start < 0 or len(text) > LONGEST:
        return None
    inside = _to_closing(text, start + len("Genotype"))
    if inside is None or not _BEHIND.fullmatch(text[start + len("Genotype") + len(inside) :]):
        return None
    fields = _fields(inside[1:-1])
    return None if fields is None else genotype_of_cells(fields)


def _to_closing(text: str, start: int) -> str | None:
    """The text from an opening bracket to the one that closes it."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return text[start : place + 1]
    return None


def _fields(inside: str) -> dict[str, Any] | None:
    """The four fields by name, lists read; of ranges their text."""
    names = list(re.finditer(r"\b(normal_concat|normal|reduce_concat|reduce)\s*=", inside))
    if sorted(match[1] for match in names) != sorted(_FIELDS):
        return None
    stops = [match.start() for match in names[1:]] + [len(inside)]
    found: dict[str, Any] = {}
    for match, stop in zip(names, stops, strict=True):
        part = inside[match.end() : stop].strip().removesuffix(",").strip()
        if _RANGE.fullmatch(part):
            found[match[1]] = part
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a text looks like as a program
                found[match[1]] = ast.literal_eval(part)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    return found


def genotype_of_cells(value: Any) -> str | None:
    """The genotype of a dictionary with the cells "normal" and "reduce"; None where it is none."""
    fields = mapping_of(value)
    if fields is None or not {"normal", "reduce"} <= set(fields) <= set(_FIELDS):
        return None
    parts = []
    for cell in ("normal", "reduce"):
        edges = _edges(fields[cell])
        concat = _concat(fields, f"{cell}_concat")
        if edges is None or concat is None:
            return None
        listed = ", ".join(f"('{name}', {source})" for name, source in edges)
        parts.append(f"{cell}=[{listed}], {cell}_concat={concat}")
    return f"Genotype({', '.join(parts)})"


def _concat(fields: Mapping[str, Any], name: str) -> str | None:
    given = fields.get(name, _CONCAT)
    if isinstance(given, str):
        return given if _RANGE.fullmatch(given) else None
    if isinstance(given, list | tuple) and all(whole_number(each) is not None for each in given):
        return str([whole_number(each) for each in given])
    return None


def _edges(cell: Any) -> list[tuple[str, int]] | None:
    """The edges of a cell, (operation, input), of a list of them or of a list of lists a node."""
    if not isinstance(cell, list | tuple):
        return None
    found = []
    for each in cell:
        edge = _edge(each)
        if edge is not None:
            found.append(edge)
            continue
        node = _edges(each)
        if node is None or len(node) != _PAIR:
            return None
        found += node
    return found


def _edge(pair: Any) -> tuple[str, int] | None:
    if not isinstance(pair, list | tuple) or len(pair) != _PAIR:
        return None
    name, source = pair if isinstance(pair[0], str) else (pair[1], pair[0])
    number = whole_number(source)
    if not isinstance(name, str) or not re.fullmatch(r"\w+", name) or number is None:
        return None
    return name, number


# ---------------------------------------------------------------------- compact genotypes


def compact_cells(value: Any) -> list[list[tuple[int, int]]] | None:
    """The two cells of a compact genotype, pairs of numbers; None where the value is none."""
    if not isinstance(value, list | tuple) or len(value) != _PAIR:
        return None
    cells = []
    for cell in value:
        if not isinstance(cell, list | tuple) or not cell:
            return None
        pairs = []
        for pair in cell:
            if not isinstance(pair, list | tuple) or len(pair) != _PAIR:
                return None
            first, second = whole_number(pair[0]), whole_number(pair[1])
            if first is None or second is None:
                return None
            pairs.append((first, second))
        cells.append(pairs)
    return cells


def genotype_of_compact(value: Any, names: Sequence[str]) -> str:
    """The genotype of a compact one.

    Parameters
    ----------
    value : two cells, each a list of pairs (input, operation).
    names : the operation of each number.

    Raises
    ------
    HwbenchError
        Where it is no such value, or a number is that of no operation.
    """
    cells = compact_cells(value)
    if cells is None:
        raise HwbenchError(
            f"{shown(value)} is no compact genotype, two lists of (input, operation)"
        )
    named = []
    for cell in cells:
        for _, operation in cell:
            if not 0 <= operation < len(names):
                raise HwbenchError(
                    f"{shown(value)} holds the operation {operation}; they are "
                    f"0 ({names[0]}) .. {len(names) - 1} ({names[-1]})"
                )
        named.append([(names[operation], source) for source, operation in cell])
    text = genotype_of_cells({"normal": named[0], "reduce": named[1]})
    if text is None:
        raise HwbenchError(f"{shown(value)} is no compact genotype")
    return text
