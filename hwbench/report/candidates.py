"""Which architectures were no candidates of a simulation or a search, in words."""

from __future__ import annotations

from collections.abc import Mapping

from hwbench.pages.blocks import Block, Lines
from hwbench.results.record import spec_of
from hwbench.results.run import Run

UNREACHED = "output no path reaches"
"""What notes on architectures without a path from input to output say, see `tables.pairs`."""


def candidates_block(run: Run, part: str) -> list[Block]:
    """What was left out or changed before candidates were drawn, and how to bring it back.

    Parameters
    ----------
    part : "simulation" or "search".

    Returns
    -------
    One block; none where a run's record says nothing, as of older runs.
    """
    lines: list[str] = []
    for record in run.records:
        spec = spec_of(record.info, part)
        if not isinstance(spec, Mapping):
            continue
        given = record.info.get("notes")
        notes = (given.get(part) if isinstance(given, Mapping) else None) or []
        lines += [str(note) for note in notes]
        if any(UNREACHED in str(note) for note in notes):
            lines.append(
                f"disconnected = true in the scenario's section [{part}] makes them candidates "
                "too. They are left out since nobody would choose one, yet a few of them can make "
                "up most of a mean loss."
            )
        elif spec.get("disconnected"):
            lines.append(
                f"Architectures whose {UNREACHED} are candidates too (disconnected = true): nobody "
                "would choose one, and a few of them can make up most of a mean loss."
            )
    return [Lines(tuple(dict.fromkeys(lines)))] if lines else []
