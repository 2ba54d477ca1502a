"""The help of a command or group as text: what it does, examples, its arguments and options.

Nothing in it is markup: a bracket is a bracket.
"""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import typer

WIDEST = 100
"""Columns of a help page on a wide terminal: longer lines are hard to read."""
NARROW = 60
"""Below so many columns a description stands beneath its name."""
NAMES_AT_MOST = 28
"""Columns of names; a longer one has its description beneath it."""

Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Help:
    """What a help page says, as plain text."""

    usage: str
    text: tuple[str, ...]
    """Its paragraphs, each in one line."""
    examples: tuple[str, ...]
    """Whole commands."""
    sections: dict[str, Rows]
    """Arguments, options and commands: the name of each, and what it is."""


def help_of(command: Any, ctx: Any) -> Help:
    """Gather what the help page of a command or group says."""
    text, examples = split_text(command.help or "")
    sections: dict[str, Rows] = {"Arguments": [], "Options": []}
    pieces = []
    for parameter in command.get_params(ctx):
        if getattr(parameter, "hidden", False):
            continue
        is_argument = parameter.param_type_name == "argument"
        panel = getattr(parameter, "rich_help_panel", None)
        title = "Arguments" if is_argument else panel or "Options"
        row = (name_of(parameter), describe(parameter))
        sections.setdefault(title, []).append(row)
        if is_argument:
            pieces.append(row[0] if parameter.required else _optional(row[0]))
    commands = getattr(command, "commands", {})
    sections["Commands"] = [
        (name, first_sentence(each.help or ""))
        for name, each in commands.items()
        if not each.hidden
    ]
    if commands:
        pieces.append("COMMAND ...")
    usage = " ".join([ctx.command_path, "[OPTIONS]", *pieces])
    return Help(usage, text, examples, {title: rows for title, rows in sections.items() if rows})


def split_text(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paragraphs of a text, and those of them that are commands to type."""
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip()) if each]
    examples = tuple(each for each in paragraphs if each.startswith("hwbench "))
    return tuple(each for each in paragraphs if each not in examples), examples


def first_sentence(text: str) -> str:
    """What a text says first."""
    first = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.?!])\s", first, maxsplit=1)[0]


def name_of(parameter: Any) -> str:
    """How a parameter is typed: `-o, --output FOLDER`, `--json`, `SPACE`, `ARCH...`."""
    value = parameter.metavar or "|".join(choices_of(parameter)) or str(parameter.name).upper()
    if parameter.param_type_name == "argument":
        more = "..." if parameter.nargs != 1 and not value.endswith("...") else ""
        return f"{value}{more}"
    names = ", ".join(sorted(parameter.opts, key=lambda each: each.startswith("--")))
    if parameter.secondary_opts:
        return f"{names} / {', '.join(parameter.secondary_opts)}"
    return names if is_flag(parameter) else f"{names} {value}"


def is_flag(parameter: Any) -> bool:
    """Whether an option takes no value."""
    return bool(getattr(parameter, "is_flag", False)) or parameter.name == "help"


def describe(parameter: Any) -> str:
    """What a parameter is, and in brackets its default, its bounds and whether it must be given."""
    bracketed = []
    if parameter.required:
        bracketed.append("required")
    else:
        bracketed += _default(parameter)
    low, high = bounds(parameter)
    if low is not None:
        bracketed.append(f"at least {low:g}")
    if high is not None:
        bracketed.append(f"at most {high:g}")
    if getattr(parameter, "envvar", None):
        bracketed.append(f"or by the environment: {parameter.envvar}")
    text = (getattr(parameter, "help", "") or "").strip()
    return f"{text} [{'; '.join(bracketed)}]" if bracketed else text


def bounds(parameter: Any) -> tuple[float | None, float | None]:
    """The least and the largest number that a parameter takes."""
    holder = parameter if hasattr(parameter, "min") else getattr(parameter, "type", None)
    return getattr(holder, "min", None), getattr(holder, "max", None)


def page(command: Any, ctx: Any) -> str:
    """The help page in the width of the terminal."""
    columns = max(20, min(shutil.get_terminal_size().columns, WIDEST))
    return text_of(help_of(command, ctx), columns)


def text_of(found: Help, columns: int) -> str:
    """A help page whose lines are no longer than so many columns."""
    lines = [
        *wrapped(found.usage, columns, first=_title("Usage") + " ", shown=len("Usage: ")),
        "",
    ]
    for paragraph in found.text:
        lines += [*wrapped(paragraph, columns), ""]
    if found.examples:
        lines.append(_title("Examples" if len(found.examples) > 1 else "Example"))
        for example in found.examples:
            lines += example_lines(example, columns)
        lines.append("")
    for title, rows in found.sections.items():
        lines += [_title(title), *_definitions(rows, columns), ""]
    return "\n".join(lines)


def wrapped(
    text: str, columns: int, *, first: str = "", indent: int = 0, shown: int | None = None
) -> list[str]:
    """A text in lines; `first` stands before it, of which `shown` columns can be seen."""
    width = len(first) if shown is None else shown
    lines = textwrap.wrap(
        text,
        columns,
        initial_indent=" " * (width or indent),
        subsequent_indent=" " * (indent or min(width, 4)),
        break_on_hyphens=False,
    )
    if not lines:
        return [first] if first else []
    return [first + lines[0][width:], *lines[1:]]


def example_lines(example: str, columns: int) -> list[str]:
    """A command to be copied: in several lines, where one is too short, with a backslash each."""
    words = re.findall(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+", example)
    pairs: list[str] = []
    for word in words:  # an option and its value stay together
        option = pairs and pairs[-1].startswith("-") and " " not in pairs[-1]
        if option and word[:1] != "-" and len(pairs[-1]) + len(word) < columns - 6:
            pairs[-1] += f" {word}"
        else:
            pairs.append(word)
    lines, line = [], f"  {pairs[0]}"
    for word in pairs[1:]:
        if len(line) + 1 + len(word) > columns - 2 and line.strip():
            lines.append(f"{line} \\")
            line = f"    {word}"
        else:
            line += f" {word}"
    return [*lines, line]


def words_of(example: str) -> list[str]:
    """The words of an example as a shell would hand them over."""
    return shlex.split(example)


def _definitions(rows: Sequence[tuple[str, str]], columns: int) -> list[str]:
    """Names, and beside or beneath them what they are."""
    short = [len(name) for name, _ in rows if len(name) <= NAMES_AT_MOST]
    beside = columns >= NARROW
    place = 2 + max(short, default=8) + 2 if beside else 6
    lines: list[str] = []
    for name, text in rows:
        description = textwrap.wrap(text, columns - place, break_on_hyphens=False) or [""]
        heads = wrapped(name, columns, indent=2) or [""]
        if beside and len(name) <= place - 4:
            lines.append(f"  {_name(name)}{' ' * (place - 2 - len(name))}{description[0]}".rstrip())
            description = description[1:]
        else:
            lines += [f"{line[:2]}{_name(line[2:])}" for line in heads]
        lines += [" " * place + line for line in description if line]
    return lines


def _default(parameter: Any) -> Iterable[str]:
    """The default in words, where it is not said by the text."""
    default, shown = parameter.default, getattr(parameter, "show_default", True)
    if isinstance(default, Enum):
        default = default.value
    if default is None or default == "" or default in ([], ()):
        if isinstance(shown, str):
            yield f"default: {shown}"
        return
    if shown is False or callable(default):
        return
    if isinstance(default, bool):
        if parameter.secondary_opts:
            yield f"default: {(parameter.opts if default else parameter.secondary_opts)[0]}"
        return
    yield f"default: {default}"


def choices_of(parameter: Any) -> list[str]:
    """The values that a parameter takes, where these are an enumeration."""
    descriptor = getattr(parameter, "type_descriptor", None)
    choices = getattr(descriptor or getattr(parameter, "type", None), "choices", None)
    return [str(getattr(each, "value", each)) for each in choices or ()]


def _optional(name: str) -> str:
    return f"[{name.removesuffix('...')}]..." if name.endswith("...") else f"[{name}]"


def _title(text: str) -> str:
    return typer.style(f"{text}:", bold=True)


def _name(text: str) -> str:
    return typer.style(text, fg="cyan") if text.strip() else text
