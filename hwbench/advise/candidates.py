"""Which predictors are tried, on which encodings, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hwbench.errors import HwbenchError, unknown_name
from hwbench.predictors import PredictorCard, list_predictors, make_predictor, predictor_card
from hwbench.predictors.installed import all_missing
from hwbench.predictors.left_out import LeftOut, lacking_in_words
from hwbench.predictors.make import new_estimator
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.predictors.tuning import Tuning
from hwbench.spaces import Space

ENCODINGS_TRIED = ("live", "onehot", "counts")
"""Besides a card's own, for predictors that take any."""

CHEAP = 3
"""The order of cost from which on a predictor is not tried on the last of `ENCODINGS_TRIED`."""

LAST = 10**6

TUNING_COSTS = 3
"""Orders of cost that the search for hyper-parameters adds to a fit."""

TUNED_TRIALS = 10


@dataclass(frozen=True)
class Candidate:
    """A predictor on an encoding.

    Attributes
    ----------
    predictor : its name.
    encoding : its features.
    title : what people call it.
    fixed : whether it takes no other encoding.
    tuned : whether its hyper-parameters are searched in every fit.
    group : of candidates that are tried together; 0 for those before all others.
    """

    predictor: str
    encoding: str
    title: str
    fixed: bool = False
    tuned: bool = False
    group: int = 0

    @cached_property
    def card(self) -> PredictorCard:
        """The predictor's card."""
        return predictor_card(self.predictor)

    @property
    def label(self) -> str:
        """The candidate in words: "Ridge regression (live), tuned"."""
        encoding = "" if self.fixed else f" ({self.encoding})"
        return f"{self.title}{encoding}{', tuned' if self.tuned else ''}"

    def make(self, space: Space, seed: int, *, positive: bool = False) -> ArchitectureRegressor:
        """The unfitted predictor.

        Parameters
        ----------
        space : of the architectures.
        seed : of its randomness.
        positive : whether the metric is always above 0, so that its predictions are kept there.
        """
        model = make_predictor(
            self.predictor,
            space=space,
            seed=seed,
            encoding=None if self.fixed else self.encoding,
            tuning=Tuning(trials=TUNED_TRIALS) if self.tuned else None,
            card=self.card,
        )
        model.set_params(positive=positive)
        return model


def find_candidates(
    space: Space, predictors: Sequence[str] | None = None
) -> tuple[list[Candidate], list[LeftOut]]:
    """The predictors to try, and those that cannot be.

    Parameters
    ----------
    space : of the architectures.
    predictors : names; the whole zoo by default. "name:encoding" asks for one encoding.

    Returns
    -------
    Candidates in the order in which they are tried, and the others with the reason.

    Raises
    ------
    HwbenchError
        Where a named predictor or encoding is unknown, or lacks a library that an extra installs,
        or none can be tried.
    """
    named = list(predictors or ())
    wanted: dict[str, list[str]] = {}
    for each in named or list_predictors():
        name, _, encoding = each.partition(":")
        wanted.setdefault(name, []).extend([encoding] if encoding else [])
    found: list[tuple[tuple[int, int], Candidate]] = []
    left_out: list[LeftOut] = []
    for name, encodings in wanted.items():
        try:
            card = predictor_card(name)
        except HwbenchError as error:
            if named:
                raise
            left_out.append(LeftOut(name, f"has a broken card: {error}"))
            continue
        lacks = all_missing([name])
        if lacks and named:
            raise HwbenchError(f"advise: {lacking_in_words(lacks)}")
        if lacks:
            left_out += lacks
            continue
        reason = _obstacle(space, name, card, named=bool(named))
        if reason:
            left_out.append(LeftOut(name, reason))
            continue
        for place, own in enumerate(_encodings(space, name, card, encodings)):
            order = _order(card, place)
            candidate = Candidate(name, own, card.title, card.encoding_fixed, group=order[0])
            found.append((order, candidate))
    if not found:
        why = "; ".join(f"{each.predictor} {each.reason}" for each in left_out[:3])
        raise HwbenchError(f"advise: none of the predictors can be tried: {why}")
    found.sort(key=lambda each: (each[0], each[1].predictor))
    return [candidate for _, candidate in found], left_out


def cost_of(candidate: Candidate) -> int:
    """What a fit takes, as an order: that of the predictor's card, and what tuning adds."""
    return candidate.card.cost + TUNING_COSTS * candidate.tuned


def place_of(candidate: Candidate) -> int:
    """Its predictor's place among those that are tried first, from 1; `LAST` if it has none."""
    place = candidate.card.tried_first
    return LAST if place is None else place


def is_favourite(candidate: Candidate) -> bool:
    """Whether its predictor is the one to be tried before all others."""
    return place_of(candidate) == 1


def _order(card: PredictorCard, place: int) -> tuple[int, int]:
    """Those to be tried first, each on its best encoding; then by cost."""
    if card.tried_first is not None and place == 0:
        return 0, card.tried_first
    return card.cost, place


def _encodings(space: Space, name: str, card: PredictorCard, wanted: list[str]) -> list[str]:
    """The encodings a predictor is tried on, those that usually do best first."""
    for each in wanted:
        if card.encoding_fixed and each != card.encoding:
            raise HwbenchError(f"predictor {name} takes no encoding but '{card.encoding}'")
        if not space.offers(each):
            raise unknown_name(f"encoding of {space.name}", each, space.encodings)
    if wanted:
        return list(dict.fromkeys(wanted))
    if card.encoding_fixed or card.encoding == "counts":
        return [card.encoding]
    extra = ENCODINGS_TRIED if card.cost < CHEAP else ENCODINGS_TRIED[:-1]
    return list(dict.fromkeys(each for each in (*extra, card.encoding) if space.offers(each)))


def _obstacle(space: Space, name: str, card: PredictorCard, *, named: bool) -> str:
    """Why a predictor cannot be tried; "" where it can."""
    if card.needs_sources:
        return "learns from other devices' measurements, which are not at hand here"
    if card.own_training_set:
        return "needs a fixed set of measurements of its own"
    if not named and card.only_if_named:
        return card.only_if_named
    if card.encoding_fixed and not space.offers(card.encoding):
        return f"needs the encoding '{card.encoding}', which {space.name} has not"
    try:
        new_estimator(card, name)
    except HwbenchError as error:
        return str(error).removeprefix(f"predictor {name}: ")
    return ""
