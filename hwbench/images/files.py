"""Reading image sets from the files that their authors publish.

CIFAR is read from its binary version, SVHN from MATLAB files, and ImageNet16-120 from pickles that
run nothing (`hwbench.images.imagenet16`).
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from hwbench.errors import HwbenchError, one_line
from hwbench.images.image_set import Images, ImageSet, Labels
from hwbench.images.reading import Part, normalised, published_file

SIDE = 32
MOST_MEMBER_BYTES = 2**28  # of a published archive

# Name of the archive, its published MD5, members of the training and of the test part, bytes of
# labels before each image (the last one counts), labels.
CIFAR = {
    "cifar10": (
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)],
        ["cifar-10-batches-bin/test_batch.bin"],
        1,
        10,
    ),
    "cifar100": (
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        ["cifar-100-binary/train.bin"],
        ["cifar-100-binary/test.bin"],
        2,
        100,
    ),
}
SVHN = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}


def read_cifar(name: str, folder: Path, *, check: bool = True) -> ImageSet:
    """CIFAR-10 or CIFAR-100 from the archive of its binary version.

    Parameters
    ----------
    name : "cifar10" or "cifar100".
    folder : that holds the archive, not unpacked.
    check : whether the archive must be the published one.

    Raises
    ------
    HwbenchError
        Where the archive is missing, another one, or damaged.
    """
    train, test = cifar_arrays(name, folder, check=check)
    title = f"{name.upper().replace('CIFAR', 'CIFAR-')}, 32x32 pixels, three channels"
    return normalised(name, title, train, test, CIFAR[name][5])


def cifar_arrays(name: str, folder: Path, *, check: bool = True) -> tuple[Part, Part]:
    """The training and the test part as they are published; see `read_cifar`."""
    archive, digest, train, test, label_bytes, _ = CIFAR[name]
    path = published_file(folder / archive, digest if check else None, name)
    try:
        with tarfile.open(path, "r:gz") as members:
            parts = [
                [_records(members, member, label_bytes) for member in group]
                for group in (train, test)
            ]
    except Exception as error:  # tarfile does not say what a broken file may raise
        raise HwbenchError(
            f"{path}: is damaged or no archive of {name} ({one_line(error)})"
        ) from error
    images = [np.concatenate([found for found, _ in part]) for part in parts]
    labels = [np.concatenate([found for _, found in part]) for part in parts]
    return (images[0], labels[0]), (images[1], labels[1])


def read_cifar10(folder: Path) -> ImageSet:
    """CIFAR-10, see `read_cifar`."""
    return read_cifar("cifar10", folder)


def read_cifar100(folder: Path) -> ImageSet:
    """CIFAR-100, see `read_cifar`."""
    return read_cifar("cifar100", folder)


def read_svhn(folder: Path, *, check: bool = True) -> ImageSet:
    """SVHN's cropped digits from its MATLAB files `train_32x32.mat` and `test_32x32.mat`.

    Raises
    ------
    HwbenchError
        Where a file is missing, another one, or damaged.
    """
    train, test = svhn_arrays(folder, check=check)
    title = "Street View House Numbers, 32x32 pixels, three channels"
    return normalised("svhn", title, train, test, 10)


def svhn_arrays(folder: Path, *, check: bool = True) -> tuple[Part, Part]:
    """The training and the test part as they are published; see `read_svhn`."""
    from scipy.io import loadmat

    parts = []
    for name, digest in SVHN.items():
        path = published_file(folder / name, digest if check else None, "svhn")
        try:
            content = loadmat(path, variable_names=["X", "y"])
            images = np.ascontiguousarray(content["X"].transpose(3, 2, 0, 1), dtype=np.uint8)
            labels = content["y"].reshape(-1).astype(np.int64) % 10  # the digit 0 is labelled 10
        except Exception as error:  # scipy does not say what a broken file may raise
            raise HwbenchError(
                f"{path}: is damaged or no file of SVHN ({one_line(error)})"
            ) from error
        parts.append((images, labels))
    return parts[0], parts[1]


def _records(members: tarfile.TarFile, name: str, label_bytes: int) -> tuple[Images, Labels]:
    member = members.getmember(name)
    file = members.extractfile(member) if member.isfile() else None
    if file is None or member.size > MOST_MEMBER_BYTES:
        raise ValueError(f"{name} is no file, or too large")
    length = label_bytes + 3 * SIDE * SIDE
    records = np.frombuffer(file.read(), dtype=np.uint8).reshape(-1, length)
    images = records[:, label_bytes:].reshape(-1, 3, SIDE, SIDE)
    return images, records[:, label_bytes - 1].astype(np.int64)
