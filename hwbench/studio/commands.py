"""The commands that start a run from a file, and those that go on with one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.results.names import COMPRESS, CONFIG, SCENARIO, SWEEP
from hwbench.studio.summary import Summary

STARTS = {
    "study": ["study", "run"],
    "simulation": ["simulate", "run"],
    "search": ["search", "run"],
    "live": ["live", "run"],
    "sweep": ["live", "sweep"],
}
"""By kind of config, the command that runs a file of it."""


def start_command(kind: str, config: Path, folder: Path) -> list[str]:
    """The command that runs a file, without "hwbench".

    Parameters
    ----------
    kind : one of `STARTS`.
    config : the TOML file.
    folder : where the run goes.
    """
    return [*STARTS[kind], str(config), "-o", str(folder)]


def resume_command(summary: Summary, folder: Path) -> list[str]:
    """The command that goes on with a run, without "hwbench".

    Raises
    ------
    HwbenchError
        Where no command can be told from the folder alone.
    """
    progress = summary.current
    part = progress.part if progress is not None else ""
    if part == "study":
        return ["study", "resume", str(folder)]
    files = {"search": SCENARIO, "simulation": SCENARIO, "live search": CONFIG, "sweep": SWEEP}
    kinds = {"search": "search", "simulation": "simulation", "live search": "live"}
    if part in files and (folder / files[part]).is_file():
        return start_command(kinds.get(part, "sweep"), folder / files[part], folder)
    if part == "compression":
        raise HwbenchError(
            f"{summary.name}: go on with the command that began it, hwbench compress run NETWORK "
            f"-o {folder} ({COMPRESS} there says with what)"
        )
    if part in ("measurement", "training"):
        raise HwbenchError(f"{summary.name}: go on with the command that began it")
    raise HwbenchError(f"{summary.name}: holds nothing that could go on")


def retry_command(folder: Path) -> list[str]:
    """The command that runs the failed trials of a study again, without "hwbench"."""
    return ["study", "retry-failed", str(folder)]


def in_words(command: Sequence[str]) -> str:
    """A command as it is typed."""
    return shlex.join(["hwbench", *command])


def to_run(command: Sequence[str]) -> list[str]:
    """A command as the words that start it here, whatever the search path holds."""
    return [sys.executable, "-m", "hwbench", *command]
