"""Nodes of a config tree: a name of a class, and exactly the arguments of its constructor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import AfterValidator

from hwbench.arguments import argument_problems, complete_arguments, parameters_of
from hwbench.errors import HwbenchError
from hwbench.registry import Registry
from hwbench.toml import FrozenModel, Place

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
        raise _placed(error, place) from error


def node_problems(
    registry: Registry, node: Mapping[str, Any], *, where: str, place: str | None = None
) -> dict[Place, HwbenchError]:
    """All that is wrong with a node and the nodes inside it; `complete_node` says the first.

    Parameters
    ----------
    registry, node, where, place : as for `complete_node`.

    Returns
    -------
    What is wrong by its place below the node.
    """
    given = dict(node)
    name = given.pop(NAME, None)
    place = f"{where}, section [{registry.kind}]" if place is None else place
    try:
        if not isinstance(name, str):
            complete_node(registry, node, where=where, place=place)
        found = registry.load(str(name), where=place)
    except HwbenchError as error:
        return {(NAME,): error}
    wrong: dict[Place, HwbenchError] = {}
    for argument, refusal in argument_problems(found, given, where=place).items():
        inside = _problems_inside(found, argument, given.get(argument))
        wrong |= {
            (argument, *inner): HwbenchError(f"{place}: {argument}: {line}")
            for inner, line in inside.items()
        }
        if not inside:
            wrong[argument,] = _placed(refusal, place)
    return wrong


def _problems_inside(part: type[Any], argument: str, given: Any) -> dict[Place, HwbenchError]:
    """What is wrong with an argument that is a node itself; empty where it is none."""
    parameter = parameters_of(part).get(argument)
    registry = None if parameter is None else registry_of(parameter.annotation)
    if registry is None or not isinstance(given, Mapping):
        return {}
    return node_problems(registry, given, where="", place=f"its {registry.kind}")


def _placed(error: HwbenchError, place: str) -> HwbenchError:
    return error if str(error).startswith(place) else HwbenchError(f"{place}: {error}")


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
    return AfterValidator(_Complete(registry))


@dataclass(frozen=True)
class _Complete:
    registry: Registry

    def __call__(self, node: dict[str, Any]) -> dict[str, Any]:
        return complete_node(self.registry, node, where="", place=f"its {self.registry.kind}")


def registry_of(annotation: Any) -> Registry | None:
    """Of which parts an argument names one, see `component`; None where it is no node."""
    for part in (annotation, *get_args(annotation)):
        for each in getattr(part, "__metadata__", ()):
            if isinstance(each, AfterValidator) and isinstance(each.func, _Complete):
                return each.func.registry
    return None


class Node(FrozenModel):
    """A part of the tree that refuses unknown keys."""
