"""Worker processes on this machine, a thread each, that outlive whatever a unit of work does.

Own processes instead of a library's pool: a unit that hangs or takes too much memory must be ended
alone, a worker that the system kills must cost nothing but time, and none may be left behind by a
driver that is killed. The pools of joblib and of the standard library break as a whole when a
worker dies.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from hwbench.errors import HwbenchError, one_line
from hwbench.threads import one_thread
from hwbench.workers.process import pickled
from hwbench.workers.worker import DiedError, Limits, Lost, NoLimits, Worker

POLL_SECONDS = 0.1
"""How often limits are looked after."""

ATTEMPTS = 2
"""How often a unit is begun whose worker dies of no limit of ours."""

STARTS = 3
"""How often in a row a worker is started that dies before it is ready."""


@dataclass(frozen=True, eq=False)
class Ended:
    """A unit that ended.

    Attributes
    ----------
    place : of the unit among all, from 0.
    unit : as it was given.
    result : of the work; None where it was lost.
    lost : why there is no result; None where there is one.
    """

    place: int
    unit: Any
    result: Any = None
    lost: Lost | None = None


def run_units(
    work: Callable[[Any], Any],
    units: Iterable[Any],
    *,
    workers: int,
    limits: Limits | None = None,
) -> Generator[Ended | None, None, None]:
    """Call something with each unit, a thread a process.

    A unit whose worker dies is begun once more, in a new one. What ends this generator, be it an
    error or its `close`, ends all workers and what they started; so does the end of this process,
    however it comes.

    Parameters
    ----------
    work : can be pickled, which is done once, and imported by other processes.
    units : begun in this order, each taken as it is begun, in any thread but one at a time; they
        and the results can be pickled.
    workers : processes; one without limits works in this process.
    limits : of each unit.

    Yields
    ------
    Each unit as it ends, and None from time to time while none does.

    Raises
    ------
    HwbenchError
        Where worker processes cannot start or take up the work.
    Exception
        What the work raised, the first that did.
    """
    if workers == 1 and limits is None:
        return _here(work, units)
    return _in_processes(work, units, workers, limits or NoLimits())


def run_in_order(
    work: Callable[[Any], Any], units: Iterable[Any], *, workers: int
) -> Generator[Ended, None, None]:
    """Call something with each unit, as `run_units`, and give back the units in their order."""
    waiting: dict[int, Ended] = {}
    place = 0
    with closing(run_units(work, units, workers=workers)) as stream:
        for ended in stream:
            if ended is not None:
                waiting[ended.place] = ended
            while place in waiting:
                yield waiting.pop(place)
                place += 1


def _here(work: Callable[[Any], Any], units: Iterable[Any]) -> Generator[Ended, None, None]:
    with one_thread():
        for place, unit in enumerate(units):
            yield Ended(place, unit, work(unit))


def _in_processes(
    work: Callable[[Any], Any], units: Iterable[Any], workers: int, limits: Limits
) -> Generator[Ended | None, None, None]:
    pool = _Pool(pickled(work), units, limits)
    seats = [_Seat(pool) for _ in range(workers)]
    limited = limits.seconds is not None or limits.memory_mb is not None
    looked = time.monotonic()
    try:
        taken = len(seats)
        while taken:
            if limited and time.monotonic() - looked >= POLL_SECONDS:
                looked = time.monotonic()
                for seat in seats:
                    seat.look_after()
            try:
                ended = pool.ended.get(timeout=POLL_SECONDS)
            except queue.Empty:
                yield None
                continue
            if isinstance(ended, BaseException):
                raise ended
            if ended is None:
                taken -= 1
            else:
                yield ended
    finally:
        pool.stop()
        for seat in seats:
            seat.thread.join()


class _StoppedError(Exception):
    """Nobody waits for more."""


class _Pool:
    """What the seats share."""

    def __init__(self, work: bytes, units: Iterable[Any], limits: Limits) -> None:
        self.ended: queue.SimpleQueue[Ended | BaseException | None] = queue.SimpleQueue()
        self.stopped = False
        self._work = work
        self._limits = limits
        self._units = enumerate(units)
        self._taking = threading.Lock()
        self._hired: set[Worker] = set()
        self._hiring = threading.Lock()

    def next(self) -> tuple[int, Any] | None:
        """The next unit and its place, None where there is none."""
        with self._taking:
            return None if self.stopped else next(self._units, None)

    def hire(self) -> Worker:
        """A new process, that `stop` knows of from its first moment on."""
        with self._hiring:
            self.refuse_if_stopped()
            worker = Worker(self._work, self._limits)
            self._hired.add(worker)
        return worker

    def dismiss(self, worker: Worker) -> None:
        """End a process."""
        with self._hiring:
            self._hired.discard(worker)
        worker.close()

    def stop(self) -> None:
        """Begin nothing more, and end all processes, those too that are starting."""
        with self._hiring:
            self.stopped = True
            for worker in self._hired:
                worker.kill()

    def refuse_if_stopped(self) -> None:
        if self.stopped:
            raise _StoppedError


class _Seat:
    """A place for one worker at a time, and the thread that gives it work."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._worker: Worker | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def look_after(self) -> None:
        """End the unit that is beyond its limits."""
        worker = self._worker
        if worker is not None:
            worker.look_after()

    def _serve(self) -> None:
        pool = self._pool
        try:
            while (taken := pool.next()) is not None:
                pool.ended.put(self._run(*taken))
            pool.ended.put(None)
        except BaseException as error:  # noqa: BLE001  handed to the driver
            if not pool.stopped:
                pool.ended.put(error)
        finally:
            self._leave()

    def _run(self, place: int, unit: Any) -> Ended:
        start = time.monotonic()
        for attempt in itertools.count(1):
            worker = self._take()
            try:
                return Ended(place, unit, worker.run(unit))
            except DiedError:
                self._pool.refuse_if_stopped()
                lost = worker.lost(time.monotonic() - start, attempt)
                self._leave()
                if worker.ended_for or attempt == ATTEMPTS:
                    return Ended(place, unit, lost=lost)
        raise AssertionError

    def _take(self) -> Worker:
        """A worker that is ready."""
        if self._worker is not None and not self._worker.alive:
            self._leave()
        return self._worker or self._start()

    def _start(self) -> Worker:
        said = ""
        for _ in range(STARTS):
            try:
                self._worker = self._pool.hire()
                self._worker.start()
            except (DiedError, OSError) as error:
                self._pool.refuse_if_stopped()
                said = one_line(error)
                self._leave()
            else:
                return self._worker
        raise HwbenchError(f"a worker process could not start, {STARTS} times in a row: {said}")

    def _leave(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            with contextlib.suppress(OSError):
                self._pool.dismiss(worker)
