"""A worker process as its driver sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

import psutil

from hwbench.errors import HwbenchError, one_line
from hwbench.threads import ONE_THREAD
from hwbench.workers.process import (
    ERROR,
    end_with_children,
    pickled,
    receive,
    send,
    unpickled,
)

LAST_WORDS = 2000
"""Bytes of a dead worker's output that are kept."""

DYING_SECONDS = 1.0
"""How long a worker that closed its output is given to tell why, before it is killed."""

WORKER_DIED = "WorkerDied"
TIME_LIMIT = "TimeLimit"
MEMORY_LIMIT = "MemoryLimit"


class Limits(Protocol):
    """What one unit may take before it is ended.

    Attributes
    ----------
    seconds : wall-clock time; None: any.
    memory_mb : resident memory of its process in MiB (2**20 bytes), with its children; None: any.
    """

    @property
    def seconds(self) -> float | None: ...

    @property
    def memory_mb(self) -> float | None: ...


@dataclass(frozen=True)
class NoLimits:
    """Units that may take what they take."""

    seconds: None = None
    memory_mb: None = None


@dataclass(frozen=True)
class Lost:
    """A unit that has no result, since the process that worked on it is no more.

    Attributes
    ----------
    kind : `TIME_LIMIT`, `MEMORY_LIMIT` or `WORKER_DIED`.
    reason : in one line.
    words : the last that the process wrote to its output, if anything.
    seconds : how long the unit had run.
    memory_mb : the most memory it was seen to use, in MiB; NaN where nobody looked.
    """

    kind: str
    reason: str
    words: str
    seconds: float
    memory_mb: float

    @property
    def error(self) -> str:
        """What a traceback is to a unit that failed by itself: the last line says what happened."""
        return f"{self.words}\n{self.kind}: {self.reason}".strip()


class DiedError(Exception):
    """A worker died; which is for whoever runs it to say and to mend."""


class Worker:
    """A worker process and what it is doing.

    The thread that made it calls `start` and `run`; `look_after` and `kill` are for any thread.

    Parameters
    ----------
    work : pickled: what is called with each unit.
    limits : of each unit; somebody must call `look_after` for them to hold.

    Raises
    ------
    OSError
        Where there can be no further process or file.
    """

    def __init__(self, work: bytes, limits: Limits) -> None:
        self._work = work
        self._limits = limits
        self._words = tempfile.TemporaryFile("a+b")  # noqa: SIM115  closed by `close`
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hwbench.workers.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,  # an interrupt at the terminal is the driver's to handle
            )
        except BaseException:
            self._words.close()
            raise
        self._guard: int | None = None
        self._started: float | None = None
        self._state = threading.Lock()
        self._peak_mb = 0.0
        self.ended_for = ""
        """The limit for which its unit was ended."""

    @property
    def _input(self) -> Any:
        return self._process.stdin

    @property
    def _output(self) -> Any:
        return self._process.stdout

    @property
    def alive(self) -> bool:
        """Whether it could be given a unit."""
        return not self.ended_for and self._process.poll() is None

    def start(self) -> None:
        """Give it its work, and wait until it has understood.

        Raises
        ------
        DiedError
            Where it ended before that.
        HwbenchError
            Where it cannot have the work: a module cannot be imported there, for example.
        """
        try:
            send(self._input, pickled(sys.path))
            send(self._input, self._work)
            kind, value = unpickled(receive(self._output))
        except (EOFError, OSError):
            cause, words = self._cause_of_death(), self._last_words().splitlines()
            raise DiedError(": ".join([f"it {cause}", *map(one_line, words[-1:])])) from None
        if kind == ERROR:
            reason = one_line(f"{type(value).__name__}: {value}")
            raise HwbenchError(f"a worker process cannot take up its work ({reason})") from value
        self._guard = value

    def run(self, unit: Any) -> Any:
        """Run a unit and wait for its result.

        Raises
        ------
        DiedError
            Where the process was ended for a limit, or died of something else.
        Exception
            Whatever the work raised there.
        """
        self._words.truncate(0)
        message = pickled(unit)
        with self._state:
            self._peak_mb = 0.0
            self._started = time.monotonic()
        try:
            send(self._input, message)
            kind, value = unpickled(receive(self._output))
        except (EOFError, OSError):
            raise DiedError from None
        finally:
            with self._state:
                self._started = None
        if kind == ERROR:
            raise value
        return value

    def lost(self, seconds: float, times: int) -> Lost:
        """What became of a unit that was ended with this worker.

        Parameters
        ----------
        seconds : how long it had run.
        times : how often a worker of this unit has died.
        """
        kind = self.ended_for or WORKER_DIED
        reasons = {
            TIME_LIMIT: f"ended after {self._limits.seconds} s, its limit",
            MEMORY_LIMIT: f"ended at {self._peak_mb:.0f} MiB of memory, its limit is "
            f"{self._limits.memory_mb} MiB",
        }
        reason = reasons.get(kind) or f"the worker process {self._cause_of_death()}, {times} times"
        return Lost(kind, reason, self._last_words(), seconds, self._peak_mb or float("nan"))

    def look_after(self) -> None:
        """End the process if its unit is beyond its limits."""
        with self._state:
            if self._started is None or self.ended_for:
                return
            limits = self._limits
            if limits.memory_mb is not None:
                with contextlib.suppress(psutil.Error):
                    self._peak_mb = max(self._peak_mb, self._memory_mb())
                if self._peak_mb > limits.memory_mb:
                    self.ended_for = MEMORY_LIMIT
            elapsed = time.monotonic() - self._started
            if not self.ended_for and limits.seconds is not None and elapsed > limits.seconds:
                self.ended_for = TIME_LIMIT
            if self.ended_for:
                self.kill()

    def kill(self) -> None:
        """End the process and those it started, whatever they are doing."""
        end_with_children(self._process.pid)

    def close(self) -> None:
        """End the process and let go of its pipes."""
        self.kill()
        self._process.wait()
        for stream in (self._input, self._output, self._words):
            with contextlib.suppress(OSError):
                stream.close()

    def _memory_mb(self) -> float:
        process = psutil.Process(self._process.pid)
        total = process.memory_info().rss
        for child in process.children(recursive=True):
            if child.pid != self._guard:
                with contextlib.suppress(psutil.Error):
                    total += child.memory_info().rss
        return float(total) / 2**20

    def _last_words(self) -> str:
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - LAST_WORDS))
        return self._words.read().decode(errors="replace").strip()

    def _cause_of_death(self) -> str:
        try:
            code = self._process.wait(DYING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
            return "closed its output"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"
