"""The images of a search: their parts, and how they are augmented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from hwbench.arguments import check_fields
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images, drawn anew for each image and step.

    Attributes
    ----------
    shift : most pixels that an image is moved by in each direction; zeros come in.
    flip : whether images are mirrored left to right with probability one half.
    cutout : side of the square that is set to zero around a random pixel; 0 for none.
    """

    shift: NonNegativeInt = 0
    flip: bool = False
    cutout: NonNegativeInt = 0

    def __post_init__(self) -> None:
        check_fields(self, "augmentation")

    def __call__(self, images: Tensor) -> Tensor:
        """Augment a batch of shape (batch, channels, height, width)."""
        batch, _, height, width = images.shape
        if self.shift or self.flip:
            device = images.device
            rows = torch.arange(height, device=device).expand(batch, height)
            columns = torch.arange(width, device=device).expand(batch, width)
            if self.flip:
                mirrored = torch.rand(batch, 1, device=device) < 0.5
                columns = torch.where(mirrored, width - 1 - columns, columns)
            if self.shift:
                moves = torch.randint(-self.shift, self.shift + 1, (2, batch, 1), device=device)
                rows, columns = rows + moves[0] + self.shift, columns + moves[1] + self.shift
                images = torch.nn.functional.pad(images, [self.shift] * 4)
            index = torch.arange(batch, device=device)[:, None, None]
            images = images.movedim(1, -1)[index, rows[:, :, None], columns[:, None, :]]
            images = images.movedim(-1, 1).contiguous()
        return self._cut(images) if self.cutout else images

    def _cut(self, images: Tensor) -> Tensor:
        batch, _, height, width = images.shape
        device = images.device
        low = -(self.cutout // 2)
        kept = []
        for size in (height, width):
            first = torch.randint(0, size, (batch, 1), device=device) + low
            place = torch.arange(size, device=device)
            kept.append((place < first) | (place >= first + self.cutout))
        return images * (kept[0][:, None, :, None] | kept[1][:, None, None, :])


@dataclass(frozen=True)
class Part:
    """Images with labels on a device.

    Attributes
    ----------
    images : float32 of shape (n, channels, size, size).
    labels : int64 of shape (n,).
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Part:
        """The same on another device."""
        return Part(self.images.to(device), self.labels.to(device))

    def batches(self, batch_size: int) -> Iterator[Part]:
        """All images in order, in batches."""
        for start in range(0, len(self), batch_size):
            rows = slice(start, start + batch_size)
            yield Part(self.images[rows], self.labels[rows])

    def shuffled(self, batch_size: int) -> Iterator[Part]:
        """All images in random order, in whole batches; a smaller one where there are no more."""
        order = torch.randperm(len(self)).to(self.labels.device)
        for start in range(0, max(1, len(self) - batch_size + 1), batch_size):
            rows = order[start : start + batch_size]
            yield Part(self.images[rows], self.labels[rows])

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
    train_images = torch.from_numpy(images.train_images)
    train_labels = torch.from_numpy(images.train_labels)
    parts = [
        Part(train_images[rows], train_labels[rows])
        for rows in (order[n_validation:], order[:n_validation])
    ]
    test = Part(torch.from_numpy(images.test_images), torch.from_numpy(images.test_labels))
    return SearchData(parts[0], parts[1], test)
