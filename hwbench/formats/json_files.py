"""Reading JSON files of others: bounded, without repeated keys, with errors that name the place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.formats.plain_data import depth_of
from hwbench.formats.streams import open_stream

MAX_BYTES = 1 << 24  # as empty objects half a gigabyte
MAX_DEPTH = 100
INTEGER_BITS = 64

_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_WORD = re.compile(rf"{_TEXT}|[{{}}\[\]:,]|-?[\d.][\d.eE+-]*|-?[A-Za-z]+", re.DOTALL)
# Only numbers like these can be too large for a float, or for an integer.
_LARGE = re.compile(r"[eE]\+?0*[1-9]\d\d|\d{300}")
_LONG = re.compile(r"\d{19}")


class _RepeatedKeyError(ValueError):
    """Its message is what was found."""


class _NotFiniteError(ValueError):
    """Its message is what was found."""


class _TooLongError(ValueError):
    """Its message is what was found."""


def load_json(
    path: Path, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, allow_nan: bool = False
) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : the file, in UTF-8; gzip and bzip2 are told by its first bytes.
    max_bytes : the largest size, once unpacked.
    max_depth : how deeply lists and objects may be nested.
    allow_nan : accept `NaN`, `Infinity`, `-Infinity`, and numbers too large for a float.

    Returns
    -------
    Dictionaries, lists, text, integers, floats, booleans and None.

    Raises
    ------
    HwbenchError
        Where the file cannot be read, is too large, nested too deeply, no JSON, repeats a key
        within an object, or holds an integer of more than 64 bits. Names line and column (from 1).
    """
    with open_stream(path, max_bytes=max_bytes) as stream:
        content = stream.take_all()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise HwbenchError(
            f"{path}: line {line:,}: byte {error.start:,} is no UTF-8; the file is damaged"
        ) from error
    try:
        value = _parse(text, allow_nan=allow_nan)
        too_deep = depth_of(value, max_depth) > max_depth
    except RecursionError:
        too_deep = True
    except json.JSONDecodeError as error:
        raise HwbenchError(
            f"{path}: line {error.lineno:,}, column {error.colno:,}: {error.msg}"
        ) from error
    except _RepeatedKeyError as error:
        place = _place(text, _find_repeated_key(text))
        raise HwbenchError(f"{path}: {place}: the key {str(error)[:100]} stands twice") from error
    except _NotFiniteError as error:
        place = _place(text, _find_word(text, str(error)))
        raise HwbenchError(
            f"{path}: {place}: {str(error)[:40]} is no finite number; "
            "allow_nan accepts it where it is meant"
        ) from error
    except _TooLongError as error:
        place = _place(text, _find_word(text, str(error)))
        raise HwbenchError(
            f"{path}: {place}: an integer of more than {INTEGER_BITS} bits"
        ) from error
    if too_deep:
        place = _place(text, _find_depth(text, max_depth))
        raise HwbenchError(f"{path}: {place}: nested deeper than {max_depth} levels")
    return value


def _parse(text: str, *, allow_nan: bool) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    raise _RepeatedKeyError(repr(key))
                seen.add(key)
        return found

    def refuse(name: str) -> float:
        raise _NotFiniteError(name)

    def finite(number: str) -> float:
        value = float(number)
        return refuse(number) if value in (float("inf"), float("-inf")) else value

    parse_float: Callable[[str], float] | None = None
    if not allow_nan and _LARGE.search(text):
        parse_float = finite

    def short(number: str) -> int:
        # Python reads no number of more digits than 4,300.
        if len(number) > INTEGER_BITS or int(number).bit_length() > INTEGER_BITS:
            raise _TooLongError(number)
        return int(number)

    return json.loads(
        text,
        object_pairs_hook=unique,
        parse_constant=None if allow_nan else refuse,
        parse_float=parse_float,
        parse_int=short if _LONG.search(text) else None,
    )


def _find_depth(text: str, max_depth: int) -> int:
    """Where the nesting first exceeds `max_depth`."""
    depth = 0
    for found in _WORD.finditer(text):
        word = found.group()
        if word in ("{", "["):
            depth += 1
            if depth > max_depth:
                return found.start()
        elif word in ("}", "]"):
            depth -= 1
    return 0


def _place(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    return f"line {line:,}, column {offset - text.rfind(chr(10), 0, offset):,}"


def _find_repeated_key(text: str) -> int:
    """Where the first object that repeats a key does so; the text is valid JSON up to there."""
    open_objects: list[set[str] | None] = []
    candidate: tuple[str, int] | None = None
    for found in _WORD.finditer(text):
        word = found.group()
        if word in ("{", "["):
            open_objects.append(set() if word == "{" else None)
        elif word in ("}", "]"):
            open_objects.pop()
        elif word == ":" and candidate is not None and open_objects:
            key, offset = candidate
            keys = open_objects[-1]
            if keys is not None:
                if key in keys:
                    return offset
                keys.add(key)
        candidate = (json.loads(word), found.start()) if word[0] == '"' else None
    return 0


def _find_word(text: str, wanted: str) -> int:
    """Where a number or constant stands, outside of any text."""
    for found in _WORD.finditer(text):
        if found.group() == wanted:
            return found.start()
    return 0
