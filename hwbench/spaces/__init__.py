"""Search spaces: what an architecture is. A folder a space."""

from __future__ import annotations

from hwbench.spaces.base import Skeleton, Space
from hwbench.spaces.encodings import ENCODINGS
from hwbench.spaces.lacks import SpaceLacksError
from hwbench.spaces.registry import get_space, list_spaces, load_space

__all__ = [
    "ENCODINGS",
    "Skeleton",
    "Space",
    "SpaceLacksError",
    "get_space",
    "list_spaces",
    "load_space",
]
