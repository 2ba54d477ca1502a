"""The page of one run: how far it is, what is seen while it goes on, and its report."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hwbench.errors import HwbenchError
from hwbench.pages.blocks import Block, Notice, Section, Text
from hwbench.report.compress import compression_page
from hwbench.report.page import page_of
from hwbench.results.compressions import is_compression, read_compressions
from hwbench.results.names import ADVICE, ADVICE_PAGE, RECORD
from hwbench.results.run import read_run
from hwbench.results.texts import read_object
from hwbench.studio.broken import UNREADABLE, problem_of
from hwbench.studio.commands import in_words, resume_command
from hwbench.studio.folders import OutsideError, check_contained, inside
from hwbench.studio.index import JOURNAL, Fingerprint, RunIndex, fingerprint_of
from hwbench.studio.processes import Job, Jobs, log_end
from hwbench.studio.rates import Rates
from hwbench.studio.summary import BROKEN, FINISHED, RUNNING, STOPPED, Summary
from hwbench.studio.watching import now_blocks

SPARED = 10.0
"""A report of a run that goes on is made again after so many times the seconds that it took."""

LEAST_SPARED = 5.0
"""But never sooner than after so many seconds."""


@dataclass(frozen=True)
class Now:
    """What the upper part of a run's page shows.

    Attributes
    ----------
    summary : of the run.
    rate : units a second; None where it is not known, or nothing goes on.
    seconds_left : at that rate.
    blocks : what is seen while it goes on.
    resume : the command that goes on with it; "" where there is none, `why_not` says why.
    log : the end of what its command has printed.
    job : the command that this studio has started on it, in words; "" for none.
    exit_code : of that command; None while it runs.
    """

    summary: Summary
    rate: float | None
    seconds_left: float | None
    blocks: Sequence[Block]
    resume: str
    why_not: str
    log: str
    job: str
    exit_code: int | None


class RunPages:
    """Makes the parts of runs' pages.

    Parameters
    ----------
    index : of all runs.
    jobs : what this studio has started.
    rates : how fast runs go on.
    """

    def __init__(self, index: RunIndex, jobs: Jobs, rates: Rates) -> None:
        self.index = index
        self.jobs = jobs
        self.rates = rates
        self._reports: dict[str, tuple[Fingerprint, Sequence[Section], float, float]] = {}
        self._lock = threading.Lock()

    def now(self, name: str) -> Now:
        """The upper part of a run's page.

        Raises
        ------
        HwbenchError
            Where there is no such run.
        """
        job = self.jobs.get(name)
        if job is not None and not (self.index.runs / name).exists():
            return self._begun(name, job)
        if self._is_table(name):
            return _ended_as_table(name, self.index.runs)
        summary = self.index.summary(name)
        path = inside(self.index.runs, name)
        progress = summary.current
        rate = None
        if progress is not None and summary.state == RUNNING:
            self.rates.seen(name, progress.done)
            rate = self.rates.rate(name, progress.done, _record(path))
        left = None
        if rate and progress is not None and progress.total:
            left = max(0, progress.total - progress.done) / rate
        resume, why_not = "", ""
        if summary.state != FINISHED:
            try:
                resume = in_words(resume_command(summary, path))
            except HwbenchError as error:
                why_not = str(error)
        return Now(
            summary,
            rate,
            left,
            _blocks(summary, path, self.index.runs),
            resume,
            why_not,
            log_end(self.index.runs, name),
            "" if job is None else job.words,
            None if job is None else job.exit_code,
        )

    def _is_table(self, name: str) -> bool:
        """Whether a journal has gone because its results are a table now."""
        if not name.endswith(JOURNAL):
            return False
        try:
            inside(self.index.runs, name)
        except OutsideError:
            return False
        except HwbenchError:  # there is none any more
            return _table_of(name, self.index.runs).is_file()
        return False

    def _begun(self, name: str, job: Job) -> Now:
        """Of a run whose command was started a moment ago, and has made no folder yet."""
        state = RUNNING if job.running else STOPPED
        log = log_end(self.index.runs, name)
        blocks: list[Block] = [Text("Its command is starting.")] if job.running else []
        summary = Summary(name, name, state)
        return Now(summary, None, None, blocks, "", "", log, job.words, job.exit_code)

    def report(self, name: str) -> Sequence[Section]:
        """The sections of a run's report, as they are, or a little before where it goes on.

        Raises
        ------
        HwbenchError
            Where there is no such run.
        """
        if self.jobs.get(name) is not None and not (self.index.runs / name).exists():
            return []
        if self._is_table(name):
            return []
        path = inside(self.index.runs, name)
        fingerprint = fingerprint_of(path)
        state = self.index.summary(name).state
        if state == BROKEN:  # the upper part says why
            return []
        running = state == RUNNING
        with self._lock:
            known = self._reports.get(name)
        if known is not None:
            before, sections, made, took = known
            young = time.monotonic() - made < max(LEAST_SPARED, SPARED * took)
            if before == fingerprint or (running and young):
                return sections
        start = time.monotonic()
        sections = _sections(path, self.index.runs)
        now = time.monotonic()
        with self._lock:
            self._reports[name] = (fingerprint, sections, now, now - start)
        return sections


def _table_of(name: str, runs: Path) -> Path:
    return (runs / name).with_suffix(".parquet")


def _ended_as_table(name: str, runs: Path) -> Now:
    """Of a measurement or training that has ended: its journal is gone, its table is there."""
    table = _table_of(name, runs)
    said = Markup("All results have come: they are the table <code>{}</code>.").format(table)
    summary = Summary(name, table.stem, FINISHED)
    return Now(summary, None, None, [Text(said)], "", "", "", "", None)


def _record(path: Path) -> dict[str, Any]:
    try:
        return read_object(path / RECORD) if path.is_dir() else {}
    except HwbenchError:
        return {}


def _blocks(summary: Summary, path: Path, runs: Path) -> list[Block]:
    try:
        check_contained(path, runs)
        return now_blocks(summary, path)
    except UNREADABLE as error:
        return [Notice(problem_of(summary.name, error))]


def _sections(path: Path, runs: Path) -> Sequence[Section]:
    """The report of a run, or in its place why there is none yet."""
    if not path.is_dir():
        return []
    try:
        check_contained(path, runs)
        if (path / ADVICE).is_file():
            text = f"What was advised is in {path / ADVICE_PAGE}: open that file in a browser."
            return [Section("summary", "Summary", [Text(text)])]
        if is_compression(path):
            return compression_page([read_compressions(path)]).sections
        return page_of(read_run(path)).sections
    except UNREADABLE as error:
        if "nothing to report" in str(error):
            return []
        return [Section("summary", "Summary", [Notice(problem_of(path.name, error))])]
