"""An end to answers that come too slowly to be of use, in whatever way they are sent."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from hwbench.errors import HwbenchError

SLOWEST_BYTES = 1 << 18
"""So many bytes must come every time that patience lasts, or the rest of the file."""

VARIABLE = "HWBENCH_DOWNLOAD_SECONDS"
"""The environment variable that says for how many seconds patience lasts."""

SECONDS = 120.0


def patience_seconds() -> float:
    """How long may pass with fewer bytes than `SLOWEST_BYTES`, in s.

    Raises
    ------
    HwbenchError
        Where the environment variable holds no such number.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return SECONDS
    with contextlib.suppress(ValueError):
        seconds = float(given)
        if seconds > 0 and math.isfinite(seconds):
            return seconds
    raise HwbenchError(f"{VARIABLE}={given!r}: must be a number of seconds above 0")


class Patience:
    """Cuts the connections of an answer of which too little comes for too long.

    A socket's own timeout begins anew with every byte: a server that sends one now and then, of
    the answer's head, of its body, or of what stands between, would be waited for without end.

    Attributes
    ----------
    lost : whether the connections were cut.
    """

    def __init__(self, seconds: float) -> None:
        self.lost = False
        self._seconds = seconds
        self._connections: list[socket.socket] = []
        self._state = threading.Condition()
        self._ended = False
        self._arrived = 0
        self._deadline = 0.0
        self._thread = threading.Thread(target=self._wait, daemon=True)

    @property
    def reason(self) -> str:
        """Why the connections were cut."""
        return f"fewer than {SLOWEST_BYTES} bytes came in {self._seconds:g} seconds"

    def __enter__(self) -> Self:
        self.renew()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._state:
            self._ended = True
            self._state.notify()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too, when the time comes; it may be wrapped and closed meanwhile."""
        with self._state:
            self._connections.append(connection.dup())

    def renew(self) -> None:
        """Begin to wait anew, as after work of one's own."""
        self._arrived = 0
        self._deadline = time.monotonic() + self._seconds

    def received(self, count: int) -> None:
        """Take notice of bytes that came."""
        self._arrived += count
        if self._arrived >= SLOWEST_BYTES:
            self.renew()

    def _wait(self) -> None:
        with self._state:
            while not self._ended:
                left = self._deadline - time.monotonic()
                if left > 0:
                    self._state.wait(left)
                    continue
                self.lost = True
                for connection in self._connections:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                return


def watched(kind: Any, patience: Patience) -> Any:
    """A class of `http.client` connections that patience watches from their first byte on."""

    class Watched(kind):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            connect: Any = self._create_connection  # type: ignore[has-type]

            def create(*where: Any, **how: Any) -> socket.socket:
                connection: socket.socket = connect(*where, **how)
                patience.watch(connection)
                return connection

            self._create_connection = create

    return Watched
