"""Running the programs of others: bounded in time and output, none left behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

from hwbench.errors import one_line
from hwbench.tables.made.runtimes.base import MeasureError

MOST_BYTES = 1 << 20
"""Of what a program may print on one stream."""

LOOK_SECONDS = 0.2
"""How often it is looked whether a program has ended whose output is held open by its children."""


def output_of(words: Sequence[str], seconds: float) -> str:
    """What a program prints on its standard output.

    Parameters
    ----------
    words : the program and its arguments.
    seconds : that it may take; then it and what it started are ended.

    Raises
    ------
    MeasureError
        Where it cannot be started, takes longer, prints more than `MOST_BYTES`, or ends with an
        exit code other than 0; the text has the last line of its standard error.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  the user's own command
            words,
            stdin=subprocess.DEVNULL,  # ssh and adb would read what is typed
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what it starts can be ended with it
        )
    except (OSError, ValueError) as error:
        raise MeasureError(f"it cannot be started: {error}") from error
    try:
        out, err = _streams(process, seconds)
        code = process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if code:
        ended = f"exit code {code}" if code > 0 else f"killed by {_signal_name(-code)}"
        last = (err.strip() or out.strip()).splitlines()[-1:]
        raise MeasureError(": ".join([ended, *map(one_line, last)]))
    return out


def _signal_name(number: int) -> str:
    known = number in {each.value for each in signal.Signals}
    return signal.Signals(number).name if known else f"signal {number}"


def _streams(process: subprocess.Popen[bytes], seconds: float) -> tuple[str, str]:
    """Both outputs of a program, once it has ended."""
    deadline = time.monotonic() + seconds
    found = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in found:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise MeasureError(f"it took more than {seconds:g} s and was ended")
            ready = selector.select(LOOK_SECONDS)
            if not ready and process.poll() is not None:
                break  # what it left running holds its output open
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                if not part:
                    selector.unregister(key.fileobj)
                content = found[key.fileobj]  # type: ignore[index]  # it is one of the two streams
                content += part
                if len(content) > MOST_BYTES:
                    raise MeasureError(f"it printed more than {MOST_BYTES:,} bytes and was ended")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise MeasureError(f"it took more than {seconds:g} s and was ended") from error
    out, err = (bytes(content).decode(errors="replace") for content in found.values())
    return out, err
