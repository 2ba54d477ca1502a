"""The images that need no files: scikit-learn's handwritten digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwbench.images.image_set import ImageSet, arrays_digest


def read_digits(folder: Path) -> ImageSet:
    """The digits; they come with scikit-learn, and no file of the folder is read."""
    del folder
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    images = data.images[:, None].astype(np.float32)
    labels = data.target.astype(np.int64)
    # Half for testing: 899 images tell accuracies apart to about a tenth of a point.
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.5, stratify=labels, random_state=0
    )
    raw = (images[train], labels[train], images[test], labels[test])
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
        black=np.array([(np.float32(0) - mean) / deviation]),
        sha256=arrays_digest(*raw),
    )
