"""Pictures that ask for much are refused before anything is given to them."""

import struct
import zlib

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.images.convert import pictures as pictures_module
from hwbench.images.convert.pictures import decoded


def png(width, height, *chunks):
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), *chunks]
    parts.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


@pytest.mark.parametrize("side", [6000, 10_000, 60_000])
def test_more_pixels_than_are_read(side):
    content = png(side, side, (b"IDAT", zlib.compress(bytes(1000))))
    with pytest.raises(HwbenchError, match=r"it\.png: .*pixels") as caught:
        decoded(content, "it.png")
    assert "\n" not in str(caught.value)


def test_a_long_text_beside_a_picture():
    text = (b"zTXt", b"a\0\0" + zlib.compress(bytes(2**24)))
    pixels = (b"IDAT", zlib.compress(bytes(20)))
    with pytest.raises(HwbenchError, match=r"it\.png: cannot be read as a picture \(Decompressed"):
        decoded(png(4, 4, text, pixels), "it.png")


def test_a_large_file(monkeypatch, encoded, pictures):
    content = encoded(pictures(1)[0])
    monkeypatch.setattr(pictures_module, "MOST_FILE_BYTES", len(content) - 1)
    with pytest.raises(HwbenchError, match=f"{len(content)} bytes are more than"):
        decoded(content, "it.png")


def test_a_torn_file_is_no_grey_half(encoded, pictures):
    content = encoded(pictures(1, 64, 64)[0], "JPEG")
    with pytest.raises(HwbenchError, match="truncated"):
        decoded(content[: len(content) // 2], "it.jpg")


def test_formats_that_are_not_read_are_refused(encoded, pictures):
    with pytest.raises(HwbenchError, match="cannot identify image file"):
        decoded(encoded(pictures(1)[0], "GIF"), "it.gif")


def test_other_models_of_colour_become_three_channels(encoded, pictures):
    from PIL import Image

    image = Image.fromarray(pictures(1)[0])
    assert decoded(encoded(image.convert("CMYK"), "JPEG"), "it.jpg").mode == "RGB"
    assert decoded(encoded(image.quantize(8), "PNG"), "it.png").mode == "RGB"
    assert decoded(encoded(image.convert("1"), "PNG"), "it.png").mode == "L"
    black = np.asarray(decoded(encoded(Image.new("LA", (4, 4), (200, 0)), "PNG"), "it.png"))
    assert black.shape == (4, 4)
    assert not black.any()


def test_a_picture_is_turned_as_its_camera_says(encoded, pictures):
    from PIL import Image

    image = Image.fromarray(pictures(1, 6, 4)[0])
    plain = np.asarray(decoded(encoded(image, "PNG"), "it.png"))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned = np.asarray(decoded(encoded(image, "PNG", exif=exif), "it.png"))
    np.testing.assert_array_equal(turned, np.rot90(plain, -1))
