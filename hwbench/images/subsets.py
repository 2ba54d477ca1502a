"""Training on a part of an image set: which training images are taken.

A search, a retraining or a table may learn from fewer images than a set has; which ones is the
choice of a `Subset`. Nothing here imports torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt

from hwbench.arguments import check_constructor
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.registry import Registry

SUBSETS = Registry(
    "subset",
    {
        "entropy": "hwbench.images.proxy_subsets:EntropySubset",
        "forgetting": "hwbench.images.proxy_subsets:ForgettingSubset",
        "k_center": "hwbench.images.proxy_subsets:KCenterSubset",
        "random": "hwbench.images.subsets:RandomSubset",
    },
    "hwbench.subsets",
    base="hwbench.images.subsets:Subset",
)
"""Subclasses of `Subset`."""


def _owner(subset: Any) -> str:
    """Whose arguments they are, for messages."""
    return f"subset {type(subset).__name__}"


class Subset(ABC):
    """Which training images are taken.

    A subclass's constructor takes its arguments by keyword, as in
    `def __init__(self, *, images: PositiveInt)`; they are checked by their annotations.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_constructor(cls, _owner)

    @abstractmethod
    def choose(self, images: ImageSet, generator: np.random.Generator) -> IntArray:
        """Training images to learn from.

        Parameters
        ----------
        images : the image set, which stays as it is.
        generator : of all draws; the same state and images give the same rows.

        Returns
        -------
        int64 of shape (n_chosen,), different rows of `images.train_images`, at least one, in any
        order. Where it cannot choose, it raises `HwbenchError`.
        """

    def place(self, device: str) -> None:  # noqa: B027
        """Where it computes what it needs, "cpu", "cuda" or "cuda:1"; called before `choose`.

        By default it computes nothing there.
        """

    def known(self, images: ImageSet) -> Mapping[str, NDArray[Any]]:  # noqa: ARG002
        """What it knows of every training image by the name of a column, for records.

        By default nothing; called after `choose`.

        Returns
        -------
        Arrays of shape (train_images,).
        """
        return {}


class RandomSubset(Subset):
    """So many training images at random.

    Parameters
    ----------
    images : how many.
    balanced : whether as equally many of each class are drawn as can be: a class that has fewer
        gives all, and which classes give one more is drawn. Otherwise every image is as likely.
    """

    def __init__(self, *, images: PositiveInt, balanced: bool = True) -> None:
        self.images = images
        self.balanced = balanced

    def choose(self, images: ImageSet, generator: np.random.Generator) -> IntArray:
        """Draw them; see `Subset.choose`."""
        there = len(images.train_labels)
        if self.images > there:
            raise HwbenchError(
                f"subset RandomSubset: images = {self.images:,} is more than the {there:,} that "
                f"{images.name} has to train on"
            )
        return random_rows(images.train_labels, self.images, generator, balanced=self.balanced)


def random_rows(
    labels: IntArray, count: int, generator: np.random.Generator, *, balanced: bool
) -> IntArray:
    """So many rows at random.

    Parameters
    ----------
    labels : of shape (n,).
    count : of rows, at most n.
    generator : of all draws.
    balanced : as for `RandomSubset`.

    Returns
    -------
    int64 of shape (count,), different rows in random order.
    """
    order = generator.permutation(len(labels))
    if balanced:
        # The first of every class, then the second of every class, and so on.
        ranks = _ranks_in_class(labels[order])
        order = order[np.lexsort((generator.random(len(labels)), ranks))]
    return order[:count].astype(np.int64)


def take_subset(images: ImageSet, rows: ArrayLike) -> ImageSet:
    """An image set with some of its training images.

    They stay normalised by all training images, as test images do, so that results with different
    subsets are of the same test images.

    Parameters
    ----------
    images : the image set.
    rows : integers of shape (n_chosen,), different rows of its training images, at least one.

    Returns
    -------
    The image set with these training images in this order; all else is the same but for the title,
    which says how many they are.

    Raises
    ------
    HwbenchError
        Where rows are no such rows.
    """
    taken, there = np.asarray(rows), len(images.train_labels)
    if taken.ndim != 1 or not len(taken):
        raise HwbenchError(
            f"subset of {images.name}: rows must be of shape (n,), at least one, not {taken.shape}"
        )
    if taken.dtype.kind not in "iu":
        raise HwbenchError(f"subset of {images.name}: rows must be whole numbers")
    outside = taken[(taken < 0) | (taken >= there)]
    if len(outside):
        raise HwbenchError(
            f"subset of {images.name}: row {outside[0]} is none of the {there:,} training images, "
            f"0 .. {there - 1}"
        )
    found, counts = np.unique(taken, return_counts=True)
    if len(found) < len(taken):
        raise HwbenchError(f"subset of {images.name}: row {found[counts > 1][0]} is taken twice")
    return replace(
        images,
        title=f"{images.title}, {len(taken):,} of its {there:,} training images",
        train_images=images.train_images[taken],
        train_labels=images.train_labels[taken],
    )


def _ranks_in_class(labels: IntArray) -> IntArray:
    """How many of the same class come before each label, int64 of shape (n,)."""
    by_class = np.argsort(labels, kind="stable")
    _, first, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[by_class] = np.arange(len(labels)) - np.repeat(first, counts)
    return ranks
