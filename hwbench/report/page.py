"""The report of a run: its sections put together and rendered."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from hwbench.analysis import study as analysis
from hwbench.pages.blocks import Block, Lines, Page, Section
from hwbench.pages.rendering import render_page
from hwbench.report.live.section import live_sections, live_summary
from hwbench.report.provenance import how_to_read, provenance
from hwbench.report.search.section import search_sections, search_summary
from hwbench.report.simulation.section import simulation_sections
from hwbench.report.study import findings as summary
from hwbench.report.study.section import study_sections, study_summary
from hwbench.results.run import Run
from hwbench.wording import duration

APPENDIX = (
    "cost",
    "supernet",
    "architecture-weights",
    "ranks",
    "predictions",
    "errors",
    "losses-by-metric",
    "hypervolume",
    "simulation-study",
    "selection",
    "provenance",
)
"""Sections that only a reviewer wants."""


NOTES = "What was left out or changed before anything was computed"


def render(run: Run) -> str:
    """The whole page of a run, as HTML text."""
    page = page_of(run)
    return render_page(page.title, page.sections, meta=page.meta)


def page_of(run: Run) -> Page:
    """What the page of a run holds, whether it has ended or not."""
    simulated = None if run.simulation is None else analysis.simulation_curves(run.simulation)
    if simulated is not None and simulated.empty:  # trained predictors alone
        simulated = None
    details = [
        *study_sections(run, simulated),
        *simulation_sections(run, simulated),
        *search_sections(run),
        *live_sections(run),
        how_to_read(run),
        provenance(run),
    ]
    sections = [
        Section("summary", "Summary", _summary(run, simulated)),
        *(replace(each, folded=True, appendix=each.name in APPENDIX) for each in details),
    ]
    return Page(
        str(run.info.get("title") or run.info.get("scenario") or run.folder.name),
        sections,
        meta=[*_meta(run), ", ".join(_counts(run))],
    )


def _summary(run: Run, simulated: pd.DataFrame | None) -> list[Block]:
    return [
        *study_summary(run, simulated),
        *_losses_alone(run, simulated),
        *search_summary(run),
        *live_summary(run),
        *([Lines(tuple(run.notes), NOTES)] if run.notes else []),
    ]


def _losses_alone(run: Run, simulated: pd.DataFrame | None) -> list[Block]:
    """What a simulation found, where no study says what to use."""
    if simulated is None or run.study is not None:
        return []
    return list(summary.simulation_findings(run, simulated))


def _meta(run: Run) -> list[str]:
    seconds = run.info.get("seconds")
    return [
        moment(run.info.get("started")),
        f"ran for {duration(float(seconds))}" if isinstance(seconds, int | float) else "",
        machine(run.info.get("machine") or {}),
    ]


def _counts(run: Run) -> list[str]:
    """How many of everything the page is made of, in words."""
    tiles = []
    if run.study is not None:
        own = run.study[~run.study["own_training_set"]]
        tiles += [
            _counted(own["predictor"].nunique(), "predictor"),
            _counted(run.study["target"].nunique(), "target"),
            _counted(own["training_size"].nunique(), "training size"),
            _counted(len(run.study), "trial"),
        ]
    if run.simulation is not None:
        tiles.append(_counted(len(run.simulation), "simulated selection"))
    if run.search is not None:
        tiles.append(_counted(len(run.search), "evaluation"))
    if run.live:
        tiles.append(_counted(sum(len(live.epochs) for live in run.live), "epoch"))
        tiles.append(_counted(sum(len(live.ranking) for live in run.live), "ranked architecture"))
    return [f"{number} {noun}" for number, noun in tiles if number != "0"]


def _counted(count: int, noun: str) -> tuple[str, str]:
    return f"{count:,}", noun if count == 1 else f"{noun}s"


def moment(started: Any) -> str:
    """A moment of ISO 8601 for people: "3 May 2026, 14:05 UTC"."""
    try:
        when = datetime.datetime.fromisoformat(str(started))
    except ValueError:
        return str(started or "")
    zone = when.strftime(" %Z") if when.tzinfo else ""
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"


def machine(described: Mapping[str, Any]) -> str:
    """A machine in words, from what `hwbench.environment.describe_machine` gave."""
    parts = [str(described.get("processor") or "")]
    cores, memory = described.get("cores"), described.get("memory_gib")
    parts.append("" if cores is None else f"{cores} core{'s' * (cores != 1)}")
    parts.append(f"{memory:.3g} GiB of memory" if isinstance(memory, int | float) else "")
    parts.append(str(described.get("system") or ""))
    return ", ".join(part for part in parts if part)
