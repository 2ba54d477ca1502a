"""Subsets that an auxiliary network chooses: proxy data (NA 481-917).

Classes are not balanced (NA 893). Of images that are equal by what is said of them, such as those
that were never forgotten, which are taken is drawn. Where the auxiliary network has not been
trained on the image set yet, that is done first, which takes longer than most searches on the
subset; see `hwbench.images.auxiliary`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from hwbench.arguments import Positive, Share, complete_arguments
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.proxy import (
    both_ends_rows,
    centre_rows,
    check_count,
    drawn_rows,
    highest_rows,
    low_and_random_rows,
    lowest_rows,
)
from hwbench.images.subsets import Subset

if TYPE_CHECKING:
    from hwbench.images.auxiliary import Scores

Choice = Literal["p1", "p2", "p3", "lowest", "highest", "both_ends", "lowest_and_random"]

DRAWN = ("p1", "p2", "p3")
"""Choices that draw by the histogram's bins."""

MIXED = ("both_ends", "lowest_and_random")
"""Choices of which a share is of the least entropies."""

BIN_WIDTHS: Mapping[str, float] = {
    "cifar10": 0.5,
    "cifar100": 0.25,
    "imagenet16-120": 0.25,
    "svhn": 0.2,
}
"""Published widths of the histogram's bins by `ImageSet.base`, in powers of ten."""

OTHER_BIN_WIDTH = 0.5
LOW_SHARE = 0.9


class AuxiliarySubset(Subset):
    """What the subsets share: how many images, and the recipe of the auxiliary network.

    Parameters
    ----------
    images : how many.
    auxiliary : what its training has other than the defaults, see
        `hwbench.images.auxiliary.AuxiliaryRecipe`: {epochs = 10, channels = 8} and the like.
    """

    def __init__(self, *, images: PositiveInt, auxiliary: dict[str, Any] | None = None) -> None:
        from hwbench.images.auxiliary import AuxiliaryRecipe

        self.images = images
        self.recipe = AuxiliaryRecipe(
            **complete_arguments(AuxiliaryRecipe, auxiliary or {}, where="auxiliary")
        )
        self.device: str | None = None

    def place(self, device: str) -> None:
        """Where the auxiliary network is trained; CUDA where there is one, else the CPU, before."""
        self.device = device

    def choose(self, images: ImageSet, generator: np.random.Generator) -> IntArray:
        """By what the auxiliary network says; see `Subset.choose`."""
        check_count(self.images, len(images.train_labels), type(self).__name__, images.name)
        return self.rows(images, self._scores(images), generator)

    def known(self, images: ImageSet) -> Mapping[str, NDArray[Any]]:
        """Entropies, in nats, and how often images were forgotten."""
        scores = self._scores(images)
        return {"entropy": scores.entropies, "forgotten": scores.forgotten}

    def _scores(self, images: ImageSet) -> Scores:
        from hwbench.images.auxiliary import auxiliary_scores

        return auxiliary_scores(images, self.recipe, self.device)

    @abstractmethod
    def rows(self, images: ImageSet, scores: Scores, generator: np.random.Generator) -> IntArray:
        """The images of a set by what is said of each."""


class EntropySubset(AuxiliarySubset):
    """Images by the entropy of what the auxiliary network predicts of them.

    Parameters
    ----------
    images : how many.
    choice : "p1", "p2" or "p3", drawn by these probabilities of NA eq. 3.3 to 3.6, which prefer
        both ends of the histogram; "lowest" and "highest"; "both_ends", `low_share` of them the
        lowest and the others the highest; "lowest_and_random".
    bin_width : of the histogram's bins, in powers of ten, for "p1", "p2" and "p3" alone; by default
        as published: 0.5 for CIFAR-10, 0.25 for CIFAR-100 and ImageNet, 0.2 for SVHN; 0.5 for all
        others.
    low_share : beta of the publication, where 0.9 was the best of several; for "both_ends" and
        "lowest_and_random" alone.
    auxiliary : see `AuxiliarySubset`.
    """

    def __init__(
        self,
        *,
        images: PositiveInt,
        choice: Choice = "p1",
        bin_width: Positive | None = None,
        low_share: Share = LOW_SHARE,
        auxiliary: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(images=images, auxiliary=auxiliary)
        self.choice = choice
        self.bin_width = bin_width
        self.low_share = low_share
        # A complete config names the defaults too.
        if bin_width not in (None, OTHER_BIN_WIDTH):
            self._refuse_without_effect("bin_width", bin_width, DRAWN)
        if low_share != LOW_SHARE:
            self._refuse_without_effect("low_share", low_share, MIXED)

    def _refuse_without_effect(self, name: str, value: object, choices: Sequence[str]) -> None:
        """Refuse an argument that only other choices have a use for."""
        if self.choice not in choices:
            others = " or ".join(f'choice = "{choice}"' for choice in choices)
            raise HwbenchError(
                f'subset EntropySubset: {name} = {value} has no effect with choice = "'
                f'{self.choice}"; leave it out, or use {others}'
            )

    def width_of(self, base: str) -> float:
        """The width of the histogram's bins for images of a set, see `ImageSet.base`."""
        published = BIN_WIDTHS.get(base, OTHER_BIN_WIDTH)
        return published if self.bin_width is None else self.bin_width

    def rows(self, images: ImageSet, scores: Scores, generator: np.random.Generator) -> IntArray:
        entropies = scores.entropies
        if self.choice == "lowest":
            return lowest_rows(entropies, self.images, generator)
        if self.choice == "highest":
            return highest_rows(entropies, self.images, generator)
        if self.choice == "both_ends":
            return both_ends_rows(entropies, self.images, self.low_share, generator)
        if self.choice == "lowest_and_random":
            return low_and_random_rows(entropies, self.images, self.low_share, generator)
        width = self.width_of(images.base)
        return drawn_rows(entropies, self.images, self.choice, width, generator)


class ForgettingSubset(AuxiliarySubset):
    """The images that the auxiliary network has forgotten most often in its training.

    Most are never forgotten; of those that were as often, which are taken is drawn.
    """

    def rows(self, images: ImageSet, scores: Scores, generator: np.random.Generator) -> IntArray:
        del images
        return highest_rows(scores.forgotten, self.images, generator)


class KCenterSubset(AuxiliarySubset):
    """Images such that none is far from one of them, by the auxiliary network's features."""

    def rows(self, images: ImageSet, scores: Scores, generator: np.random.Generator) -> IntArray:
        del images
        return centre_rows(scores.features, self.images, generator)
