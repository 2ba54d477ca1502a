"""What images are converted from."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import file_digest
from hwbench.wording import some

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

TESTS = ("test", "testing")
"""Of these: where one is there, the others that are tested on are left out."""


@dataclass
class Labelled:
    """The labels of all images of a source, in its order.

    Attributes
    ----------
    labels : int64 of shape (n,), 0 .. classes - 1.
    is_test : bool of shape (n,); None where the source is not split.
    class_names : what the classes are called, where that is known.
    left_out : bool of shape (n,), of parts that are not used; None where all are.
    """

    labels: IntArray
    is_test: NDArray[np.bool_] | None
    class_names: tuple[str, ...] = ()
    left_out: NDArray[np.bool_] | None = None


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


def without_gaps(labelled: Labelled) -> tuple[Labelled, list[str]]:
    """Images whose classes are numbered from 0 without gaps, where no name stands for a gap.

    A class without images is an output that a network never learns. Where classes have names, they
    keep their numbers.

    Returns
    -------
    The labels, and notes on what is another number now, or has no images.
    """
    labels = labelled.labels
    used = np.ones(len(labels), bool) if labelled.left_out is None else ~labelled.left_out
    there, numbers = np.unique(labels[used], return_inverse=True)
    named = len(labelled.class_names)
    if not len(there) or len(there) == max(int(there[-1]) + 1, named):
        return labelled, []
    if there[-1] < named:
        empty = [labelled.class_names[each] for each in np.setdiff1d(np.arange(named), there)]
        several = len(empty) > 1
        return labelled, [
            f"the class{'es' * several} {some(empty)} {'have' if several else 'has'} no images"
        ]
    renumbered = labels.copy()
    renumbered[used] = numbers
    old = tuple(map(str, there.tolist()))
    note = f"the labels {some(old)} became 0 .. {len(old) - 1}: no image has another"
    return replace(labelled, labels=renumbered, class_names=old), [note]


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


def parts_of_rows(
    names: NDArray[np.str_], where: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None, list[str]]:
    """Which rows are tested on, and which are left out.

    Parameters
    ----------
    names : of the part of each row, of shape (n,).
    where : for messages.

    Returns
    -------
    `is_test` and `left_out` as in `Labelled`, and notes on what is left out.

    Raises
    ------
    HwbenchError
        Where a name says nothing.
    """
    there, place = np.unique(names, return_inverse=True)
    plain = [str(name).casefold() for name in there]
    for name, folded in zip(there.tolist(), plain, strict=True):
        if folded not in SPLITS:
            raise unknown_name("part", name, SPLITS, where=where)
    is_test = np.array([SPLITS[name] for name in plain])
    left_out = is_test & ~np.isin(plain, TESTS)
    if not left_out.any() or not np.isin(plain, TESTS).any():
        return is_test[place], None, []
    return is_test[place], left_out[place], [left_out_note(there[left_out].tolist())]


def left_out_note(parts: Sequence[str]) -> str:
    """What is said of parts that are not used."""
    return f"{_parts_are(parts)} left out: there is one to test on"


def secret_note(parts: Sequence[str]) -> str:
    """What is said of parts whose images have no labels."""
    return f"{_parts_are(parts)} left out: no label of its images is known"


def _parts_are(parts: Sequence[str]) -> str:
    several = len(parts) > 1
    return f"the part{'s' * several} {' and '.join(parts)} {'are' if several else 'is'}"


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
