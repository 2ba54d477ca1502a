"""The architectures that a predictor is made to be fitted to, where it may not be any."""

from __future__ import annotations

from hwbench.arrays import IntArray
from hwbench.predictors.card import PredictorCard
from hwbench.predictors.neighbourhood import neighbourhood
from hwbench.spaces import Space

_OF_TRAINING = {"neighbourhood": neighbourhood}


def training_set(card: PredictorCard, space: Space) -> IntArray | None:
    """What a predictor is fitted to by its own choice.

    Parameters
    ----------
    card : the predictor's.
    space : the search space.

    Returns
    -------
    int64 of shape (n_archs, n_positions); None where it takes any architectures.
    """
    return _OF_TRAINING[card.training](space) if card.own_training_set else None
