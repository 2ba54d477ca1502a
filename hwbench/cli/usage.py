"""Wrong command lines, said in one line: what is wrong, the nearest valid, the whole command."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from typing import Any, cast

import typer

from hwbench.errors import HwbenchError, nearest, unknown_name

UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What the parser raises: typer does not export it."""
MISSING, NO_SUCH_OPTION, HELP_WANTED = "MissingParameter", "NoSuchOption", "NoArgsIsHelpError"


def in_one_line(error: Any) -> str:
    """What the parser says of a command line, in the house's words.

    Parameters
    ----------
    error : a `UsageError`.
    """
    kinds = [each.__name__ for each in type(error).__mro__]
    if NO_SUCH_OPTION in kinds and error.ctx is not None:
        return str(_unknown_option(error))
    if MISSING in kinds and error.ctx is not None:
        return _missing(error)
    if unexpected := _unexpected(error):
        return unexpected
    place = f"{_path(error.ctx)}: " if error.ctx is not None and _path(error.ctx) else ""
    message = _what_it_must_be(error) or (
        f"{_hint(error)} {_decapitalised(_own_words(error.message))}"
    )
    if error.ctx is None or " use: " in message:
        return f"{place}{message}"
    message = message.strip()
    return f"{place}{message}; see: {error.ctx.command_path} --help"


def wants_help(error: Any) -> bool:
    """Whether a group was named without a command: its help is what is wanted."""
    return type(error).__name__ == HELP_WANTED


def unknown_command(ctx: Any, name: str, commands: Iterable[str]) -> HwbenchError:
    """The error for a command that a group does not have."""
    valid = list(commands)
    close = nearest(name, valid)
    error = unknown_name(f"command of {ctx.command_path}", name, valid)
    if close is None:
        return HwbenchError(f"{error}; see: {ctx.command_path} --help")
    return HwbenchError(f"{error} use: {_with(name, close)}")


def _unknown_option(error: Any) -> HwbenchError:
    ctx, name = error.ctx, error.option_name
    valid = [
        option
        for parameter in ctx.command.get_params(ctx)
        if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    ]
    close = nearest(name, valid)
    path = ctx.command_path
    if close is None:
        return HwbenchError(f"unknown option of {path} {name!r}; see: {path} --help")
    return HwbenchError(
        f"unknown option of {path} {name!r}; did you mean '{close}'? use: {_with(name, close)}"
    )


def _missing(error: Any) -> str:
    """All that is missing at once, in the command as it was typed."""
    from hwbench.cli.help_text import name_of

    words = sys.argv[1:]
    missing = [
        parameter
        for parameter in error.ctx.command.params
        if parameter.required and not _given(parameter, words, error)
    ]
    names = [_longest(parameter) for parameter in missing]
    added = [
        word
        for parameter in missing
        for word in (
            [_longest(parameter), name_of(parameter).split(" ")[-1]]
            if parameter.param_type_name == "option"
            else [name_of(parameter)]
        )
    ]
    verb = "is" if len(names) == 1 else "are"
    command = " ".join([shlex.join(["hwbench", *words]), *added])
    return (
        f"{_path(error.ctx)}: {' and '.join(names)} {verb} missing; use: {command} "
        f"(see {error.ctx.command_path} --help)"
    )


def _what_it_must_be(error: Any) -> str:
    """What a number must be, and what was given; empty where it is no number that is wrong."""
    from hwbench.cli.help_text import bounds, choices_of

    parameter = getattr(error, "param", None)
    choices = [] if parameter is None else choices_of(parameter)
    if choices and _typed(parameter):
        kind = f"value of {_longest(parameter)}"
        unknown = unknown_name(kind, _typed(parameter), choices)
        close = nearest(_typed(parameter), choices)
        return f"{unknown}" + (f" use: {_with(_typed(parameter), close)}" if close else "")
    kind = "" if parameter is None else number_kind(parameter)
    if not kind or str(error.message).startswith("must "):
        return ""
    low, high = bounds(parameter)
    limits = [f"at least {low:g}"] if low is not None else []
    limits += [f"at most {high:g}"] if high is not None else []
    must = f"{_longest(parameter)} must be a {kind}{' of ' if limits else ''}{' and '.join(limits)}"
    typed = _typed(parameter)
    return f"{must}, not {typed}" if typed else must


def _unexpected(error: Any) -> str:
    """More arguments than a command takes, and the command without them; else empty."""
    found = re.search(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", str(error.message))
    if found is None or error.ctx is None:
        return ""
    extra = found[1].split(" ")
    words = list(sys.argv[1:])
    for word in extra:
        if word in words:
            words.reverse()
            words.remove(word)
            words.reverse()
    shown = " ".join(extra)
    many = "is one argument" if len(extra) == 1 else f"are {len(extra)} arguments"
    return (
        f"{_path(error.ctx)}: {shown!r} {many} too many; use: "
        f"{shlex.join(['hwbench', *words])} (see {error.ctx.command_path} --help)"
    )


def with_command(message: str) -> str:
    """An error about a name that was typed, with the whole command where one comes close.

    Parameters
    ----------
    message : of a `HwbenchError`.
    """
    found = re.match(r"(?:[\w -]+: )?unknown [^'\"]*'([^']+)'; did you mean '([^']+)'\?$", message)
    if found is None:
        return message
    wrong, right = found.groups()
    whole = re.compile(rf"(?<![\w.-]){re.escape(wrong)}(?![\w.-])")
    words = sys.argv[1:]
    places = [place for place, word in enumerate(words) if whole.search(word)]
    if len(places) != 1:
        return message
    mended = [whole.sub(lambda _: right, word) for word in words]
    return f"{message} use: {shlex.join(['hwbench', *mended])}"


def number_kind(parameter: Any) -> str:
    """What kind of number a parameter takes, in words; empty where it takes none."""
    descriptor = getattr(parameter, "type_descriptor", None)
    annotation = str(getattr(descriptor, "annotation", getattr(parameter, "type", "")))
    if "int" in annotation.lower():
        return "whole number"
    return "number" if "float" in annotation.lower() else ""


def _typed(parameter: Any) -> str:
    """The value of an option as it was typed."""
    words = sys.argv[1:]
    for place, word in enumerate(words):
        for option in parameter.opts:
            if word.startswith(f"{option}="):
                return word.partition("=")[2]
            if word == option and place + 1 < len(words):
                return words[place + 1]
    return ""


def _given(parameter: Any, words: list[str], error: Any) -> bool:
    if parameter is error.param:
        return False
    if parameter.param_type_name == "argument":
        return error.ctx.params.get(parameter.name) not in (None, (), [])
    return any(
        word == option
        or word.startswith(f"{option}=")
        or (not option.startswith("--") and word.startswith(option))
        for option in parameter.opts
        for word in words
    )


def _longest(parameter: Any) -> str:
    from hwbench.cli.help_text import name_of

    if parameter.param_type_name == "argument":
        return name_of(parameter)
    return str(max(parameter.opts, key=len))


def _with(wrong: str, right: str) -> str:
    """The command as it was typed, with one word put right."""
    words = [
        f"{right}{word[len(wrong) :]}" if word == wrong or word.startswith(f"{wrong}=") else word
        for word in sys.argv[1:]
    ]
    return shlex.join(["hwbench", *words])


def _path(ctx: Any) -> str:
    return str(ctx.command_path).removeprefix("hwbench").strip()


def _hint(error: Any) -> str:
    """The option or argument that a value is of."""
    parameter = getattr(error, "param", None)
    given = getattr(error, "param_hint", None)
    if given:
        return given if isinstance(given, str) else " / ".join(given)
    if parameter is None:
        return ""
    return _longest(parameter) + ("" if str(error.message).startswith("must ") else ":")


def _own_words(message: str) -> str:
    """What the parser says, without what only programmers need."""
    return str(message).strip().rstrip(".").removeprefix("value error, ")


def _decapitalised(text: str) -> str:
    first = text[:1]
    return first.lower() + text[1:] if first.isupper() and not text[1:2].isupper() else text
