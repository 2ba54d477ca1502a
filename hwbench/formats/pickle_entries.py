"""Taking the entries of a huge dictionary out of a pickle one by one, while it is read.

A pickle names objects that it repeats by their number in a memo, so that nothing could ever be
forgotten. Here the memo of a finished entry shrinks to its texts and short tuples of texts and
numbers, each kept once: these are what later entries share with earlier ones. A file that refers
back to a list or a dictionary of a finished entry is refused.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np

from hwbench.errors import HwbenchError, unknown_name
from hwbench.formats.messages import shown
from hwbench.formats.pickle_globals import Call
from hwbench.formats.plain_data import ATOMS, DICTS, check_key, check_plain
from hwbench.formats.stand_ins import StandInType

BATCH = 1000  # entries that pickle stores at a time
LAG = 64  # values at the top of the stack that may still be part of an unfinished entry


class AnyKey:
    """A step of a path that every key fits."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyKey()

OnItem = Callable[[tuple[Any, ...], Any, Any], object]


def _fits(path: Sequence[Any], where: Sequence[Any]) -> bool:
    return len(path) == len(where) and all(
        wanted is ANY or (type(key) is type(wanted) and key == wanted)
        for key, wanted in zip(path, where, strict=True)
    )


def _path(levels: list[list[Any]], n_keys: int, place: int) -> tuple[Any, ...] | None:
    """The keys that lead from the outermost dictionary to a value on the stack.

    Below a key stands either the finished value of the key before it, or the dictionary that the
    key will belong to; which of them shows only later. Pickles store entries by the thousand and
    only a single left-over one alone, so a neighbour of another length is a finished value. Whoever
    uses the path must check in the end that it was right.

    Parameters
    ----------
    levels : the stack, cut at its marks.
    n_keys : the length of the path.
    place : where the value stands on the last level.

    Returns
    -------
    The path, or None where the value is no such number of dictionaries deep.
    """
    keys: list[Any] = []
    level = len(levels) - 1
    while len(keys) < n_keys and place >= 1:
        keys.append(levels[level][place - 1])
        if type(keys[-1]) not in ATOMS:
            return None
        below: Any = levels[level][place - 2] if place >= 2 else None
        alone = type(below) in DICTS and len(below) % BATCH == 0
        if place >= 2 and (alone or level == 0):
            place -= 2
        elif level > 0 and levels[level - 1]:
            level -= 1
            place = len(levels[level]) - 1
        else:
            return None
        if type(levels[level][place]) not in DICTS:
            return None
    if len(keys) < n_keys or (level, place) != (0, 0):
        return None
    return tuple(reversed(keys))


class EntryTaker:
    """The watcher of a `PickleMachine` that hands entries to a callback and forgets them.

    Parameters
    ----------
    where : the keys that lead to the dictionary; `ANY` stands for every key.
    on_item : called with the path, the key and the value of each entry.

    Attributes
    ----------
    depth, forgotten, errors : see `Watcher`.
    """

    def __init__(self, where: Sequence[Any], on_item: OnItem) -> None:
        self.where = tuple(where)
        self.depth = len(self.where) + 1
        self.forgotten = 0
        self.errors: list[BaseException] = []
        self._on_item = on_item
        self._found: dict[tuple[Any, ...], Any] = {}  # dictionaries by their paths
        self._path: tuple[Any, ...] = ()  # of the dictionary at hand
        self._target: Any = None  # the dictionary at hand
        self._level = -1  # open marks while the dictionary's entries lie on top of the stack
        self._n_taken = 0  # values taken from the present batch of entries
        self._checkpoints: list[tuple[int, int]] = []  # values in the batch, memo entries
        self._memo = Archive()

    # --- called by the machine ----------------------------------------------------------------

    def at_mark(self, frames: list[list[Any]], stack: list[Any], memo: dict[int, Any]) -> None:
        level = len(frames)
        if level == self._level:
            self._checkpoints.append((self._n_taken + len(stack), self.forgotten + len(memo)))
            n_ready = (len(stack) - LAG) // 2 * 2
            if n_ready > 0:
                self._take(stack[:n_ready])
                del stack[:n_ready]
                self._n_taken += n_ready
                self._forget(memo)
        elif stack and type(stack[-1]) in DICTS and self._is_target(frames, stack, -1, memo):
            self._level = level + 1
            self._n_taken = 0
            self._checkpoints = []

    def at_setitems(self, target: Any, items: list[Any], memo: dict[int, Any]) -> bool:
        if self._target is None or target is not self._target:
            return False
        if len(items) % 2:
            raise HwbenchError("a key without a value; the file is damaged")
        self._level = -1
        self._take(items)
        self._keep(memo, len(memo))
        return True

    def at_setitem(self, frames: list[list[Any]], stack: list[Any], memo: dict[int, Any]) -> bool:
        if len(stack) < 3 or type(stack[-3]) not in DICTS:
            return False
        if not self._is_target(frames, stack, -3, memo):
            return False
        self._take(stack[-2:])
        del stack[-2:]
        self._keep(memo, len(memo))
        return True

    def recall(self, index: int) -> Any:
        return self._memo.recall(index)

    # --- the rest -----------------------------------------------------------------------------

    def _is_target(
        self, frames: list[list[Any]], stack: list[Any], place: int, memo: dict[int, Any]
    ) -> bool:
        candidate = stack[place]
        if candidate is self._target:
            return True
        path = _path([*frames, stack], len(self.where), len(stack) + place)
        if path is None or not _fits(path, self.where) or path in self._found:
            return False
        self._found[path] = self._target = candidate
        self._path = path
        self._memo.keep_all(memo)
        self.forgotten += len(memo)
        memo.clear()
        return True

    def _take(self, items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.hand_over(self._path, key, value)

    def hand_over(self, path: tuple[Any, ...], key: Any, value: Any) -> None:
        """Check one entry and give it to the callback, whose errors are passed on unchanged."""
        check_key(key)
        check_plain(value)
        try:
            self._on_item(path, key, value)
        except Exception as error:
            self.errors.append(error)
            raise

    def _forget(self, memo: dict[int, Any]) -> None:
        """Forget what the entries taken so far put into the memo."""
        n_passed = 0
        while n_passed < len(self._checkpoints):
            if self._checkpoints[n_passed][0] > self._n_taken:
                break
            n_passed += 1
        if n_passed:
            n_entries = self._checkpoints[n_passed - 1][1] - self.forgotten
            del self._checkpoints[:n_passed]
            self._keep(memo, n_entries)

    def _keep(self, memo: dict[int, Any], n_entries: int) -> None:
        indices = list(islice(memo, max(0, n_entries)))
        self._memo.shrink(indices, [memo.pop(index) for index in indices])
        self.forgotten += len(indices)
        if len(indices) > len(memo):  # a dictionary keeps the places of what was deleted
            left = dict(memo)
            memo.clear()
            memo.update(left)

    def finish(self, root: Any) -> None:
        """Check where the entries came from, and hand over those that were not seen in passing.

        Raises
        ------
        HwbenchError
            Where the path leads nowhere, or entries were taken from another place.
        """
        targets = dict(_targets(root, self.where, ()))
        for path, seen in self._found.items():
            if targets.get(path) is not seen:
                place = shown(repr(list(path)), 200)
                raise HwbenchError(
                    f"the entries under {place} are put elsewhere later; the file is damaged"
                )
        for path, target in targets.items():
            for key, value in target.items():
                self.hand_over(path, key, value)
            target.clear()


def _targets(
    value: Any, where: Sequence[Any], path: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The dictionaries to which `where` leads, with their paths."""
    if type(value) not in DICTS:
        place = "".join(f"[{key!r}]" for key in path) or "the outermost value"
        raise HwbenchError(
            f"{shown(place, 200)} is of type {type(value).__name__}, not a dictionary"
        )
    if len(path) == len(where):
        yield path, value
        return
    wanted = where[len(path)]
    if wanted is ANY:
        for key in list(value):
            yield from _targets(value[key], where, (*path, key))
    elif wanted in value:
        yield from _targets(value[wanted], where, (*path, wanted))
    else:
        names = [shown(key, 40) for key in islice(value, 100) if isinstance(key, str)]
        raise unknown_name("key of the file's dictionary", str(wanted), names)


class Archive:
    """The memo of what was handed over, as small as it can be.

    Numbers of memo entries run on, so a finished entry leaves one array of codes; a code is the
    place of a value among the different ones, and 0 is a value that was forgotten.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Any] = {}
        self._codes: dict[Any, int] = {}
        self._values: list[Any] = [None]
        self._starts: list[int] = []
        self._runs: list[array[int]] = []

    def keep_all(self, memo: dict[int, Any]) -> None:
        """Keep all of `memo` as it is."""
        self._kept.update(memo)

    def shrink(self, indices: list[int], values: list[Any]) -> None:
        """Keep what later entries may refer to, of the `values` with these memo `indices`."""
        if not indices:
            return
        codes = array("I", map(self._code, values))
        start = indices[0]
        in_order = indices[-1] - start == len(indices) - 1 and indices == list(
            range(start, start + len(indices))
        )
        if in_order and (not self._starts or start >= self._starts[-1] + len(self._runs[-1])):
            if self._starts and start == self._starts[-1] + len(self._runs[-1]):
                self._runs[-1].extend(codes)
            else:
                self._starts.append(start)
                self._runs.append(codes)
        else:
            self._kept.update(
                (index, self._values[code]) for index, code in zip(indices, codes, strict=True)
            )

    def _code(self, value: Any) -> int:
        kind = type(value)
        if kind is not str and not _is_shared(value, kind):
            return 0
        code = self._codes.get(value)
        if code is None:
            code = self._codes[value] = len(self._values)
            self._values.append(value)
        return code

    def recall(self, index: int) -> Any:
        """Return what the memo held under `index`.

        Raises
        ------
        KeyError
            Where it held nothing.
        HwbenchError
            Where what it held was forgotten.
        """
        if index in self._kept:
            value = self._kept[index]
        else:
            run = bisect_right(self._starts, index) - 1
            if run < 0 or index - self._starts[run] >= len(self._runs[run]):
                raise KeyError(index)
            value = self._values[self._runs[run][index - self._starts[run]]]
        if value is None:
            raise HwbenchError(
                "an entry shares a value with an earlier one that is gone; "
                "this file cannot be read entry by entry"
            )
        return value


def _is_shared(value: Any, kind: type) -> bool:
    """Whether later entries may refer to a value of this kind: names, short tuples and bytes."""
    if kind is tuple:
        return len(value) <= 8 and all(type(part) is str or type(part) is int for part in value)
    if kind is bytes or kind is frozenset:
        return len(value) <= (kind is bytes)  # these exist but once in Python, as numpy's booleans
    if kind is np.bool_:
        return True
    return kind is Call or kind is StandInType or isinstance(value, type | np.dtype)
