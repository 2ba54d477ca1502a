"""What the stages of a run took, in its record: seconds of wall and CPU, and memory at its peak."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from hwbench.peak_memory import peak_mb, reset_peak
from hwbench.results.record import Record, write_record


class Clock:
    """Counts the seconds of a session by stage; it runs from the moment it is made.

    Those of the CPU are of all threads of this process, whatever else the machine does. The peak of
    the memory is that of tensors on a GPU, else of the whole process.

    Parameters
    ----------
    device : that is computed on.

    Attributes
    ----------
    spent : of each stage `seconds` and `cpu_seconds`.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            reset_peak()
        self.spent: dict[str, dict[str, float]] = {}
        self._last = _now()

    def lap(self, stage: str) -> None:
        """Count what passed since the last lap as a stage's."""
        now = _now()
        own = self.spent.setdefault(stage, dict.fromkeys(now, 0.0))
        for name, value in now.items():
            own[name] += value - self._last[name]
        self._last = now

    def write(self, folder: Path, record: Record) -> None:
        """Write a run's record with what this session, its last, and all of them have spent.

        Parameters
        ----------
        folder : of the run.
        record : with this session's entry as the last of `sessions`; it is changed.
        """
        session = record["sessions"][-1]
        session["spent"] = _rounded(self.spent)
        session["seconds"] = _seconds(session["spent"])
        total: dict[str, dict[str, float]] = {}
        for each in record["sessions"]:
            for stage, numbers in each.get("spent", {}).items():
                own = total.setdefault(stage, dict.fromkeys(numbers, 0.0))
                for name, value in numbers.items():
                    own[name] = own.get(name, 0.0) + value
        record["spent"] = _rounded(total)
        record["seconds"] = _seconds(record["spent"])
        session["peak_memory_mb"] = round(self._peak_mb(), 1)
        peaks = [each["peak_memory_mb"] for each in record["sessions"] if "peak_memory_mb" in each]
        record["peak_memory_mb"] = max(peaks)
        write_record(folder, record)

    def _peak_mb(self) -> float:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) / 2**20
        return peak_mb()


def _now() -> dict[str, float]:
    return {"seconds": time.monotonic(), "cpu_seconds": time.process_time()}


def _rounded(spent: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        stage: {name: round(value, 3) for name, value in numbers.items()}
        for stage, numbers in spent.items()
    }


def _seconds(spent: dict[str, dict[str, float]]) -> float:
    return round(sum(numbers["seconds"] for numbers in spent.values()), 3)
