"""The hash by which NAS-Bench-101 names its cells, for whole batches.

The benchmark colours every vertex with the MD5 digest of its degrees and operation, then as often
as there are vertices with the digest of its neighbours' colours and its own; the cell's hash is the
digest of all colours, sorted. A batch of all cells needs twenty million digests, hence MD5 (RFC
1321) is computed here on arrays, a row a message.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint32]

ROWS_AT_ONCE = 16384  # messages whose state and block stay in the processor's cache
CELLS_AT_ONCE = 16384
HEX_LENGTH = 32

_INITIAL = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_CONSTANTS = [np.uint32(int(abs(math.sin(step + 1)) * 2**32)) for step in range(64)]
_SHIFTS = [(7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21)]
_WORD_STEPS = [(1, 0), (5, 1), (3, 5), (7, 0)]  # word of step i in each round: (a i + b) mod 16
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)


def md5(messages: Bytes) -> Bytes:
    """The MD5 digest of every row.

    Parameters
    ----------
    messages : uint8 of shape (n_messages, length).

    Returns
    -------
    uint8 array of shape (n_messages, 16).
    """
    digests = np.empty((len(messages), 16), dtype=np.uint8)
    for start in range(0, len(messages), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        digests[part] = _md5_of_part(messages[part])
    return digests


def _md5_of_part(messages: Bytes) -> Bytes:
    n_messages, length = messages.shape
    padded = np.zeros((n_messages, (length + 72) // 64 * 64), dtype=np.uint8)
    padded[:, :length] = messages
    padded[:, length] = 0x80
    padded[:, -8:] = np.frombuffer((8 * length).to_bytes(8, "little"), dtype=np.uint8)
    words = np.ascontiguousarray(padded.view("<u4").T.astype(np.uint32, copy=False))
    state = [np.full(n_messages, value, dtype=np.uint32) for value in _INITIAL]
    for block in range(0, len(words), 16):
        state = _compress(state, words[block : block + 16])
    return np.stack(state, axis=1).astype("<u4", copy=False).view(np.uint8)


def _compress(state: list[Words], words: Words) -> list[Words]:
    a, b, c, d = state
    for step in range(64):
        turn = step // 16
        if turn == 0:
            mixed = d ^ (b & (c ^ d))
        elif turn == 1:
            mixed = c ^ (d & (b ^ c))
        elif turn == 2:
            mixed = b ^ c ^ d
        else:
            mixed = c ^ (b | ~d)
        factor, offset = _WORD_STEPS[turn]
        mixed += a
        mixed += _CONSTANTS[step]
        mixed += words[(factor * step + offset) % 16]
        shift = _SHIFTS[turn][step % 4]
        rotated = mixed << np.uint32(shift)
        mixed >>= np.uint32(32 - shift)
        rotated |= mixed
        rotated += b
        a, b, c, d = d, rotated, b, c
    return [old + new for old, new in zip(state, (a, b, c, d), strict=True)]


def to_hex(digests: Bytes) -> Bytes:
    """Lower-case hexadecimal digits of digests, uint8 from shape (..., 16) to (..., 32)."""
    return _HEX[digests].view(np.uint8)


# ---------------------------------------------------------------------- colours of vertices


def module_hashes(adjacency: NDArray[np.uint8], labels: IntArray) -> NDArray[np.bytes_]:
    """The benchmark's hash of cells of equally many vertices.

    Parameters
    ----------
    adjacency : uint8 of shape (n_cells, V, V), the output at vertex V - 1.
    labels : int64 of shape (n_cells, V): -1 for the input, -2 for the output, else the operation.

    Returns
    -------
    "S32" array of shape (n_cells,): 32 lower-case hexadecimal digits.
    """
    hashes = np.empty(len(adjacency), dtype=f"S{HEX_LENGTH}")
    for start in range(0, len(adjacency), CELLS_AT_ONCE):
        part = slice(start, start + CELLS_AT_ONCE)
        hashes[part] = _hashes_of_part(adjacency[part], labels[part])
    return hashes


def _hashes_of_part(adjacency: NDArray[np.uint8], labels: IntArray) -> NDArray[np.bytes_]:
    n_cells, n_vertices = labels.shape
    digests = _first_colours(adjacency, labels)
    for _ in range(n_vertices):
        # Vertices change places so that a cell's colours ascend: neighbours are then in order too.
        adjacency, digests = _sort_vertices(adjacency, digests)
        digests = _next_colours(adjacency, digests)
    _, digests = _sort_vertices(adjacency, digests)
    message = np.empty((n_cells, n_vertices, HEX_LENGTH + 4), dtype=np.uint8)
    message[:] = np.frombuffer(b"'" + b"0" * HEX_LENGTH + b"', ", dtype=np.uint8)
    message[:, :, 1 : 1 + HEX_LENGTH] = to_hex(digests)
    listed = np.empty((n_cells, n_vertices * (HEX_LENGTH + 4)), dtype=np.uint8)
    listed[:, 0] = ord("[")  # as Python writes a list of strings
    listed[:, 1:-1] = message.reshape(n_cells, -1)[:, :-2]
    listed[:, -1] = ord("]")
    return to_hex(md5(listed)).view(f"S{HEX_LENGTH}")[:, 0]


def _first_colours(adjacency: NDArray[np.uint8], labels: IntArray) -> Bytes:
    leaving = adjacency.sum(axis=2, dtype=np.int64)
    arriving = adjacency.sum(axis=1, dtype=np.int64)
    codes, which = np.unique((leaving * 8 + arriving) * 8 + labels + 2, return_inverse=True)
    texts = [str((code // 64, code // 8 % 8, code % 8 - 2)) for code in codes.tolist()]
    known = [hashlib.md5(text.encode(), usedforsecurity=False).digest() for text in texts]
    table = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(-1, 16)
    return table[which.reshape(labels.shape)]


def _sort_vertices(adjacency: NDArray[np.uint8], digests: Bytes) -> tuple[NDArray[np.uint8], Bytes]:
    halves = np.ascontiguousarray(digests).view(">u8").astype(np.uint64)
    order = np.lexsort((halves[..., 1], halves[..., 0]), axis=-1)
    cell = np.arange(len(order))[:, None]
    moved = adjacency[cell[:, :, None], order[:, :, None], order[:, None, :]]
    return moved, digests[cell, order]


def _next_colours(adjacency: NDArray[np.uint8], digests: Bytes) -> Bytes:
    """One round: each vertex takes the digest of its neighbours' colours and its own."""
    colours = to_hex(digests)
    arriving = adjacency.sum(axis=1, dtype=np.int64)
    leaving = adjacency.sum(axis=2, dtype=np.int64)
    degrees = arriving * 8 + leaving
    result = np.empty_like(digests)
    for degree in np.unique(degrees).tolist():
        n_before, n_after = divmod(degree, 8)
        cell, vertex = np.nonzero(degrees == degree)
        before = np.nonzero(adjacency[cell, :, vertex])[1].reshape(len(cell), n_before)
        after = np.nonzero(adjacency[cell, vertex, :])[1].reshape(len(cell), n_after)
        bar = np.full((len(cell), 1), ord("|"), dtype=np.uint8)
        message = [
            colours[cell[:, None], before].reshape(len(cell), -1),
            bar,
            colours[cell[:, None], after].reshape(len(cell), -1),
            bar,
            colours[cell, vertex],
        ]
        result[cell, vertex] = md5(np.concatenate(message, axis=1))
    return result
