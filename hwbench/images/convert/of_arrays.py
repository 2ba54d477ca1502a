"""Images that are arrays already: published archives by name or path, `.npz`, and IDX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.images.catalogue import image_card
from hwbench.images.convert.idx import idx_arrays, idx_files
from hwbench.images.convert.pictures import of_array
from hwbench.images.convert.source import Labelled, Source, digest_of_files
from hwbench.images.files import CIFAR, SVHN, cifar_arrays, svhn_arrays
from hwbench.images.imagenet16 import TEST, TRAIN, imagenet16_arrays
from hwbench.images.npz_file import npz_arrays
from hwbench.images.reading import Part

_READERS: dict[str, Callable[[Path], tuple[Part, Part]]] = {
    "cifar10": partial(cifar_arrays, "cifar10"),
    "cifar100": partial(cifar_arrays, "cifar100"),
    "imagenet16-120": imagenet16_arrays,
    "svhn": svhn_arrays,
}
_FILES = {
    **{name: (about[0],) for name, about in CIFAR.items()},
    "svhn": tuple(SVHN),
    "imagenet16-120": (*TRAIN, *TEST),
}
"""By which files a folder is seen to hold a published image set."""


class ArraySource(Source):
    """Images in memory.

    Parameters
    ----------
    title, name, base : see `Source`.
    train, test : uint8 of shape (n, channels, height, width), and labels.
    class_names : where they are known.
    files : that they were read from.
    """

    def __init__(
        self,
        title: str,
        name: str,
        base: str,
        train: Part,
        test: Part,
        class_names: tuple[str, ...],
        files: list[Path],
    ) -> None:
        self.title, self.name, self.base = title, name, base
        self._train, self._test = train, test
        self._class_names = class_names
        self._files = files

    def labelled(self) -> Labelled:
        labels = np.concatenate([self._train[1], self._test[1]])
        is_test = np.arange(len(labels)) >= len(self._train[1])
        return Labelled(labels, is_test, self._class_names)

    def pictures(self, rows: IntArray) -> Iterator[Image.Image]:
        n_train = len(self._train[1])
        for row in rows.tolist():
            images = self._train[0] if row < n_train else self._test[0]
            yield of_array(images[row if row < n_train else row - n_train])

    def sha256(self) -> str:
        return digest_of_files(self._files)


def published_source(name: str, folder: Path) -> ArraySource:
    """The files of a published image set, in a folder.

    Raises
    ------
    HwbenchError
        Where a file is missing, another one, or damaged.
    """
    train, test = _READERS[name](folder)
    files = [folder / file for file in _FILES[name]]
    return ArraySource(name, name, name, train, test, image_card(name).class_names, files)


def published_at(path: Path) -> tuple[str, Path] | None:
    """The published image set that a path holds, and its folder; None where it holds none."""
    for name, files in _FILES.items():
        if path.name in files and path.is_file():
            return name, path.parent
        if (path / files[0]).is_file():
            return name, path
    return None


def published_files(name: str) -> tuple[str, ...]:
    """The names of a published image set's files, the first by which a folder is known."""
    return _FILES[name]


def npz_source(path: Path) -> ArraySource:
    """A `.npz` file, see `hwbench.images.npz_file.read_npz`.

    Raises
    ------
    HwbenchError
        Where it is none, or its images are no whole numbers 0 .. 255 of one or three channels.
    """
    train, test, about = npz_arrays(path)
    parts = [_bytes(path, part) for part in (train, test)]
    base = "" if about is None else about.base
    class_names = () if about is None else about.class_names
    return ArraySource(path.name, path.stem, base, parts[0], parts[1], class_names, [path])


def _bytes(path: Path, part: Part) -> Part:
    images, labels = part
    if images.dtype.kind not in "iu" or images.min() < 0 or images.max() > 255:
        raise HwbenchError(
            f"{path}: images must be whole numbers 0 .. 255 to be converted; scale and round those "
            "of another range first"
        )
    if images.max() == 1:
        raise HwbenchError(
            f"{path}: images hold no number above 1, and would be all but black; multiply them by "
            "255 first"
        )
    if images.ndim == 5:
        raise HwbenchError(f"{path}: holds events, which cannot be converted; use them as they are")
    if images.shape[1] not in (1, 3):
        raise HwbenchError(
            f"{path}: images of {images.shape[1]} channels cannot be converted, only of 1 or 3"
        )
    return images.astype(np.uint8, copy=False), labels


def idx_source(folder: Path) -> ArraySource | None:
    """The four files of a set like MNIST; None where a folder holds none of them.

    Raises
    ------
    HwbenchError
        Where one of them is missing or damaged.
    """
    files = idx_files(folder)
    if files is None:
        return None
    train, test = idx_arrays(files)
    return ArraySource(folder.name, folder.absolute().name, "", train, test, (), [*files.values()])
