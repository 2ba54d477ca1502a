"""Worker processes on this machine, a thread each, that outlive whatever a trial does.

Own processes instead of a library's pool: a trial that hangs or takes too much memory must be ended
alone, and the pools of joblib and of the standard library break as a whole when a worker dies.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any

import psutil

from hwbench.errors import HwbenchError
from hwbench.study.plan import Workload
from hwbench.study.spec import Limits
from hwbench.study.trial import Trial, TrialResult, failed_result
from hwbench.study.worker import receive, send
from hwbench.threads import ONE_THREAD

POLL_SECONDS = 0.1
"""How often limits are looked after."""

ATTEMPTS = 2
"""How often a trial is begun whose worker dies of no limit of ours."""

LAST_WORDS = 2000
"""Bytes of a dead worker's output that its trial's row keeps."""


class Worker:
    """A worker process and what it is doing.

    Parameters
    ----------
    workload : what its trials need.
    limits : of each trial; somebody must call `look_after` for them to hold.

    Raises
    ------
    HwbenchError
        Where the process cannot start.
    """

    def __init__(self, workload: Workload, limits: Limits) -> None:
        self._workload = workload
        self._limits = limits
        self._words = tempfile.TemporaryFile("a+b")  # noqa: SIM115  closed by `close`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hwbench.study.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # an interrupt at the terminal is the driver's to handle
        )
        self._started: float | None = None
        self._ended_for = ""
        self._peak_mb = 0.0
        self._state = threading.Lock()
        self.alive = True
        try:
            send(self._input, workload)
            receive(self._output)
        except (EOFError, OSError):
            said = self._last_words()
            self.close()
            raise HwbenchError(f"a worker process could not start: {said[-200:]}") from None

    @property
    def _input(self) -> Any:
        return self._process.stdin

    @property
    def _output(self) -> Any:
        return self._process.stdout

    def run(self, trial: Trial) -> TrialResult | None:
        """Run a trial and wait for its result.

        Returns
        -------
        The result, a failed one where the trial was ended for its limits, or None where the process
        died of something else. After the latter two the worker is no longer alive.
        """
        self._words.truncate(0)
        with self._state:
            self._peak_mb = 0.0
            self._started = started = time.monotonic()
        result: TrialResult | None = None
        with contextlib.suppress(EOFError, OSError):
            send(self._input, trial)
            result = receive(self._output)
        with self._state:
            self._started = None
        if self._ended_for or result is None:
            self.alive = False
        if result is None and self._ended_for:
            return self.failure(trial, time.monotonic() - started)
        return result

    def failure(self, trial: Trial, seconds: float) -> TrialResult:
        """The result of a trial that this worker's death ended."""
        kind = self._ended_for or "WorkerDied"
        reasons = {
            "TimeLimit": f"ended after {self._limits.seconds} s, the limit of a trial",
            "MemoryLimit": f"ended at {self._peak_mb:.0f} MiB of memory, the limit of a trial is "
            f"{self._limits.memory_mb} MiB",
            "WorkerDied": f"the worker process {self._cause_of_death()}, {ATTEMPTS} times",
        }
        return failed_result(
            trial,
            self._workload.cards[trial.predictor],
            kind,
            f"{self._last_words()}\n{kind}: {reasons[kind]}".strip(),
            seconds=seconds,
            memory_mb=self._peak_mb or float("nan"),
        )

    def look_after(self) -> None:
        """End the process if its trial is beyond its limits."""
        with self._state:
            if self._started is None or self._ended_for:
                return
            limits = self._limits
            if limits.memory_mb is not None:
                with contextlib.suppress(psutil.Error):
                    self._peak_mb = max(self._peak_mb, _memory_mb(self._process.pid))
                if self._peak_mb > limits.memory_mb:
                    self._ended_for = "MemoryLimit"
            elapsed = time.monotonic() - self._started
            if not self._ended_for and limits.seconds is not None and elapsed > limits.seconds:
                self._ended_for = "TimeLimit"
            if self._ended_for:
                self.kill()

    def kill(self) -> None:
        """End the process and those it started, whatever they are doing."""
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        self._process.kill()

    def close(self) -> None:
        """End the process and let go of its pipes."""
        self.alive = False
        self.kill()
        self._process.wait()
        for stream in (self._input, self._output, self._words):
            with contextlib.suppress(OSError):
                stream.close()

    def _last_words(self) -> str:
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - LAST_WORDS))
        return self._words.read().decode(errors="replace").strip()

    def _cause_of_death(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


def _memory_mb(pid: int) -> float:
    process = psutil.Process(pid)
    total = process.memory_info().rss
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss
    return float(total) / 2**20


class _Seat:
    """A place for one worker at a time, and the thread that gives it work."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self.worker: Worker | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        pool = self._pool
        try:
            while (trial := pool.next()) is not None:
                pool.results.put(self._run(trial))
        except BaseException as error:  # noqa: BLE001  handed to the driver
            if not pool.stopped:
                pool.results.put(error)
        finally:
            if self.worker is not None:
                self.worker.close()

    def _run(self, trial: Trial) -> TrialResult:
        start = time.monotonic()
        for attempt in range(ATTEMPTS):
            if self.worker is None:
                self.worker = Worker(self._pool.workload, self._pool.limits)
            result = self.worker.run(trial)
            if self._pool.stopped:
                raise InterruptedError
            if result is None and attempt + 1 == ATTEMPTS:
                result = self.worker.failure(trial, time.monotonic() - start)
            if not self.worker.alive:
                self.worker.close()
                self.worker = None
            if result is not None:
                return result
        raise AssertionError


class _Pool:
    """What the seats share."""

    def __init__(self, trials: Sequence[Trial], workload: Workload, limits: Limits) -> None:
        self.workload = workload
        self.limits = limits
        self.results: queue.SimpleQueue[TrialResult | BaseException] = queue.SimpleQueue()
        self.stopped = False
        self._waiting = deque(trials)

    def next(self) -> Trial | None:
        with contextlib.suppress(IndexError):
            if not self.stopped:
                return self._waiting.popleft()
        return None


def run_local(
    trials: Sequence[Trial], workload: Workload, *, workers: int, limits: Limits | None
) -> Generator[TrialResult | None, None, None]:
    """Run trials in worker processes of one thread each.

    Parameters
    ----------
    trials : in the order in which they are begun.
    workload : what they need.
    workers : processes.
    limits : of each trial.

    Yields
    ------
    The result of each trial as it ends, and None from time to time while none does.

    Raises
    ------
    HwbenchError
        Where a worker process cannot start.
    """
    limits = limits or Limits()
    pool = _Pool(trials, workload, limits)
    seats = [_Seat(pool) for _ in range(min(workers, len(trials)))]
    limited = limits.seconds is not None or limits.memory_mb is not None
    looked = time.monotonic()
    try:
        for _ in trials:
            while True:
                if limited and time.monotonic() - looked >= POLL_SECONDS:
                    looked = time.monotonic()
                    for seat in seats:
                        if (worker := seat.worker) is not None:
                            worker.look_after()
                try:
                    result = pool.results.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(result, BaseException):
                    raise result
                yield result
                break
    finally:
        pool.stopped = True
        for seat in seats:
            if (worker := seat.worker) is not None:
                worker.kill()
        for seat in seats:
            seat.thread.join()
