"""What installed packages add: the entry points of a group, found once a process.

Nothing of a package is imported to find them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hwbench.errors import HwbenchError, one_line


@dataclass(frozen=True)
class PlugIn:
    """A part that an installed package adds.

    Attributes
    ----------
    name : by which it is asked for.
    path : its import path "module:Class"; of a package of content its module.
    package : the distribution that adds it, with its version: "my-parts 1.0".
    """

    name: str
    path: str
    package: str

    def load(self, owner: str) -> Any:
        """The object that the path names.

        Parameters
        ----------
        owner : who asks for it, for the message: "search strategy mine".

        Raises
        ------
        HwbenchError
            Whatever importing it raises; the message names the package.
        """
        try:
            return EntryPoint(self.name, self.path, "").load()
        except (Exception, SystemExit) as error:  # the code of others may raise anything
            raise HwbenchError(
                f"{owner}: the package {self.package} cannot be used, importing {self.path} raises "
                f"{type(error).__name__}: {one_line(error)}; mend it or uninstall it"
            ) from error


@cache
def plug_ins(group: str) -> tuple[PlugIn, ...]:
    """What packages add to a group such as "hwbench.spaces", by package and name."""
    found = {
        PlugIn(entry.name, entry.value, _package_of(entry)) for entry in entry_points(group=group)
    }
    return tuple(sorted(found, key=lambda part: (part.package, part.name, part.path)))


def _package_of(entry: EntryPoint) -> str:
    if entry.dist is None:
        return entry.value
    return f"{entry.dist.name} {entry.dist.version}"
