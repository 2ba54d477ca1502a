"""A process that does little else while it measures."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_process(threads: int) -> Iterator[None]:
    """Pin the process to as many cores as it has threads, and stop what disturbs timings."""
    import torch

    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(threads)
        stack.enter_context(denormals_left_alone())
        torch.set_flush_denormal(True)
        if gc.isenabled():
            stack.callback(gc.enable)
        gc.collect()
        gc.disable()
        if not gc.get_freeze_count():  # else what lives now is the caller's to thaw
            stack.callback(gc.unfreeze)
            gc.freeze()  # what lives now need not be looked at in the collections between visits
        if hasattr(os, "sched_getaffinity"):
            cores = os.sched_getaffinity(0)
            stack.callback(os.sched_setaffinity, 0, cores)
            os.sched_setaffinity(0, sorted(cores)[-threads:])
        yield


@contextlib.contextmanager
def denormals_left_alone() -> Iterator[None]:
    """Keep what is done within from deciding for all that comes after it in this thread.

    Whether numbers too small for full precision count as zero is a setting of the thread, which
    ONNX Runtime's first session in a process sets for good where it may do so itself.
    """
    import torch

    before = _flushes_denormals()
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _flushes_denormals() -> bool:
    """Whether numbers too small for full precision are taken as 0 now; torch does not say."""
    import torch

    smallest = torch.full((1,), torch.finfo(torch.float64).tiny, dtype=torch.float64)
    return float((smallest / 2).item()) == 0.0


@contextlib.contextmanager
def quiet_profiler() -> Iterator[None]:
    """Keep the memory profiler, which is chatty on stderr, quiet where nobody has asked it."""
    name = "KINETO_LOG_LEVEL"
    given = name in os.environ
    os.environ.setdefault(name, "99")
    try:
        yield
    finally:
        if not given:
            os.environ.pop(name, None)
