"""What a code of architectures is, and the error where a text could be of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError


@dataclass(frozen=True)
class Code:
    """A way of writing architectures.

    Attributes
    ----------
    name : by which it is asked for, such as "naslib".
    title : what it is, in words.
    parse : from a value, already out of its text, to int64 of shape (n_positions,); raises
        `HwbenchError` or `ValueError` where the value is not of this code.
    """

    name: str
    title: str
    parse: Callable[[Any], IntArray]


class AmbiguousCodeError(HwbenchError):
    """A value that different codes read differently, so that it must be said of which it is.

    Attributes
    ----------
    what : what the value is, in words: "a list of indices".
    codes : those that can read it.
    """

    def __init__(self, what: str, codes: Sequence[Code]) -> None:
        self.what = what
        self.codes = tuple(codes)
        names = "; ".join(f"{code.name} ({code.title})" for code in codes)
        super().__init__(f"is {what}, which can be of several codes: {names}")
