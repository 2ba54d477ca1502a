"""Nodes of a config tree: a name of a class, and exactly the arguments of its constructor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AfterValidator

from hwbench.arguments import complete_arguments
from hwbench.errors import HwbenchError
from hwbench.registry import Registry
from hwbench.toml import FrozenModel

NAME = "name"


def complete_node(
    registry: Registry, node: Mapping[str, Any], *, where: str, place: str | None = None
) -> dict[str, Any]:
    """A node with every argument checked, and with the defaults of those left out.

    Parameters
    ----------
    registry : of the parts that it may name; its kind is the section's name.
    node : `name`, of the registry or "module:Class" of one's own, and arguments.
    where : the file, for messages.
    place : where in it, in words; by default the section that is called as the registry's kind.

    Raises
    ------
    HwbenchError
        Where the name or an argument is unknown, or an argument is missing, of another type or out
        of range; the message names the node.
    """
    given = dict(node)
    name = given.pop(NAME, None)
    place = f"{where}, section [{registry.kind}]" if place is None else place
    if not isinstance(name, str):
        raise HwbenchError(f"{place}: the key '{NAME}' is missing; it says which {registry.kind}")
    found = registry.load(name, where=place)
    try:
        return {NAME: name, **complete_arguments(found, given, where=place)}
    except HwbenchError as error:  # of a node inside the node, which knows no file
        if str(error).startswith(place):
            raise
        raise HwbenchError(f"{place}: {error}") from error


def make_component(registry: Registry, node: Mapping[str, Any]) -> Any:
    """The object that a complete node describes.

    Raises
    ------
    HwbenchError
        As for `complete_node`, and where the constructor refuses its arguments.
    """
    complete = complete_node(registry, node, where="config")
    name = complete.pop(NAME)
    return registry.load(name, where="config")(**complete)


def component(registry: Registry) -> AfterValidator:
    """Metadata of an argument that is a node itself: `Annotated[dict[str, Any], component(PARTS)]`.

    Parameters
    ----------
    registry : of the parts that the node may name. What is left out of it is filled in.
    """

    def complete(node: dict[str, Any]) -> dict[str, Any]:
        return complete_node(registry, node, where="", place=f"its {registry.kind}")

    return AfterValidator(complete)


class Node(FrozenModel):
    """A part of the tree that refuses unknown keys."""
