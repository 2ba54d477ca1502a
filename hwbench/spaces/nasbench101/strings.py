"""Strings of NAS-Bench-101 cells: a token a vertex, such as "conv3x3-bn-relu:0|output:01".

A token is the vertex's operation and, ascending, the vertices it adds up. As a number a token of
vertex v is its operation times 2**v plus the bits of its edges; the output counts as an operation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.nasbench101.cells import (
    ABSENT,
    MAX_VERTICES,
    N_EDGES,
    N_POSITIONS,
    OPERATIONS,
    count_vertices,
    edge_bits,
    edge_position,
)

OUTPUT = len(OPERATIONS)
NAMES = (*OPERATIONS, "output")
N_TOKENS = MAX_VERTICES - 1  # the input has none

MODULE_HASH = re.compile(r"[0-9a-f]{32}")


@cache
def _token_texts(vertex: int) -> tuple[str, ...]:
    """All tokens of a vertex by number."""
    sources = [
        "".join(str(source) for source in range(vertex) if bits >> source & 1)
        for bits in range(2**vertex)
    ]
    return tuple(f"{name}:{text}" for name in NAMES for text in sources)


@cache
def _token_numbers() -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """Numbers of the tokens with sources, by vertex: of operations, and of the output."""
    operations, outputs = [], []
    for vertex in range(1, MAX_VERTICES):
        numbers = dict(zip(_token_texts(vertex), range(len(NAMES) << vertex), strict=True))
        named = {text: code for text, code in numbers.items() if code % 2**vertex}
        operations.append({text: code for text, code in named.items() if code >> vertex < OUTPUT})
        outputs.append({text: code for text, code in named.items() if code >> vertex == OUTPUT})
    return operations[:-1], outputs


def texts_of(archs: IntArray) -> list[str]:
    """The string of every row of `archs`, int64 of shape (n_archs, 26), valid cells."""
    bits, n_vertices = edge_bits(archs), count_vertices(archs)
    columns = []
    for vertex in range(1, MAX_VERTICES):
        sources = (bits >> edge_position(0, vertex)) & (2**vertex - 1)
        kind = np.full(len(archs), OUTPUT)
        inside = vertex < n_vertices - 1
        if vertex < N_TOKENS:
            kind = np.where(inside, archs[:, N_EDGES + vertex - 1], OUTPUT)
        first = vertex == 1
        texts = [text if first else f"|{text}" for text in _token_texts(vertex)]
        tokens = np.array([*texts, ""], dtype=object)
        there = vertex < n_vertices
        columns.append(tokens[np.where(there, kind * 2**vertex + sources, -1)].tolist())
    return ["".join(row) for row in zip(*columns, strict=True)]


def rows_of_texts(texts: Sequence[str]) -> tuple[IntArray, list[int]]:
    """Read strings.

    Returns
    -------
    int64 array of shape (n_texts, 26), whose cells may still be none of the space, and the rows of
    those texts that are module hashes instead, left without edges.

    Raises
    ------
    HwbenchError
        Where a text is neither, saying which part of it is wrong.
    """
    operations, outputs = _token_numbers()
    padding = [[-1] * absent for absent in range(MAX_VERTICES)]
    codes: list[list[int]] = []
    hashes: list[int] = []
    for row, text in enumerate(texts):
        try:
            *inner, last = text.strip().split("|")
            numbers = [table[token] for table, token in zip(operations, inner, strict=False)]
            numbers.append(outputs[len(inner)][last])
        except (AttributeError, TypeError, KeyError, IndexError):
            if not isinstance(text, str) or not MODULE_HASH.fullmatch(text.strip()):
                raise _why_malformed(text) from None
            hashes.append(row)
            numbers = []
        codes.append(numbers + padding[N_TOKENS - len(numbers)])
    return _rows_of_codes(np.array(codes, dtype=np.int64).reshape(-1, N_TOKENS)), hashes


def _rows_of_codes(codes: IntArray) -> IntArray:
    archs = np.zeros((len(codes), N_POSITIONS), dtype=np.int64)
    for vertex, column in enumerate(codes.T, start=1):
        first = edge_position(0, vertex)
        there = np.maximum(column, 0)
        archs[:, first : first + vertex] = (there[:, None] >> np.arange(vertex)) & 1
        if vertex < N_TOKENS:
            inside = (column >= 0) & (column >> vertex != OUTPUT)
            archs[:, N_EDGES + vertex - 1] = np.where(inside, column >> vertex, ABSENT)
    return archs


def _why_malformed(text: object) -> HwbenchError:
    form = "expected operation:sources for each vertex, such as conv3x3-bn-relu:0|output:01"
    tokens = text.strip().split("|") if isinstance(text, str) else []
    place = f"architecture {text!r}"
    if not tokens or not all(":" in token for token in tokens):
        return HwbenchError(f"{place} is no NAS-Bench-101 string and no module hash; {form}")
    if len(tokens) > N_TOKENS:
        return HwbenchError(f"{place} has {len(tokens)} vertices behind the input, not 1 .. 6")
    for vertex, token in enumerate(tokens, start=1):
        name, _, sources = token.partition(":")
        if name not in NAMES:
            return unknown_name("operation", name, NAMES, where=place)
        if (name == "output") != (vertex == len(tokens)):
            return HwbenchError(f"{place}: vertex {vertex} is {name!r}; the last one is the output")
        if token not in _token_texts(vertex) or not sources:
            return HwbenchError(
                f"{place}: vertex {vertex} adds up {sources!r}; expected the digits of one or more "
                f"vertices from 0 to {vertex - 1}, ascending"
            )
    raise AssertionError(text)
