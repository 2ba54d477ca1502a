"""Advice on one's own measurements: the predictor to use, how good it is, what to measure next."""

from __future__ import annotations

from hwbench.advise.advisor import advise_on
from hwbench.advise.best import fit_best
from hwbench.advise.result import Advice
from hwbench.advise.suggest import suggest_architectures

__all__ = ["Advice", "advise_on", "fit_best", "suggest_architectures"]
