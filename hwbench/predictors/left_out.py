"""Predictors that cannot take part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """A predictor that is not tried, and why.

    Attributes
    ----------
    predictor : its name.
    reason : why, in words that go on after the name.
    encoding, target : where it is left out; empty for everywhere.
    """

    predictor: str
    reason: str
    encoding: str = ""
    target: str = ""
