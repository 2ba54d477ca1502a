"""Reading a file that lists architectures, in whatever code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.tables.own.architectures import architecture_test, find_arch_column, parse_archs
from hwbench.tables.own.files import read_rows
from hwbench.tables.own.options import Reading
from hwbench.tables.own.problems import NAMED, Problems, problem_lines, sound_rows
from hwbench.tables.own.text_files import open_text, text_lines

MOST_ARCHS = 2_000_000


def read_archs(
    space: Space, path: Path, column: str | None = None, reading: Reading | None = None
) -> IntArray:
    """The architectures that a file lists.

    Parameters
    ----------
    space : that they are of.
    path : a `.txt` file with an architecture on each line, or a file of any kind that measurements
        may be in, see `read_rows`.
    column : that holds them, where neither its name nor its content tells.
    reading : of what code they are, where that is not unmistakable, and where the header stands.

    Returns
    -------
    int64 array of shape (n_archs, n_positions).

    Raises
    ------
    UnclearError
        Where they can be of several codes, or several columns can hold them.
    HwbenchError
        Where the file cannot be read, has no such column, or one is no architecture; the message
        says the line.
    """
    reading = reading or Reading()
    notes: list[str] = []
    if path.suffix.lower() == ".txt":
        numbers, cells = _lines(path)
        problems, name = Problems(np.array(numbers, dtype=np.int64)), "architecture"
    else:
        rows = read_rows(path, architecture_test(space, reading.arch_format), reading)
        frame, problems = sound_rows(rows)
        frame, name, _ = _column(space, rows.label, frame, column, reading)
        cells = frame[name].tolist()
    if len(cells) > MOST_ARCHS:
        raise HwbenchError(f"{path}: more than the {MOST_ARCHS:,} architectures that are read")
    if not len(cells):
        raise HwbenchError(f"{path}: holds no architecture")
    archs = parse_archs(
        space,
        cells,
        name,
        problems,
        label=str(path),
        arch_format=reading.arch_format,
        notes=notes,
    )
    found = problem_lines(problems.frame())
    if found:
        raise HwbenchError(f"{path}: {'; '.join(found[:NAMED])}{'; ...' * (len(found) > NAMED)}")
    return space.check(archs)


def _column(
    space: Space, label: str, frame: pd.DataFrame, column: str | None, reading: Reading
) -> tuple[pd.DataFrame, str, list[str]]:
    """The column of architectures; of a file of one column that one."""
    if column is None and len(frame.columns) == 1:
        return frame, frame.columns[0], []
    return find_arch_column(space, frame, column, label, reading.arch_format)


def _lines(path: Path) -> tuple[list[int], list[str]]:
    """The lines that are neither empty nor comments, and their numbers."""
    numbers, texts = [], []
    try:
        with open_text(path) as file:
            for number, line in text_lines(path, file):
                text = line.strip()
                if text and not text.startswith("#"):
                    numbers.append(number)
                    texts.append(text)
                if len(texts) > MOST_ARCHS:
                    break
    except UnicodeError as error:
        raise HwbenchError(f"{path}: cannot be read ({error})") from error
    return numbers, texts


def archs_of_texts(
    space: Space, texts: Sequence[str], label: str, arch_format: str | None = None
) -> IntArray:
    """The architectures that texts name, in whatever code.

    Parameters
    ----------
    space : that they are of.
    texts : one an architecture.
    label : what a message begins with.
    arch_format : of what code they are, where that is not unmistakable.

    Returns
    -------
    int64 array of shape (n_archs, n_positions).

    Raises
    ------
    UnclearError
        Where one can be of several codes.
    HwbenchError
        Where one is no architecture.
    """
    problems = Problems(np.arange(1, len(texts) + 1))
    found = parse_archs(
        space, texts, "architecture", problems, label=label, arch_format=arch_format
    )
    if problems.bad:
        raise HwbenchError(f"{label}: {problems.frame()['problem'].iloc[0]}")
    return found
