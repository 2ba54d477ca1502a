"""ImageNet16-120 from the pickled batches of ImageNet at 16x16 pixels.

The files are those of the downsampled ImageNet (train_data_batch_1 .. 10 and val_data), of which
NAS-Bench-201 takes the first 120 classes. Nothing that a file brings is run: its arrays are rebuilt
from plain numbers, texts and bytes.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet

SIDE = 16
CLASSES = 120

TRAIN = {
    "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
    "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
    "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
    "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
    "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
    "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
    "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
    "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
    "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
    "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
}
TEST = {"val_data": "3410e3017fdaefba8d5073aaa65e4bd6"}
"""Names of the files and their published MD5."""


def read_imagenet16_120(folder: Path, *, check: bool = True) -> ImageSet:
    """ImageNet16-120: 151,700 images to train on, and the 6,000 validation images to test on.

    Parameters
    ----------
    folder : that holds the eleven files.
    check : whether they must be the published ones.

    Raises
    ------
    HwbenchError
        Where a file is missing, another one, or damaged.
    """
    from hwbench.images.reading import normalised, published_file

    parts = []
    for files in (TRAIN, TEST):
        paths = [folder / name for name in files]
        for path in paths:  # a file that is missing is found before hours of reading
            if not path.is_file():
                published_file(path, None)
        batches = [
            read_batch(published_file(path, digest if check else None), CLASSES)
            for path, digest in zip(paths, files.values(), strict=True)
        ]
        images, labels = zip(*batches, strict=True)
        parts.append((np.concatenate(images), np.concatenate(labels)))
    title = "ImageNet16-120, 16x16 pixels, three channels, the first 120 classes of ImageNet"
    return normalised("imagenet16-120", title, parts[0], parts[1], CLASSES)


def read_batch(path: Path, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images of the first classes in one file.

    Parameters
    ----------
    path : of a pickled dictionary with `data`, uint8 of shape (n, 768), and `labels`, from 1.
    classes : how many.

    Returns
    -------
    uint8 of shape (n_kept, 3, 16, 16), and int64 of shape (n_kept,) from 0.

    Raises
    ------
    HwbenchError
        Where the file is damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            content = _Reader(file, encoding="latin1").load()
        pixels = content["data"].to_numpy()
        given = content["labels"]
        labels = given.to_numpy() if isinstance(given, _Array) else np.array(given)
    except Exception as error:  # a damaged pickle may raise anything
        raise HwbenchError(
            f"{path}: is damaged or no batch of ImageNet at 16x16 pixels ({error})"
        ) from error
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (3 * SIDE * SIDE,):
        raise HwbenchError(
            f"{path}: is no batch of ImageNet at 16x16 pixels; its images are {pixels.dtype} of "
            f"shape {pixels.shape}, not uint8 of shape (n, {3 * SIDE * SIDE})"
        )
    if labels.dtype.kind not in "iu" or labels.shape != (len(pixels),):
        raise HwbenchError(f"{path}: has not one whole number as the label of each image")
    kept = (labels >= 1) & (labels <= classes)
    images = pixels[kept].reshape(-1, 3, SIDE, SIDE)
    return images, labels[kept].astype(np.int64) - 1


class _DataType:
    """What a pickle says of a numpy data type."""

    order = "="

    def __init__(self, code: str, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _Array:
    """What a pickle says of a numpy array; `to_numpy` makes a plain one of numbers of it."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.data_type, self.column_major, self.content = state

    def to_numpy(self) -> NDArray[Any]:
        """The array of integers or real numbers.

        Raises
        ------
        ValueError
            Where it is of another type, or bytes are missing.
        """
        dtype = np.dtype(self.data_type.code)
        if dtype.kind not in "iuf":
            raise ValueError(f"an array of type {self.data_type.code}")
        content = self.content
        if isinstance(content, str):  # of Python 2
            content = content.encode("latin1")
        flat = np.frombuffer(content, dtype=dtype.newbyteorder(self.data_type.order))
        return flat.reshape(self.shape, order="F" if self.column_major else "C")


def _new_array(*_: object) -> _Array:
    return _Array()


def _array_of(content: bytes, data_type: _DataType, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, data_type, order == "F", content))
    return array


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding}")
    return text.encode("latin1")


_REPLACED = {
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("numpy.core.multiarray", "scalar"): _new_array,
    ("numpy._core.multiarray", "scalar"): _new_array,
    ("numpy.core.numeric", "_frombuffer"): _array_of,
    ("numpy._core.numeric", "_frombuffer"): _array_of,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DataType,
    ("_codecs", "encode"): _bytes_of,
}


class _Reader(pickle.Unpickler):
    """Rebuilds containers, numbers, texts and arrays, and refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _REPLACED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _REPLACED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f"it refers to {pid!r} outside of it")
