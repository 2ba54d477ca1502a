"""Pictures of one's own: decoded within limits, and resized.

A picture is an image of Pillow's in one of two modes, "L" (grey) or "RGB".
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hwbench.errors import HwbenchError, one_line

FORMATS = ("BMP", "JPEG", "PNG", "PPM")
"""Pillow's names of the formats that are read; others bring more code to what is hostile."""

SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"))
MOST_FILE_BYTES = 1 << 26
MOST_PIXELS = 1 << 25
_GREY, _COLOURED = ("1", "L"), ("RGB", "P", "CMYK", "YCbCr", "LAB", "HSV")
_TRANSPARENT = {"LA": "L", "PA": "RGB", "RGBA": "RGB", "La": "L", "RGBa": "RGB"}


def decoded(content: bytes, where: str) -> Image.Image:
    """A picture from the bytes of its file.

    It is turned as its camera says (EXIF); whatever is transparent stands on black, of raw value 0.

    Parameters
    ----------
    content : of the file.
    where : its name, for messages.

    Raises
    ------
    HwbenchError
        Where it is damaged, no picture, has more pixels than are read, or has 16 bits a channel.
    """
    if len(content) > MOST_FILE_BYTES:
        raise HwbenchError(
            f"{where}: {len(content):,} bytes are more than the {MOST_FILE_BYTES:,} of a picture "
            "that are read"
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is read all the same
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            _check_pixels(picture, where)
            picture.load()
            return _plain(ImageOps.exif_transpose(picture), where)
    except HwbenchError:
        raise
    except Exception as error:  # Pillow does not say what damage may raise
        reason = one_line(error).replace(" <_io.BytesIO object at ", " at ").partition(" at 0x")[0]
        raise HwbenchError(
            f"{where}: cannot be read as a picture ({reason}); {', '.join(FORMATS)} are read"
        ) from error


def _check_pixels(picture: Image.Image, where: str) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise HwbenchError(
            f"{where}: {width:,}x{height:,} pixels are more than the {MOST_PIXELS:,} of a picture "
            "that are read"
        )


def _plain(picture: Image.Image, where: str) -> Image.Image:
    mode = picture.mode
    if mode in _GREY:
        kind = "L"
    elif mode in _COLOURED:
        kind = "RGB"
    elif mode in _TRANSPARENT:
        kind = _TRANSPARENT[mode]
    else:
        raise HwbenchError(
            f"{where}: has more than 8 bits a channel (Pillow's mode {mode}); convert it to 8 bits"
        )
    if picture.has_transparency_data:
        whole = picture.convert("RGBA")
        black = Image.new("RGBA", whole.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, whole).convert("RGB")
    return picture if picture.mode == kind else picture.convert(kind)


def of_array(image: NDArray[np.uint8]) -> Image.Image:
    """A picture of shape (1 or 3, height, width)."""
    return Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1).copy())


def resized(picture: Image.Image, size: int) -> Image.Image:
    """A picture as a square: by the mean of areas where no side grows, else bicubic.

    The whole picture is kept: the sides of one that is no square change by different factors.
    """
    if picture.size == (size, size):
        return picture
    smaller = min(picture.size) >= size
    how = Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC
    return picture.resize((size, size), how)


def pixels(picture: Image.Image) -> NDArray[np.uint8]:
    """Of shape (3, height, width), a grey picture three times."""
    values = np.asarray(picture)
    if values.ndim == 2:
        return np.broadcast_to(values, (3, *values.shape))
    return np.moveaxis(values, -1, 0)
