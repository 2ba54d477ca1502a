"""What is said where the files of a run are not what hwbench writes."""

from __future__ import annotations

from hwbench.errors import HwbenchError, one_line

UNREADABLE = (HwbenchError, OSError, LookupError, TypeError, ValueError, AttributeError)
"""What reading such files may raise: a key or column that is missing, a value of another kind."""


def problem_of(name: str, error: BaseException) -> str:
    """What is wrong with a run, in one line.

    Parameters
    ----------
    name : of the run.
    error : one of `UNREADABLE`.
    """
    if isinstance(error, HwbenchError | OSError):
        text = str(error)
        return text if name in text else f"{name}: {text}"
    reason = f"{type(error).__name__}: {one_line(error)}"
    return f"{name}: a file of it is not as hwbench writes it ({reason})"
