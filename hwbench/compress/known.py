"""Networks that compression is published on and recipes, by name; torch is not needed to know."""

from __future__ import annotations

from hwbench.registry import Registry

RECIPE_NAMES = ("published", "cpu", "small")
"""Of `hwbench.compress.recipe.RECIPES`."""

NETWORKS = Registry(
    "network",
    {
        "lenet_300_100": "hwbench.compress.networks:lenet_300_100",
        "lenet_5": "hwbench.compress.networks:lenet_5",
        "resnet18": "hwbench.compress.networks:ResNet18",
    },
    "hwbench.networks",
)
"""Functions that make a network, untrained, with torch's default generator.

One is given what it has parameters for of `channels`, `pixels` and `classes`, numbers of the image
set, and the options that a specification names for it.
"""
