"""Public benchmarks as tables: from files the user has, or from where they were published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.progress import Progress, StageProgress, silent, silent_stage
from hwbench.tables.public.catalogue import CONVERTERS, load_benchmark
from hwbench.tables.public.fetch import downloads_folder, fetch_files
from hwbench.tables.table import Table


def import_benchmark(
    name: str, paths: Sequence[Path | str], *, progress: Progress = silent
) -> Table:
    """Make a benchmark's table from files the user has.

    Parameters
    ----------
    name : of the benchmark, see `benchmark_cards`.
    paths : its files, in any of the formats that the benchmark's card names, or folders of them.
    progress : called with (steps done, steps in all) of the conversion.

    Returns
    -------
    A table named as the benchmark.

    Raises
    ------
    HwbenchError
        Where there is no such benchmark, or a file is absent or not what it should be.
    """
    card = load_benchmark(name)
    found = [Path(path).expanduser() for path in paths]
    for path in found:
        if not path.exists():
            raise HwbenchError(f"{path}: no such file or folder")
    convert = CONVERTERS.load(card.converter, where=f"benchmark {name}")
    table: Table = convert(found, progress=progress)
    return table


def fetch_benchmark(
    name: str,
    *,
    variant: str | None = None,
    mirror: str | Path | None = None,
    stage: StageProgress = silent_stage,
) -> Table:
    """Fetch a benchmark's public files and make its table.

    Parameters
    ----------
    name : of the benchmark.
    variant : which of the published sets of files; the card's default without.
    mirror : a folder or address that holds copies, see `fetch_files`.
    stage : called with a title as downloading and converting begin; gives their progress.

    Raises
    ------
    HwbenchError
        As `fetch_files` and `import_benchmark`.
    """
    card = load_benchmark(name)
    files = fetch_files(
        card,
        variant=variant,
        mirror=mirror,
        folder=downloads_folder(),
        progress=stage(f"fetching {name}"),
    )
    return import_benchmark(name, files, progress=stage(f"converting {name}"))
