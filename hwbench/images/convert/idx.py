"""The IDX format of MNIST: four files, packed by gzip or not."""

from __future__ import annotations

import gzip
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, one_line
from hwbench.formats.streams import GZIP_MAGIC, unpacked_limit
from hwbench.images.reading import Part
from hwbench.regular_files import open_regular

MOST_BYTES = 1 << 30
_NAME = re.compile(r"(?:.*-)?(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?")
_UNSIGNED_BYTES = b"\0\0\x08"

Key = tuple[bool, str]
"""Whether a file is for testing, and "images" or "labels"."""


def idx_files(folder: Path) -> dict[Key, Path] | None:
    """The four files in a folder, None where there is none of them.

    Raises
    ------
    HwbenchError
        Where some are missing, or there are several of one kind.
    """
    found: dict[Key, Path] = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        key = (match[1] != "train", match[2])
        if key in found:
            raise HwbenchError(
                f"{path}: stands beside {found[key].name}; leave one of both in the folder"
            )
        found[key] = path
    if not found:
        return None
    for is_test in (False, True):
        for what in ("images", "labels"):
            if (is_test, what) not in found:
                name = f"{'t10k' if is_test else 'train'}-{what}-idx{3 if what == 'images' else 1}"
                raise HwbenchError(f"{folder}: lacks {name}-ubyte, packed (.gz) or not")
    return found


def idx_arrays(files: dict[Key, Path]) -> tuple[Part, Part]:
    """Images of shape (n, 1, height, width) and labels of both parts.

    Raises
    ------
    HwbenchError
        Where a file is damaged, or images and labels differ in number.
    """
    parts = []
    for is_test in (False, True):
        images = read_idx(files[is_test, "images"], 3)[:, None]
        labels = read_idx(files[is_test, "labels"], 1).astype(np.int64)
        if len(images) != len(labels) or not len(labels):
            raise HwbenchError(
                f"{files[is_test, 'images']}: {len(images):,} images, but {len(labels):,} labels "
                f"in {files[is_test, 'labels'].name}"
            )
        parts.append((images, labels))
    return parts[0], parts[1]


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes.

    Parameters
    ----------
    path : of the file.
    dimensions : of its array.

    Raises
    ------
    HwbenchError
        Where it is none or damaged, has other dimensions, or claims another size than it has.
    """
    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        most = min(MOST_BYTES, unpacked_limit(size)) if packed else size
        stream: Any = gzip.GzipFile(fileobj=file) if packed else file
        try:
            return _array(stream, dimensions, most)
        except HwbenchError as error:
            raise HwbenchError(f"{path}: {error}") from error
        except Exception as error:  # of gzip and zlib
            raise HwbenchError(f"{path}: is damaged ({one_line(error)})") from error


def _array(stream: Any, dimensions: int, most: int) -> NDArray[np.uint8]:
    head = stream.read(4)
    if head[:3] != _UNSIGNED_BYTES or head[3:] != bytes([dimensions]):
        raise HwbenchError(f"is no IDX file of unsigned bytes in {dimensions} dimensions")
    sides = stream.read(4 * dimensions)
    if len(sides) < 4 * dimensions:
        raise HwbenchError("ends too early; it is damaged")
    shape = tuple(np.frombuffer(sides, dtype=">u4").tolist())
    n_bytes = math.prod(shape)
    if n_bytes > most:
        raise HwbenchError(f"claims {n_bytes:,} values, more than a file of its size may hold")
    content = stream.read(n_bytes)
    if len(content) < n_bytes or stream.read(1):
        raise HwbenchError(f"claims {n_bytes:,} values, and has another number; it is damaged")
    if not n_bytes:
        raise HwbenchError("holds nothing")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
