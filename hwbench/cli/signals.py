"""Being told to stop: by Ctrl-C, by a scheduler or a container, by a terminal that is closed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = [signal.SIGINT, signal.SIGTERM]
if hasattr(signal, "SIGHUP"):
    _STOPPING.append(signal.SIGHUP)

_told: list[int] = []


@contextmanager
def stopped_as_by_interrupt() -> Iterator[None]:
    """Let what ends a process end it as Ctrl-C does: what is done is written, and said.

    What the process was started to ignore, as by `nohup`, it goes on to ignore.
    """
    _told.clear()
    before = {number: signal.getsignal(number) for number in _STOPPING}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number] or signal.SIG_DFL)


def exit_code() -> int:
    """The exit code of a process that was told to stop: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (_told[0] if _told else signal.SIGINT)


def was_told() -> bool:
    """Whether this process was told to stop."""
    return bool(_told)


def _stop(number: int, _frame: FrameType | None) -> None:
    _told.append(number)
    # Schedulers say it again, to every process of a job: once is enough to write what is done.
    for other in _STOPPING:
        if other != signal.SIGINT:
            signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt
