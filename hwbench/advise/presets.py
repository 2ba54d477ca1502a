"""How much is done to find the best predictor, by a word."""

from __future__ import annotations

from dataclasses import dataclass

from hwbench.advise.work import DEFAULT_WORK


@dataclass(frozen=True)
class Preset:
    """An amount of work, the same on every machine.

    Attributes
    ----------
    work : units of cross-validation, see `hwbench.advise.work`.
    rows : measured architectures that are cross-validated, at most; of more they are drawn. What is
        chosen is fitted to all.
    title : what that comes to.
    """

    work: int
    rows: int
    title: str


PRESETS = {
    "fast": Preset(500, 200, "the predictors that are usually best, once each"),
    "good": Preset(DEFAULT_WORK, 500, "the zoo, the best ten times; what `hwbench advise` does"),
    "best": Preset(100_000, 1000, "the dear ones too, and ten times whatever may win"),
}
"""For 60 architectures about 10 seconds, 3 minutes and 7 minutes on one core of 2023."""

DEFAULT = "good"
