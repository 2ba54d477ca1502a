"""Reading TOML files into checked models, with errors that name file, key and the nearest name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import pydantic

from hwbench.arguments import refused
from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.regular_files import read_regular

MOST_BYTES = 1 << 20
MOST_DEPTH = 50
INTEGER_BITS = 64  # that TOML asks for
_LONG_INTEGER = f"an integer of more than {INTEGER_BITS} bits"

# A key of more parts than tables may be deep: the parser takes a time that grows with their square.
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_DEPTH},}}")

Model = TypeVar("Model", bound=pydantic.BaseModel)


if TYPE_CHECKING:  # where classes that are made have no other metaclass than pydantic's own
    from pydantic._internal._model_construction import ModelMetaclass as _InOneLine
else:

    class _InOneLine(type(pydantic.BaseModel)):
        """Says in one line what a constructor refuses, as `validated` does of a file's content."""

        def __call__(cls, *args: Any, **given: Any) -> Any:
            try:
                return super().__call__(*args, **given)
            except pydantic.ValidationError as error:
                raise _explain(cls.__name__, cls, error) from error


class FrozenModel(pydantic.BaseModel, metaclass=_InOneLine):
    """Checked content of a file: it refuses unknown keys and does not change."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


_UNION_TAGS = ("bool", "int", "float", "str")


def read_toml(path: Path, model: type[Model]) -> Model:
    """Read a TOML file into a pydantic model.

    Raises
    ------
    HwbenchError
        One line naming file and key: where the file is missing or no TOML, a key is unknown (with
        the nearest valid one) or missing, or a value is of the wrong type or out of range.
    """
    return validated(load_toml(path), model, where=str(path))


def load_toml(path: Path) -> dict[str, Any]:
    """The tree of a TOML file.

    Raises
    ------
    HwbenchError
        One line naming the file: where it is missing, too large, or no TOML; where tables or lists
        are nested deeper than `MOST_DEPTH`, or an integer has more than 64 bits.
    """
    content = read_regular(path, most_bytes=MOST_BYTES)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HwbenchError(f"{path}: is no valid TOML: {one_line(error)}") from error
    return parse_toml(text, where=str(path))


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """The tree of a TOML text; `where` is its place, for messages. Errors as `load_toml`."""
    try:
        return _parsed(text)
    except (tomllib.TOMLDecodeError, RecursionError, _BeyondError) as error:
        raise HwbenchError(f"{where}: is no valid TOML: {one_line(error)}") from error
    except ValueError as error:  # Python reads no number of more digits than 4,300
        raise HwbenchError(f"{where}: is no valid TOML: {_LONG_INTEGER}") from error


class _BeyondError(Exception):
    """Its message is what was found that is too large."""


def _parsed(text: str) -> dict[str, Any]:
    if _LONG_KEY.search(text):
        raise _BeyondError(f"a key of more than {MOST_DEPTH} parts")
    tree = tomllib.loads(text)
    _check_sizes(tree)
    return tree


def _check_sizes(tree: Mapping[str, Any]) -> None:
    """Refuse what would be too deep to be walked, or too large to be shown."""
    level: list[Any] = [tree]
    for _ in range(MOST_DEPTH + 1):
        parts = [part for each in level for part in _parts(each)]
        if any(isinstance(part, int) and part.bit_length() >= INTEGER_BITS for part in parts):
            raise _BeyondError(_LONG_INTEGER)
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return
    raise _BeyondError(f"nested deeper than {MOST_DEPTH} levels")


def _parts(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def validated(content: Mapping[str, Any], model: type[Model], *, where: str) -> Model:
    """Content as a model.

    Raises
    ------
    HwbenchError
        One line that starts with `where` and names the key, as for `read_toml`.
    """
    try:
        return model.model_validate(content)
    except pydantic.ValidationError as error:
        raise _explain(where, model, error) from error


Place = tuple[int | str, ...]
"""Where a value stands in a tree: keys, and numbers in lists."""


def problems(
    content: Mapping[str, Any], model: type[Model], *, where: str
) -> list[tuple[Place, HwbenchError]]:
    """All that keeps content from being a model, each with its place; `validated` says the first.

    Parameters
    ----------
    content, model, where : as for `validated`.
    """
    try:
        model.model_validate(content)
    except pydantic.ValidationError as error:
        errors = _in_order(error)
        found: dict[Place, HwbenchError] = {}
        for each in errors:
            place, line = _explained(where, model, each, errors)
            found.setdefault(place, line)
        return list(found.items())
    return []


def _explain(
    path: str, model: type[pydantic.BaseModel], error: pydantic.ValidationError
) -> HwbenchError:
    errors = _in_order(error)
    return _explained(path, model, errors[0], errors)[1]


def _in_order(error: pydantic.ValidationError) -> list[Any]:
    # A misspelt key is unknown and leaves the right one missing: the first is the cause.
    return sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")


def _explained(
    path: str, model: type[pydantic.BaseModel], first: Any, errors: Sequence[Any]
) -> tuple[Place, HwbenchError]:
    """Where a value stands that is refused, and why: of all errors those about the same value."""
    location = first["loc"]
    about = [first]
    tagged = first["type"] != "extra_forbidden" and len(location) > 1  # else it is a key's name
    if tagged and location[-1] in _UNION_TAGS:  # each type of a union has an error of its own
        location = location[:-1]
        about = [each for each in errors if each["loc"][:-1] == location]
    key = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        inside = _model_at(model, location[:-1])
        place = ".".join(str(part) for part in location[:-1])
        where = f"{path}, section [{place}]" if place else str(path)
        line = unknown_name("key", str(location[-1]), inside.model_fields, where=where)
    elif first["type"] == "missing":
        line = HwbenchError(f"{path}: the key '{key}' is missing")
    elif key:
        line = refused(path, key, about)
    else:
        line = HwbenchError(f"{path}: {first['msg'].removeprefix('Value error, ')}")
    return tuple(location), line


def _model_at(
    model: type[pydantic.BaseModel], location: tuple[int | str, ...]
) -> type[pydantic.BaseModel]:
    """The model that stands at a place inside another."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # the key of a mapping: its values are of the model found so far
        for candidate in _nested_models(field.annotation):
            model = candidate
    return model


def _nested_models(annotation: Any) -> list[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _nested_models(part)]


def to_toml(tree: Mapping[str, Any]) -> str:
    """A tree of strings, numbers, truth values, lists of these and of trees, and trees as TOML.

    Entries of trees that are None are left out.
    """
    return "\n".join(_lines(tree, ())) + "\n"


def _lines(tree: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in tree.items() if v is not None and not isinstance(v, Mapping)}
    lines = [f"[{'.'.join(path)}]"] if path and plain else []
    lines += [f"{_key(k)} = {_value(v)}" for k, v in plain.items()]
    for key, value in tree.items():
        if isinstance(value, Mapping):
            inner = _lines(value, (*path, _key(key)))
            lines += ([""] if lines and inner else []) + inner
    return lines


def _value(value: Any) -> str:
    """A value on one line; trees in lists as inline tables."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)  # TOML's strings, numbers and truth values too


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)


def set_in(tree: dict[str, Any], assignment: str, *, option: str) -> None:
    """Set a key of a tree by what a command line says of it.

    Parameters
    ----------
    tree : is changed. A text where a table has to be becomes the table's `name`.
    assignment : "key=value" or "table.key=value"; the value as TOML has it, quotes of a text may be
        left out.
    option : that it was given by, for messages.

    Raises
    ------
    HwbenchError
        Where it is no such text.
    """
    key, given, text = assignment.partition("=")
    *tables, last = (word.strip() for word in key.split("."))
    if not given or not all([*tables, last]):
        raise HwbenchError(f"{option} {assignment}: must be KEY=VALUE, such as limit=110e6")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        value = text
    place = tree
    for table in tables:
        inside = place.get(table, {})
        place[table] = {"name": inside} if isinstance(inside, str) else inside
        place = place[table]
    place[last] = value


def refuse_repeats(lists: Mapping[str, Sequence[Any]]) -> None:
    """Refuse lists that hold a value twice: it would count twice in every mean.

    Parameters
    ----------
    lists : by name.

    Raises
    ------
    ValueError
        Naming the first such list, and the value.
    """
    for name, values in lists.items():
        for place, value in enumerate(values):
            if value in values[:place]:
                raise ValueError(f"{name} holds a value twice: {value}; drop one of them")
