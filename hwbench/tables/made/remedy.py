"""Refusals that say what to change: options in Python, on the command line the whole command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from hwbench.errors import HwbenchError

FLAGS = ("--retry-failed", "--shell")
"""Options without a value."""


class RemedyError(HwbenchError):
    """A refusal of what was asked for, and options with which it can be done.

    Parameters
    ----------
    what : what is wrong.
    meaning : what the options come to, in words: "measure on the CPU".
    changes : options of `hwbench tables measure` and their values; None for an option without a
        value, "" for one that is to be left out.
    """

    def __init__(self, what: str, meaning: str, changes: Mapping[str, str | None]) -> None:
        self.what, self.meaning, self.changes = what, meaning, dict(changes)
        super().__init__(f"{what}; {meaning}: {self._options()}")

    def _options(self) -> str:
        words = []
        for option, value in self.changes.items():
            if value == "":
                words.append(f"without {option}")
            else:
                words.append(option if value is None else shlex.join([option, value]))
        return " ".join(words)

    def command(self, words: list[str]) -> str:
        """A whole command line with the changes.

        Parameters
        ----------
        words : of the command line that was refused.
        """
        kept = []
        skip = False
        for word in words:
            option, equals, _ = word.partition("=")
            if skip:
                skip = False
            elif option in self.changes:
                skip = not equals and option not in FLAGS
            else:
                kept.append(word)
        for option, value in self.changes.items():
            kept += [option] if value is None else [option, value] if value else []
        return shlex.join(kept)

    def text(self, words: list[str]) -> str:
        """The message with the whole command; `words` as for `command`."""
        return f"{self.what}; {self.meaning}: {self.command(words)}"
