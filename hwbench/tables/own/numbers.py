"""The number in a cell: what stands for none, units behind it, and what its marks mean.

A comma or a point is a decimal mark in one country and parts thousands in another. What a mark
means is told by the numbers of a column together: "2,4" shows a decimal comma, "1,234,567"
thousands; "2,678" alone, three digits behind the mark, shows neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from hwbench.tables.own.column_words import known_unit

LONGEST_NUMBER = 1000
"""Characters. A cell may hold megabytes, and one such text may stand in every row."""

MISSING = (
    "", "nan", "na", "n/a", "null", "none", "#n/a", "#na", "<na>", "<nan>", "-", "--", "---",
    "\u2013", "\u2014", "?", ".", "n.a.", "nil", "missing", "#null!", "-nan", "nat", "\\n",
)  # fmt: skip
"""Spellings, in small letters, of no value."""

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SPACES = "\u00a0\u202f\u2009 "
_CELL = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>(?:\d|[.,]\d)[\d.,'\u2019\u00a0\u202f\u2009 ]*)"
    r"(?P<power>e[+-]?\d+)?\s*(?P<unit>[^\d\s].*)?",
    re.ASCII | re.IGNORECASE,
)
_WITH_NOISE = re.compile(
    r"(?P<value>[^\u00b1]+?)\s*(?:\u00b1|\+/-|\+-)\s*(?P<noise>[^\u00b1]+)", re.ASCII
)
_GROUPED = re.compile(
    rf"[1-9]\d{{0,2}}(?:(?P<mark>['\u2019{_SPACES}])\d{{3}})(?:(?P=mark)\d{{3}})*(?P<rest>[.,]\d*)?"
)
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}|[1-9]\d{0,2}(?:,\d{3}){2,}")
_DATE = re.compile(
    r"\d{1,2}[-. ]{1,2}(?:jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*\.?"
    r"|(?:jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*[-. ]\d{1,4}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NumberStyle:
    """What the marks in numbers mean.

    Attributes
    ----------
    decimal : the mark before decimals, "." or ",".
    thousands : the mark between thousands, None for none.
    """

    decimal: str = "."
    thousands: str | None = None


@dataclass(frozen=True)
class WrittenNumber:
    """A number as it is written in a cell, its marks not understood yet.

    Attributes
    ----------
    sign, digits, power : its parts; spaces and apostrophes between thousands are taken out.
    unit : behind it, as tables write it; "" for none.
    noise : its deviation, written behind a plus-minus sign.
    """

    sign: str
    digits: str
    power: str
    unit: str = ""
    noise: WrittenNumber | None = None

    def value(self, style: NumberStyle) -> float | None:
        """The number under a style, None where it does not fit."""
        text = self.digits
        if style.thousands and style.thousands in text:
            whole, mark, rest = text.partition(style.decimal)
            mark_pattern = re.escape(style.thousands)
            if not re.fullmatch(rf"\d{{1,3}}(?:{mark_pattern}\d{{3}})+", whole):
                return None
            text = whole.replace(style.thousands, "") + mark + rest
        plain = text.replace(style.decimal, ".") if style.decimal != "." else text
        if (style.decimal != "." and "." in text) or not _PLAIN.fullmatch(plain):
            return None
        number = float(f"{self.sign}{plain}{self.power}")
        return number if math.isfinite(number) else None


def tidy(text: str) -> str:
    """A text without blanks around it, its minus sign that of keyboards."""
    plain = text.strip().strip("\ufeff\u200b").replace("\u2212", "-").strip()
    return plain.removeprefix("'")  # by which spreadsheets mark a text


def is_missing(cell: Any, spellings: Collection[str] = ()) -> bool:
    """Whether a cell says that there is no value.

    Parameters
    ----------
    cell : of any kind.
    spellings : that mean so beside the usual ones, in small letters.
    """
    if isinstance(cell, str):
        if len(cell) > LONGEST_NUMBER:
            return False
        text = cell.strip().lower()
        return text in MISSING or text in spellings
    if isinstance(cell, Decimal):
        return cell.is_nan()
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    return cell is None or cell is pd.NA or cell is pd.NaT


def written_number(cell: str) -> WrittenNumber | None:
    """The number that a text writes, None where it writes none."""
    if len(cell) > LONGEST_NUMBER or not any(letter in "0123456789" for letter in cell):
        return None
    text = tidy(cell)
    if ("\u00b1" in text or "+/-" in text or "+-" in text) and (
        match := _WITH_NOISE.fullmatch(text)
    ):
        value, noise = written_number(match["value"]), written_number(match["noise"])
        if value is None or noise is None or (value.unit and noise.unit not in ("", value.unit)):
            return None
        unit = value.unit or noise.unit
        return WrittenNumber(value.sign, value.digits, value.power, unit, noise)
    match = _CELL.fullmatch(text)
    if match is None:
        return None
    digits, unit = match["digits"].rstrip(_SPACES), match["unit"] or ""
    known = known_unit(unit.strip()) if unit else ""
    if known is None:
        return None
    if any(letter in digits for letter in f"'\u2019{_SPACES}"):
        grouped = _GROUPED.fullmatch(digits)
        if grouped is None:
            return None
        digits = re.sub(rf"['\u2019{_SPACES}]", "", digits)
    return WrittenNumber(match["sign"], digits, match["power"] or "", known)


def looks_like_number(text: str) -> bool:
    """Whether a text is a number in some way of writing them."""
    return written_number(text) is not None


def looks_like_date(text: str) -> bool:
    """Whether a text is what spreadsheets make of a number such as 2.4."""
    return len(text) < 30 and _DATE.fullmatch(text.strip()) is not None


def plain_number(cell: Any) -> float | None:
    """The finite number in a cell that is a number already, None where it is none."""
    if not isinstance(cell, int | float | Decimal | np.integer | np.floating) or isinstance(
        cell, bool
    ):
        return None
    try:
        number = float(cell)
    except (OverflowError, ValueError):  # an int beyond float64, a signalling NaN
        return None
    return number if math.isfinite(number) else None


# ---------------------------------------------------------------------- marks


@dataclass
class Marks:
    """What the numbers of a column show of their marks; each attribute counts cells.

    Attributes
    ----------
    decimal, thousands : that show what "." or "," is, by mark.
    unclear : that could be read both ways, by mark: the place and the digits of the first.
    whole : whole numbers of at most three digits without a mark: could be beside thousands.
    long : whole numbers of four digits or more without a mark: thousands are not parted.
    """

    decimal: dict[str, int]
    thousands: dict[str, int]
    unclear: dict[str, tuple[int, str]]
    whole: int = 0
    long: int = 0

    @classmethod
    def none(cls) -> Marks:
        """Of no number yet."""
        return cls({".": 0, ",": 0}, {".": 0, ",": 0}, {})

    def see(self, place: int, digits: str, power: str) -> None:
        """Take what one number shows."""
        marks = [letter for letter in digits if letter in ".,"]
        if not marks:
            if len(digits) > 3:
                self.long += 1
            else:
                self.whole += 1
        elif len(set(marks)) == 2:
            self.decimal[marks[-1]] += 1
            self.thousands[marks[0]] += 1
        elif len(marks) > 1:
            if _THOUSANDS.fullmatch(digits):
                self.thousands[marks[0]] += 1
        elif _AMBIGUOUS.fullmatch(digits) and not power:
            self.unclear.setdefault(marks[0], (place, digits))
        else:
            self.decimal[marks[0]] += 1

    def style(self, separator: str) -> NumberStyle | None:
        """What the marks mean, None where that is not told or contradictory.

        Parameters
        ----------
        separator : between the cells of the file: beside ";" a point alone tells nothing.
        """
        comma = self._meaning(",")
        point = self._meaning(".")
        if comma == "both" or point == "both" or (comma == point == "decimal"):
            return None
        if comma == "unclear":
            comma = {"decimal": "thousands", "thousands": "decimal"}.get(point, "unclear")
        if point == "unclear":
            if comma in ("decimal", "thousands"):
                point = "thousands" if comma == "decimal" else "decimal"
            elif self.long or not (self.whole or separator == ";"):
                point = "decimal"
        if "unclear" in (comma, point):
            return None
        if comma == "decimal":
            return NumberStyle(",", "." if point == "thousands" else None)
        thousands = "," if comma == "thousands" else "." if point == "thousands" else None
        return NumberStyle("," if thousands == "." else ".", thousands)

    def _meaning(self, mark: str) -> str:
        if self.decimal[mark] and self.thousands[mark]:
            return "both"
        if self.decimal[mark]:
            return "decimal"
        if self.thousands[mark]:
            return "thousands"
        return "unclear" if mark in self.unclear else "absent"
