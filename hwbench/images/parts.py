"""Images on a device: in batches, and split into the parts that a search uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hwbench.devices import sent
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet


@dataclass(frozen=True)
class Part:
    """Images with labels on a device.

    Attributes
    ----------
    images : float32 of shape (n, channels, size, size), events (n, T, channels, size, size).
    labels : int64 of shape (n,).
    black : float32 of shape (channels,), a black pixel; None for zeros. See `ImageSet`.
    """

    images: Tensor
    labels: Tensor
    black: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Part:
        """The same on another device."""
        black = None if self.black is None else self.black.to(device)
        return Part(self.images.to(device), self.labels.to(device), black)

    def __getitem__(self, rows: slice | Tensor) -> Part:
        """Some of the images."""
        return Part(self.images[rows], self.labels[rows], self.black)

    def batches(self, batch_size: int) -> Iterator[Part]:
        """All images in order, in batches."""
        for start in range(0, len(self), batch_size):
            yield self[start : start + batch_size]

    def shuffled(self, batch_size: int, generator: torch.Generator | None = None) -> Iterator[Part]:
        """All images in random order, in whole batches; a smaller one where there are no more.

        Parameters
        ----------
        batch_size : images of a batch.
        generator : of the order, on the CPU; torch's default one by default.
        """
        order = sent(torch.randperm(len(self), generator=generator), self.labels.device)
        for start in range(0, max(1, len(self) - batch_size + 1), batch_size):
            yield self[order[start : start + batch_size]]

    def endless(self, batch_size: int) -> Iterator[Part]:
        """What `shuffled` gives, again and again, each time in a new order."""
        while True:
            yield from self.shuffled(batch_size)

    def steps(self, batch_size: int) -> int:
        """How many batches `shuffled` gives."""
        return max(1, len(self) // batch_size)


@dataclass(frozen=True)
class SearchData:
    """The parts of an image set that a search uses.

    Attributes
    ----------
    train : for the weights.
    validation : for the architecture and for ranking; taken from the training images.
    test : for what comes out, never seen by a search.
    """

    train: Part
    validation: Part
    test: Part

    def to(self, device: torch.device) -> SearchData:
        """The same on another device."""
        return SearchData(*(part.to(device) for part in (self.train, self.validation, self.test)))


def split_images(images: ImageSet, validation_share: float, seed: int) -> SearchData:
    """Split an image set.

    Parameters
    ----------
    images : the image set.
    validation_share : of the training images, above 0 and below 1.
    seed : of the shuffle before the split.

    Raises
    ------
    HwbenchError
        Where a part would be empty.
    """
    n_images = len(images.train_labels)
    n_validation = round(validation_share * n_images)
    if not 0 < n_validation < n_images:
        raise HwbenchError(
            f"data: validation_share {validation_share} of {n_images} images leaves a part empty"
        )
    order = torch.randperm(n_images, generator=torch.Generator().manual_seed(seed))
    train, test = parts_of(images)
    return SearchData(train[order[n_validation:]], train[order[:n_validation]], test)


def parts_of(images: ImageSet) -> tuple[Part, Part]:
    """All training images and all test images of an image set."""
    black = None if images.black is None else torch.from_numpy(images.black)
    return (
        Part(torch.from_numpy(images.train_images), torch.from_numpy(images.train_labels), black),
        Part(torch.from_numpy(images.test_images), torch.from_numpy(images.test_labels), black),
    )
