"""Image sets to train on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hwbench.assets import Source, home
from hwbench.code_version import module_of
from hwbench.errors import HwbenchError, unknown_name
from hwbench.images.image_set import ImageSet
from hwbench.images.reading import fetch_command
from hwbench.registry import Registry

IMAGE_SETS = Registry(
    "image set",
    {
        "cifar10": "hwbench.images.files:read_cifar10",
        "cifar100": "hwbench.images.files:read_cifar100",
        "digits": "hwbench.images.digits:read_digits",
        "imagenet16-120": "hwbench.images.imagenet16:read_imagenet16_120",
        "mnist-5k": "hwbench.images.mnist:read_mnist_5k",
        "svhn": "hwbench.images.files:read_svhn",
    },
    "hwbench.image_sets",
)
"""Functions from the folder that a set's files lie in to its `ImageSet`.

One is called once in a run, when it begins and again when it goes on after a stop, before anything
is trained, with `HWBENCH_HOME`/images or the folder that a config names. It only reads: the same
files give the same arrays, which it does not keep. Its set says what a black pixel is, or zeros
come in where an augmentation moves images. Where a file is missing or damaged it raises a
`HwbenchError` that names it.
"""

PUBLISHED = ("cifar10", "cifar100", "imagenet16-120", "svhn")
"""Image sets whose published files `hwbench images convert` reads by the set's name."""

_CONVERTED = re.compile(rf"({'|'.join(PUBLISHED)})-([1-9]\d*)(?:-([1-9]\d*))?")
_NPZ = "hwbench.images.npz_file"


def images_folder() -> Path:
    """Where files of image sets are, `HWBENCH_HOME`/images."""
    return home() / "images"


def list_image_sets() -> list[str]:
    """Names of all image sets, sorted; but for `digits` their files must be there."""
    return sorted({*IMAGE_SETS, *converted_files()})


def converted_files(folder: Path | None = None) -> dict[str, Path]:
    """The `.npz` files that go by a name, by this name; no name of another set is among them.

    Parameters
    ----------
    folder : that they are in; `HWBENCH_HOME`/images by default.
    """
    files = Source("", images_folder() if folder is None else folder).files(".npz")
    return {name: path for name, path in files.items() if name not in IMAGE_SETS}


def converted_name(base: str, size: int, images: int | None = None) -> str:
    """What a set is called in another size, or where so many of its training images are taken."""
    return f"{base}-{size}" if images is None else f"{base}-{size}-{images}"


def reader_module(name: str) -> str:
    """The module of what reads an image set: a part of the code of what is trained on it.

    Parameters
    ----------
    name : as for `load_images`.
    """
    known = name in IMAGE_SETS or (":" in name and not name.endswith(".npz"))
    return module_of(IMAGE_SETS.path_of(name)) if known else _NPZ


def load_images(name: str, folder: Path | None = None) -> ImageSet:
    """The image set of that name.

    Parameters
    ----------
    name : one of `list_image_sets()`, the path of a `.npz` file (see `read_npz`), or the import
        path "module:function" of a reader of one's own.
    folder : of the set's files; `HWBENCH_HOME`/images by default.

    Raises
    ------
    HwbenchError
        Where there is none; the message says the nearest one, or how it is made. Where a file is
        missing or damaged.
    """
    place = images_folder() if folder is None else folder
    if name in IMAGE_SETS or (":" in name and not name.endswith(".npz")):
        read: Callable[[Path], ImageSet] = IMAGE_SETS.load(name)
        return _known_by_arrays(read(place), reader_module(name))
    from hwbench.images.npz_file import read_npz

    return read_npz(_npz_path(name, place))


def _known_by_arrays(images: ImageSet, module: str) -> ImageSet:
    """A set that a reader of one's own gives, whose `sha256` is of the arrays that it gives.

    One that is made of another set, as by `dataclasses.replace`, would go by that one's.
    """
    return images if module.partition(".")[0] == "hwbench" else replace(images, sha256="")


def check_image_set(name: str) -> None:
    """Refuse a name that no image set has, and none that is made here would have.

    Nothing is read: files may still be missing or damaged, see `load_images`.

    Raises
    ------
    HwbenchError
        With the nearest name.
    """
    known = [*IMAGE_SETS, *converted_files()]
    path = name.endswith(".npz") or ":" in name
    if not path and name not in known and _CONVERTED.fullmatch(name) is None:
        raise unknown_name("image set", name, known)


def base_of(name: str, folder: Path | None = None) -> str:
    """Name of the image set that the images of a set are of, see `ImageSet.base`.

    Parameters
    ----------
    name, folder : as for `load_images`. No image is read, and of files that are not there the name
        says it.

    Raises
    ------
    HwbenchError
        Where a `.npz` file is damaged.
    """
    place = images_folder() if folder is None else folder
    path = Path(name) if name.endswith(".npz") else converted_files(place).get(name)
    if path is not None and path.exists():
        from hwbench.images.npz_file import read_about

        about = read_about(path)
        return name if about is None else about.base
    made = _CONVERTED.fullmatch(name)
    return name if made is None else made[1]


def _npz_path(name: str, folder: Path) -> Path:
    """The file of a set that is given by its path or was converted."""
    if name.endswith(".npz"):
        return Path(name)
    files = converted_files(folder)
    if name in files:
        return files[name]
    made = _CONVERTED.fullmatch(name)
    if made is None:
        raise unknown_name("image set", name, [*IMAGE_SETS, *files])
    base, size, images = made.groups()
    drawn = f" --images {images}" if images else ""
    output = "" if folder == images_folder() else f" -o {folder / name}.npz"
    raise HwbenchError(
        f"image set {name!r}: there is no {folder / name}.npz; it is made by two commands: "
        f"'{fetch_command(base, images_folder())}' and 'hwbench images convert {base} --size "
        f"{size}{drawn}{output}'"
    )
