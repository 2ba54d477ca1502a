"""Image sets to train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hwbench.assets import home
from hwbench.code_version import module_of
from hwbench.errors import unknown_name
from hwbench.images.image_set import ImageSet
from hwbench.registry import Registry

IMAGE_SETS = Registry(
    "image set",
    {
        "cifar10": "hwbench.images.files:read_cifar10",
        "cifar100": "hwbench.images.files:read_cifar100",
        "digits": "hwbench.images.digits:read_digits",
        "imagenet16-120": "hwbench.images.imagenet16:read_imagenet16_120",
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


def list_image_sets() -> list[str]:
    """Names of all image sets, sorted; but for `digits` their files must be there."""
    return list(IMAGE_SETS)


def reader_module(name: str) -> str:
    """The module of what reads an image set: a part of the code of what is trained on it.

    Parameters
    ----------
    name : as for `load_images`; "" is returned of a name that leads nowhere.
    """
    if name.endswith(".npz"):
        return "hwbench.images.files"
    known = name in IMAGE_SETS or ":" in name
    return module_of(IMAGE_SETS.path_of(name)) if known else ""


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
        Where there is none; the message says the nearest one. Where a file is missing or damaged.
    """
    if name in IMAGE_SETS or (":" in name and not name.endswith(".npz")):
        read: Callable[[Path], ImageSet] = IMAGE_SETS.load(name)
        return read(home() / "images" if folder is None else folder)
    if name.endswith(".npz"):
        from hwbench.images.files import read_npz

        return read_npz(Path(name))
    raise unknown_name("image set", name, IMAGE_SETS)
