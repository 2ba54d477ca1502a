"""An interpreter of the pickle format that can only make plain data.

The standard library's reader calls what a file names; this one has no way to. Every byte code is
carried out here, every length is checked against the bytes that are there, and a name leads to one
of the builders of `pickle_globals`, to an inert stand-in, or to an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.formats.messages import shown
from hwbench.formats.pickle_codes import HANDLERS, PickleState, Watcher
from hwbench.formats.pickle_globals import MAX_COPIES
from hwbench.formats.pickle_runs import take_run
from hwbench.formats.streams import ByteStream

MAX_OBJECTS = 1 << 23  # each up to some 150 bytes with its place in a container
MAX_MARKS = 1000
CHECK_BYTES = 1 << 20  # objects are counted once in so many bytes
IDLE_BYTES = 16  # no pickle of data has more than one byte in so many that makes no object

# Byte codes that the inner loop carries out itself; `pickle_codes` knows the others.
MARK = ord("(")
BINFLOAT = ord("G")
BININT1 = ord("K")
BINUNICODE = ord("X")
BINGET = ord("h")
LONG_BINGET = ord("j")
BINPUT = ord("q")
LONG_BINPUT = ord("r")
SHORT_BINUNICODE = 0x8C
MEMOIZE = 0x94
STOP = ord(".")

_float_at = Struct(">d").unpack_from
_uint32_at = Struct("<I").unpack_from


class PickleMachine(PickleState):
    """Reads one pickle from a stream.

    Parameters
    ----------
    stream : the bytes; left behind the pickle's last byte.
    max_objects : the largest number of small objects.
    max_copies, allowed, stand_ins, persistent, watcher : see `PickleState`.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        max_objects: int = MAX_OBJECTS,
        max_copies: int = MAX_COPIES,
        allowed: Mapping[tuple[str, str], Any] | None = None,
        stand_ins: bool = False,
        persistent: Callable[[Any], Any] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        super().__init__(
            stream,
            max_copies=max_copies,
            allowed=allowed,
            stand_ins=stand_ins,
            persistent=persistent,
            watcher=watcher,
        )
        self._max_objects = max_objects
        self._next_check = stream.tell() + CHECK_BYTES
        self._blocks_before = sys.getallocatedblocks()

    def load(self) -> Any:
        """Read the pickle and return what it holds.

        Raises
        ------
        HwbenchError
            Where the pickle is damaged, too large, or wants anything but plain data.
        """
        passing = [] if self._watcher is None else self._watcher.errors
        try:
            self._run()
            return self._result()
        except HwbenchError as error:
            if error in passing or str(error).startswith(self._stream.name):
                raise
            raise self._stream.error(str(error)) from error
        except Exception as error:
            if error in passing:
                raise
            problem = shown(str(error) or type(error).__name__, 200)
            raise self._stream.error(f"the pickle is damaged ({problem})") from error

    def _result(self) -> Any:
        if len(self._stack) != 1 or self._frames:
            raise HwbenchError("the pickle ends in the middle of a value")
        return self._stack.pop()

    # --- the inner loop -----------------------------------------------------------------------

    def _refill(self) -> None:
        if self._stream.tell() >= self._next_check:
            self._next_check += CHECK_BYTES
            idle = self._n_idle - self._stream.tell() // IDLE_BYTES
            if max(idle, sys.getallocatedblocks() - self._blocks_before) > self._max_objects:
                raise HwbenchError(
                    f"holds more than {self._max_objects:,} objects; raise max_objects if the "
                    "memory suffices"
                )
        if not self._stream.refill() and self._stream.position >= self._stream.end:
            raise self._stream.truncated()

    def _run(self) -> None:  # noqa: C901 - a call for each byte code would halve the speed
        stream, memo, watcher = self._stream, self._memo, self._watcher
        stack, frames = self._stack, self._frames
        append = stack.append
        watched = -1 if watcher is None else watcher.depth
        forgotten = 0
        buffer, position, safe, end = stream.buffer, stream.position, stream.safe, stream.end
        while True:
            if position >= safe:
                stream.position = position
                self._refill()
                buffer, position, safe, end = stream.buffer, 0, stream.safe, stream.end
                if not safe:
                    continue
            code = buffer[position]
            if code == BINFLOAT:
                append(_float_at(buffer, position + 1)[0])
                position += 9
                continue
            if code == BINUNICODE:
                stop = position + 5 + _uint32_at(buffer, position + 1)[0]
                if stop <= end:
                    append(buffer[position + 5 : stop].decode())
                    position = stop
                    continue
            elif code == LONG_BINPUT:
                memo[_uint32_at(buffer, position + 1)[0]] = stack[-1]
                position += 5
                continue
            elif code == BININT1:
                append(buffer[position + 1])
                position += 2
                continue
            elif code == MEMOIZE:
                memo[len(memo) + forgotten] = stack[-1]
                position += 1
                continue
            elif code == LONG_BINGET:
                index = _uint32_at(buffer, position + 1)[0]
                append(memo[index] if index in memo else self._recall(index))
                position += 5
                continue
            elif code == SHORT_BINUNICODE:
                stop = position + 2 + buffer[position + 1]
                if stop <= end:
                    append(buffer[position + 2 : stop].decode())
                    position = stop
                    continue
            elif code == BINGET:
                index = buffer[position + 1]
                append(memo[index] if index in memo else self._recall(index))
                position += 2
                continue
            elif code == BINPUT:
                memo[buffer[position + 1]] = stack[-1]
                position += 2
                continue
            elif code == MARK:
                position += 1
                if len(frames) <= watched:
                    stream.position = position
                    watcher.at_mark(frames, stack, memo)  # type: ignore[union-attr]
                    forgotten = watcher.forgotten  # type: ignore[union-attr]
                if len(frames) >= MAX_MARKS:
                    raise HwbenchError(f"the data are nested deeper than {MAX_MARKS} levels")
                frames.append(stack)
                stack, position = take_run(buffer, position, safe, self._recall_all)
                self._stack = stack
                append = stack.append
                continue
            stream.position = position + 1
            if code == STOP:
                return
            HANDLERS[code](self)
            buffer, position, safe, end = stream.buffer, stream.position, stream.safe, stream.end
            stack = self._stack
            append = stack.append
            if watcher is not None:
                forgotten = watcher.forgotten

    def _recall_all(self, indices: list[int]) -> list[Any]:
        memo, recall = self._memo, self._recall
        return [memo[index] if index in memo else recall(index) for index in indices]
