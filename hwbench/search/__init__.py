"""Searching architectures: every strategy behind one interface of ask and tell."""

from __future__ import annotations

from hwbench.search.objectives import Objective
from hwbench.search.part import Part
from hwbench.search.registry import list_strategies, make_strategy, strategy_parameters
from hwbench.search.strategies.base import Strategy

__all__ = [
    "Objective",
    "Part",
    "Strategy",
    "list_strategies",
    "make_strategy",
    "strategy_parameters",
]
