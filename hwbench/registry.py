"""One way to find parts by name: those of hwbench, those of installed packages, and one's own.

A registry knows where the parts of one kind are and imports one when it is asked for. A package
adds parts by entry points in the registry's group; a part of one's own needs no entry, its import
path "module:Class" is its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.imports import import_object


class Registry(Mapping[str, str]):
    """Parts of one kind: import paths "module:Class" by name.

    Parameters
    ----------
    kind : what the parts are, in words for messages: "search strategy".
    built_in : import paths of hwbench's own.
    group : of the entry points that packages add parts by; "" where none can be added.
    """

    def __init__(self, kind: str, built_in: Mapping[str, str], group: str = "") -> None:
        self.kind = kind
        self.built_in = dict(built_in)
        self.group = group

    @cached_property
    def plug_ins(self) -> dict[str, EntryPoint]:
        """Entry points of installed packages by name; the names of hwbench's own are not theirs."""
        found = entry_points(group=self.group) if self.group else ()
        return {each.name: each for each in found if each.name not in self.built_in}

    def __getitem__(self, name: str) -> str:
        return self.built_in[name] if name in self.built_in else self.plug_ins[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.built_in, *self.plug_ins}))

    def __len__(self) -> int:
        return len(self.built_in) + len(self.plug_ins)

    def load(self, name: str, *, where: str = "") -> Any:
        """The part of that name.

        Parameters
        ----------
        name : one of the registry, or "module:Class" of one's own.
        where : the file or section that names it, for messages.

        Raises
        ------
        HwbenchError
            Where there is no such part, the message says the nearest name; or where it cannot be
            imported, the message names the package that it is from.
        """
        place = f"{where}: " if where else ""
        if name in self.built_in:
            return import_object(self.built_in[name], owner=f"{place}{self.kind} {name}")
        if name in self.plug_ins:
            return _loaded(self.plug_ins[name], f"{place}{self.kind} {name}")
        if ":" in name:
            return import_object(name, owner=f"{place}{self.kind} {name}")
        raise unknown_name(self.kind, name, self, where=where or None)

    def broken(self) -> dict[str, str]:
        """Why plug-ins cannot be imported, by name; the rest of the registry works."""
        reasons: dict[str, str] = {}
        for name in self.plug_ins:
            try:
                self.load(name)
            except HwbenchError as error:
                reasons[name] = str(error)
        return reasons


def package_of(entry: EntryPoint) -> str:
    """The installed package that an entry point is of, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.module


def _loaded(entry: EntryPoint, owner: str) -> Any:
    try:
        return entry.load()
    except Exception as error:  # the code of others may raise anything while it is imported
        raise HwbenchError(
            f"{owner}: the package {package_of(entry)} cannot be used, importing {entry.value} "
            f"raises {type(error).__name__}: {one_line(error)}; mend it or uninstall it"
        ) from error
