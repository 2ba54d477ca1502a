"""Which predictors can be used here: those that need no library of an extra, or have it."""

from __future__ import annotations

from collections.abc import Iterable

from hwbench.errors import HwbenchError
from hwbench.extras import MissingExtraError, is_complete
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.left_out import LeftOut
from hwbench.predictors.make import new_estimator
from hwbench.predictors.registry import extra_of_model


def missing_for(name: str, card: PredictorCard | None = None) -> MissingExtraError | None:
    """What a predictor cannot be used for want of; None where nothing is.

    Nothing is imported where all libraries of its extra are installed, so that a listing of
    the whole zoo stays quick.

    Parameters
    ----------
    name : of the predictor.
    card : its card, where it is at hand.

    Raises
    ------
    HwbenchError
        Where there is no such predictor, or its card is broken.
    """
    card = predictor_card(name) if card is None else card
    extra = card.extra or extra_of_model(card.estimator)
    if not extra or is_complete(extra):
        return None
    try:
        new_estimator(card, name)
    except MissingExtraError as error:
        return error.of(f"predictor {name}")
    except HwbenchError:  # broken in another way, which is said when it is used
        return None
    return None


def all_missing(names: Iterable[str]) -> list[LeftOut]:
    """Those of some predictors that cannot be used here, with what each lacks."""
    found = {name: missing_for(name) for name in names}
    return [
        LeftOut(name, f"needs {error.name}, which is not installed", extra=error.extra)
        for name, error in found.items()
        if error is not None
    ]
