"""Nodes of a config tree: a name of a class, and exactly the arguments of its constructor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwbench.arguments import complete_arguments
from hwbench.errors import HwbenchError, unknown_name
from hwbench.imports import import_object
from hwbench.toml import FrozenModel

NAME = "name"


def component_class(kind: str, registry: Mapping[str, str], name: str, *, where: str) -> type[Any]:
    """The class that a node names: one of a registry, or "module:Class" of the user's own.

    Raises
    ------
    HwbenchError
        Where there is no such class.
    """
    if name not in registry and ":" not in name:
        raise unknown_name(kind, name, registry, where=where)
    found = import_object(registry.get(name, name), owner=f"{where}: {kind} {name}")
    if not isinstance(found, type):
        raise HwbenchError(f"{where}: {kind} {name} is no class")
    return found


def complete_node(
    kind: str, registry: Mapping[str, str], node: Mapping[str, Any], *, where: str
) -> dict[str, Any]:
    """A node with every argument checked, and with the defaults of those left out.

    Parameters
    ----------
    kind : what the node is, in words: "strategy".
    registry : import paths by name.
    node : `name` and arguments.
    where : the file, for messages.

    Raises
    ------
    HwbenchError
        Where the name or an argument is unknown, or an argument is missing, of another type or out
        of range; the message names the node.
    """
    given = dict(node)
    name = given.pop(NAME, None)
    place = f"{where}, section [{kind}]"
    if not isinstance(name, str):
        raise HwbenchError(f"{place}: the key '{NAME}' is missing; it says which {kind}")
    found = component_class(kind, registry, name, where=place)
    return {NAME: name, **complete_arguments(found, given, where=place)}


def make_component(kind: str, registry: Mapping[str, str], node: Mapping[str, Any]) -> Any:
    """The object that a complete node describes.

    Raises
    ------
    HwbenchError
        As for `complete_node`, and where the constructor refuses its arguments.
    """
    complete = complete_node(kind, registry, node, where="config")
    name = complete.pop(NAME)
    return component_class(kind, registry, name, where="config")(**complete)


class Node(FrozenModel):
    """A part of the tree that refuses unknown keys."""
