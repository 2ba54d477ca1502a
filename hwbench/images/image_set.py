"""A set of labelled images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class ImageSet:
    """Images with labels, split into a training and a test part.

    Attributes
    ----------
    name, title : for programs and for people.
    train_images, test_images : float32 of shape (n, channels, size, size), each channel with mean
        0 and deviation 1 over the training part; of events, such as those of a camera that sees
        changes alone, of shape (n, T, channels, size, size).
    train_labels, test_labels : int64 of shape (n,), 0 .. classes - 1.
    classes : number of labels.
    black : float32 of shape (channels,), what a black pixel, of raw value 0, has become; what
        comes in where an augmentation moves images. None for zeros, the mean colour.
    base : name of the image set that these images are of, in another size or fewer of them; its
        own name by default.
    sha256 : see `arrays_digest`, of the whole set as it was read, before anything was normalised
        or left out; by default, and of what a reader of one's own gives, of the arrays above.
    """

    name: str
    title: str
    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    classes: int
    black: NDArray[np.float32] | None = None
    base: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.black is not None and np.shape(self.black) != (self.channels,):
            raise HwbenchError(
                f"image set {self.name}: black must be of shape ({self.channels},), a value a "
                f"channel, not {np.shape(self.black)}"
            )
        if not self.base:
            object.__setattr__(self, "base", self.name)
        if not self.sha256:
            arrays = (self.train_images, self.train_labels, self.test_images, self.test_labels)
            object.__setattr__(self, "sha256", arrays_digest(*arrays))

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return int(self.train_images.shape[-3])

    @property
    def size(self) -> int:
        """Height and width of an image in pixels."""
        return int(self.train_images.shape[-1])

    @property
    def time_steps(self) -> int | None:
        """T, steps of what comes as events; None of images that stand still."""
        return int(self.train_images.shape[1]) if self.train_images.ndim == 5 else None

    def about(self) -> dict[str, Any]:
        """What records of results say of the images behind them; it can be written as JSON."""
        return {
            "name": self.name,
            "base": self.base,
            "train_images": len(self.train_labels),
            "test_images": len(self.test_labels),
            "size": self.size,
            "channels": self.channels,
            "classes": self.classes,
            "sha256": self.sha256,
            **({} if self.time_steps is None else {"time_steps": self.time_steps}),
        }


def arrays_digest(*arrays: NDArray[Any]) -> str:
    """SHA-256 of arrays, as hexadecimal text: of their types, shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
