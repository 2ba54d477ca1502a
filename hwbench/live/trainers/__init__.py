"""Trainers: how weights and architecture parameters of a supernet are learned."""

from __future__ import annotations

from hwbench.registry import Registry

TRAINERS = Registry(
    "trainer",
    {
        "bilevel": "hwbench.live.trainers.bilevel:Bilevel",
        "single_level": "hwbench.live.trainers.base:SingleLevel",
    },
    "hwbench.trainers",
    base="hwbench.live.trainers.base:Trainer",
)
"""Subclasses of `Trainer`."""

OPTIMISERS = Registry(
    "optimiser",
    {
        "adam": "hwbench.live.trainers.optimisers:Adam",
        "sgd": "hwbench.live.trainers.optimisers:SGD",
    },
    "hwbench.optimisers",
    base="hwbench.live.trainers.optimisers:Optimiser",
)
"""Subclasses of `Optimiser`."""
