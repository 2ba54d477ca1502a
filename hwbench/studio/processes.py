"""Commands started from a page: each a process of its own, which outlives the studio.

Closing the studio stops nothing: a run goes on as one that was started in a terminal and left there
with `nohup`, and the next studio finds it by the lock of its folder. What it prints is kept in
`.studio/NAME.log` in the folder of runs. A run is stopped as by Ctrl-C, so that its own resumption
works.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.locks import LOCK, holder_of
from hwbench.regular_files import open_regular
from hwbench.studio.commands import in_words, to_run

OWN = ".studio"
"""The folder, in that of runs, of what the studio itself writes."""

MOST_LOG = 20_000
"""Characters of a log's end that are shown."""


@dataclass
class Job:
    """A command that was started.

    Attributes
    ----------
    name : of the run that it works on.
    command : without "hwbench".
    log : the file of what it prints.
    process : of it.
    began : when it was started, in seconds of the monotonic clock.
    """

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.began

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    @property
    def words(self) -> str:
        """The command as it is typed."""
        return in_words(self.command)


class Jobs:
    """What one studio has started, the last command of each run.

    Parameters
    ----------
    runs : the folder of all runs.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, name: str, command: Sequence[str]) -> Job:
        """Start a command on a run.

        Raises
        ------
        HwbenchError
            Where something works on the run already, or nothing can be written.
        """
        with self._lock:
            there = self._jobs.get(name)
            if there is not None and there.running:
                raise HwbenchError(f"{name}: is worked on already ({there.words})")
            holder = holder_of(self.runs / name / LOCK)
            if holder is not None:
                raise HwbenchError(f"{name}: is worked on already ({holder.command})")
            log = log_path(self.runs, name)
            try:
                log.parent.mkdir(parents=True, exist_ok=True)
                with log.open("wb") as output:
                    process = subprocess.Popen(  # noqa: S603  a list of words, no shell
                        to_run(command),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                        env={**os.environ, "HWBENCH_PROGRESS": "lines"},  # how far, in its log
                    )
            except OSError as error:
                raise HwbenchError(f"{log}: cannot be written ({error.strerror})") from error
            job = Job(name, list(command), log, process)
            self._jobs[name] = job
            return job

    def get(self, name: str) -> Job | None:
        """The last command that this studio has started on a run."""
        with self._lock:
            return self._jobs.get(name)

    def stop(self, name: str) -> str:
        """Tell what works on a run to stop, as Ctrl-C does; what it has done is kept.

        Returns
        -------
        Whom it told, in words.

        Raises
        ------
        HwbenchError
            Where nothing works on it.
        """
        job = self.get(name)
        if job is not None and job.running:
            _interrupt(job.process.pid, name)
            return job.words
        # One of a terminal: `holder_of` has seen that this very process has the lock open.
        holder = holder_of(self.runs / name / LOCK)
        if holder is None:
            raise HwbenchError(f"{name}: nothing works on it, so there is nothing to stop")
        _interrupt(holder.process, name)
        return holder.command


def log_path(runs: Path, name: str) -> Path:
    """The file of what a command on a run prints."""
    return runs / OWN / f"{name.replace('/', '__')}.log"


def log_end(runs: Path, name: str) -> str:
    """The end of what the last command on a run has printed, "" where there is none."""
    try:
        with open_regular(log_path(runs, name)) as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - MOST_LOG))
            return file.read().decode("utf-8", errors="replace")
    except (HwbenchError, OSError):
        return ""


def _interrupt(process: int, name: str) -> None:
    try:
        os.kill(process, signal.SIGINT)
    except ProcessLookupError as error:
        raise HwbenchError(f"{name}: has ended already") from error
    except PermissionError as error:
        raise HwbenchError(f"{name}: is worked on by another user's process") from error
