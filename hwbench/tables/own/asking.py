"""Refusals that ask: what is unclear, where, how it can be read, and what to say for each.

All refusals of files that could be read in several ways, or not without being told more, are an
`UnclearError`. It holds the answers as options; the command line makes commands of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hwbench.errors import HwbenchError

FLAGS = {
    "arch_column": "--arch-column",
    "arch_format": "--arch-format",
    "decimal": "--decimal",
    "thousands": "--thousands",
    "where": "--where",
    "pivot": "--pivot",
    "pool": "--pool",
    "repeats": "--repeats",
    "missing": "--missing",
    "measured": "--measured",
    "header_line": "--header-line",
    "sheet": "--sheet",
    "metric": "--metric",
    "unit": "--unit",
    "units": "--unit",
    "direction": "--direction",
    "directions": "--direction",
    "ignore": "--ignore",
    "duplicates": "--duplicates",
    "on_bad_rows": "--bad-rows",
    "missing_values": "--missing-values",
}
"""The option of the command line for each argument of Python's functions."""


@dataclass(frozen=True)
class Answer:
    """Something that can be said, and what it would mean.

    Attributes
    ----------
    meaning : in words: "2400, the comma parts thousands".
    options : pairs of an argument's name, as in `FLAGS`, and its value; of units, directions and
        conditions "column=value".
    """

    meaning: str
    options: tuple[tuple[str, str], ...]

    def flags(self) -> list[str]:
        """The words that are added to a command line."""
        return [word for name, value in self.options for word in (FLAGS[name], value)]


class UnclearError(HwbenchError):
    """A file that must be told more of; one line.

    Attributes
    ----------
    what : what is unclear, and where.
    answers : what can be said.
    """

    def __init__(self, what: str, answers: Sequence[Answer]) -> None:
        self.what = what
        self.answers = tuple(answers)
        super().__init__(self.text(_options_in_words))

    def text(self, command: Callable[[Answer], str]) -> str:
        """The message with each answer as a command.

        Parameters
        ----------
        command : from an answer to what is to be typed.
        """
        said = "; ".join(f"{answer.meaning}: {command(answer)}" for answer in self.answers)
        return f"{self.what}; {said}" if said else self.what


def _options_in_words(answer: Answer) -> str:
    import shlex

    return shlex.join(answer.flags())
