"""Values out of the texts of cells: lists, tuples and dictionaries, as Python and JSON write them.

Nothing of a text is ever run.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

LONGEST = 10_000
"""Characters of a text that is looked into."""

_DEEPEST = 20
_NUMBERS = re.compile(r"\d{1,4}(?:\s*[-_,; ]\s*\d{1,4})+")


def value_of(cell: Any) -> Any:
    """The value that a cell holds: of a text with brackets what it says, else the cell itself.

    Arrays become lists. A text that cannot be read comes back without the blanks around it.
    """
    if isinstance(cell, np.ndarray):
        return cell.tolist() if cell.size <= LONGEST else cell
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if len(text) > LONGEST or not text.startswith(("[", "(", "{")) or _depth(text) > _DEEPEST:
        return text
    if " " in text and text.startswith("[") and "," not in text:
        text = re.sub(r"(?<=[\w'\"\]])\s+(?=[\w'\"\[])", ", ", text)  # as numpy prints an array
    for read in (json.loads, _literal):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
    return cell.strip()


def _literal(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a text looks like as a program
        return ast.literal_eval(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        if letter in "[({":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "])}":
            depth -= 1
    return deepest


def whole_numbers(value: Any) -> list[int] | None:
    """The whole numbers of a list, or of a text such as "3-0-1" or "3 0 1"; None for all else."""
    if isinstance(value, str) and _NUMBERS.fullmatch(value.strip()):
        return [int(part) for part in re.findall(r"\d+", value)]
    if not isinstance(value, list | tuple) or not value:
        return None
    found = [whole_number(each) for each in value]
    return None if None in found else [each for each in found if each is not None]


def whole_number(value: Any) -> int | None:
    """The whole number that a value is, None where it is none."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,19}(?:\.0)?", value.strip()):
        return int(value.strip().removesuffix(".0"))
    return None


def texts_in(value: Any) -> list[str] | None:
    """The texts of a list of texts; None for all else."""
    if isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value):
        return list(value)
    return None


def mapping_of(value: Any) -> Mapping[str, Any] | None:
    """A dictionary with texts for keys; None for all else."""
    if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        return value
    return None
