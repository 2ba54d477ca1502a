"""What readers of published image files share."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet, Labels


def normalised(
    name: str,
    title: str,
    train: tuple[NDArray[Any], Labels],
    test: tuple[NDArray[Any], Labels],
    classes: int,
) -> ImageSet:
    """An image set whose channels have mean 0 and deviation 1 over the training part."""
    images = train[0].astype(np.float32)
    mean = images.mean(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
    deviation = images.std(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
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
    )


def published_file(path: Path, digest: str | None) -> Path:
    """A published file's path, once it is there and, where an MD5 is given, is that file.

    Raises
    ------
    HwbenchError
        Where it is missing, or another one.
    """
    if not path.is_file():
        raise HwbenchError(f"{path}: is missing; put the published file there")
    if digest is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        if found.hexdigest() != digest:
            raise HwbenchError(
                f"{path}: is not the published file (MD5 {found.hexdigest()}, not {digest}); "
                "fetch it again"
            )
    return path
