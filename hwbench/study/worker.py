"""A worker process: it is given a workload, then trials one by one, and gives back results.

It is an own program that speaks over its standard input and output, so that it needs nothing of the
program that started it, and can be ended at any moment without harm to others. It ends by itself as
soon as its input is closed, even in the midst of a trial: no worker outlives a killed driver.
"""

from __future__ import annotations

import os
import pickle
import queue
import threading
import traceback
from typing import IO, Any


def send(stream: IO[bytes], message: Any) -> None:
    """Write a message; both ends are this package's own."""
    stream.write(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Wait for a message.

    Raises
    ------
    EOFError
        Where the other end is gone, also if it went while it was writing.
    """
    try:
        return pickle.load(stream)  # noqa: S301  the other end of a pipe of our own
    except (pickle.UnpicklingError, OSError) as error:
        raise EOFError from error


def main() -> None:
    """Serve until the input ends."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    with open(os.devnull) as nothing:  # noqa: PTH123  whatever models read or print is not for us
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    # Imports first: a lock that another thread holds while it imports could be waited for forever.
    import hwbench.predictors.regressor
    import hwbench.study.plan  # noqa: F401

    messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, messages), daemon=True).start()
    try:
        workload = messages.get()
        _answer(sink, "ready")
        while True:
            _answer(sink, workload.run(messages.get()))
    finally:
        # The usual way out could wait forever for the thread that reads.
        traceback.print_exc()
        os._exit(1)


def _answer(sink: IO[bytes], message: Any) -> None:
    try:
        send(sink, message)
    except OSError:
        os._exit(0)  # nobody is left to hear it


def _listen(source: IO[bytes], messages: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            messages.put(receive(source))
    except EOFError:
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main()
