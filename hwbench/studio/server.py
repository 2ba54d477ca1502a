"""Serving a studio on this machine, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.studio.app import make_app
from hwbench.studio.security import TOKEN
from hwbench.studio.settings import LOOPBACK, Settings

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  what is asked for, not what is bound by itself
CLOSING = 3
"""Seconds that answers have to end once the studio is told to."""


def serve(
    runs: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    edit: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve a studio until it is told to stop.

    Parameters
    ----------
    runs : the folder of run folders; it may be missing yet.
    host : the address to listen at.
    port : to listen at; 0 for any that is free.
    edit : whether runs may be started, stopped and resumed.
    ready : told the address to open, with its token, once somebody listens there.

    Raises
    ------
    HwbenchError
        Where the port is taken, or the folder of runs is none.
    """
    import uvicorn

    if runs.exists() and not runs.is_dir():
        raise HwbenchError(f"--runs {runs}: is no folder")
    listener = _listener(host, port)
    settings = Settings(runs, edit, hosts=_names(host))
    shown = f"[{host}]" if ":" in host else host
    if host in ANYWHERE:
        shown = socket.gethostname()
    address = f"http://{shown}:{listener.getsockname()[1]}/?{TOKEN}={settings.token}"
    config = uvicorn.Config(
        make_app(settings),
        log_level="warning",
        access_log=False,  # addresses hold the token once
        lifespan="on",
        timeout_graceful_shutdown=CLOSING,
        server_header=False,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(address)

    with listener:
        Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise HwbenchError(
            f"--port {port}: {host} cannot be listened at ({error.strerror}); choose another one, "
            "or --port 0 for any that is free"
        ) from error
    except OverflowError as error:
        listener.close()
        raise HwbenchError(f"--port {port}: must be from 0 to 65535") from error
    return listener


def _names(host: str) -> tuple[str, ...]:
    """Names by which browsers may ask a studio that listens at an address."""
    names = [*LOOPBACK, f"[{host}]" if ":" in host else host]
    if host in ANYWHERE:
        import psutil

        names += [socket.gethostname(), socket.getfqdn()]
        names += [each.address for found in psutil.net_if_addrs().values() for each in found]
    return tuple(dict.fromkeys(names))
