"""Which live searches there are; torch is not needed to know."""

from __future__ import annotations

from pathlib import Path

from hwbench.assets import live_content

RECIPES = ("published", "cpu", "small")
"""As published; for minutes of one core, on small images; smoke tests."""


def recipe_files(recipe: str) -> dict[str, Path]:
    """The searches of a recipe, or the "sweeps": of hwbench, one's own, and of packages."""
    return live_content(recipe).files()
