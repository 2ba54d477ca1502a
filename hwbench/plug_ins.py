"""What installed packages add: the entry points of a group, found once a process.

Nothing of a package is imported to find them. A package says by its dependency on hwbench which
versions it is for; one that is for another major version is named and not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from hwbench.errors import HwbenchError, one_line
from hwbench.version import __version__

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True)
class PlugIn:
    """A part that an installed package adds.

    Attributes
    ----------
    name : by which it is asked for.
    path : its import path "module:Class"; of a package of content its module.
    package : the distribution that adds it, with its version: "my-parts 1.0".
    refusal : why it is not used here, "" where it is: it is for another version of hwbench.
    """

    name: str
    path: str
    package: str
    refusal: str = ""

    def load(self, owner: str) -> Any:
        """The object that the path names.

        Parameters
        ----------
        owner : who asks for it, for the message: "search strategy mine".

        Raises
        ------
        HwbenchError
            Whatever importing it raises; the message names the package. Nothing is imported of one
            that is for another version of hwbench.
        """
        if self.refusal:
            raise HwbenchError(f"{owner}: {self.refusal}")
        try:
            return EntryPoint(self.name, self.path, "").load()
        except (Exception, SystemExit) as error:  # the code of others may raise anything
            raise HwbenchError(
                f"{owner}: the package {self.package} cannot be used, importing {self.path} raises "
                f"{type(error).__name__}: {one_line(error)}; mend it or uninstall it"
            ) from error


@cache
def plug_ins(group: str) -> tuple[PlugIn, ...]:
    """What packages add to a group such as "hwbench.spaces", by package and name.

    Those that are for another version of hwbench come last.
    """
    found = {
        PlugIn(entry.name, entry.value, _package_of(entry), _refusal(entry.dist))
        for entry in entry_points(group=group)
    }
    return tuple(
        sorted(found, key=lambda part: (part.refusal != "", part.package, part.name, part.path))
    )


def _package_of(entry: EntryPoint) -> str:
    if entry.dist is None:
        return entry.value
    return f"{entry.dist.name} {entry.dist.version}"


def _refusal(package: Distribution | None) -> str:
    """Why a package's parts are not used here; "" where they are."""
    wanted = None if package is None else _wanted(package)
    if package is None or wanted is None or _is_for(wanted, __version__):
        return ""
    return (
        f"the package {package.name} {package.version} is for hwbench {wanted}, this is hwbench "
        f"{__version__}; install one of {package.name} for this: pip install --upgrade "
        f"{package.name}"
    )


def _wanted(package: Distribution) -> SpecifierSet | None:
    """The versions of hwbench that a package's metadata asks for; None where it asks for none."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in package.requires or ():
        try:
            wanted = Requirement(text)
        except InvalidRequirement:  # which pip would not have installed
            continue
        without_extras = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if wanted.name.lower() == "hwbench" and without_extras:
            return wanted.specifier
    return None


def _is_for(wanted: SpecifierSet, version: str) -> bool:
    """Whether versions that are asked for hold one, of the same major version.

    ">=0.2" promises nothing of 1.0, which its author did not know; ">=0.2,<2" does.
    """
    from packaging.version import Version

    here = Version(version)
    if not wanted.contains(here, prereleases=True):
        return False
    lowest = [Version(each.version) for each in wanted if each.operator in (">=", ">")]
    open_above = all(each.operator in (">=", ">", "!=") for each in wanted)
    return not (lowest and open_above) or max(lowest).major >= here.major
