"""The leaderboard as one page: standings, curves, samples needed, costs, and what made them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwbench.analysis.published import LINEAR
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.leaderboard import figures, tables
from hwbench.leaderboard.searches import search_sections
from hwbench.leaderboard.standings import (
    ACCURACY,
    learning_curves,
    standings,
    target_kind,
)
from hwbench.pages.blocks import Block, Code, Facts, Lines, Section, Tab, Tabs, Text
from hwbench.pages.rendering import render_page
from hwbench.results.leaderboard import OWN, Board, results_folder

MOST_MEGABYTES = 6.0
"""A page is no larger, so that a phone opens it."""

GROUPS = {
    "hardware": "Hardware metrics, the published study's five",
    "others": "Other hardware metrics",
    "accuracy": "Accuracies",
    "time": "Training times",
}
"""Names of sections and their titles."""

FIRST_SIZE = 124
"""The number of measurements whose tab stands first; sizes that are not there are left out."""


def write_page(board: Board, path: Path) -> Path:
    """Write the page.

    Raises
    ------
    HwbenchError
        Where it cannot be written.
    """
    write_text(path, render(board))
    return path


def render(board: Board) -> str:
    """The page as HTML text; the same scores give the same text."""
    groups = target_groups(board)
    looks = figures.entry_looks(board)
    sections: list[Section] = []
    for name, title, targets in groups:
        sections += _group_sections(board, name, title, targets, looks)
    sections += [*search_sections(results_folder()), _reading(), _runs_section(board)]
    scores = board.scores
    tiles = [
        (f"{scores[['predictor', 'encoding']].drop_duplicates().shape[0]}", "predictors"),
        (f"{scores['target'].nunique()}", "targets"),
        (f"{len(scores):,}", "fits"),
    ]
    started = [run["started"] for runs in board.runs.values() for run in runs.values()]
    page = render_page(
        "Which predictor, how many measurements",
        sections,
        brand="hwbench leaderboard",
        meta=[f"scores of runs begun up to {max(started)[:10]}"] if started else [],
        tiles=tiles,
        pack=True,
    )
    if len(page) > MOST_MEGABYTES * 1e6:
        raise HwbenchError(
            f"the page has {len(page) / 1e6:.1f} MB, more than {MOST_MEGABYTES:g}: it has too many "
            "contributions; leave them out: hwbench leaderboard page --own"
        )
    return page


def target_groups(board: Board) -> list[tuple[str, str, list[str]]]:
    """Targets that are shown together, the published study's five first."""
    known = board.targets()
    present = [each for each in known if (board.scores["target"] == each).any()]
    found: dict[str, list[str]] = {"hardware": [], "others": [], "accuracy": [], "time": []}
    for target in present:
        kind = target_kind(known[target])
        if target in LINEAR:
            found["hardware"].append(target)
        else:
            found[kind if kind in (ACCURACY, "time") else "others"].append(target)
    return [(name, GROUPS[name], targets) for name, targets in found.items() if targets]


def _group_sections(
    board: Board, name: str, title: str, targets: list[str], looks: figures.Looks
) -> list[Section]:
    curves = learning_curves(board, targets)
    main: list[Block] = []
    # Where few entries have been fitted, nobody is ahead of the others.
    entries = curves.groupby("training_size").size()
    shared = sorted(int(size) for size in entries[entries * 2 >= entries.max()].index)
    if shared:
        found = {size: standings(board, targets, size) for size in shared}
        ordered = sorted(shared, key=lambda size: (size != FIRST_SIZE, size))
        tabs = [
            Tab(
                f"{size:,}",
                [
                    tables.standings_table(f"{name}-standings-{size}", board, found[size]),
                    figures.cost_figure(f"{name}-cost-{size}", found[size], looks),
                ],
            )
            for size in ordered
        ]
        main = [
            figures.curves_figure(f"{name}-curves", board, targets, curves, looks),
            tables.ranks_table(f"{name}-ranks", board, targets, curves),
            tables.samples_table(f"{name}-samples", board, targets),
            Text("Standings by number of measurements, and what a fit costs:"),
            Tabs(f"{name}-sizes", "Measurements", tabs),
        ]
    of_targets = [
        Tab(target.partition(":")[2], _of_target(board, name, place, target, looks))
        for place, target in enumerate(targets)
    ]
    lead = _lead(board, targets, shared)
    return [
        Section(name, title, main, lead=lead),
        Section(
            f"{name}-targets",
            f"{title}: each target",
            [Tabs(f"{name}-each", "Targets", of_targets)],
            folded=True,
            lead=", ".join(target.partition(":")[2] for target in targets),
        ),
    ]


def _of_target(
    board: Board, name: str, place: int, target: str, looks: figures.Looks
) -> list[Block]:
    curves = learning_curves(board, [target])
    about = board.targets()[target]
    return [
        Text(f"{about['title']} ({about['unit']}), {about['rows']:,} architectures."),
        figures.curves_figure(
            f"{name}-curves-{place}", board, [target], curves, looks, bands=False
        ),
        tables.ranks_table(f"{name}-ranks-{place}", board, [target], curves),
    ]


def _lead(board: Board, targets: Sequence[str], sizes: Sequence[int]) -> str:
    """Who is ahead with few, with some and with many measurements."""
    if not sizes:
        return "No predictor has been fitted on all of these targets yet."
    wanted = dict.fromkeys((sizes[0], sizes[len(sizes) // 2], sizes[-1]))
    parts = []
    for size in wanted:
        table = standings(board, targets, size).table
        fitted = table[table["rank"].notna() & (table["samples"] == size)]
        if len(fitted):
            row = fitted.iloc[0]
            parts.append(f"with {size:,} measurements {row['title']} (tau {row['mean']:.2f})")
    return f"The highest Elo: {', '.join(parts)}." if parts else ""


def _reading() -> Section:
    lines = (
        "A fit is one predictor, trained on measurements of one target, at one seed; it is scored "
        "on architectures that it has not seen, the same for all predictors of a seed.",
        "Elo and win rates compare all entries fit by fit, what ranks without measurements "
        "included. 400 points are ten wins to one. Intervals are bootstrapped over targets, and "
        "seeds within: with few targets they are wide, since other devices may order predictors "
        "otherwise.",
        "Every number leads to the run that it is of: spec, versions, machine, hashes of tables.",
        "The ceiling is about what a perfect predictor would score against one noisy measurement.",
        "What is published had a search of up to 5,000 configurations or 15 minutes inside every "
        "fit, and 50 seeds; entries here are at their cards' defaults, or tuned as is said.",
        "The cost of a fit is processor time of one core.",
        "To add a predictor: run the scenarios leaderboard-few and leaderboard-many with it, then "
        "hwbench leaderboard add RUN.",
    )
    return Section("reading", "How to read this", [Lines(lines)])


def _runs_section(board: Board) -> Section:
    blocks: list[Block] = []
    for origin, runs in board.runs.items():
        for name, run in runs.items():
            own = board.scores[(board.scores["origin"] == origin) & (board.scores["run"] == name)]
            blocks += _run_blocks(origin, name, run, len(own))
    lead = "What made the numbers: specs, versions, machines, hashes of tables and code."
    return Section("runs", "Runs", blocks, lead=lead)


def _run_blocks(origin: str, name: str, run: dict[str, Any], fits: int) -> list[Block]:
    machine = ", ".join(f"{key} {value}" for key, value in run["machine"].items())
    versions = ", ".join(f"{key} {value}" for key, value in run["versions"].items() if value)
    left_out = sorted({f"{each['predictor']} {each['reason']}" for each in run["left_out"]})
    command = f"hwbench study run {run['scenario']}" if origin == OWN else "see its spec"
    facts = {
        "From": "hwbench" if origin == OWN else f"contributed: {origin}",
        "Fits": f"{fits:,}",
        "Run again with": command,
        "Begun": run["started"],
        "Machine": machine,
        "Versions": versions,
        "Tables (SHA-256)": ", ".join(f"{table} {sha}" for table, sha in run["tables"].items()),
        "Code of all trials": run["code"]["trial"],
        "Code of predictors": ", ".join(
            f"{key} {version}" for key, version in run["code"]["predictors"].items()
        ),
    }
    return [
        Facts(f"{name}: {run['title']}", facts, tables.run_id(origin, name)),
        *([Lines(tuple(left_out), "What stops earlier, and why")] if left_out else []),
        Code(f"Spec of {name}", json.dumps(run["spec"], indent=1)),
    ]
