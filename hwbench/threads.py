"""How many threads a process computes with, which is put back afterwards.

By default one: processes run side by side, and sums by several threads differ in the end.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Environment variables that libraries read when they are loaded."""

ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep this process's libraries to one thread each, those loaded meanwhile too."""
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    torch_threads = _torch_threads()
    os.environ.update(ONE_THREAD)
    try:
        with threadpool_limits(limits=1):
            _limit_torch(1)
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _limit_torch(torch_threads)


@contextlib.contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let torch compute with so many threads, and afterwards with as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _torch_threads() -> int | None:
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None


def _limit_torch(threads: int | None) -> None:
    if threads is not None and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
