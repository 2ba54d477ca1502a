"""What is said of a run in a list of many: read from footers and records, never from all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RUNNING, FINISHED, STOPPED, BROKEN = "running", "finished", "stopped", "broken"


@dataclass(frozen=True)
class Progress:
    """How far a part of a run is.

    Attributes
    ----------
    part : "study", "search", "simulation", "live search", "sweep", "compression", "measurement" or
        "training".
    unit : of what is counted, in the plural.
    done : how many have ended, those that failed among them.
    total : how many there will be; None where nobody knows.
    failed : how many failed.
    ended : whether its results are complete.
    """

    part: str
    unit: str
    done: int
    total: int | None = None
    failed: int = 0
    ended: bool = False

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nobody knows."""
        if self.ended:
            return 1.0
        return None if not self.total else min(1.0, self.done / self.total)


@dataclass(frozen=True)
class Summary:
    """A run in a list.

    Attributes
    ----------
    name : of its folder (or journal), below that of all runs, with slashes.
    title : as it says itself.
    state : one of "running", "finished", "stopped" and "broken".
    parts : how far each is.
    started : ISO 8601; "" where it does not say.
    changed : when a file of it was changed last, in seconds since 1970.
    problem : why it is broken.
    details : what pages of one kind want besides.
    """

    name: str
    title: str
    state: str
    parts: tuple[Progress, ...] = ()
    started: str = ""
    changed: float = 0.0
    problem: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Its parts, in words."""
        return ", ".join(each.part for each in self.parts) or "run"

    @property
    def current(self) -> Progress | None:
        """The part that goes on, else the last; None where there is none."""
        going = [each for each in self.parts if not each.ended]
        return going[0] if going else self.parts[-1] if self.parts else None

    @property
    def failed(self) -> int:
        """How many units of all its parts failed."""
        return sum(each.failed for each in self.parts)
