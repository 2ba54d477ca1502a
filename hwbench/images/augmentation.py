"""Random changes of training images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from hwbench.arguments import check_fields
from hwbench.errors import HwbenchError
from hwbench.images.parts import Part


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images, drawn anew for each image and step.

    Attributes
    ----------
    shift : most pixels that an image is moved by in each direction; black pixels come in, as
        published codes pad images before they normalise them.
    flip : whether images are mirrored left to right with probability one half.
    cutout : side of the square that is set to zero, the mean colour, around a random pixel; 0 for
        none.
    """

    shift: NonNegativeInt = 0
    flip: bool = False
    cutout: NonNegativeInt = 0

    def __post_init__(self) -> None:
        check_fields(self, "augmentation")

    def check_size(self, size: int) -> None:
        """See that something is left of images of so many pixels a side.

        Raises
        ------
        HwbenchError
            Where they may be moved out of themselves, or all of them be cut out.
        """
        parts = (("shift", self.shift, "an eighth of", 8), ("cutout", self.cutout, "half", 2))
        for name, value, share, divisor in parts:
            if value >= size:
                raise HwbenchError(
                    f"augmentation: {name} = {value} leaves nothing of images of {size} pixels; "
                    f"{share} a side, as published for 32 pixels, is {size // divisor} (0 for none)"
                )

    def apply(self, part: Part) -> Part:
        """A part with its images augmented; labels and black are the same."""
        return Part(self(part.images, part.black), part.labels, part.black)

    def __call__(self, images: Tensor, black: Tensor | None = None) -> Tensor:
        """Augment a batch.

        Parameters
        ----------
        images : of shape (batch, channels, height, width); of events (batch, T, channels, height,
            width), all steps of which change alike.
        black : of shape (channels,), the pixels that come in; zeros by default.

        Returns
        -------
        The same shape.
        """
        if images.dim() == 5:
            steps = images.shape[1]
            folded = self(images.flatten(1, 2), None if black is None else black.repeat(steps))
            return folded.reshape(images.shape)
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
                images = _padded(images, self.shift, black)
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


def _padded(images: Tensor, margin: int, colour: Tensor | None) -> Tensor:
    """Images with a margin of a colour of shape (channels,), or of zeros, on all sides."""
    if colour is None:
        return torch.nn.functional.pad(images, [margin] * 4)
    batch, channels, height, width = images.shape
    shape = (batch, channels, height + 2 * margin, width + 2 * margin)
    padded = colour[:, None, None].expand(shape).clone(memory_format=torch.contiguous_format)
    padded[:, :, margin:-margin, margin:-margin] = images
    return padded
