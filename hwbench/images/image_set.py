"""A set of labelled images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError


@dataclass(frozen=True)
class ImageSet:
    """Images with labels, split into a training and a test part.

    Attributes
    ----------
    name, title : for programs and for people.
    train_images, test_images : float32 of shape (n, channels, size, size), each channel with mean
        0 and deviation 1 over the training part.
    train_labels, test_labels : int64 of shape (n,), 0 .. classes - 1.
    classes : number of labels.
    black : float32 of shape (channels,), what a black pixel, of raw value 0, has become; what
        comes in where an augmentation moves images. None for zeros, the mean colour.
    """

    name: str
    title: str
    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    classes: int
    black: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.black is not None and np.shape(self.black) != (self.channels,):
            raise HwbenchError(
                f"image set {self.name}: black must be of shape ({self.channels},), a value a "
                f"channel, not {np.shape(self.black)}"
            )

    def sha256(self) -> str:
        """Of all images, labels and black: what is trained on other content is told apart."""
        digest = hashlib.sha256(str(self.classes).encode())
        parts: list[NDArray[Any]] = [self.train_images, self.train_labels]
        parts += [self.test_images, self.test_labels]
        parts += [] if self.black is None else [self.black]
        for part in parts:
            digest.update(str((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return int(self.train_images.shape[1])

    @property
    def size(self) -> int:
        """Height and width of an image in pixels."""
        return int(self.train_images.shape[2])


Images = NDArray[np.uint8]


Labels = NDArray[np.int64]
