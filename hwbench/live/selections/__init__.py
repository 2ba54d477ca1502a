"""Selections: how architectures are chosen when a search has ended."""

from __future__ import annotations

from hwbench.registry import Registry

SELECTIONS = Registry(
    "selection",
    {
        "black_box": "hwbench.live.selections.black_box:BlackBox",
        "perturbation": "hwbench.live.selections.perturbation:Perturbation",
        "policy": "hwbench.live.selections.policy:Policy",
        "ranking": "hwbench.live.selections.ranking:Ranking",
        "scalar": "hwbench.live.selections.scalar:Scalar",
        "strength": "hwbench.live.selections.strength:Strength",
        "top_k": "hwbench.live.selections.top_k:TopK",
    },
    "hwbench.selections",
    base="hwbench.live.selections.base:Selection",
)
"""Subclasses of `Selection`."""
