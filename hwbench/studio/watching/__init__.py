"""What is seen of a run while it goes on, as blocks of a page: one file a kind of run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hwbench.pages.blocks import Block
from hwbench.studio.summary import Summary
from hwbench.studio.watching.journals import journal_blocks
from hwbench.studio.watching.live import live_blocks
from hwbench.studio.watching.search import search_blocks
from hwbench.studio.watching.study import study_blocks

WATCHED: dict[str, Callable[[Path], list[Block]]] = {
    "study": study_blocks,
    "search": search_blocks,
    "live search": live_blocks,
    "measurement": journal_blocks,
    "training": journal_blocks,
}
"""By part of a run."""


def now_blocks(summary: Summary, path: Path) -> list[Block]:
    """What a run shows beside its report: of parts that have not ended, and of failures.

    Raises
    ------
    HwbenchError
        Where a file of it is broken.
    """
    blocks: list[Block] = []
    for progress in summary.parts:
        if progress.part in WATCHED and (not progress.ended or progress.failed):
            blocks += WATCHED[progress.part](path)
    return blocks
