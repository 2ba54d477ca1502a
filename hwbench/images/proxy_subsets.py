"""Subsets that an auxiliary network chooses: proxy data (NA 481-917).

Classes are not balanced (NA 893). Where the auxiliary network has not been trained on the image set
yet, that is done first, which takes longer than most searches on the subset; see
`hwbench.images.auxiliary`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from hwbench.arguments import Positive, Share, complete_arguments
from hwbench.arrays import IntArray
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
        check_count(self.images, len(images.train_labels), type(self).__name__)
        return self.rows(self._scores(images), generator)

    def known(self, images: ImageSet) -> Mapping[str, NDArray[Any]]:
        """Entropies, in nats, and how often images were forgotten."""
        scores = self._scores(images)
        return {"entropy": scores.entropies, "forgotten": scores.forgotten}

    def _scores(self, images: ImageSet) -> Scores:
        from hwbench.images.auxiliary import auxiliary_scores

        return auxiliary_scores(images, self.recipe, self.device)

    @abstractmethod
    def rows(self, scores: Scores, generator: np.random.Generator) -> IntArray:
        """The images by what is said of each."""


class EntropySubset(AuxiliarySubset):
    """Images by the entropy of what the auxiliary network predicts of them.

    Parameters
    ----------
    images : how many.
    choice : "p1", "p2" or "p3", drawn by these probabilities of NA eq. 3.3 to 3.6, which prefer
        both ends of the histogram; "lowest" and "highest"; "both_ends", `low_share` of them the
        lowest and the others the highest; "lowest_and_random".
    bin_width : of the histogram's bins, in powers of ten: in the publication 0.5 for CIFAR-10, 0.25
        for CIFAR-100 and ImageNet, 0.2 for SVHN.
    low_share : beta of the publication, where 0.9 was the best of several.
    auxiliary : see `AuxiliarySubset`.
    """

    def __init__(
        self,
        *,
        images: PositiveInt,
        choice: Choice = "p1",
        bin_width: Positive = 0.5,
        low_share: Share = 0.9,
        auxiliary: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(images=images, auxiliary=auxiliary)
        self.choice = choice
        self.bin_width = bin_width
        self.low_share = low_share

    def rows(self, scores: Scores, generator: np.random.Generator) -> IntArray:
        entropies = scores.entropies
        if self.choice == "lowest":
            return lowest_rows(entropies, self.images)
        if self.choice == "highest":
            return highest_rows(entropies, self.images)
        if self.choice == "both_ends":
            return both_ends_rows(entropies, self.images, self.low_share)
        if self.choice == "lowest_and_random":
            return low_and_random_rows(entropies, self.images, self.low_share, generator)
        return drawn_rows(entropies, self.images, self.choice, self.bin_width, generator)


class ForgettingSubset(AuxiliarySubset):
    """The images that the auxiliary network has forgotten most often in its training."""

    def rows(self, scores: Scores, generator: np.random.Generator) -> IntArray:
        del generator
        return highest_rows(scores.forgotten, self.images)


class KCenterSubset(AuxiliarySubset):
    """Images such that none is far from one of them, by the auxiliary network's features."""

    def rows(self, scores: Scores, generator: np.random.Generator) -> IntArray:
        return centre_rows(scores.features, self.images, generator)
