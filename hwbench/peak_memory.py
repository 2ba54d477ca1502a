"""The peak of a process's memory."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

_RESET_PEAK = "5"  # see `man 5 proc`, /proc/pid/clear_refs


def reset_peak() -> None:
    """Forget the peak so far, where the system can; else it is that of the process's whole life."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def peak_mb() -> float:
    """Largest resident memory since `reset_peak`, in MiB; NaN where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)
