"""Image sets to train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hwbench.assets import home
from hwbench.errors import unknown_name
from hwbench.images.image_set import ImageSet


def _digits() -> ImageSet:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    images = data.images[:, None].astype(np.float32)
    labels = data.target.astype(np.int64)
    # Half for testing: 899 images tell accuracies apart to about a tenth of a point.
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.5, stratify=labels, random_state=0
    )
    mean, deviation = images[train].mean(), images[train].std()
    images = (images - mean) / deviation
    return ImageSet(
        name="digits",
        title="scikit-learn's handwritten digits, 8x8 pixels, 898 to train on and 899 to test on",
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        classes=10,
    )


_IMAGE_SETS: dict[str, Callable[[], ImageSet]] = {"digits": _digits}


def list_image_sets() -> list[str]:
    """Names of the image sets that are built in."""
    return sorted(_IMAGE_SETS)


def load_images(name: str, folder: Path | None = None) -> ImageSet:
    """The image set of that name.

    Parameters
    ----------
    name : of a built-in or published set, or the path of a `.npz` file, see `read_npz`.
    folder : of a published set's files; `HWBENCH_HOME`/images by default.

    Raises
    ------
    HwbenchError
        Where there is none; the message says the nearest one. Where a file is missing or damaged.
    """
    from hwbench.images.files import READERS, read_npz

    if name in _IMAGE_SETS:
        return _IMAGE_SETS[name]()
    if name in READERS:
        return READERS[name](home() / "images" if folder is None else folder)
    if name.endswith(".npz"):
        return read_npz(Path(name))
    raise unknown_name("image set", name, [*_IMAGE_SETS, *READERS])
