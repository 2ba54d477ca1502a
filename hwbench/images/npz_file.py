"""Image sets as arrays in one `.npz` file: of one's own making, or converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt

from hwbench.errors import HwbenchError, one_line
from hwbench.files import atomic_path
from hwbench.formats.archives import load_npz
from hwbench.images.image_set import ImageSet, Labels
from hwbench.images.reading import Part, normalised
from hwbench.toml import FrozenModel

MOST_CLASSES = 100_000
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
ABOUT = "about"


class About(FrozenModel):
    """What a converted image set says of itself.

    Attributes
    ----------
    title : for people.
    base : name of the image set that these images are of, its own name where they are of none.
    source : name of the file or folder that they were read from, or of the image set.
    source_sha256 : of that file; of several files, of a line "SHA-256, two spaces, path" for each
        that was read, sorted by path.
    size, channels : of an image, in pixels.
    classes, class_names : how many, and what they are called where that is known.
    train_images, test_images : how many.
    of_train_images : how many training images the source has; more where a part was drawn.
    test_share : of the images that were set aside for testing; None where the source is split.
    seed : of the draws.
    pillow : the version of Pillow that decoded and resized.
    """

    title: str
    base: str
    source: str
    source_sha256: str
    size: PositiveInt
    channels: PositiveInt
    classes: PositiveInt
    class_names: tuple[str, ...] = ()
    train_images: PositiveInt
    test_images: PositiveInt
    of_train_images: PositiveInt
    test_share: float | None
    seed: NonNegativeInt
    pillow: str


def read_npz(path: Path) -> ImageSet:
    """Images of one's own, or what `write_npz` wrote.

    Parameters
    ----------
    path : a `.npz` file with `train_images` and `test_images` of shape (n, channels, size, size) or
        (n, size, size), numbers of any kind of which 0 is black, and `train_labels` and
        `test_labels` of shape (n,), integers from 0. Events are of shape
        (n, T, channels, size, size): spikes, or how many came, in each of T steps.

    Raises
    ------
    HwbenchError
        Where the file or an array is missing, or arrays do not fit one another.
    """
    train, test, about = npz_arrays(path)
    if about is not None:
        return normalised(path.stem, about.title, train, test, about.classes, base=about.base)
    classes = int(max(train[1].max(), test[1].max())) + 1
    without = np.setdiff1d(np.arange(classes), train[1])
    if len(without):
        raise HwbenchError(
            f"{path}: {len(without)} of the classes 0 .. {classes - 1} have no training images, "
            f"such as {without[0]}; 'hwbench images convert {path} -o NEW.npz' numbers those that "
            "have"
        )
    shape = "x".join(map(str, train[0].shape[1:]))
    return normalised(path.stem, f"images of {path.name}, {shape}", train, test, classes)


def npz_arrays(path: Path) -> tuple[Part, Part, About | None]:
    """The training and the test part as they are in a `.npz` file, and what it says of them."""
    arrays = load_npz(path, (*ARRAYS, ABOUT))
    for name in ARRAYS:
        if name not in arrays:
            raise HwbenchError(f"{path}: lacks the array {name}; it needs {', '.join(ARRAYS)}")
    parts = [
        _checked(path, part, arrays[f"{part}_images"], arrays[f"{part}_labels"])
        for part in ("train", "test")
    ]
    if parts[0][0].shape[1:] != parts[1][0].shape[1:]:
        shapes = " and ".join("x".join(map(str, part[0].shape[1:])) for part in parts)
        raise HwbenchError(f"{path}: training and test images differ in shape ({shapes})")
    about = _about(path, arrays)
    if about is not None and max(int(labels.max()) for _, labels in parts) >= about.classes:
        raise HwbenchError(f"{path}: has labels beyond its {about.classes} classes; convert again")
    return parts[0], parts[1], about


def read_about(path: Path) -> About | None:
    """What a `.npz` file says of its images, which are not read; None where it says nothing.

    Raises
    ------
    HwbenchError
        Where the file cannot be read.
    """
    return _about(path, load_npz(path, (ABOUT,)))


def describe_npz(path: Path) -> dict[str, Any]:
    """What is known of the images in a `.npz` file; of a converted set, none is read.

    Returns
    -------
    `title`, `base`, `size`, `channels`, `train_images`, `test_images` and `classes`.

    Raises
    ------
    HwbenchError
        Where the file cannot be read.
    """
    about = read_about(path)
    if about is not None:
        keys = ("title", "base", "size", "channels", "train_images", "test_images", "classes")
        return about.model_dump(include=set(keys))
    train, test, _ = npz_arrays(path)
    return {
        "title": f"images of {path.name}",
        "base": path.stem,
        "size": train[0].shape[-1],
        "channels": train[0].shape[-3],
        "train_images": len(train[1]),
        "test_images": len(test[1]),
        "classes": int(max(train[1].max(), test[1].max())) + 1,
    }


def _about(path: Path, arrays: dict[str, NDArray[Any]]) -> About | None:
    if ABOUT not in arrays:
        return None
    try:
        return About.model_validate_json(str(arrays[ABOUT]))
    except ValueError as error:
        raise HwbenchError(
            f"{path}: what it says of its images cannot be read ({one_line(error)}); convert them "
            "again with hwbench images convert"
        ) from error


def write_npz(path: Path, about: About, train: Part, test: Part) -> None:
    """Write images as `read_npz` reads them; the same images give the same bytes.

    Parameters
    ----------
    path : of the file, which is replaced.
    about : what is to be said of them.
    train, test : uint8 of shape (n, channels, size, size), and int64 of shape (n,).

    Raises
    ------
    HwbenchError
        Where the file cannot be written.
    """
    arrays: dict[str, Any] = dict(zip(ARRAYS, (*train, *test), strict=True))
    arrays[ABOUT] = np.array(about.model_dump_json())
    with atomic_path(path, durable=True) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def _checked(
    path: Path, part: str, images: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[Any], Labels]:
    images = images[:, None] if images.ndim == 3 else images
    if images.ndim not in (4, 5) or images.shape[-2] != images.shape[-1]:
        last = images.ndim == 4 and images.shape[1] == images.shape[2]
        raise HwbenchError(
            f"{path}: {part}_images must be of shape (n, channels, size, size), events of shape "
            f"(n, T, channels, size, size), not {images.shape}"
            + ("; move the channels with images.transpose(0, 3, 1, 2)" if last else "")
        )
    if labels.ndim != 1:
        how = "labels.argmax(axis=1)" if labels.shape[-1:] > (1,) else "labels.reshape(-1)"
        raise HwbenchError(
            f"{path}: {part}_labels must be of shape (n,), a class's number an image, not "
            f"{labels.shape}; {how} makes that"
        )
    if len(images) != len(labels) or not len(labels):
        raise HwbenchError(
            f"{path}: there are {len(images)} {part} images and {len(labels)} labels"
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        texts = "; np.unique(labels, return_inverse=True)[1] numbers texts"
        raise HwbenchError(
            f"{path}: {part}_labels must be integers from 0, not {labels.dtype}"
            + (texts if labels.dtype.kind in "SU" else "")
        )
    if labels.max() >= MOST_CLASSES:
        raise HwbenchError(f"{path}: {part}_labels must be below {MOST_CLASSES:,}")
    if images.dtype.kind not in "iufb" or not np.isfinite(images).all():
        raise HwbenchError(f"{path}: {part}_images must be finite numbers")
    return images, labels.astype(np.int64)
