"""Changing a TOML text, with its comments and its order kept."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable

from hwbench.errors import HwbenchError, one_line
from hwbench.live.components import NAME
from hwbench.toml import MOST_DEPTH, Place


class Text:
    """A TOML text that is changed.

    Parameters
    ----------
    text : valid TOML.

    Raises
    ------
    HwbenchError
        Where it is none.
    """

    def __init__(self, text: str) -> None:
        try:
            self._document = tomlkit.parse(text)
        except (TOMLKitError, RecursionError, ValueError) as error:
            raise HwbenchError(f"is no valid TOML: {one_line(error)}") from error

    def __str__(self) -> str:
        return tomlkit.dumps(self._document)

    def set(self, place: Place, value: Any) -> None:
        """Give an argument a value; sections on the way are made."""
        holder = self._holder(place)
        _check_place(place)
        holder[place[-1]] = _item(value, inside=holder)

    def unset(self, place: Place) -> None:
        """Leave an argument, or a section, out."""
        holder = self._find(place[:-1])
        if isinstance(holder, Array | AoT | list):
            if isinstance(place[-1], int) and place[-1] < len(holder):
                del holder[place[-1]]
        elif isinstance(holder, MutableMapping) and place[-1] in holder:
            del holder[str(place[-1])]

    def add(self, place: Place, name: str = "") -> None:
        """Add a section, that names a part where a name is given, or an entry of a list of them."""
        there = self._find(place)
        entry = {NAME: name} if name else {}
        if isinstance(there, Array | AoT | list):
            there.append(_item(entry, inside=there))
            return
        if there is None:
            self.set(place, entry)

    def name(self, place: Place, name: str, known: frozenset[str]) -> None:
        """Let a section name another part, which keeps those arguments that it knows too.

        Parameters
        ----------
        place : of the section.
        name : of the part.
        known : names of its arguments.
        """
        there = self._find(place)
        if isinstance(there, str) or there is None:  # an entry that is a name alone
            self.set(place, {NAME: name})
            return
        arguments = there.get("parameters") if isinstance(place[-1], int) else there
        for each in [key for key in arguments or {} if key not in {*known, NAME}]:
            del arguments[each]
        there[NAME] = name

    def put(self, key: str, content: Any) -> None:
        """Replace a section of the whole by one of another text."""
        if key in self._document:
            del self._document[key]
        self._document[key] = _item(content, inside=self._document)

    def _find(self, place: Place) -> Any:
        found: Any = self._document
        for part in place:
            if isinstance(found, Mapping):
                found = found.get(str(part))
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return None
        return found

    def _holder(self, place: Place) -> Any:
        """What holds the last part of a place, made where it is missing."""
        found: Any = self._document
        for number, part in enumerate(place[:-1]):
            inside = self._find(place[: number + 1])
            if isinstance(inside, str) and isinstance(part, int):  # an entry that is a name alone
                found[part] = _item({NAME: str(inside)}, inside=found)
            elif inside is None:
                found[str(part)] = _item({}, inside=found)
            found = found[part]
            if not isinstance(found, Mapping | list):
                raise HwbenchError(f"{'.'.join(map(str, place[: number + 1]))} is no section")
        return found


def _check_place(place: Place) -> None:
    if not place or len(place) > MOST_DEPTH:
        raise HwbenchError(f"{'.'.join(map(str, place)) or 'nothing'} is no place in a config")


def _item(value: Any, *, inside: Any) -> Any:
    """A value as what stands where it is put: tables inside a list or a table of one line too."""
    if isinstance(value, Mapping):
        short = isinstance(inside, InlineTable | Array)
        made = tomlkit.inline_table() if short else tomlkit.table()
        for key, each in value.items():
            made[key] = _item(each, inside=made)
        return made
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        array = tomlkit.array()
        for each in value:
            array.append(_item(each, inside=array))
        return array
    return value
