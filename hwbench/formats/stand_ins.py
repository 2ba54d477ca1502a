"""Inert objects that stand where a pickle wanted an object of another library."""

from __future__ import annotations

from typing import Any

from hwbench.formats.messages import shown


class StandInType:
    """A class or function of another library: its name and nothing else.

    Attributes
    ----------
    module : the module it is said to come from.
    qualname : its qualified name there.
    """

    __slots__ = ("module", "qualname")

    def __init__(self, module: str, qualname: str) -> None:
        self.module = module
        self.qualname = qualname

    @property
    def name(self) -> str:
        """Module and qualified name, with a dot between them."""
        return f"{self.module}.{self.qualname}"

    def __repr__(self) -> str:
        return f"<stand-in for {shown(self.name)}>"


class StandIn:
    """An object of another library: how it was to be made, and what was to be put into it.

    Attributes
    ----------
    kind : the class or function that was to be called; a `StandIn` where the pickle made it first,
        as it does for `functools.partial`.
    args : the positional arguments.
    kwargs : the arguments by name.
    state : what was to be given to `__setstate__`, or to become the attributes; None without.
    items : what was to be appended or added.
    pairs : what was to be set as `object[key] = value`.
    """

    __slots__ = ("args", "items", "kind", "kwargs", "pairs", "state")

    def __init__(
        self,
        kind: StandInType | StandIn,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.args = args
        self.kwargs = kwargs or {}
        self.state: Any = None
        self.items: list[Any] = []
        self.pairs: list[tuple[Any, Any]] = []

    @property
    def name(self) -> str:
        """The dotted name of what was to be called; empty where that is a `StandIn` itself."""
        return self.kind.name if isinstance(self.kind, StandInType) else ""

    def parts(self) -> list[Any]:
        """All that the object holds."""
        return [self.kind, self.args, self.kwargs, self.state, self.items, self.pairs]

    def __repr__(self) -> str:
        return f"<stand-in for an object of {shown(self.name)}>"
