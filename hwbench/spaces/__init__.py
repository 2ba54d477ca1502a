"""Search spaces: what an architecture is. One file a space."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from hwbench.assets import home
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.base import ENCODINGS, Skeleton, Space, SpaceLacksError

__all__ = ["ENCODINGS", "Skeleton", "Space", "SpaceLacksError", "get_space", "list_spaces"]

_SPACES = {
    "darts": "hwbench.spaces.darts.space:DARTS",
    "enas_macro": "hwbench.spaces.enas_macro.space:ENASMacro",
    "fbnet": "hwbench.spaces.fbnet.space:FBNet",
    "nasbench101": "hwbench.spaces.nasbench101.space:NASBench101",
    "nasbench201": "hwbench.spaces.nasbench201.space:NASBench201",
    "nasbench_macro": "hwbench.spaces.nasbench_macro.space:NASBenchMacro",
    "transnas_macro": "hwbench.spaces.transnas.macro:TransNASMacro",
    "transnas_micro": "hwbench.spaces.transnas.micro:TransNASMicro",
}


def list_spaces() -> list[str]:
    """Names of all search spaces, those of the user's own cards included, sorted.

    Raises
    ------
    HwbenchError
        Where a card in `HWBENCH_HOME`/spaces has the name of a space of hwbench.
    """
    own = _own_spaces()
    for name in own.keys() & _SPACES.keys():
        raise _clash(own[name])
    return sorted([*_SPACES, *own])


def get_space(name: str) -> Space:
    """The search space of that name; the same object at every call.

    A space of the user's own is read again after its card in `HWBENCH_HOME`/spaces has changed.

    Raises
    ------
    HwbenchError
        Where there is no such space (the message names the nearest one), where its card is broken,
        or where a card has the name of a space of hwbench.
    """
    if name in _SPACES:
        own_card = home() / "spaces" / f"{name}.toml"
        if own_card.exists():
            raise _clash(own_card)
        return _built_in(name)
    own = _own_spaces()
    if name not in own:
        raise unknown_name("search space", name, [*_SPACES, *own])
    from hwbench.spaces.card_space import own_space

    return own_space(name, own[name])


@cache
def _built_in(name: str) -> Space:
    module, _, attribute = _SPACES[name].partition(":")
    space: Space = getattr(import_module(module), attribute)()
    return space


def _own_spaces() -> dict[str, Path]:
    """The cards in `HWBENCH_HOME`/spaces by name."""
    return {path.stem: path for path in sorted((home() / "spaces").glob("*.toml"))}


def _clash(path: Path) -> HwbenchError:
    return HwbenchError(
        f"{path}: hwbench has a space '{path.stem}' of its own; give the card another name"
    )
