"""Reading an architecture in whatever code it is written, where that is unmistakable.

Official strings come first, then what can mean but one thing: blanks and capitals that do not
matter, the operations' names in the order of the positions, dictionaries from positions to choices,
and what a space adds. Lists of indices mean different things in different libraries: they are read
where the space's own strings are such indices, and refused elsewhere until it is said which.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.code import AmbiguousCodeError, Code
from hwbench.spaces.code_values import (
    mapping_of,
    texts_in,
    value_of,
    whole_number,
    whole_numbers,
)

if TYPE_CHECKING:
    from hwbench.spaces.base import Space


def codes_of(space: Space) -> dict[str, Code]:
    """All codes of a space by name, its official strings first."""
    found = [Code("string", "the strings of the space", lambda value: _from_string(space, value))]
    found.append(
        Code("names", "names of the choices, by position", lambda value: _from_listed(space, value))
    )
    found += space.other_codes()
    found.append(
        Code(
            "hwbench",
            f"indices as in hwbench's arrays, by position: {_positions(space)}",
            lambda value: _from_indices(space, value),
        )
    )
    if space.indexed:
        found.append(
            Code(
                "hwbench-index",
                "places in hwbench's own order",
                lambda value: _from_place(space, value),
            )
        )
    return {code.name: code for code in found}


def code_named(space: Space, name: str) -> Code:
    """The code of a name.

    Raises
    ------
    HwbenchError
        Where the space has no such code; the message names the nearest.
    """
    codes = codes_of(space)
    if name not in codes:
        raise unknown_name(f"architecture format of {space.name}", name, codes)
    return codes[name]


def read_code(space: Space, cell: Any, name: str | None = None) -> IntArray:
    """Read one architecture.

    Parameters
    ----------
    space : the search space.
    cell : a text, or a list, tuple, dictionary or number.
    name : of the code, where it was said; else what is unmistakable is read.

    Returns
    -------
    int64 array of shape (n_positions,).

    Raises
    ------
    AmbiguousCodeError
        Where several codes read the cell, each differently; `codes` names them.
    HwbenchError
        Where the cell is no architecture.
    """
    if name is not None:
        return _read_as(space, cell, code_named(space, name))
    refused: HwbenchError | None = None
    if isinstance(cell, str) or whole_number(cell) is not None:
        try:
            return _from_string(space, cell)
        except HwbenchError as error:
            refused = error
    value = value_of(cell)
    for read in (_from_names, _from_choices, _from_space):
        with contextlib.suppress(_NotThisError):
            return read(space, value)
    numbers = whole_numbers(value) or _bare_digits(space, value)
    if numbers is not None and len(numbers) == space.n_positions:
        if _writes_indices(space):
            return _from_indices(space, numbers)
        raise AmbiguousCodeError("a list of indices", _codes_that_read(space, value))
    if whole_number(value) is not None and space.has_official_index:
        raise AmbiguousCodeError("a bare number", _codes_that_read(space, value))
    raise refused or HwbenchError(
        f"{space.name}: a {type(value).__name__} is no architecture; formats: "
        f"{', '.join(codes_of(space))}"
    )


def _read_as(space: Space, cell: Any, code: Code) -> IntArray:
    try:
        return code.parse(value_of(cell))
    except HwbenchError:
        raise
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise HwbenchError(
            f"{space.name}: is no architecture in the format {code.name}: {error}"
        ) from error


class _NotThisError(HwbenchError):
    """The value is not of a reader's kind at all."""


def _from_string(space: Space, value: Any) -> IntArray:
    """The official string, whatever its blanks and capitals; digits may have become a number."""
    number = None if isinstance(value, str) else whole_number(value)
    if number is not None:
        value = str(number)
    if not isinstance(value, str):
        raise HwbenchError(f"{space.name}: a {type(value).__name__} is no string")
    try:
        return space.from_string(value)
    except HwbenchError:
        tight = re.sub(r"\s+", "", value)
        whole = tight.removesuffix(".0")
        for changed in dict.fromkeys((value.lower(), tight, tight.lower(), whole)):
            if changed == value:
                continue
            try:
                return space.from_string(changed)
            except HwbenchError:
                continue
        names = re.split(r"\s*[|,;/]\s*|\s+", value.strip())
        if space.named_by_position and len(names) == space.n_positions > 1:
            with contextlib.suppress(HwbenchError):
                return _by_name(space, names)
        raise


def _from_names(space: Space, value: Any) -> IntArray:
    """The names of the operations, one for each position, in the order of the positions."""
    numbers = whole_numbers(value)
    names = texts_in(value) if numbers is None else [str(number) for number in numbers]
    if names is None or not space.named_by_position:
        raise _NotThisError(f"{space.name}: is no list of names that tells an architecture")
    if numbers is not None and not _only_names(space, names):
        raise _NotThisError(f"{space.name}: is a list of indices")
    return _by_name(space, names)


def _from_listed(space: Space, value: Any) -> IntArray:
    """A list of names, or of numbers that are names, where it was said that it is one."""
    numbers = whole_numbers(value)
    names = texts_in(value) if numbers is None else [str(number) for number in numbers]
    if names is None:
        raise HwbenchError(f"{space.name}: {str(value)[:60]!r} is no list of names")
    return _by_name(space, names)


def _by_name(space: Space, names: Sequence[str]) -> IntArray:
    if len(names) != space.n_positions:
        raise HwbenchError(
            f"{space.name}: {len(names)} names, not {space.n_positions}: {_positions(space)}"
        )
    return space.check([[_choice(space, place, name) for place, name in enumerate(names)]])[0]


def _only_names(space: Space, names: Sequence[str]) -> bool:
    """Whether numbers are choices, such as "16" and "32", and cannot be indices of choices.

    Raises
    ------
    AmbiguousCodeError
        Where they can be both.
    """
    if len(names) != space.n_positions:
        return False
    pairs = list(zip(names, space.choices, strict=True))
    if not all(name in offered for name, offered in pairs):
        return False
    if all(int(name) < len(offered) for name, offered in pairs):
        codes = codes_of(space)
        raise AmbiguousCodeError("a list of numbers", [codes["names"], codes["hwbench"]])
    return True


def _choice(space: Space, position: int, name: Any) -> int:
    """The index of a choice that is given by its name, capitals and blanks aside."""
    offered = space.choices[position]
    text = _plain(name)
    found = [place for place, choice in enumerate(offered) if _plain(choice) == text]
    if len(found) != 1:
        raise unknown_name(
            f"choice of {space.positions[position]}", str(name)[:40], offered, where=space.name
        )
    return found[0]


def _plain(name: Any) -> str:
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    return re.sub(r"\s+", "", str(name)).casefold()


def _from_choices(space: Space, value: Any) -> IntArray:
    """A dictionary from positions to choices; positions of one stem may share a list.

    {"layer1": "16", "layer2": 32}, and for the positions ks1, ks2, d1: {"ks": [3, 5], "d": [2]}.
    """
    given = mapping_of(value)
    if given is None:
        raise _NotThisError(f"{space.name}: is no dictionary")
    by_position = _spread(space, given)
    if by_position is None:
        raise _NotThisError(f"{space.name}: its keys are no positions: {_positions(space)}")
    row = [_choice(space, place, by_position[name]) for place, name in enumerate(space.positions)]
    return space.check([row])[0]


def _spread(space: Space, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The choice of each position; None where the keys are not those of the positions."""
    if set(space.positions) <= set(given):
        return {name: given[name] for name in space.positions}
    groups: dict[str, list[str]] = {}
    for name in space.positions:
        stem = re.sub(r"[\W_]*\d+$", "", name)
        groups.setdefault(stem, []).append(name)
    if not set(groups) <= set(given):
        return None
    found: dict[str, Any] = {}
    for stem, names in groups.items():
        values = given[stem] if isinstance(given[stem], list | tuple) else [given[stem]]
        if len(values) != len(names):
            raise HwbenchError(
                f"{space.name}: '{stem}' holds {len(values)} choices for the {len(names)} "
                f"positions {names[0]} .. {names[-1]}"
            )
        found |= dict(zip(names, values, strict=True))
    return found


def _from_space(space: Space, value: Any) -> IntArray:
    """What the space itself reads beside its strings."""
    found = space.from_other_code(value)
    if found is None:
        raise _NotThisError(f"{space.name}: nothing that the space reads")
    return found


# ---------------------------------------------------------------------- indices


def _writes_indices(space: Space) -> bool:
    """Whether the space's strings are the indices of hwbench's arrays, one digit each."""
    if int(space.n_choices.max()) > 10:
        return False
    ones = space.n_choices - 1
    try:
        return space.to_string(ones) == "".join(str(index) for index in ones.tolist())
    except HwbenchError:
        return False


def _bare_digits(space: Space, value: Any) -> list[int] | None:
    if isinstance(value, str) and re.fullmatch(rf"\d{{{space.n_positions}}}", value):
        return [int(digit) for digit in value]
    return None


def _from_indices(space: Space, value: Any) -> IntArray:
    numbers = whole_numbers(value) or _bare_digits(space, value)
    if numbers is None:
        raise HwbenchError(f"{space.name}: is no list of {space.n_positions} indices")
    return space.check([numbers])[0]


def _from_place(space: Space, value: Any) -> IntArray:
    return space.architectures_at([_whole(space, value)])[0]


def _whole(space: Space, value: Any) -> int:
    number = whole_number(value)
    if number is None:
        raise HwbenchError(f"{space.name}: {str(value)[:40]!r} is no whole number")
    return number


def _codes_that_read(space: Space, value: Any) -> list[Code]:
    def reads(parse: Callable[[Any], IntArray]) -> bool:
        try:
            parse(value)
        except (ValueError, TypeError, KeyError, IndexError):
            return False
        return True

    return [code for code in codes_of(space).values() if reads(code.parse)] or [
        code for code in codes_of(space).values() if code.name not in ("string", "names")
    ]


def _positions(space: Space) -> str:
    shown = ", ".join(space.positions[:6])
    return shown + (", ..." if space.n_positions > 6 else "")


def lost_zeros(space: Space, cells: list[Any]) -> list[str] | None:
    """The strings of cells whose leading zeros were lost when they were read as numbers.

    Parameters
    ----------
    space : whose strings are digits.
    cells : all cells of a column that are not empty: texts or numbers.

    Returns
    -------
    Strings of full length; None where the space has no such strings, no cell is too short, or
    something else than lost zeros is wrong with one.
    """
    if not _writes_indices(space):
        return None
    texts = []
    for cell in cells:
        if isinstance(cell, bool | np.bool_) or not isinstance(
            cell, str | int | float | np.integer | np.floating
        ):
            return None
        if isinstance(cell, float | np.floating):
            if not float(cell).is_integer() or abs(float(cell)) >= 2**53:
                return None
            cell = int(cell)
        text = str(cell).strip().removesuffix(".0")
        # A zero in front shows that the others have not lost theirs.
        if not re.fullmatch(r"0|[1-9]\d*", text) or len(text) > space.n_positions:
            return None
        texts.append(text)
    if all(len(text) == space.n_positions for text in texts):
        return None
    return [text.zfill(space.n_positions) for text in texts]
