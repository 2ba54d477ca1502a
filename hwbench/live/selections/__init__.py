"""Selections: how an architecture is chosen when a search has ended."""

from __future__ import annotations

from hwbench.registry import Registry

SELECTIONS = Registry(
    "selection",
    {
        "perturbation": "hwbench.live.selections.perturbation:Perturbation",
        "ranking": "hwbench.live.selections.ranking:Ranking",
        "strength": "hwbench.live.selections.strength:Strength",
    },
    "hwbench.selections",
    base="hwbench.live.selections.base:Selection",
)
"""Subclasses of `Selection`."""
