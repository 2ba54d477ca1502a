"""What goes wrong on the user's side, said in one line that names the place and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHORTEST_PART = 3
"""Letters that a part of a name has at least, to stand for all of it."""


class HwbenchError(ValueError):
    """An error the user can mend: a wrong name, a broken file, a value out of range.

    The message is one line: what was wrong, where, and what to do. The command line prints it
    without a traceback and exits with code 2. Names of files and words out of them may hold
    anything: what a terminal would act on, line ends too, is escaped, and of what would fill its
    window the middle is left out.
    """

    most_letters = 4000

    def __init__(self, message: object = "") -> None:
        text = str(message)
        if len(text) > self.most_letters:
            half = self.most_letters // 2  # a reason stands behind a name of any length
            text = f"{text[:half]} ... {text[-half:]}"
        if not text.isprintable():
            text = "".join(each if each.isprintable() else _escaped(each) for each in text)
        super().__init__(text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the entry of `valid` most like `name`, or None where nothing comes close.

    Where none is spelt alike it is the only one that `name` is a part of, such as "tau" of
    "kendall_tau".
    """
    candidates = list(valid)
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    if not close and len(name) >= SHORTEST_PART:
        within = [candidate for candidate in folded if name.casefold() in candidate]
        close = within if len(within) == 1 else []
    return folded[close[0]] if close else None


def unknown_name(
    kind: str, name: str, valid: Iterable[str], *, where: str | None = None
) -> HwbenchError:
    """Build the error for a name that is not among the valid ones.

    Parameters
    ----------
    kind : what the name should have been, in words: "table", "column of nb201-digits".
    name : what was given.
    valid : the names that exist.
    where : the file (and key) in which the name stands, if any.
    """
    candidates = sorted(valid)
    place = f"{where}: " if where else ""
    close = nearest(name, candidates)
    if close is not None:
        hint = f"did you mean '{close}'?"
    elif candidates:
        shown = ", ".join(candidates[:12]) + (", ..." if len(candidates) > 12 else "")
        hint = f"valid names: {shown}"
    else:
        hint = "there is none"
    return HwbenchError(f"{place}unknown {kind} {name!r}; {hint}")


def unknown_number(kind: str, number: int, valid: Iterable[int]) -> HwbenchError:
    """Build the error for a number that is not among the valid ones; it names the nearest.

    Parameters
    ----------
    kind : what it is a number of, in words: "training size of the study".
    number : what was given.
    valid : the numbers that exist.
    """
    near = min(valid, key=lambda each: abs(each - number), default=None)
    hint = "there is none" if near is None else f"did you mean '{near}'?"
    return HwbenchError(f"unknown {kind} '{number}'; {hint}")


def one_line(value: object, length: int = 160) -> str:
    """What an error or a foreign text says, in one line; its type where it is silent.

    Parameters
    ----------
    value : an error, or anything that has a text.
    length : at most so many characters are kept.
    """
    text = " ".join(str(value).split())
    return text[:length] or type(value).__name__
