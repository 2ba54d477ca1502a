"""What counts as plain data: bounded in depth and size, with keys that are quick to hash."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.formats.stand_ins import StandIn

MAX_DEPTH = 100
MAX_EXPANDED = 10**9  # nodes of the value written out as a tree
MAX_KEY_NODES = 1000
CHEAP = 8  # parts of a container without containers, so few that it is measured each time
MAX_KEY_BITS = 64  # longer numbers can be made to collide in a hash table

ATOMS = frozenset({str, bytes, int, float, bool, complex, type(None)})
LEAVES = ATOMS | {bytearray, range, slice, np.float64, np.float32, np.int64, np.bool_, np.str_}
SEQUENCES = frozenset({list, tuple, set, frozenset, deque})
DICTS = frozenset({dict, OrderedDict, defaultdict, Counter})


class NotPlain:
    """Base of what may appear while a file is read but must not be left in the result."""

    __slots__ = ()


def check_key(key: Any) -> int:
    """Refuse a key whose hash would recurse deeply or take long.

    Parameters
    ----------
    key : what is to enter a set or become the key of a dictionary.

    Returns
    -------
    The number of values in the key.

    Raises
    ------
    HwbenchError
        Where it is nested deeper than `MAX_DEPTH`, holds more than `MAX_KEY_NODES` values, an
        integer of more than `MAX_KEY_BITS` bits, or something that has no hash.
    """
    n_nodes = 0
    pending = [(key, 0)]
    while pending:
        value, depth = pending.pop()
        n_nodes += 1
        kind = type(value)
        if kind is tuple or kind is frozenset:
            if depth >= MAX_DEPTH or n_nodes + len(pending) + len(value) > MAX_KEY_NODES:
                raise HwbenchError("a key of a dictionary or set is nested too deeply or too large")
            pending.extend((part, depth + 1) for part in value)
        elif kind is int:
            if value.bit_length() > MAX_KEY_BITS:
                raise HwbenchError(f"a key is an integer of more than {MAX_KEY_BITS} bits")
        elif not (kind in ATOMS or isinstance(value, np.generic | StandIn | type) or kind is range):
            raise HwbenchError(
                f"a value of type {kind.__name__} cannot be the key of a dictionary or set"
            )
    return n_nodes


def _parts(value: Any) -> Collection[Any] | None:
    """The values inside a container, or None for any other value."""
    kind = type(value)
    if kind in SEQUENCES:
        return value
    if kind in DICTS:
        attributes = vars(value) if kind is OrderedDict else ()
        return [*value.values(), *attributes.values()] if attributes else value.values()
    if kind is StandIn:
        return value.parts()
    if kind is np.ndarray and value.dtype == object:
        return value.ravel().tolist()
    return None


def _inner(parts: Iterable[Any]) -> list[Any]:
    return [part for part in parts if type(part) not in LEAVES]


class _Walk:
    """A container on the way from the root to the value at hand.

    Attributes
    ----------
    value : the container.
    inner : what is left of its parts that are no leaves.
    n_nodes, depth : of the tree that it is, as far as it was walked.
    """

    __slots__ = ("depth", "inner", "n_nodes", "value")

    def __init__(self, value: Any, parts: Collection[Any]) -> None:
        self.value = value
        self.inner = iter(_inner(parts))
        self.n_nodes = 1 + len(parts)
        self.depth = 1

    def add(self, n_nodes: int, depth: int) -> None:
        """Count a part."""
        self.n_nodes += n_nodes
        self.depth = max(self.depth, depth + 1)
        if self.depth > MAX_DEPTH:
            raise HwbenchError(f"the data are nested deeper than {MAX_DEPTH} levels")
        if self.n_nodes > MAX_EXPANDED:
            raise HwbenchError("the data repeat parts of themselves too often to be read")


def check_plain(root: Any) -> None:
    """Refuse a value that a reader could not walk: loops, deep nesting, explosive sharing.

    A container that stands in many places is walked once, but counts in each of them, because
    whoever prints, compares or copies the value walks it that often.

    Raises
    ------
    HwbenchError
        Where `root` is nested deeper than `MAX_DEPTH`, contains itself, would have more than
        `MAX_EXPANDED` nodes, or holds what is `NotPlain`.
    """
    measured: dict[int, tuple[int, int]] = {}  # nodes and depth of the containers left behind
    trail = [_Walk(None, [root])]  # below the root, so that it is walked like any other
    open_ids: set[int] = set()
    while trail:
        walk = trail[-1]
        deeper = _walk_on(walk, open_ids, measured)
        if deeper is not None:
            if len(trail) > MAX_DEPTH:
                raise HwbenchError(f"the data are nested deeper than {MAX_DEPTH} levels")
            open_ids.add(id(deeper.value))
            trail.append(deeper)
            continue
        trail.pop()
        if len(trail) > 1:
            open_ids.remove(id(walk.value))
            measured[id(walk.value)] = walk.n_nodes, walk.depth
            trail[-1].add(walk.n_nodes, walk.depth)


def _walk_on(walk: _Walk, open_ids: set[int], measured: dict[int, tuple[int, int]]) -> _Walk | None:
    """Count the parts of a container up to one that must be walked itself; None at the end."""
    for child in walk.inner:
        place = id(child)
        if place in measured:
            walk.add(*measured[place])
            continue
        if place in open_ids:
            raise HwbenchError("the data contain themselves")
        parts = _parts(child)
        if parts is None:
            if isinstance(child, NotPlain):
                raise HwbenchError(
                    "holds a bare function or storage; hwbench reads only plain data"
                )
        elif not LEAVES.issuperset(map(type, parts)):
            return _Walk(child, parts)
        else:
            if len(parts) > CHEAP:
                measured[place] = 1 + len(parts), 1
            walk.add(1 + len(parts), 1)
    return None


def depth_of(root: Any, limit: int) -> int:
    """How deeply lists and dictionaries of a tree are nested, or `limit` + 1 where deeper.

    A value that is no container has depth 0. The tree shares no parts, as JSON cannot.
    """
    depth = 0
    level = _inner([root])
    while level and depth <= limit:
        depth += 1
        level = [child for value in level for child in _inner(_parts(value) or ())]
    return depth
