"""What a predictor is besides its name: its card and its code, and those of what it is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from hwbench.code_version import DIGITS, READERS, code_version, module_of
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.installed import missing_for
from hwbench.spaces.encodings import encoding_modules


def used_cards(card: PredictorCard) -> dict[str, PredictorCard]:
    """The cards of the predictors that one makes of its own, by name, and of those they make.

    Raises
    ------
    HwbenchError
        Where there is no such predictor, or a card is broken.
    """
    found: dict[str, PredictorCard] = {}
    waiting = list(card.uses)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = predictor_card(name)
            waiting += found[name].uses
    return found


def predictor_modules(card: PredictorCard) -> list[str]:
    """The modules of a predictor's estimator and encoding and of those of what it uses, sorted."""
    cards = [card, *used_cards(card).values()]
    found = {module_of(each.estimator) for each in cards}
    return sorted(found.union(*(encoding_modules(each.encoding) for each in cards)))


def predictor_version(card: PredictorCard, others: Iterable[str] = ()) -> str:
    """Version of what makes a predictor's numbers besides its own card.

    Parameters
    ----------
    card : of the predictor.
    others : modules that it needs besides the estimator's.

    Returns
    -------
    A digest of the code, see `hwbench.code_version`, and of the cards of the predictors it uses, of
    those that are installed here.

    Raises
    ------
    HwbenchError
        As `used_cards`.
    """
    code = code_version(*predictor_modules(card), *others, without=READERS)
    used = used_cards(card)
    if not used:
        return code
    # A chooser does without what is not installed.
    cards = {
        name: each.model_dump(mode="json") if missing_for(name, each) is None else None
        for name, each in used.items()
    }
    return hashlib.sha256(json.dumps([code, cards], sort_keys=True).encode()).hexdigest()[:DIGITS]
