"""The reader of the JSON objects that stand beside frames in a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.formats.json_files import load_json


def read_object(path: Path) -> dict[str, Any]:
    """The object of a JSON file, empty where there is no file.

    Raises
    ------
    HwbenchError
        Where the file cannot be read or holds no object.
    """
    try:
        content = load_json(path, allow_nan=True)
    except HwbenchError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return {}
        reason = str(error).removeprefix(f"{path}: ").removeprefix("cannot be read ")
        raise HwbenchError(
            f"{path}: cannot be read as JSON ({reason}); remove it or choose -o"
        ) from error
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise HwbenchError(f"{path}: must hold a JSON object, not {kind}; remove it or choose -o")
    return content
