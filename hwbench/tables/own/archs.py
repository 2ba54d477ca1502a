"""Reading a file that lists architectures by their strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces import Space
from hwbench.tables.own.files import open_text, read_rows, text_lines

MOST_ARCHS = 2_000_000


def read_archs(space: Space, path: Path, column: str | None = None) -> IntArray:
    """The architectures whose strings a file lists.

    Parameters
    ----------
    space : that they are of.
    path : a `.txt` file with a string on each line, or a `.csv`, `.tsv` or `.parquet` file.
    column : that holds the strings; by default "arch", or the only one there is.

    Returns
    -------
    int64 array of shape (n_archs, n_positions).

    Raises
    ------
    HwbenchError
        Where the file cannot be read, has no such column, or a string is no architecture; the
        message says the line.
    """
    bare = path.suffix.lower() == ".txt"
    texts: Iterable[tuple[str, str]]
    texts = _lines(path) if bare else _cells(space, path, column)
    rows: list[IntArray] = []
    for place, text in texts:
        if len(rows) >= MOST_ARCHS:
            raise HwbenchError(f"{path}: more than the {MOST_ARCHS:,} architectures that are read")
        try:
            rows.append(space.from_string(text))
        except HwbenchError as error:
            raise HwbenchError(f"{path}: {place}: {error}") from error
    if not rows:
        raise HwbenchError(f"{path}: holds no architecture")
    return space.check(rows)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines that are not empty, each after its number."""
    try:
        with open_text(path) as file:
            for number, line in text_lines(path, file):
                if text := line.strip():
                    yield f"line {number}", text
    except UnicodeDecodeError as error:
        raise HwbenchError(f"{path}: cannot be read ({error})") from error


def _cells(space: Space, path: Path, column: str | None) -> list[tuple[str, str]]:
    """The cells of the column of strings, each after its row."""
    rows = read_rows(path)
    columns = list(rows.frame)
    named = [name for name in columns if name.lower() == "arch"]
    found = column or (named[0] if len(named) == 1 else columns[0])
    if found not in columns:
        raise unknown_name(f"column of {path}", found, columns)
    if column is None and not named:
        if len(columns) > 1:
            raise HwbenchError(
                f"{path}: which column holds the architectures' strings? name it with --arch-column"
            )
        _refuse_header_that_is_an_architecture(space, path, found)
    if rows.faults:
        place, fault = next(iter(rows.faults.items()))
        raise HwbenchError(f"{path}: row {rows.numbers[place]}: {fault}")
    return [
        (f"row {number}", str(cell))
        for number, cell in zip(rows.numbers, rows.frame[found], strict=True)
    ]


def _refuse_header_that_is_an_architecture(space: Space, path: Path, header: str) -> None:
    try:
        space.from_string(header)
    except HwbenchError:
        return
    raise HwbenchError(
        f"{path}: has no header; a file of bare strings must have a name that ends in .txt"
    )
