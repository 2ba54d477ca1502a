"""Proxy data: which images of a set stand for all of it in a search (NA 481-917).

Pure functions of what an auxiliary network says of every image: the entropy of its prediction, how
often it has forgotten the image in training, or its features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import FloatArray, Floats, IntArray
from hwbench.errors import HwbenchError

LEAST_ENTROPY = 1e-12
"""Entropies are taken to be no less: those of certain predictions are exactly 0."""


def prediction_entropy(logits: ArrayLike) -> Floats:
    """Entropy of each prediction, in nats (NA eq. 3.1), float64 of shape (n,).

    Parameters
    ----------
    logits : of shape (n, classes).
    """
    raw = np.asarray(logits, dtype=np.float64)
    shifted = raw - raw.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.maximum(-(np.exp(log_shares) * log_shares).sum(axis=1), 0.0)


def entropy_bins(entropies: ArrayLike, width: float) -> tuple[IntArray, IntArray]:
    """The histogram of entropies on a logarithmic axis, as published code draws it.

    Bins begin at the rounded least exponent, stepped down by the width until it holds all.

    Parameters
    ----------
    entropies : of shape (n,), at least one.
    width : of a bin, in powers of ten: 0.5 for CIFAR-10, 0.25 for CIFAR-100 and ImageNet, 0.2 for
        SVHN in the publication.

    Returns
    -------
    The bin of each, int64 of shape (n,), and how many there are in each bin, int64 of shape
    (n_bins,).
    """
    exponents = np.log10(np.maximum(np.asarray(entropies, dtype=np.float64), LEAST_ENTROPY))
    start = float(np.round(exponents.min()))
    while start > exponents.min():
        start -= width
    bins = np.floor((exponents - start) / width).astype(np.int64)
    return bins, np.bincount(bins).astype(np.int64)


def _by_difference(heights: Floats) -> Floats:
    return np.where(heights > 0, heights.max() - heights + 1, 0)


def _equal(heights: Floats) -> Floats:
    return (heights > 0).astype(np.float64)


def _by_inverse(heights: Floats) -> Floats:
    return np.divide(1.0, heights, out=np.zeros_like(heights), where=heights > 0)


WEIGHTS: Mapping[str, Callable[[Floats], Floats]] = {
    "p1": _by_difference,
    "p2": _equal,
    "p3": _by_inverse,
}
"""Weights of bins by their heights (NA eq. 3.4 to 3.6); empty bins have none."""


def selection_probabilities(entropies: ArrayLike, kind: str, width: float) -> Floats:
    """How likely each image is in a draw (NA eq. 3.3), float64 of shape (n,), of sum 1.

    Parameters
    ----------
    entropies : of shape (n,).
    kind : "p1", "p2" or "p3".
    width : of a bin, see `entropy_bins`.
    """
    bins, heights = entropy_bins(entropies, width)
    shares = WEIGHTS[kind](heights.astype(np.float64))
    weights = (shares / shares.sum())[bins] / heights[bins]
    probabilities: Floats = weights / weights.sum()
    return probabilities


# ---------------------------------------------------------------------- which images


def drawn_rows(
    entropies: ArrayLike, count: int, kind: str, width: float, generator: np.random.Generator
) -> IntArray:
    """So many images drawn without replacement by `selection_probabilities`."""
    probabilities = selection_probabilities(entropies, kind, width)
    return generator.choice(len(probabilities), size=count, replace=False, p=probabilities).astype(
        np.int64
    )


def lowest_rows(values: ArrayLike, count: int, generator: np.random.Generator) -> IntArray:
    """The images of the smallest values, the smallest first; the order of equal ones is drawn.

    In the order of a set they would be those of its first classes, where it is sorted by them.

    Parameters
    ----------
    values : of shape (n,).
    count : of images, at most n; fewer are the first of more.
    generator : draws how equal ones follow one another.
    """
    ties = generator.permutation(len(np.asarray(values)))
    return np.lexsort((ties, np.asarray(values)))[:count].astype(np.int64)


def highest_rows(values: ArrayLike, count: int, generator: np.random.Generator) -> IntArray:
    """The images of the largest values, the largest first; as `lowest_rows`."""
    return lowest_rows(-np.asarray(values, dtype=np.float64), count, generator)


def both_ends_rows(
    entropies: ArrayLike, count: int, low_share: float, generator: np.random.Generator
) -> IntArray:
    """Images of the least and of the greatest entropies (NA 3.3, deterministic but for ties).

    Parameters
    ----------
    entropies : of shape (n,).
    count : of images, at most n.
    low_share : of them those of the least (beta).
    generator : as for `lowest_rows`.
    """
    n_low = round(low_share * count)
    order = lowest_rows(entropies, len(np.asarray(entropies)), generator)
    return np.concatenate([order[:n_low], order[len(order) - (count - n_low) :]])


def low_and_random_rows(
    entropies: ArrayLike, count: int, low_share: float, generator: np.random.Generator
) -> IntArray:
    """Images of the least entropies, and others at random (NA 875); as `both_ends_rows`."""
    n_low = round(low_share * count)
    there = len(np.asarray(entropies))
    others = generator.choice(there - n_low, size=count - n_low, replace=False)
    order = lowest_rows(entropies, there, generator)
    return np.concatenate([order[:n_low], order[n_low:][others]])


def centre_rows(features: FloatArray, count: int, generator: np.random.Generator) -> IntArray:
    """Centres such that no image is far from one (NA eq. 3.2), greedily.

    The first is drawn; each further one is the image that is farthest from those before it, by
    Euclidean distance, of several as far ones any. No image is farther from its nearest centre than
    twice what the best choice of so many centres allows.

    Parameters
    ----------
    features : float32 of shape (n, d).
    count : of centres, at most n.
    generator : draws the first, and which of equally far ones comes first.
    """
    first = generator.integers(len(features))
    order = generator.permutation(len(features))
    ordered = features[order]  # argmax takes the first of equal ones
    places = np.empty(count, dtype=np.int64)
    nearest = np.full(len(features), np.inf)
    for taken in range(count):
        places[taken] = nearest.argmax() if taken else np.flatnonzero(order == first)[0]
        # Of differences: of squares and products little is left where all features are far from 0.
        apart = ordered - ordered[places[taken]]
        nearest = np.minimum(nearest, np.einsum("nd,nd->n", apart, apart))
        nearest[places[taken]] = -1.0  # never again, also where all others are as near
    return order[places].astype(np.int64)


def radius(features: FloatArray, centres: IntArray) -> float:
    """How far the image that is farthest from all centres is from the nearest of them."""
    distances = np.linalg.norm(features[:, None, :] - features[None, centres, :], axis=2)
    return float(distances.min(axis=1).max())


def check_count(count: int, there: int, who: str, name: str) -> None:
    """Refuse more images than there are.

    Parameters
    ----------
    count : of images that are wanted.
    there : how many there are.
    who, name : of the subset and of the image set, for messages.

    Raises
    ------
    HwbenchError
        Saying how many there are.
    """
    if count > there:
        raise HwbenchError(
            f"subset {who}: images = {count:,} is more than the {there:,} that {name} has to train "
            "on"
        )
