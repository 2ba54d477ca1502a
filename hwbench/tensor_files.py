"""Files of tensors: what torch saves, read without running code that a file brings."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hwbench.errors import HwbenchError, one_line
from hwbench.files import atomic_path
from hwbench.formats.torch_files import check_torch
from hwbench.regular_files import check_regular

MOST_BYTES = 1 << 32  # of weights


def write_tensors(path: Path, content: Mapping[str, object]) -> None:
    """Write what `read_tensors` reads; the same content is the same file, byte for byte.

    It is on the disk when this returns.

    Raises
    ------
    HwbenchError
        Where it cannot be written.
    """
    # Given a path, `torch.save` puts its name into the file, and this one is temporary; and what it
    # raises where a disk is full does not say so.
    written = io.BytesIO()
    torch.save(content, written)
    with atomic_path(path, durable=True) as temporary:
        temporary.write_bytes(written.getbuffer())


def read_tensors(path: Path) -> dict[str, Any]:
    """What `torch.save` wrote, if it is tensors, numbers, strings and containers of them.

    Raises
    ------
    HwbenchError
        Where the file is missing, broken, or holds anything else.
    """
    check_regular(path)
    try:
        check_torch(path, max_bytes=MOST_BYTES)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch does not say what damage may raise
        reason = one_line(error).removeprefix(f"{path}: ")
        raise HwbenchError(f"{path}: is no file of weights, or is damaged ({reason})") from error
    if not isinstance(content, dict):
        raise HwbenchError(f"{path}: is no file of weights")
    return content
