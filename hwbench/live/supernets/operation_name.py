"""Names of operations that carry numbers, such as "sep_conv_k5_d2_w1.25"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_NUMBER = re.compile(r"([a-z])(\d+(?:\.\d+)?)")


class OperationName(NamedTuple):
    """What kind of operation it is, and its numbers by their letters.

    Attributes
    ----------
    kind : such as "sep_conv".
    numbers : such as {"k": 5, "d": 2, "w": 1.25}, in the order of the name.
    """

    kind: str
    numbers: Mapping[str, float]

    def __str__(self) -> str:
        return "_".join([self.kind, *(f"{key}{value:g}" for key, value in self.numbers.items())])


def parse_operation(name: str) -> OperationName:
    """The parts of an operation's name: its last words of one letter and a number are its numbers.

    Parameters
    ----------
    name : such as "sep_conv_k5_d2_w1.25"; a name without numbers, such as "skip_connect", is all
        kind, and so is "nor_conv_3x3".

    Returns
    -------
    Parts whose `str` is the name, but that numbers are written as short as they can be.
    """
    words = name.split("_")
    numbers: dict[str, float] = {}
    while len(words) > 1 and (found := _NUMBER.fullmatch(words[-1])) and found[1] not in numbers:
        numbers[found[1]] = float(found[2])
        words.pop()
    return OperationName("_".join(words), dict(reversed(numbers.items())))
