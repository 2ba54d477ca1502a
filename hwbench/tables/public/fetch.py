"""Getting all files of a public benchmark: from where they were published, or from a mirror."""

from __future__ import annotations

from pathlib import Path

from hwbench.assets import home
from hwbench.downloads.fetch import fetch_all
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.tables.public.catalogue import BenchmarkCard


def downloads_folder() -> Path:
    """Where fetched files are kept: `HWBENCH_HOME`/downloads."""
    return home() / "downloads"


def fetch_files(
    card: BenchmarkCard,
    *,
    variant: str | None = None,
    mirror: str | Path | None = None,
    folder: Path,
    progress: Progress = silent,
) -> list[Path]:
    """Have all files of a benchmark on this machine, checked.

    A file that is there already, with the right checksum, is not fetched again; a download that
    was cut is continued.

    Parameters
    ----------
    card : of the benchmark.
    variant : which set of files; the card's default without.
    mirror : a folder, or an address (https, http or file), that holds copies under
        <owner>/<repository>/<commit>/<path>. Those of a folder are checked and used where they
        are. Nothing is fetched from elsewhere then.
    folder : where downloads are kept, under the same paths; see `downloads_folder`.
    progress : called with bytes done and bytes in all, of the whole variant.

    Returns
    -------
    The files' paths, in the card's order.

    Raises
    ------
    HwbenchError
        Where the variant is unknown or cannot be fetched, a file cannot be had or is not what the
        card says, or the disk is full. The message names file and address, and the other ways.
    """
    chosen = card.get_variant(variant)
    if not chosen.fetch:
        raise HwbenchError(
            f"{card.name}: the files of variant '{chosen.name}' cannot be fetched by a program; "
            f"get them from {chosen.where}; then run 'hwbench tables import {card.name} PATH'"
        )
    return fetch_all(
        chosen.file,
        folder=folder,
        mirror=mirror,
        otherwise=(
            f"get the file in another way and run 'hwbench tables import {card.name} PATH', or "
            "name a folder or address that has it with --mirror"
        ),
        progress=progress,
    )
