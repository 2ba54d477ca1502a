"""A worker process: it is given what to do, then units of work one by one, and gives back results.

It is an own program that speaks over its standard input and output, so that it needs nothing of the
program that started it, and can be ended at any moment without harm to others.

Beside it, as its child, runs a guard: a process that waits for the end of the driver, which closes
the worker's input, or of the worker, and then kills the worker and all that it started. A thread of
the worker could not: while compiled code holds the interpreter's lock it does not run, and it dies
with the worker, whose children go on.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any

READY, RESULT, ERROR = "ready", "result", "error"
"""Kinds of answers: a message from a worker is a pickled pair of kind and value."""

GUARD_SECONDS = 1.0
"""How often the guard looks whether its worker is alive; that the driver ended wakes it."""

_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], message: bytes) -> None:
    """Write a message; both ends are this package's own."""
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Wait for a message.

    Raises
    ------
    EOFError
        Where the other end is gone, also if it went while it was writing.
    """
    return _exactly(stream, *_LENGTH.unpack(_exactly(stream, _LENGTH.size)))


def pickled(value: Any) -> bytes:
    """A value as bytes."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def unpickled(message: bytes) -> Any:
    """The value of bytes that came through a pipe of our own."""
    return pickle.loads(message)  # noqa: S301


def end_with_children(worker: int) -> None:
    """Kill a worker and all that it started, whatever they are doing.

    Parameters
    ----------
    worker : its process id, which is that of its process group too.
    """
    try:
        import psutil  # here, since the guard needs little memory and workers start sooner

        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(worker).children(recursive=True):
                if child.pid != os.getpid():
                    with contextlib.suppress(psutil.Error):
                        child.kill()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker, signal.SIGKILL)


def main() -> None:
    """Serve until the input ends."""
    with contextlib.suppress(PermissionError):
        os.setsid()  # refused where the driver did it
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    with open(os.devnull) as nothing:  # noqa: PTH123  whatever models read or print is not for us
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    guard = _start_guard(source.fileno(), sink.fileno())
    _leave_terminating_to_the_driver()
    try:
        _serve(source, sink, guard)
    except (EOFError, BrokenPipeError):  # nobody is left to work for
        os.killpg(0, signal.SIGKILL)
    finally:
        # The usual way out could wait forever for what a unit has started.
        traceback.print_exc()
        os._exit(1)


def _serve(source: IO[bytes], sink: IO[bytes], guard: int) -> None:
    sys.path[:] = unpickled(receive(source))
    message = receive(source)
    try:
        work = unpickled(message)
    except Exception as error:
        send(sink, pickled((ERROR, _portable(error))))
        raise
    send(sink, pickled((READY, guard)))
    while True:
        send(sink, _answer(work, receive(source)))


def _answer(work: Callable[[Any], Any], message: bytes) -> bytes:
    try:
        return pickled((RESULT, work(unpickled(message))))
    except Exception as error:  # noqa: BLE001  the driver raises it
        return pickled((ERROR, _portable(error)))


def _portable(error: Exception) -> Exception:
    """An error that survives pickling, with the place where it was raised."""
    text = "".join(traceback.format_exception(error))
    error.add_note(text)
    try:
        unpickled(pickled(error))
    except Exception:  # noqa: BLE001  whatever its class does when it is pickled
        return RuntimeError(text)
    return error


def _start_guard(source: int, sink: int) -> int:
    """Start the guard; gives its process id.

    Parameters
    ----------
    source, sink : the worker's pipes from and to the driver.
    """
    worker = os.getpid()
    guard = os.fork()
    if guard:
        return guard
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.close(sink)  # the driver must see it closed when the worker dies
        poll = select.poll()
        poll.register(source, 0)  # not for what is in it: for its end
        while os.getppid() == worker and not poll.poll(1000 * GUARD_SECONDS):
            pass
    finally:
        end_with_children(worker)
        os._exit(0)


def _leave_terminating_to_the_driver() -> None:
    """Survive a SIGTERM that a batch system sends to every process: the driver ends this one."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    # Not for processes that are forked from this one, which may be ended that way.
    os.register_at_fork(after_in_child=_end_when_terminated)


def _end_when_terminated() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


if __name__ == "__main__":
    main()
