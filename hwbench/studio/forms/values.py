"""Values of arguments: which there may be, by an annotation, and how they are typed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from hwbench.arguments import names_of
from hwbench.toml import to_toml

FLAG, CHOICE, TEXT, NUMBER, TOML = "flag", "choice", "text", "number", "toml"
PICK = "pick"
"""Widgets: yes or no, one of some words, plain words, a number, anything as TOML has it, and one of
some values as TOML has them."""


@dataclass(frozen=True)
class Kind:
    """Which values an argument takes.

    Attributes
    ----------
    widget : by which it is set.
    words : what it must be.
    choices : of a widget "choice".
    """

    widget: str
    words: str
    choices: tuple[str, ...] = ()


_kinds: dict[str, Kind] = {}


def kind_of(annotation: Any) -> Kind:
    """Which values an annotation allows."""
    key = repr(annotation)  # not all that annotations hold can be hashed
    if key not in _kinds:
        _kinds[key] = _kind_of(annotation)
    return _kinds[key]


def _kind_of(annotation: Any) -> Kind:
    names = names_of(annotation)
    if names:
        return Kind(CHOICE, "one of a list", names)
    if annotation is Parameter.empty:
        return Kind(TOML, "any value")
    try:
        schema = TypeAdapter(annotation).json_schema()
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
        return Kind(TOML, "any value")
    options = [each for each in _options(schema, schema.get("$defs", {})) if each != "null"]
    words = " or ".join(dict.fromkeys(_words(each) for each in options))
    if all("enum" in each or "const" in each for each in options) and options:
        values = [value for each in options for value in each.get("enum", [each.get("const")])]
        widget = CHOICE if all(isinstance(value, str) for value in values) else PICK
        return Kind(widget, "one of a list", tuple(shown(value, widget) for value in values))
    types = {each.get("type") for each in options}
    if types == {"boolean"}:
        return Kind(FLAG, words)
    if types == {"string"}:
        return Kind(TEXT, words)
    if types and types <= {"integer", "number"}:
        return Kind(NUMBER, words)
    return Kind(TOML, words or "any value")


def _options(schema: Mapping[str, Any], named: Mapping[str, Any]) -> list[Any]:
    """The schemas that a value may fit one of, and "null"."""
    if "$ref" in schema:
        return _options(named.get(schema["$ref"].rpartition("/")[2], {}), named)
    if "anyOf" in schema:
        return [option for each in schema["anyOf"] for option in _options(each, named)]
    return ["null"] if schema.get("type") == "null" else [schema]


_TYPES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a table",
}
_BOUNDS = {
    "exclusiveMinimum": "above {:g}",
    "minimum": "at least {:g}",
    "exclusiveMaximum": "below {:g}",
    "maximum": "at most {:g}",
}


def _words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind = _TYPES.get(str(schema.get("type")), "any value")
    bounds = [text.format(schema[name]) for name, text in _BOUNDS.items() if name in schema]
    if "minItems" in schema:
        bounds.append(f"of at least {schema['minItems']}")
    return f"{kind} {' and '.join(bounds)}".strip()


def shown(value: Any, widget: str) -> str:
    """A value as a field shows it: a text without quotes, all else as TOML has it."""
    if value is None:
        return ""
    if isinstance(value, str) and widget in (TEXT, CHOICE):
        return value
    plain = _plain(value)
    if isinstance(plain, Mapping) and not plain:
        return "{}"
    return to_toml({"value": [plain]}).removeprefix("value = [").rstrip("\n").removesuffix("]")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def typed(text: str, widget: str) -> Any:
    """The value that stands in a field: as TOML has it, else the words themselves."""
    if widget in (TEXT, CHOICE):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return text
