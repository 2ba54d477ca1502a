"""What a strategy or a selection may ask of a supernet: accuracies of architectures, and losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pandas as pd
from torch import Tensor

from hwbench.arrays import IntArray
from hwbench.live.supernets.mixture import Mixture
from hwbench.spaces import Space


class Judge(Protocol):
    """Evaluates what a supernet holds; made by the search.

    Attributes
    ----------
    space : of the architectures.
    """

    @property
    def space(self) -> Space:
        """The space of the architectures."""

    def evaluate(self, archs: IntArray, part: str = "validation") -> pd.DataFrame:
        """Accuracy, loss and measurements of architectures with the supernet's weights.

        It draws nothing, and leaves the supernet as it was; the same architecture has the same
        numbers however often it is asked for.

        Parameters
        ----------
        archs : int64 of shape (n_archs, space.n_positions).
        part : of the images, "validation" or "test".

        Returns
        -------
        A row an architecture: `accuracy` in %, `loss`, and what the supernet's `measurements` are.
        """

    def loss(self, mixture: Mixture) -> Tensor:
        """The supernet's loss on a random batch of validation images, with its graph.

        Drawn from torch's default generator; gradients reach the weights and what the mixture was
        made of. In evaluation mode, so that no statistics change.
        """

    def outputs(self, n_images: int) -> Callable[[Mixture], Tensor]:
        """What the supernet makes of some training images, as a function of what it computes.

        The images are drawn from torch's default generator, once; all calls of the function are of
        the same ones. It has no gradients, and no statistics change.

        Parameters
        ----------
        n_images : how many, all where there are no more.
        """
