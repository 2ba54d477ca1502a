"""What the converters share: finding files, telling formats apart, making the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, one_line
from hwbench.files import file_digest, today
from hwbench.regular_files import check_regular
from hwbench.spaces import Space, get_space
from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.noise import with_twin_noise
from hwbench.tables.public.catalogue import BenchmarkCard, load_benchmark
from hwbench.tables.table import Table

MOST_CSV_BYTES = 2**26  # the largest published one has 2.7 million
DIGESTED_FILES = 32  # of a folder of thousands the recipe names the number and the first ones


def listed_files(
    paths: Sequence[Path], known: Callable[[Path], bool], *, expected: str
) -> list[Path]:
    """The files that are given, and those inside the given folders that are known.

    Parameters
    ----------
    paths : files and folders.
    known : whether a file, by its name, is of a known format. Others inside a folder are passed
        over.
    expected : the known formats in words.

    Returns
    -------
    Each file once: in the order given, sorted within a folder.

    Raises
    ------
    HwbenchError
        Where a file that is given is not known, or there is no known one.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            entries = sorted(entry for entry in path.rglob("*") if entry.is_file())
            files += filter(known, entries)
        elif known(path):
            files.append(path)
        else:
            raise HwbenchError(f"{path}: is none of the benchmark's files; expected {expected}")
    if not files:
        given = ", ".join(str(path) for path in paths)
        raise HwbenchError(f"{given}: holds none of the benchmark's files; expected {expected}")
    return list(dict.fromkeys(files))


def read_csv(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read a comma-separated file whose columns are known.

    Numbers are read to the nearest float; an empty field is missing.

    Parameters
    ----------
    path : the file.
    columns : what each column holds, "text", "number" or "integer".

    Raises
    ------
    HwbenchError
        Where the file cannot be read, lacks a column, or a field is not of its kind.
    """
    types = {"text": pa.string(), "number": pa.float64(), "integer": pa.int64()}
    check_regular(path, most_bytes=MOST_CSV_BYTES)
    try:
        table = pa.csv.read_csv(
            path,
            convert_options=pa.csv.ConvertOptions(
                column_types={name: types[kind] for name, kind in columns.items()},
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        )
    except (OSError, pa.ArrowException, ValueError) as error:
        raise HwbenchError(f"{path}: {one_line(error)}") from error
    frame: pd.DataFrame = table.to_pandas()
    return frame


def find_duplicate(keys: NDArray[Any]) -> int | None:
    """The first row whose key stands in an earlier row, if any."""
    twice = np.flatnonzero(pd.Series(keys).duplicated())
    return int(twice[0]) if len(twice) else None


def parse_archs(space: Space, strings: Sequence[str], path: Path) -> IntArray:
    """Parse a file's architecture strings.

    Raises
    ------
    HwbenchError
        Where one is unknown or stands twice; names the file.
    """
    try:
        archs = space.from_strings(strings)
    except HwbenchError as error:
        raise HwbenchError(f"{path}: {error}") from error
    row = find_duplicate(space.keys_of(archs))
    if row is not None:
        raise HwbenchError(f"{path}: row {row}: architecture {strings[row]!r} stands twice")
    return archs


def make_table(
    name: str,
    archs: IntArray,
    metrics: pd.DataFrame,
    columns: Mapping[str, ColumnCard],
    *,
    files: Sequence[Path],
    note: str = "",
) -> Table:
    """The table of a benchmark, with a card made of the catalogue's.

    Parameters
    ----------
    name : of the benchmark in the catalogue, or the path of its card.
    archs : integers of shape (n_archs, n_positions).
    metrics : n_archs rows; every column of it has a card.
    columns : the cards.
    files : what the numbers were read from.
    note : what a reader should know of these files, added to the catalogue's description.

    Returns
    -------
    Rows in the space's order (in that of `archs` where the space has none), with noise estimates
    where it has twins.
    """
    benchmark = load_benchmark(name)
    space = get_space(benchmark.space)
    if space.indexed:
        places = space.indices_of(archs)
        if (places[1:] < places[:-1]).any():
            order = np.argsort(places, kind="stable")
            archs, metrics = archs[order], metrics.iloc[order]
    partial = ""
    if space.indexed and len(archs) < space.n_architectures:
        partial = f"The files hold {len(archs)} of its {space.n_architectures} architectures."
    absent = benchmark.absent({file.name for file in files})
    if absent:
        names = ", ".join(file.name for file in absent)
        note = f"{note} The files that it is made of lack {names}.".lstrip()
    card = TableCard(
        name=benchmark.name,
        title=benchmark.title,
        space=space.name,
        description=" ".join(filter(None, [benchmark.description.strip(), note, partial])),
        created=today(),
        licence=benchmark.licence,
        recipes=(
            {
                "command": "import",
                "benchmark": benchmark.name,
                "paper": benchmark.paper,
                "n_files": len(files),
                "files": [_origin(file, benchmark) for file in files[:DIGESTED_FILES]],
            },
        ),
        columns=dict(columns),
    )
    return with_twin_noise(Table.from_archs(archs, metrics[list(columns)], card))


def _origin(file: Path, benchmark: BenchmarkCard) -> dict[str, Any]:
    """What a card tells of a file that its numbers are from: where it was published, if known."""
    digest = file_digest(file)
    about = {"name": file.name, "bytes": file.stat().st_size, "sha256": digest}
    published = benchmark.published(digest)
    if published is None:
        return about
    place = published.model_dump(include={"repository", "commit", "path", "url", "licence"})
    return {**about, **{key: value for key, value in place.items() if value}}
