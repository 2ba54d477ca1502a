"""What docstrings say of arguments, in numpydoc's sections "Parameters" and "Attributes"."""

from __future__ import annotations

import inspect
import re
from typing import Any

_HEADING = re.compile(r"\n(Parameters|Attributes)\n-+\n")
_NEXT = re.compile(r"\n\w[\w ]*\n-+\n")
_NAMES = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*) ?: ?(.*)$")


def argument_documents(part: Any) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each argument, by name."""
    found: dict[str, str] = {}
    for base in reversed(inspect.getmro(part)):
        found |= _of_text(inspect.cleandoc(vars(base).get("__doc__") or ""))
    return found


def first_sentence(part: Any) -> str:
    """The first sentence of a docstring, "" where there is none."""
    text = inspect.cleandoc(vars(part).get("__doc__") or "")
    return " ".join(text.split("\n\n", 1)[0].split())


def _of_text(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for heading in _HEADING.finditer(f"\n{text}"):
        section = f"\n{text}"[heading.end() :]
        following = _NEXT.search(section)
        section = section if following is None else section[: following.start()]
        names: list[str] = []
        for line in section.splitlines():
            match = _NAMES.match(line)
            if match is not None:
                names = [name.strip().lstrip("*") for name in match[1].split(",")]
                found |= dict.fromkeys(names, match[2].strip())
            elif line.startswith(" "):
                for name in names:
                    found[name] = f"{found[name]} {line.strip()}".strip()
    return found
