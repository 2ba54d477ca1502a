"""Rows out of plain data: JSON, JSON lines and pickles of dictionaries, lists and frames.

Scripts write a list of records, a dictionary by architecture, or a dictionary of columns; which of
them it is, the architectures among the keys tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.formats import frame_from_pickle, load_json, load_pickle
from hwbench.tables.own.column_words import guess_direction, split_header
from hwbench.tables.own.headers import LOOKED_AT, find_header
from hwbench.tables.own.rows import IsArchitecture, Rows, check_claims, rows_of_frame
from hwbench.tables.own.text_files import open_text, text_lines

MOST_BYTES = 2**27
"""Of a JSON file or a pickle, once unpacked: as Python's objects some thirty times that."""

ARCH, VALUE = "arch", "value"
"""Names of the columns of a dictionary by architecture."""

_FORMS = (
    'a list of records ([{"arch": ..., "latency_ms": ...}, ...]), a dictionary by architecture '
    "({arch: number} or {arch: {metric: number}}), or a dictionary of columns"
)


def read_json(path: Path, is_architecture: IsArchitecture, header_line: int | None) -> Rows:
    """The rows of a JSON file, or of JSON lines under the name of one."""
    if path.suffix.lower() in (".zst", ".zstd", ".xz"):
        return _of_text(path, is_architecture, header_line)
    try:
        value = load_json(path, max_bytes=MOST_BYTES, allow_nan=True)
    except HwbenchError as error:
        if "Extra data" in str(error):
            return read_json_lines(path, is_architecture)
        if "UTF-8" in str(error):
            return _of_text(path, is_architecture, header_line)
        raise
    return rows_of_value(value, str(path), is_architecture, header_line)


def _of_text(path: Path, is_architecture: IsArchitecture, header_line: int | None) -> Rows:
    with open_text(path) as file:
        text = file.read(MOST_BYTES)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HwbenchError(f"{path}: is no JSON ({error})") from error
    return rows_of_value(value, str(path), is_architecture, header_line)


def read_json_lines(path: Path, is_architecture: IsArchitecture) -> Rows:
    """The rows of a file with a JSON object on each line; rows are numbered by line."""
    records: list[Any] = []
    numbers: list[int] = []
    try:
        with open_text(path) as file:
            for number, line in text_lines(path, file):
                if not line.strip():
                    continue
                try:
                    records.append(json.loads(line))
                except (ValueError, RecursionError) as error:
                    raise HwbenchError(f"{path}: line {number}: is no JSON ({error})") from error
                numbers.append(number)
                check_claims(str(path), len(records), 1)
    except UnicodeError as error:
        raise HwbenchError(f"{path}: is no text ({error})") from error
    rows = rows_of_value(records, str(path), is_architecture, None)
    if len(rows.frame) != len(numbers):
        return rows
    return Rows(rows.frame, np.array(numbers, dtype=np.int64), rows.label, notes=rows.notes)


def read_pickle(path: Path, is_architecture: IsArchitecture, header_line: int | None) -> Rows:
    """The rows of a pickle of plain data or of a frame; nothing in it is ever run."""
    value = load_pickle(path, max_bytes=MOST_BYTES, stand_ins=True)
    if type(value).__name__ == "StandIn":
        frame = frame_from_pickle(path, max_bytes=MOST_BYTES)
        named = frame.index.dtype == object or isinstance(frame.index.dtype, pd.StringDtype)
        if named and not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index(names=[ARCH if ARCH not in frame.columns else "index"])
        check_claims(str(path), len(frame), len(frame.columns))
        return rows_of_frame(frame.reset_index(drop=True), str(path))
    return rows_of_value(value, str(path), is_architecture, header_line)


# ---------------------------------------------------------------------- values


def rows_of_value(
    value: Any, label: str, is_architecture: IsArchitecture, header_line: int | None = None
) -> Rows:
    """The rows that plain data hold.

    Parameters
    ----------
    value : lists, dictionaries, numbers, texts and arrays.
    label : what to call the source.
    is_architecture : whether a key holds an architecture.
    header_line : see `find_header`, for a list of lists.

    Raises
    ------
    HwbenchError
        Where the data are of no known form; the message names the forms.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple) and value:
        if all(isinstance(each, dict) for each in value):
            return rows_of_frame(_frame_of_records([dict(each) for each in value], label), label)
        if all(isinstance(each, list | tuple) for each in value):
            return _rows_of_lists(value, label, is_architecture, header_line)
    if isinstance(value, dict) and value:
        return _rows_of_mapping(value, label, is_architecture, header_line)
    raise HwbenchError(f"{label}: holds no rows; expected {_FORMS}")


def _rows_of_mapping(
    value: Mapping[Any, Any],
    label: str,
    is_architecture: IsArchitecture,
    header_line: int | None,
) -> Rows:
    keys = [_key(key) for key in value]
    values = [each.tolist() if isinstance(each, np.ndarray) else each for each in value.values()]
    pairs = dict(zip(keys, values, strict=True))
    by_arch = _share(keys, is_architecture) > 0.5
    if {"columns", "data"} <= set(keys) and isinstance(pairs["data"], list):  # pandas, split
        frame = pd.DataFrame(pairs["data"], columns=pairs["columns"], dtype=object)
        return rows_of_frame(frame, label)
    if all(isinstance(each, dict) for each in values):
        inner = [_key(key) for each in values for key in each]
        if not by_arch and (
            _share(inner[:200], is_architecture) > 0.5 or all(key.isdigit() for key in inner[:200])
        ):
            return rows_of_frame(_frame_of_columns(pairs, label), label)
        records = [{ARCH: key, **each} for key, each in pairs.items()]
        return rows_of_frame(_frame_of_records(records, label), label)
    lists = [each for each in values if isinstance(each, list | tuple)]
    if len(lists) == len(values):
        if by_arch:
            return rows_of_frame(_frame_of_repeats(pairs, label), label)
        if len({len(each) for each in lists}) == 1:
            frame = pd.DataFrame({key: list(each) for key, each in pairs.items()}, dtype=object)
            check_claims(label, len(frame), len(frame.columns))
            return rows_of_frame(frame, label)
    if not lists and not any(isinstance(each, dict) for each in values):
        frame = pd.DataFrame({ARCH: keys, VALUE: pd.Series(values, dtype=object)})
        return rows_of_frame(frame, label)
    return _unwrapped(pairs, label, is_architecture, header_line)


def _unwrapped(
    pairs: Mapping[str, Any],
    label: str,
    is_architecture: IsArchitecture,
    header_line: int | None,
) -> Rows:
    """The rows of the one list or dictionary beside what is said of the whole file."""
    inside = {key: each for key, each in pairs.items() if isinstance(each, list | tuple | dict)}
    large = {key: each for key, each in inside.items() if len(each) > 1}
    if len(large) != 1:
        raise HwbenchError(
            f"{label}: {len(large)} of its {len(pairs)} entries could hold the rows; "
            f"expected {_FORMS}"
        )
    (key, found), *_ = large.items()
    rows = rows_of_value(found, label, is_architecture, header_line)
    note = f"the rows are those of '{key}'; what stands beside it is passed over"
    return Rows(rows.frame, rows.numbers, label, notes=(note, *rows.notes))


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def _share(keys: Sequence[str], is_architecture: IsArchitecture) -> float:
    """The share of keys that hold architectures."""
    tried = list(keys)[:50]
    return sum(is_architecture(key) for key in tried) / max(len(tried), 1)


def _frame_of_records(records: list[dict[Any, Any]], label: str) -> pd.DataFrame:
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    check_claims(label, len(flat), len(names))
    columns = {
        name: pd.Series([record.get(name) for record in flat], dtype=object) for name in names
    }
    return pd.DataFrame(columns)


def _flat(record: Mapping[Any, Any]) -> dict[str, Any]:
    """A record whose numbers in dictionaries are its own: {"ms": {"mean": 1}} is {"ms_mean": 1}."""
    found: dict[str, Any] = {}
    for key, each in record.items():
        if (
            isinstance(each, dict)
            and each
            and not any(isinstance(inner, list | tuple | dict | str) for inner in each.values())
        ):
            found |= {f"{_key(key)}_{_key(name)}": inner for name, inner in each.items()}
        elif _are_repeats(_key(key), each):
            found |= {f"{_key(key)}_run{place}": inner for place, inner in enumerate(each, 1)}
        else:
            found[_key(key)] = each
    return found


def _are_repeats(name: str, value: Any) -> bool:
    """Whether a list holds repeated measurements: fractions, or numbers of what has a unit."""
    if not isinstance(value, list | tuple) or not value:
        return False
    numbers = [each for each in value if isinstance(each, int | float) and each is not True]
    if len(numbers) < len(value):
        return False
    measures = split_header(name)[1] is not None or guess_direction(name) is not None
    return measures or all(isinstance(each, float) for each in value)


def _frame_of_columns(pairs: Mapping[str, Mapping[Any, Any]], label: str) -> pd.DataFrame:
    """Columns by name, each a dictionary by architecture or by row."""
    rows = list(dict.fromkeys(_key(key) for each in pairs.values() for key in each))
    check_claims(label, len(rows), len(pairs) + 1)
    columns = {
        name: pd.Series(
            [{_key(key): inner for key, inner in each.items()}.get(row) for row in rows]
            if len(rows) < 100
            else _looked_up(each, rows),
            dtype=object,
        )
        for name, each in pairs.items()
    }
    frame = pd.DataFrame(columns)
    if not all(row.isdigit() for row in rows):
        frame.insert(0, ARCH, pd.Series(rows, dtype=object))
    return frame


def _looked_up(column: Mapping[Any, Any], rows: Sequence[str]) -> list[Any]:
    by_key = {_key(key): inner for key, inner in column.items()}
    return [by_key.get(row) for row in rows]


def _frame_of_repeats(pairs: Mapping[str, Sequence[Any]], label: str) -> pd.DataFrame:
    """A row for each of the values of an architecture: they are repeated measurements."""
    rows = [(key, value) for key, values in pairs.items() for value in values]
    check_claims(label, len(rows), 2)
    return pd.DataFrame(rows, columns=[ARCH, VALUE], dtype=object)


def _rows_of_lists(
    value: Sequence[Sequence[Any]],
    label: str,
    is_architecture: IsArchitecture,
    header_line: int | None,
) -> Rows:
    numbered = [(place, list(cells)) for place, cells in enumerate(value)]
    header = find_header(numbered[:LOOKED_AT], label, is_architecture, line=header_line)
    width = len(header.names)
    body = numbered[header.first :]
    faults = {
        place: f"has {len(cells)} cells, the header {width}"
        for place, (_, cells) in enumerate(body)
        if len(cells) != width
    }
    cells = [(each + [None] * width)[:width] for _, each in body]
    check_claims(label, len(cells), width)
    frame = pd.DataFrame(cells, columns=header.names, dtype=object)
    numbers = np.array([number for number, _ in body], dtype=np.int64)
    return Rows(frame, numbers, label, faults, header.notes, dict(header.units))
