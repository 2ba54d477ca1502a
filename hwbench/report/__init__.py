"""One self-contained HTML page from the result files of a run folder."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_report"]


def write_report(run_folder: Path, output: Path | None = None) -> Path:
    """Write the report of a run as one HTML file that works offline.

    Parameters
    ----------
    run_folder : folder with the files of a study (`study.parquet`, `predictions.parquet`) or of a
        simulation (`simulation.parquet`, `selection_example.parquet`) or of both, and `run.json`.
    output : where to write; `run_folder/report.html` where not given.

    Returns
    -------
    The path written.

    Raises
    ------
    HwbenchError
        Where the folder holds neither part, a file is broken or lacks a column (the message names
        both), or the output cannot be written.
    """
    from hwbench.files import write_text
    from hwbench.report.page import render
    from hwbench.report.reading import read_run

    run_folder = Path(run_folder)
    path = run_folder / "report.html" if output is None else Path(output)
    write_text(path, render(read_run(run_folder)))
    return path
