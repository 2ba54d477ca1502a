"""Arguments checked by the annotations of their parameters, in one way everywhere.

    population_size: Annotated[int, Field(ge=2)] = 50

says what kind of value an argument is and which values it may have; whoever takes it has nothing
more to check. Functions have `checks_arguments`, constructors of a base's subclasses
`check_constructor`, dataclasses `check_fields`, estimators, whose constructors may do nothing,
`check_parameters`, and nodes of a config `complete_arguments`. What pydantic knows nothing of
(arrays, spaces) is passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache, wraps
from inspect import Parameter, signature, unwrap
from reprlib import Repr
from types import SimpleNamespace
from typing import Annotated, Any, ParamSpec, TypeVar, get_type_hints

import numpy as np
from pydantic import (
    AfterValidator,
    Field,
    PydanticSchemaGenerationError,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from hwbench.errors import HwbenchError, unknown_name

P = ParamSpec("P")
R = TypeVar("R")

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number of at least 0."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite number above 0."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A number from 0 to 1."""


def one_of(names: Iterable[str]) -> AfterValidator:
    """Metadata of a text that must be one of some names: `Annotated[str, one_of(NAMES)]`."""
    return AfterValidator(_OneOf(tuple(names)))


@dataclass(frozen=True)
class _OneOf:
    names: tuple[str, ...]

    def __call__(self, value: str) -> str:
        if value not in self.names:
            expected = " or ".join(map(repr, self.names))
            raise PydanticCustomError("literal_error", "{expected}", {"expected": expected})
        return value


def names_of(annotation: Any) -> tuple[str, ...]:
    """The names that an annotation allows by `one_of`; none where it has no such list."""
    metadata = getattr(annotation, "__metadata__", ())
    checks = [each.func for each in metadata if isinstance(each, AfterValidator)]
    return next((each.names for each in checks if isinstance(each, _OneOf)), ())


# ---------------------------------------------------------------------- who takes arguments


def checks_arguments(
    owner: str | Callable[[Any], str],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function check what it is called with.

    Parameters
    ----------
    owner : who takes the arguments, for messages: "simulation"; of a constructor a function that
        gives it for the object.

    Returns
    -------
    A decorator. The function then raises `HwbenchError` for the first argument that is not what
    its annotation says, and for a name that it does not know where it is a constructor's.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = signature(function)

        @wraps(function)
        def checking(*args: P.args, **kwargs: P.kwargs) -> R:
            who = owner if isinstance(owner, str) else owner(args[0])
            if function.__name__ == "__init__":
                _refuse_unknown(kwargs, known.parameters, args[0], who)
            bound = known.bind(*args, **kwargs)
            bound.arguments.update(checked(function, bound.arguments, owner=who))
            return function(*bound.args, **bound.kwargs)

        return checking

    return decorate


def _refuse_unknown(
    given: Mapping[str, Any], known: Mapping[str, Parameter], part: object, owner: str
) -> None:
    if any(each.kind is Parameter.VAR_KEYWORD for each in known.values()):
        return
    for name in given:
        if name not in known:
            raise unknown_name(f"parameter of {owner}", name, parameters_of(type(part)))


def check_constructor(part: type[Any], owner: Callable[[Any], str]) -> None:
    """Let a class check what it is made with: for `__init_subclass__` of a base.

    Parameters
    ----------
    part : the subclass; its own constructor is wrapped, if it has one.
    owner : says who takes the arguments, given the object that is made.
    """
    if "__init__" in vars(part):
        part.__init__ = checks_arguments(owner)(part.__init__)


def check_fields(part: Any, owner: str) -> None:
    """Check the fields of a dataclass by their annotations: for its `__post_init__`.

    Raises
    ------
    HwbenchError
        Naming the first field that is not what its annotation says.
    """
    given = {each.name: getattr(part, each.name) for each in fields(part)}
    for name, value in checked(type(part), given, owner=owner).items():
        object.__setattr__(part, name, value)  # also of what is frozen


def check_parameters(
    estimator: Any, changes: Mapping[str, Any] | None = None, *, owner: str = ""
) -> None:
    """Check the parameters of a scikit-learn estimator by its constructor's annotations.

    For `fit`: by scikit-learn's rules a constructor stores what it is given and does nothing else.

    Parameters
    ----------
    estimator : has `get_params`.
    changes : values that take the place of the estimator's own.
    owner : for messages; the class's name by default.

    Raises
    ------
    HwbenchError
        Naming the first parameter that is not what its annotation says.
    """
    given = {**estimator.get_params(deep=False), **(changes or {})}
    checked(type(estimator), given, owner=owner or type(estimator).__name__)


def complete_arguments(
    part: type[Any], given: Mapping[str, Any], *, where: str = ""
) -> dict[str, Any]:
    """All arguments of a class, checked, with the defaults of those left out.

    Parameters
    ----------
    part : whose constructor takes them.
    given : by name, as a file has them.
    where : the file and section, for messages; "" for none.

    Raises
    ------
    HwbenchError
        Where a name is unknown, an argument is missing, or is not what its annotation says.
    """
    for error in argument_problems(part, given, where=where).values():
        raise error
    values = checked(part, given, owner=where)
    parameters = parameters_of(part)
    return {name: values.get(name, each.default) for name, each in parameters.items()}


def argument_problems(
    part: type[Any], given: Mapping[str, Any], *, where: str = ""
) -> dict[str, HwbenchError]:
    """All that is wrong with arguments of a class, by name; `complete_arguments` says the first.

    Parameters
    ----------
    part, given, where : as for `complete_arguments`.
    """
    parameters = parameters_of(part)
    found = {
        name: unknown_name("key", name, parameters, where=where or None)
        for name in given
        if name not in parameters
    }
    place = f"{where}: " if where else ""
    for name, parameter in parameters.items():
        if parameter.default is Parameter.empty and name not in given:
            found[name] = HwbenchError(f"{place}the key '{name}' is missing")
    for name in parameters:
        try:
            checked(part, {key: given[key] for key in [name] if key in given}, owner=where)
        except HwbenchError as error:
            found[name] = error
    return found


# ---------------------------------------------------------------------- parameters


def parameters_of(function: Any) -> Mapping[str, Parameter]:
    """What can be given by name to a function or a class, annotations evaluated.

    A constructor that hands on `**kwargs` takes what the next class takes too. An annotation that
    names what is not there at run time counts as none.
    """
    if not isinstance(function, type):
        return _own_parameters(function)
    found: dict[str, Parameter] = {}
    for base in function.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        own = signature(vars(base)["__init__"]).parameters.values()
        found = {**_own_parameters(vars(base)["__init__"]), **found}
        if all(each.kind is not Parameter.VAR_KEYWORD for each in own):
            break
    if is_dataclass(function):
        hints = get_type_hints(function, include_extras=True)  # each in the module of its class
        for each in fields(function):
            if each.name in found:
                found[each.name] = found[each.name].replace(annotation=hints[each.name])
                if each.default_factory is not MISSING:
                    made = each.default_factory()
                    found[each.name] = found[each.name].replace(default=made)
    return found


def _own_parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    several = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    named = [each for each in signature(function).parameters.values() if each.kind not in several]
    if named and named[0].name == "self":
        named = named[1:]
    return {each.name: each.replace(annotation=_evaluated(function, each)) for each in named}


def _evaluated(function: Callable[..., Any], parameter: Parameter) -> Any:
    one = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    names = getattr(unwrap(function), "__globals__", {})
    try:
        return get_type_hints(one, names, include_extras=True)[parameter.name]
    except (NameError, AttributeError):
        return Parameter.empty


@cache
def _checkers(function: Any) -> Mapping[str, TypeAdapter[Any]]:
    """The check of each parameter that pydantic knows the type of."""
    found: dict[str, TypeAdapter[Any]] = {}
    for name, parameter in parameters_of(function).items():
        if parameter.annotation is not Parameter.empty:
            try:
                found[name] = TypeAdapter(parameter.annotation)
            except PydanticSchemaGenerationError:
                continue
    return found


def checked(
    function: Callable[..., Any], given: Mapping[str, Any], *, owner: str
) -> dict[str, Any]:
    """Those of the given arguments that can be checked, as what their annotations say.

    Parameters
    ----------
    function : a function, or a class, that takes them.
    given : by name; names that the function does not know are left out.
    owner : who takes them, for messages: "strategy nsga2"; "" for nobody.

    Raises
    ------
    HwbenchError
        "strategy nsga2: population_size must be at least 2, not 1".
    """
    values: dict[str, Any] = {}
    for name, adapter in _checkers(function).items():
        if name not in given:
            continue
        value = given[name]
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        try:
            values[name] = adapter.validate_python(plain)
        except ValidationError as error:
            raise _refusal(owner, name, plain, error) from None
    return values


# ---------------------------------------------------------------------- words


_WORDS = {
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "dict_type": "a table of names and values",
    "list_type": "a list",
    "tuple_type": "a list",
    "is_instance_of": "a list",
    "sequence_str": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "missing": "a longer list",
    "literal_error": "{expected}",
}
"""What a value must be, by the type of pydantic's error."""

_OF_ANOTHER_TYPE = {
    *(each for each in _WORDS if each.endswith("_type")),
    "is_instance_of",
    "literal_error",
}
_shown = Repr()
_shown.maxstring = _shown.maxother = 60


def refused(place: str, name: str, errors: Sequence[Mapping[str, Any]]) -> HwbenchError:
    """What is wrong with a value, in one line.

    Parameters
    ----------
    place : the file, section or part that the value is for; "" for none.
    name : of the value there.
    errors : of pydantic, about this value: one for each type that it may be.

    Returns
    -------
    "strategy nsga2: population_size must be at least 2, not 1".
    """
    given = errors[0]["input"]
    names = [word for each in errors for word in _names_offered(each)]
    if isinstance(given, str) and names:
        return unknown_name(name, given, names, where=place or None)
    where = f"{place}: {name}" if place else name
    shown = "" if isinstance(given, Mapping) else _shown.repr(given)
    if errors[0]["type"] in ("value_error", "assertion_error"):  # a sentence of its own
        message = errors[0]["ctx"]["error"]
        return HwbenchError(f"{where}: {message}" + (f" (given: {shown})" if shown else ""))
    first, *others = dict.fromkeys(_words(each) for each in errors)
    wanted = " or ".join([first, *(other.removeprefix("be ") for other in others)])
    return HwbenchError(f"{where} must {wanted}" + (f", not {shown}" if shown else ""))


def _names_offered(error: Mapping[str, Any]) -> list[str]:
    if error["type"] != "literal_error":
        return []
    return re.findall(r"'([^']*)'", error["ctx"]["expected"])


def _words(error: Mapping[str, Any]) -> str:
    """What a value must do: "be at least 2", "have at most 1 character"."""
    if error["type"] in _WORDS:
        return f"be {_WORDS[error['type']].format(**error.get('ctx', {}))}"
    said = str(error["msg"])
    _, should, rest = said.partition(" should ")
    return rest if should else f"be valid ({said})"


def _refusal(owner: str, name: str, value: Any, error: ValidationError) -> HwbenchError:
    """What is wrong with an argument: of the types that it may be, where the closest one fails."""
    errors = error.errors(include_url=False)
    depth = max(len(_place(each)) for each in errors)
    closest = [each for each in errors if len(_place(each)) == depth]
    inside = "".join(f"[{index}]" for index in _place(closest[0]))
    if not inside:
        closest = [{**each, "input": value} for each in closest]
    return refused(owner, f"{name}{inside}", _of_its_type(closest))


def _of_its_type(errors: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Of errors about one value those that do not say that another type was wanted, if any."""
    if isinstance(errors[0]["input"], str):  # a misspelt name
        return [each for each in errors if each["type"] == "literal_error"] or errors
    return [each for each in errors if each["type"] not in _OF_ANOTHER_TYPE] or errors


def _place(error: Mapping[str, Any]) -> list[int]:
    """Where in a list the error is; that an entry is missing is an error of the list."""
    indices = [part for part in error["loc"] if isinstance(part, int)]
    return indices[:-1] if error["type"] == "missing" else indices
