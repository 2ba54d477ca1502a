"""One way to find parts by name: those of hwbench, those of installed packages, and one's own.

A registry knows where the parts of one kind are and imports one when it is asked for. A package
adds parts by entry points in the registry's group; a part of one's own needs no entry, its import
path "module:Class" is its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hwbench.errors import HwbenchError, unknown_name
from hwbench.extras import missing_extra
from hwbench.imports import current_path, import_object
from hwbench.plug_ins import PlugIn, plug_ins


class Registry(Mapping[str, str]):
    """Parts of one kind: import paths "module:Class" by name.

    Names of hwbench's own are nobody else's. Where two packages give one name, the package whose
    name comes first in the alphabet has it.

    Parameters
    ----------
    kind : what the parts are, in words for messages: "search strategy".
    built_in : import paths of hwbench's own.
    group : of the entry points that packages add parts by.
    base : import path of the class that parts are subclasses of; "" where they are functions, or
        anything that behaves as it should.
    """

    def __init__(
        self, kind: str, built_in: Mapping[str, str], group: str, *, base: str = ""
    ) -> None:
        self.kind = kind
        self.built_in = dict(built_in)
        self.group = group
        self.base = base

    @property
    def plug_ins(self) -> dict[str, PlugIn]:
        """What packages add, by name."""
        found: dict[str, PlugIn] = {}
        for each in plug_ins(self.group):
            if each.name not in self.built_in:
                found.setdefault(each.name, each)
        return found

    def __getitem__(self, name: str) -> str:
        return self.built_in[name] if name in self.built_in else self.plug_ins[name].path

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.built_in, *self.plug_ins}))

    def __len__(self) -> int:
        return len(self.built_in) + len(self.plug_ins)

    def path_of(self, name: str, *, where: str = "") -> str:
        """The import path of a part; nothing is imported.

        Parameters
        ----------
        name : one of the registry, or "module:Class" of one's own; a path that hwbench 0.1.0 had
            is that of today.
        where : the file or section that names it, for messages.

        Raises
        ------
        HwbenchError
            Where there is no such part; the message says the nearest name.
        """
        if name in self:
            return self[name]
        if ":" in name:
            return current_path(name)
        raise unknown_name(self.kind, name, self, where=where or None)

    def origin(self, name: str) -> str:
        """Whose a part is: "hwbench", a package with its version, or "" where it is one's own."""
        if name in self.built_in:
            return "hwbench"
        return self.plug_ins[name].package if name in self.plug_ins else ""

    def load(self, name: str, *, where: str = "", extra: str = "") -> Any:
        """The part of that name.

        Parameters
        ----------
        name, where : as for `path_of`.
        extra : the one to be named of several extras of hwbench that install its library.

        Raises
        ------
        MissingExtraError
            Where a library that it imports belongs to an extra that is not installed.
        HwbenchError
            Where there is no such part, it cannot be imported, or is no subclass of `base`; the
            message names the package that it is from.
        """
        path = self.path_of(name, where=where)
        owner = f"{where}: {self.kind} {name}" if where else f"{self.kind} {name}"
        plug_in = None if name in self.built_in else self._plug_in_at(path)
        if plug_in is not None:
            found = self._of_package(plug_in, owner)
        else:
            found = import_object(path, owner=owner, extra=extra)
        if self.base:
            base = import_object(self.base, owner=owner)
            if not (isinstance(found, type) and issubclass(found, base)):
                whose = f", of the package {plug_in.package}," if plug_in is not None else ""
                raise HwbenchError(
                    f"{owner}: {path}{whose} is no subclass of {self.base.replace(':', '.')}"
                )
        return found

    def hidden(self) -> list[str]:
        """What packages add under names that others have: a line for each."""
        lines = []
        for each in plug_ins(self.group):
            if each.refusal:  # which is said of all its parts
                continue
            whose = "hwbench" if each.name in self.built_in else self.plug_ins[each.name].package
            if each.name in self.built_in or self.plug_ins[each.name] != each:
                lines.append(
                    f"{self.kind} {each.name} of the package {each.package} is left out: {whose} "
                    "has one of that name"
                )
        return lines

    def _of_package(self, plug_in: PlugIn, owner: str) -> Any:
        try:
            return plug_in.load(owner)
        except HwbenchError as error:
            missing = missing_extra(error.__cause__, f"{owner}, of the package {plug_in.package},")
            if missing is not None:
                raise missing from error
            raise

    def _plug_in_at(self, path: str) -> PlugIn | None:
        return next((each for each in self.plug_ins.values() if each.path == path), None)
