"""The table of what was exported: a row an architecture, to be filled in with what is measured.

`hwbench tables import` and `hwbench advise` read it as it is, once there are measurements in it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.regular_files import read_regular

MANIFEST = "manifest.csv"

LATENCY = "latency_ms"
"""The column that is left empty: milliseconds of one run of a file, a batch of images."""

COLUMNS = ("arch", LATENCY, "file", "input_shape", "format", "checked_by", "space", "sha256")
"""Of the manifest. `input_shape` is batch x channels x height x width, `checked_by` the library
whose outputs of the file were torch's, "" where none was installed."""

MOST_BYTES = 2**28


def read_manifest(folder: Path) -> pd.DataFrame:
    """The rows of a folder's manifest, all of them texts; none where there is no manifest.

    Columns that somebody has added are kept.

    Raises
    ------
    HwbenchError
        Where it cannot be read, or lacks a column that it is continued by.
    """
    path = folder / MANIFEST
    if not path.exists():
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    try:
        text = read_regular(path, most_bytes=MOST_BYTES).decode("utf-8-sig")
        frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _changed(path, "is no file of comma-separated values in UTF-8 any more") from error
    for column in ("arch", "file", "sha256"):
        if column not in frame.columns:
            raise _changed(path, f"has no column '{column}' any more")
    return frame


def _changed(path: Path, what: str) -> HwbenchError:
    return HwbenchError(
        f"{path}: {what}, so that no row can be added to it; it is left as it is: choose another "
        "folder with -o"
    )


def write_manifest(folder: Path, frame: pd.DataFrame) -> None:
    """Write a folder's manifest, whole or not at all."""
    write_text(folder / MANIFEST, frame.to_csv(index=False, lineterminator="\n"), durable=True)


def is_measured(row: Mapping[str, str]) -> bool:
    """Whether somebody has filled in a row's latency."""
    return bool(row.get(LATENCY, "").strip())
