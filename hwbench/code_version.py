"""The version of the code that computes a number."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from hwbench.version import __version__

_PACKAGE = Path(__file__).parent


_COUNTED = ("predictors/*.py", "spaces/*.py", "study/trial.py", "study/scores.py")


@cache
def code_version() -> str:
    """Version of the code that makes a trial's numbers: the package's, and a digest of sources."""
    digest = hashlib.sha256()
    for pattern in _COUNTED:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:16]}"
