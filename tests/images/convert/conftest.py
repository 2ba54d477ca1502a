import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pictures():
    """Random pictures of numbers 0 .. 255, uint8 of shape (n, height, width, 3)."""

    def make(n, height=8, width=8, seed=0):
        return np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8)

    return make


@pytest.fixture
def encoded():
    """The bytes of a picture's file, of an array or of an image of Pillow's."""

    def encode(picture, kind="PNG", **options):
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        file = io.BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    return encode


@pytest.fixture
def folder_of(tmp_path, encoded):
    """Writes pictures by their paths; gives the folder."""

    def write(pictures, folder="photos"):
        for path, picture in pictures.items():
            place = tmp_path / folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            kind = "JPEG" if place.suffix == ".jpg" else "PNG"
            place.write_bytes(picture if isinstance(picture, bytes) else encoded(picture, kind))
        return tmp_path / folder

    return write
