"""What machine and which versions a number was made with."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from hwbench.version import __version__

LIBRARIES = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "xgboost",
    "lightgbm",
    "ngboost",
    "catboost",
    "gpytorch",
    "numba",
    "moocore",
    "optuna",
    "onnxruntime",
    "torch",
    "torch-geometric",
)


def available_cores() -> int:
    """Cores this process may use, by its affinity and by the quota of its container."""
    from joblib import cpu_count

    return int(cpu_count())


def processor_name() -> str:
    """The processor's name as the system gives it."""
    try:
        match = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
    except OSError:
        match = None
    return match.group(1).strip() if match else platform.processor() or platform.machine()


def memory_gib() -> float | None:
    """Memory of the machine in GiB, or None where the system does not tell."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def describe_machine() -> dict[str, str | int | float | None]:
    """Processor, cores, memory and system: what a measurement depends on. No host or user name."""
    return {
        "processor": processor_name(),
        "cores": available_cores(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def describe_versions() -> dict[str, str]:
    """Versions of Python, hwbench and the libraries that results depend on."""
    versions = {"python": platform.python_version(), "hwbench": __version__}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            versions[library] = "not installed"
    return versions
