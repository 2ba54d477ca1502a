"""ImageNet16-120 from the pickled batches of ImageNet at 16x16 pixels.

The files are those of the downsampled ImageNet (train_data_batch_1 .. 10 and val_data), of which
NAS-Bench-201 takes the first 120 classes. They are read as `hwbench.formats` reads pickles: nothing
that a file brings is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats import load_pickle
from hwbench.images.image_set import ImageSet
from hwbench.images.reading import Part, normalised, published_file

NAME = "imagenet16-120"
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
    train, test = imagenet16_arrays(folder, check=check)
    title = "ImageNet16-120, 16x16 pixels, three channels, the first 120 classes of ImageNet"
    return normalised(NAME, title, train, test, CLASSES)


def imagenet16_arrays(folder: Path, *, check: bool = True) -> tuple[Part, Part]:
    """The training and the test part as they are published; see `read_imagenet16_120`."""
    parts = []
    for files in (TRAIN, TEST):
        paths = [folder / name for name in files]
        for path in paths:  # a file that is missing is found before hours of reading
            if not path.is_file():
                published_file(path, None, NAME)
        batches = [
            read_batch(published_file(path, digest if check else None, NAME), CLASSES)
            for path, digest in zip(paths, files.values(), strict=True)
        ]
        images, labels = zip(*batches, strict=True)
        parts.append((np.concatenate(images), np.concatenate(labels)))
    return parts[0], parts[1]


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
    content = load_pickle(path)
    if not isinstance(content, dict) or not {"data", "labels"} <= content.keys():
        raise HwbenchError(
            f"{path}: is no batch of ImageNet at 16x16 pixels, which has `data` and `labels`"
        )
    pixels, labels = (_array(content[key]) for key in ("data", "labels"))
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


def _array(value: Any) -> NDArray[Any]:
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths
        return np.empty(0, dtype=object)
