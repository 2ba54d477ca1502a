"""What images are converted from."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import file_digest

SPLITS = {
    "train": False,
    "training": False,
    "test": True,
    "testing": True,
    "val": True,
    "valid": True,
    "validation": True,
}
"""What parts are called, and whether they are tested on."""


@dataclass
class Labelled:
    """The labels of all images of a source, in its order.

    Attributes
    ----------
    labels : int64 of shape (n,), 0 .. classes - 1.
    is_test : bool of shape (n,); None where the source is not split.
    class_names : what the classes are called, where that is known.
    """

    labels: IntArray
    is_test: NDArray[np.bool_] | None
    class_names: tuple[str, ...] = ()


class Source(ABC):
    """Images with labels, read one after the other.

    Attributes
    ----------
    title : of the file or folder, for messages.
    name : what a converted set is called by, before its size.
    base : name of the image set that the images are of; "" where that is not known.
    """

    title: str
    name: str
    base: str = ""

    @abstractmethod
    def labelled(self) -> Labelled:
        """Labels and split; no image is read."""

    @abstractmethod
    def pictures(self, rows: IntArray) -> Iterator[Image.Image]:
        """The pictures of some rows of `labelled`, which ascend, in their order."""

    @abstractmethod
    def sha256(self) -> str:
        """Of what was read, see `hwbench.images.npz_file.About`."""

    def notes(self) -> list[str]:
        """What was left out, a line each."""
        return []


def files_digest(digests: Mapping[str, str]) -> str:
    """One SHA-256 for several files.

    Parameters
    ----------
    digests : SHA-256 of each file by its path, with "/" on every system.
    """
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.items())]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def digest_of_files(paths: Sequence[Path]) -> str:
    """One SHA-256 for files that go by their names."""
    return files_digest({path.name: file_digest(path) for path in paths})


def is_tested_on(split: str, where: str) -> bool:
    """Whether a part of that name is tested on.

    Raises
    ------
    HwbenchError
        Where the name says nothing.
    """
    if split.casefold() not in SPLITS:
        raise unknown_name("part", split, SPLITS, where=where)
    return SPLITS[split.casefold()]


def numbered(names: Sequence[str], where: str) -> tuple[IntArray, tuple[str, ...]]:
    """Labels by number, and their names, sorted.

    Raises
    ------
    HwbenchError
        Where there are none.
    """
    if not names:
        raise HwbenchError(f"{where}: holds no images")
    classes, labels = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
    return labels.astype(np.int64), tuple(classes.tolist())
