"""Reading TOML files into checked models, with errors that name file, key and the nearest name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

import pydantic

from hwbench.errors import HwbenchError, unknown_name

Model = TypeVar("Model", bound=pydantic.BaseModel)


def read_toml(path: Path, model: type[Model]) -> Model:
    """Read a TOML file into a pydantic model.

    Raises
    ------
    HwbenchError
        One line naming file and key: where the file is missing or no TOML, a key is unknown (with
        the nearest valid one) or missing, or a value is of the wrong type or out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HwbenchError(f"{path}: is no valid TOML: {error}") from error
    try:
        return model.model_validate(content)
    except pydantic.ValidationError as error:
        raise _explain(path, model, error) from error


def _explain(
    path: Path, model: type[pydantic.BaseModel], error: pydantic.ValidationError
) -> HwbenchError:
    first: dict[str, Any] = dict(error.errors()[0])
    location = first["loc"]
    key = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        inside = _model_at(model, location[:-1])
        place = ".".join(str(part) for part in location[:-1])
        where = f"{path}, section [{place}]" if place else str(path)
        return unknown_name("key", str(location[-1]), inside.model_fields, where=where)
    if first["type"] == "missing":
        return HwbenchError(f"{path}: the key '{key}' is missing")
    message = first["msg"].removeprefix("Value error, ")
    where = f"{path}: {key}" if key else str(path)
    given = "" if isinstance(first["input"], dict) else f" (given: {first['input']!r})"
    return HwbenchError(f"{where}: {message}{given}")


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
