"""Search spaces: what an architecture is. One file a space."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from hwbench.errors import unknown_name
from hwbench.spaces.base import ENCODINGS, Skeleton, Space

__all__ = ["ENCODINGS", "Skeleton", "Space", "get_space", "list_spaces"]

_SPACES = {
    "nasbench201": "hwbench.spaces.nasbench201:NASBench201",
    "nasbench_macro": "hwbench.spaces.nasbench_macro:NASBenchMacro",
}


def list_spaces() -> list[str]:
    """Names of all search spaces, sorted."""
    return sorted(_SPACES)


@cache
def get_space(name: str) -> Space:
    """The search space of that name; the same object at every call.

    Raises
    ------
    HwbenchError
        Where there is no such space; the message names the nearest one.
    """
    if name not in _SPACES:
        raise unknown_name("search space", name, _SPACES)
    module, _, attribute = _SPACES[name].partition(":")
    space: Space = getattr(import_module(module), attribute)()
    return space
