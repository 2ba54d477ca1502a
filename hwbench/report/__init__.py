"""Self-contained HTML pages from the result files of run folders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from hwbench.results.names import REPORT

__all__ = ["write_comparison", "write_report"]


def write_report(run_folder: Path | Sequence[Path], output: Path | None = None) -> Path:
    """Write the report of a run, or of several runs, as one HTML file that works offline.

    Parameters
    ----------
    run_folder : the folder of a scenario's run (study, simulation, search), of a live search or of
        a sweep of them; or several folders that hold different parts and any live searches.
    output : where to write; `report.html` in the (first) folder where not given.

    Returns
    -------
    The path written.

    Raises
    ------
    HwbenchError
        Where a folder holds nothing to report, a file is broken or lacks a column (the message
        names both), two folders hold the same part, or the output cannot be written: a page in the
        folder of a run that goes on has to wait, one elsewhere has not.
    """
    from hwbench.files import write_text
    from hwbench.locks import only_writer
    from hwbench.report.page import render
    from hwbench.results.run import read_runs

    given = [run_folder] if isinstance(run_folder, str | Path) else run_folder
    folders = [Path(folder) for folder in given]
    path = folders[0] / REPORT if output is None else Path(output)
    run = path.parent
    inside = run.is_dir() and run.resolve() in [folder.resolve() for folder in folders]
    with only_writer(run) if inside else nullcontext():
        write_text(path, render(read_runs(folders)))
    return path


def write_comparison(one: Path, other: Path, output: Path) -> Path:
    """Write a page that compares two runs as one HTML file that works offline.

    It says what differs in specification, versions, machine and tables, and shows scores side by
    side with their differences, paired by seed or repeat.

    Parameters
    ----------
    one, other : run folders, as for `write_report`.
    output : where to write.

    Returns
    -------
    The path written.

    Raises
    ------
    HwbenchError
        Where the runs have nothing in common, a folder holds nothing to report, a file is broken,
        or the output cannot be written.
    """
    from hwbench.files import write_text
    from hwbench.report.compare.page import render_comparison
    from hwbench.results.run import read_run

    text = render_comparison(read_run(Path(one)), read_run(Path(other)))
    write_text(Path(output), text)
    return Path(output)
