"""What one studio is: where its runs are, who may use it, and for what."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine that nobody else answers to."""


@dataclass(frozen=True)
class Settings:
    """What one studio is.

    Attributes
    ----------
    runs : the folder whose run folders are shown; nothing outside it is read.
    edit : whether runs may be started, stopped and resumed, and files be written.
    token : that a browser has to bring once; a secret of every start.
    hosts : names by which browsers may ask for it, without a port.
    """

    runs: Path
    edit: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    hosts: tuple[str, ...] = LOOPBACK
