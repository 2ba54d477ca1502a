"""How fast runs go on: seen while they are watched, else from when their session began."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

WINDOW = 300.0
"""Seconds back that a rate is taken over."""

MOST_SAMPLES = 400


class Rates:
    """Units done a second, of each run by name.

    Parameters
    ----------
    clock : gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._samples: dict[str, deque[tuple[float, int]]] = {}
        self._lock = threading.Lock()

    def seen(self, name: str, done: int) -> None:
        """Keep how many units of a run have ended now."""
        now = self._clock()
        with self._lock:
            samples = self._samples.setdefault(name, deque(maxlen=MOST_SAMPLES))
            if samples and done < samples[-1][1]:  # begun anew
                samples.clear()
            samples.append((now, done))
            while len(samples) > 2 and samples[1][0] < now - WINDOW:
                samples.popleft()

    def rate(self, name: str, done: int, record: Mapping[str, Any]) -> float | None:
        """Units a second; None where nothing is known yet.

        Parameters
        ----------
        name : of the run.
        done : units that have ended.
        record : of the run: where it has one session, all units are of that.
        """
        with self._lock:
            samples = list(self._samples.get(name, ()))
        if len(samples) > 1 and samples[-1][1] > samples[0][1]:
            (before, first), (now, last) = samples[0], samples[-1]
            return (last - first) / (now - before) if now > before else None
        sessions = record.get("sessions")
        if done and isinstance(sessions, list) and len(sessions) == 1:
            elapsed = self._clock() - _moment(record.get("started"))
            return done / elapsed if elapsed > 0 else None
        return None


def _moment(text: Any) -> float:
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        return float("inf")
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
