"""Reading times from what a command has printed; what could mean two things is a failure."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from hwbench.errors import one_line
from hwbench.tables.made.runtimes.base import MeasureError
from hwbench.tables.own.column_words import known_unit, quantity_of, split_header, unit_factor

WHICH = ("only", "first", "last", "all")
"""Which numbers count: the only one there is, the first, the last, or each as a run."""

TIME_UNITS = ("s", "ms", "us", "ns")

# No part of a word ("p50", "resnet18"), a version ("1.2.3"), a date or a path.
_NUMBER = re.compile(
    r"(?<![\w./:,])(?<![\w./:]-)"
    r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b)"
    r"(?![.,:/-]?\d)(?!\w*[_./]\w)",
    re.IGNORECASE,
)
_GROUPED = re.compile(
    r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w,])|(?<![\w.,])\d+,\d+(?![\w,])"
)
_UNIT_BEHIND = re.compile(r"\s?(?P<unit>[^\W\d_]+(?:/[^\W\d_]+)?|%)")
_NAME_BEFORE = re.compile(r"(?P<name>[\w.]+\s?(?:[\[(][^\])]*[\])])?)\s*[:=]\s*$")


@dataclass(frozen=True)
class PrintedTimes:
    """Where in a text times stand, and in which unit.

    Attributes
    ----------
    which : one of `WHICH`.
    pattern : a regular expression; the text of its group, or its whole match where it has none, is
        looked at in place of all. "" for none.
    key : of JSON, "a.b" for a key inside another; "" where no JSON is printed.
    unit : one of `TIME_UNITS`; "" for the one that stands beside the number, ms where none does.
    """

    which: str = "only"
    pattern: str = ""
    key: str = ""
    unit: str = ""

    def milliseconds(self, text: str) -> list[float]:
        """The times in what was printed.

        Raises
        ------
        MeasureError
            Where there is no number, several and it is not said which, one that no run can take,
            or one in another unit than was said.
        """
        if not text.strip():
            raise MeasureError("it printed nothing")
        found = self._from_json(text) if self.key else self._from_text(text)
        if not found:
            raise MeasureError(f"no number in what it printed: {_shown(text)}")
        if self.which == "only" and len(found) > 1:
            numbers = ", ".join(f"{each.value:g}" for each in found[:5])
            raise MeasureError(
                f"it printed {len(found)} numbers ({numbers}{', ...' if len(found) > 5 else ''}); "
                "say which with --read first, last or all, or with --pattern"
            )
        chosen = {"first": found[:1], "last": found[-1:]}.get(self.which, found)
        return [self._checked(each) for each in chosen]

    def _from_text(self, text: str) -> list[_Number]:
        if not self.pattern:
            return _numbers_in(text)
        numbers: list[_Number] = []
        for match in re.finditer(self.pattern, text, re.MULTILINE):
            group = 1 if match.re.groups else 0
            start, end = match.span(group)
            inside = _numbers_in(text, start, end)
            if len(inside) != 1:
                raise MeasureError(
                    f"--pattern finds {_shown(match[group] or '')}, which is not one number"
                )
            numbers += inside
        if not numbers:
            raise MeasureError(f"--pattern is nowhere in what it printed: {_shown(text)}")
        return numbers

    def _from_json(self, text: str) -> list[_Number]:
        found = _json_in(text)
        for part in self.key.split("."):
            if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, dict) and part in found:
                found = found[part]
            else:
                known = ", ".join(map(str, found)) if isinstance(found, dict) else ""
                raise MeasureError(
                    f"the JSON that it printed has no '{self.key}'"
                    f"{f'; there are {one_line(known)}' if known else ''}"
                )
        values = found if isinstance(found, list) else [found]
        for each in values:
            if isinstance(each, bool) or not isinstance(each, int | float):
                raise MeasureError(f"'{self.key}' of the JSON is {_shown(repr(each))}, no number")
        name = self.key.rpartition(".")[2]
        unit = known_unit(name) or split_header(name)[1] or ""
        kind = quantity_of(unit, name) or ""
        return [_Number(float(each), unit, kind, f"{name} {each:g}") for each in values]

    def _checked(self, number: _Number) -> float:
        if number.kind not in ("", "time"):
            raise MeasureError(f"it printed {number.shown}, which is no time")
        if self.unit and number.unit and number.unit != self.unit:
            raise MeasureError(
                f"it printed {number.shown}, and --unit says {self.unit}; leave --unit out"
            )
        if not math.isfinite(number.value) or number.value <= 0:
            raise MeasureError(f"it printed {number.shown}, which no run can take")
        factor = unit_factor(self.unit or number.unit or "ms", "ms")
        return number.value * (1.0 if factor is None else factor)


@dataclass(frozen=True)
class _Number:
    """A number with what stands beside it.

    Attributes
    ----------
    value, unit : as printed; "" where no unit that is known stands there.
    kind : what it measures by its unit or its name, "" where nothing tells.
    shown : the text, for messages.
    """

    value: float
    unit: str
    kind: str
    shown: str


def _numbers_in(text: str, start: int = 0, end: int | None = None) -> list[_Number]:
    end = len(text) if end is None else end
    grouped = _GROUPED.search(text, start, end)
    if grouped is not None:
        raise MeasureError(
            f"it printed {grouped[0]}, which can be read in two ways; let it print a point before "
            "decimals and nothing between thousands"
        )
    return [_number(text, match) for match in _NUMBER.finditer(text, start, end)]


def _number(text: str, match: re.Match[str]) -> _Number:
    """A number, with the unit behind it, else the one that the name before it says."""
    value = float(match["number"])
    behind = _UNIT_BEHIND.match(text, match.end())
    unit = known_unit(behind["unit"]) if behind is not None else None
    if behind is not None and unit is not None:
        return _Number(value, unit, quantity_of(unit) or "share", f"{value:g}{behind[0]}")
    before = _NAME_BEFORE.search(text[max(0, match.start() - 60) : match.start()])
    if before is None:
        return _Number(value, "", "", f"{value:g}")
    name, said = split_header(before["name"])
    kind = quantity_of(said, name) or ""
    return _Number(value, said or "", kind, f"{before[0]}{value:g}")


def _json_in(text: str) -> Any:
    """What is printed as JSON: all of it, or its last line that is an object or a list."""
    lines = [line for line in text.splitlines() if line.strip().startswith(("{", "["))]
    for each in [text, *reversed(lines)]:
        try:
            return json.loads(each)
        except (ValueError, RecursionError):
            continue
    raise MeasureError(f"what it printed is no JSON: {_shown(text)}")


def _shown(text: str) -> str:
    line = one_line(text, 80) if text.strip() else "''"
    return repr(line)
