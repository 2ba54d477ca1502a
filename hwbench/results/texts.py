"""Readers of the texts that stand beside frames in a run folder: JSON objects and TOML trees."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError, one_line


def read_object(path: Path) -> dict[str, Any]:
    """The object of a JSON file, empty where there is no file.

    Raises
    ------
    HwbenchError
        Where the file cannot be read or holds no object.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HwbenchError(
            f"{path}: cannot be read as JSON ({one_line(error)}); remove it or choose -o"
        ) from error
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise HwbenchError(f"{path}: must hold a JSON object, not {kind}; remove it or choose -o")
    return content


def read_tree(path: Path) -> dict[str, Any]:
    """The tree of a TOML file.

    Raises
    ------
    HwbenchError
        Where the file cannot be read or is no valid TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HwbenchError(f"{path}: is no valid TOML: {error}") from error
