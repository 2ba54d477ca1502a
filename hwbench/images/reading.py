"""What readers of published image files share."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.assets import home
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet, Labels, arrays_digest

Part = tuple[NDArray[Any], Labels]
"""Images of shape (n, channels, size, size) as they are in a file, and labels of shape (n,)."""


def normalised(
    name: str,
    title: str,
    train: Part,
    test: Part,
    classes: int,
    *,
    base: str = "",
) -> ImageSet:
    """An image set whose channels have mean 0 and deviation 1 over the training part."""
    images = train[0].astype(np.float32)
    others = (0, 2, 3) if images.ndim == 4 else (0, 1, 3, 4)  # all axes but that of the channels
    mean = images.mean(axis=others, dtype=np.float64).astype(np.float32)[:, None, None]
    deviation = images.std(axis=others, dtype=np.float64).astype(np.float32)[:, None, None]
    deviation = np.where(deviation > 0, deviation, np.float32(1))
    return ImageSet(
        name=name,
        title=title,
        train_images=(images - mean) / deviation,
        train_labels=train[1],
        test_images=(test[0].astype(np.float32) - mean) / deviation,
        test_labels=test[1],
        classes=classes,
        black=((np.float32(0) - mean) / deviation).reshape(-1),
        base=base,
        sha256=arrays_digest(*train, *test),
    )


def published_file(path: Path, digest: str | None, name: str) -> Path:
    """A published file's path, once it is there and, where an MD5 is given, is that file.

    Parameters
    ----------
    path : where it should be.
    digest : its MD5.
    name : of the image set, for messages.

    Raises
    ------
    HwbenchError
        Where it is missing, or another one.
    """
    if not path.is_file():
        raise HwbenchError(f"{path}: is missing; to get it: {fetch_command(name, path.parent)}")
    if digest is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        if found.hexdigest() != digest:
            raise HwbenchError(
                f"{path}: is not the published file (MD5 {found.hexdigest()}, not {digest}); "
                f"remove it and get it again: {fetch_command(name, path.parent)}"
            )
    return path


def fetch_command(name: str, folder: Path) -> str:
    """The command that gets the files of an image set into a folder."""
    where = "" if folder == home() / "images" else f" --folder {shlex.quote(str(folder))}"
    return f"hwbench images fetch {name}{where}"
