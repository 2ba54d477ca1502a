"""How numbers, seeds and the values of a sweep are written."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from live_answers.found import Found

NONE_YET = "No search has ended yet."


def mean(values: pd.Series, digits: int = 2) -> str:
    """Mean and half its interval, of two values the mean alone: their interval says nothing."""
    known = values.dropna()
    if known.empty:
        return ""
    middle, low, high = mean_interval(known)
    half = f" ± {(high - low) / 2:.{digits}f}" if len(known) > 2 else ""
    return f"{middle:.{digits}f}{half}"


def lines(rows: list[dict[str, object]]) -> str:
    """Rows as Markdown."""
    table = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in table)


def short(method: str) -> str:
    """A method's title without what all of them have in common."""
    return method.replace(", on CIFAR-10 of 16 pixels", "")


def seeds(frame: pd.DataFrame | pd.Series) -> str:
    """How many, in words."""
    return f"{len(frame)} seed{'s' * (len(frame) != 1)}"


def better_equal_worse(one: pd.Series, other: pd.Series | np.ndarray) -> str:
    """In how many seeds one is above the other, level with it, and below: "3 / 0 / 2"."""
    counts = (one > other, one == other, one < other)
    return " / ".join(str(int(count.sum())) for count in counts)


def values_of(folders: pd.Series) -> pd.Series:
    """The value of a sweep that each run folder is of."""
    return folders.str.replace(r"-seed\d+$", "", regex=True)


def named(kept: Found, value: str) -> str:
    """A value of a sweep in words: a number's by the method that it is of."""
    if not re.fullmatch(r"[\d.]+", value):
        return f"`{value}`"
    own = kept.runs
    return short(str(own.loc[values_of(own["run"]) == value, "method"].iloc[0]))
