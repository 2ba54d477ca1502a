"""All runs of a folder: found, and summed up again only where a file of them has changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.locks import LOCK, holder_of, is_locked
from hwbench.results.compressions import is_compression
from hwbench.results.live import is_live_run
from hwbench.results.names import (
    ADVICE,
    COMPRESS,
    CONFIG,
    PARTS,
    RECORD,
    RETRAININGS,
    SCENARIO,
    SEARCH_PARTS,
    SEARCHES,
    SELECTIONS,
    SIMULATION,
    SWEEP,
    TRIALS_FILE,
)
from hwbench.results.texts import read_object
from hwbench.studio.counting import (
    compression_progress,
    first_parts,
    journal_progress,
    live_progress,
    search_progress,
    simulation_progress,
    study_progress,
    sweep_progress,
)
from hwbench.studio.folders import check_contained, inside
from hwbench.studio.summary import BROKEN, FINISHED, RUNNING, STOPPED, Progress, Summary
from hwbench.toml import load_toml

JOURNAL = ".journal"
SIGNS = {RECORD, CONFIG, SWEEP, COMPRESS, SCENARIO, TRIALS_FILE, SIMULATION, SEARCHES}
"""Files by one of which a folder is known as a run's."""

GROWING = (PARTS, SEARCH_PARTS, RETRAININGS, SELECTIONS)
"""Folders of a run whose content changes while it goes on."""

DEEPEST = 4
MOST_RUNS = 5_000

Fingerprint = tuple[tuple[str, int, int], ...]


class RunIndex:
    """The runs below a folder.

    Parameters
    ----------
    runs : the folder; one that is missing has none.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._known: dict[str, tuple[Fingerprint, Summary]] = {}
        self._lock = threading.Lock()

    def all(self) -> list[Summary]:
        """Every run, those that run first, then the last changed ones."""
        found = [self.summary(name) for name in self.names()]
        return sorted(found, key=lambda each: (each.state != RUNNING, -each.changed, each.name))

    def names(self) -> list[str]:
        """Names of all runs, sorted; those inside another one, as of a sweep, are left out."""
        found = islice(self._walk(self.runs, 0), MOST_RUNS)
        names = [path.relative_to(self.runs).as_posix() for path in found]
        return sorted(name for name in names if name.isprintable())

    def _walk(self, folder: Path, depth: int) -> Iterator[Path]:
        entries = _entries(folder)
        if depth and SIGNS & {each.name for each in entries if each.is_file()}:
            yield folder
            return
        for each in sorted(entries, key=lambda entry: entry.name):
            path = Path(each.path)
            if each.name.startswith(".") or each.is_symlink():
                continue
            if each.is_dir():
                if depth < DEEPEST:
                    yield from self._walk(path, depth + 1)
            elif path.suffix == JOURNAL:
                yield path

    def summary(self, name: str) -> Summary:
        """What there is to say of a run; one that cannot be read is "broken", and says why.

        Raises
        ------
        HwbenchError
            Where there is no such run.
        """
        path = inside(self.runs, name)
        fingerprint = fingerprint_of(path)
        with self._lock:
            known = self._known.get(name)
        if known is None or known[0] != fingerprint:
            known = (fingerprint, _summed_up(name, path, fingerprint, self.runs))
            with self._lock:
                self._known[name] = known
        return _with_state(known[1], path)


def fingerprint_of(path: Path) -> Fingerprint:
    """What changes whenever a file of a run does: names, times and sizes."""
    if not path.is_dir():
        about = path.stat()
        return ((path.name, about.st_mtime_ns, about.st_size),)
    found = []
    for place in (path, *(path / name for name in GROWING)):
        for each in _entries(place):
            try:
                about = each.stat(follow_symlinks=False)
            except OSError:  # a temporary file that has its name now
                continue
            found.append((each.path, about.st_mtime_ns, about.st_size))
    return tuple(sorted(found))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # missing, or not to be read
        return []


def _summed_up(name: str, path: Path, fingerprint: Fingerprint, runs: Path) -> Summary:
    changed = max((time for _, time, _ in fingerprint), default=0) / 1e9
    bare = Summary(name, path.name, STOPPED, changed=changed)
    try:
        if path.is_dir():
            check_contained(path, runs)
            return _of_folder(bare, path)
        progress, recipe = journal_progress(path)
        title = f"{path.stem} ({recipe.get('space', 'measurements')})"
        return replace(bare, title=title, parts=(progress,), details={"recipe": recipe})
    except (HwbenchError, OSError) as error:
        return replace(bare, state=BROKEN, problem=str(error))


def _of_folder(bare: Summary, folder: Path) -> Summary:
    record = read_object(folder / RECORD)
    parts = _parts(folder, record)
    title = record.get("title") or _title(folder) or folder.name
    started = record.get("started")
    ended = bool(parts) and all(each.ended for each in parts)
    return replace(
        bare,
        title=str(title),
        parts=parts,
        started=started if isinstance(started, str) else "",
        state=FINISHED if ended else STOPPED,
    )


def _parts(folder: Path, record: dict[str, Any]) -> tuple[Progress, ...]:
    if (folder / ADVICE).is_file():
        return (Progress("advice", "page", 1, ended=True),)
    if (folder / SWEEP).is_file():
        return (sweep_progress(folder),)
    if is_live_run(folder):
        return (live_progress(folder),)
    if is_compression(folder):
        return (compression_progress(folder),)
    found = (
        study_progress(folder, record),
        simulation_progress(folder),
        search_progress(folder, record),
    )
    begun = tuple(each for each in found if each is not None)
    return begun or first_parts(record)


def _title(folder: Path) -> str:
    """The title in the config of a live search, a sweep or a run of compressions."""
    for name in (SWEEP, CONFIG, COMPRESS):
        if (folder / name).is_file():
            title = load_toml(folder / name).get("title")
            return title if isinstance(title, str) else ""
    return ""


def _with_state(summary: Summary, path: Path) -> Summary:
    """A summary with who writes its folder now, which changes without a file's changing."""
    held = holder_of(path / LOCK) is not None if path.is_dir() else is_locked(path)
    if held:
        return replace(summary, state=RUNNING)
    return summary
