"""Tables of the leaderboard's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis.comparison import samples_needed
from hwbench.leaderboard.standings import BASELINE, ENTRY, SCORES_SHOWN, Standings
from hwbench.pages.blocks import EMPTY, Cell, Column, DataTable, Row
from hwbench.results.leaderboard import OWN, Board
from hwbench.results.study_columns import FIT_CPU_SECONDS
from hwbench.wording import duration

TAUS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85)
"""Kendall's taus that are looked for on learning curves."""


DIGITS = 5
"""Digits of the values behind cells: a page of all of them would be half as large again."""


def run_id(origin: str, run: str) -> str:
    """The id of a run in the page."""
    return f"run-{origin}-{run}"


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def entry_title(row: Any) -> str:
    """An entry in words: the predictor, whether it is tuned, and whose it is."""
    marks = ["tuned"] * bool(row["tuning"])
    marks += [f"contributed by {row['origin']}"] * (row["origin"] != OWN)
    return f"{row['title']} ({', '.join(marks)})" if marks else str(row["title"])


def run_of(board: Board, row: Any, targets: Sequence[str], size: int | None) -> str:
    """The id of the run that an entry's number is of, "" for what ranks without a run of its own.

    Where fits of several runs make the number, it is the one that has most of them.
    """
    scores = board.scores
    own = scores[scores["target"].isin(targets)]
    for name in ENTRY:
        own = own[own[name] == row[name]]
    if size is not None and not own["own_training_set"].any():
        own = own[own["training_size"] == size]
    if own.empty:
        return ""
    return run_id(str(row["origin"]), str(own["run"].mode().iloc[0]))


def standings_table(name: str, board: Board, found: Standings) -> DataTable:
    """Entries at one size, the best first, with what ranks for nothing among them."""
    title = SCORES_SHOWN[found.score][0]
    best = found.table["mean"].max()
    rows = []
    for row in found.table.to_dict("records"):
        link = run_of(board, row, found.targets, found.size)
        half = (row["high"] - row["low"]) / 2
        score = f"{row['mean']:.3f}" + ("" if np.isnan(half) else f" ± {half:.3f}")
        cells = (
            _number(row["rank"], "{:.0f}"),
            Cell(score, _rounded(row["mean"]), best=row["mean"] == best, link=link),
            _with_interval(row, "elo", "{:.0f}", 1.0, link),
            _with_interval(row, "win_rate", "{:.0f} %", 100.0, link),
            _cost(row, link),
            Cell(f"{row['fits']:,}", row["fits"], small=row["note"]),
        )
        small = "no measurement" if row["family"] == BASELINE else str(row["family"])
        rows.append(Row(entry_title(row), cells, small))
    columns = (
        Column("predictor", "predictor", numeric=False),
        Column("rank", "rank"),
        Column(title, found.score),
        Column("Elo", "elo"),
        Column("wins", "wins"),
        Column("fit", "fit_cpu_seconds"),
        Column("fits", "fits"),
    )
    return DataTable(
        name,
        f"Standings with {found.size:,} measurements",
        columns,
        tuple(rows),
        small_key="family",
        note=f"{title}: mean over {len(found.targets)} targets ± half the 95 % interval over "
        "seeds. Elo and wins against all others, with bootstrap intervals beneath. Fit: processor "
        "time, median.",
        sorted_by=(3, True),
    )


def _number(value: float, form: str) -> Cell:
    return EMPTY if np.isnan(value) else Cell(form.format(value), _rounded(value))


def _with_interval(row: Any, name: str, form: str, scale: float, link: str) -> Cell:
    value = scale * row[name]
    if np.isnan(value):
        return EMPTY
    stem = name.removesuffix("_rate")
    low, high = scale * row[f"{stem}_low"], scale * row[f"{stem}_high"]
    if np.isnan(low):
        return Cell(form.format(value), _rounded(value), link=link)
    return Cell(form.format(value), _rounded(value), f"{low:.0f} to {high:.0f}", link=link)


def _cost(row: Any, link: str) -> Cell:
    value = row[FIT_CPU_SECONDS]
    if row["family"] == BASELINE:
        return Cell("none", 0.0)
    return EMPTY if np.isnan(value) else Cell(duration(value), _rounded(value), link=link)


def ranks_table(name: str, board: Board, targets: Sequence[str], curves: pd.DataFrame) -> DataTable:
    """Tau and rank of each entry at each size; those that stop earlier are said to."""
    sizes = sorted(int(size) for size in curves["training_size"].unique())
    ranks = curves.groupby("training_size")["tau"].rank(ascending=False, method="min")
    ranked = curves.assign(rank=ranks)
    rows = []
    for _, own in ranked.groupby(ENTRY, sort=False):
        by_size = {int(row["training_size"]): row for row in own.to_dict("records")}
        cells = []
        for size in sizes:
            if size not in by_size:
                cells.append(_stopped(board, own.iloc[0], targets, size))
                continue
            row = by_size[size]
            link = run_of(board, row, targets, size)
            half = (row["high"] - row["low"]) / 2
            tau = _rounded(row["tau"])
            cells.append(
                Cell(
                    f"{row['tau']:.3f}",
                    tau,
                    f"#{row['rank']:.0f}" + ("" if np.isnan(half) else f" ±{half:.3f}"),
                    heat=float(max(row["tau"], 0.0)) ** 2,
                    best=row["rank"] == 1,
                    link=link,
                )
            )
        rows.append((own["tau"].iloc[-1], Row(entry_title(own.iloc[0]), tuple(cells))))
    rows.sort(key=lambda each: -each[0])
    columns = (
        Column("predictor", "predictor", numeric=False),
        *(Column(f"{size:,}", f"tau_{size}") for size in sizes),
    )
    what = "one target" if len(targets) == 1 else f"mean over {len(targets)} targets"
    return DataTable(
        name,
        "Rank by number of measurements",
        columns,
        tuple(row for _, row in rows),
        foot=_baseline_rows(board, targets, len(sizes)),
        note=f"Kendall's tau, {what}; beneath its rank and half its 95 % interval over seeds. "
        "Whatever chooses its own measurements, or needs none, stands below.",
    )


def _stopped(board: Board, row: Any, targets: Sequence[str], size: int) -> Cell:
    """An empty cell, which says where a predictor is not fitted since it takes too long."""
    for run in board.runs[row["origin"]].values():
        costly = run["spec"].get("costly") or {}
        largest = costly.get("largest", {}).get(row["predictor"])
        asked = size in run["spec"]["training_sizes"] and set(targets) & set(run["targets"])
        if largest is not None and asked and size > largest:
            return Cell("stops", None, f"over {costly['seconds']:g} s")
    return EMPTY


def _baseline_rows(board: Board, targets: Sequence[str], n_cells: int) -> tuple[Row, ...]:
    from hwbench.leaderboard.standings import BASELINES

    known = board.targets()
    rows = []
    scores = board.scores[board.scores["target"].isin(targets)]
    for _, own in scores[scores["own_training_set"]].groupby(ENTRY, sort=True):
        means = own.dropna(subset=["kendall_tau"]).groupby("target")["kendall_tau"].mean()
        if len(means) == len(targets):
            of_row = own.iloc[0]
            link = run_of(board, of_row, targets, None)
            cell = Cell(f"{means.mean():.3f}", _rounded(means.mean()), link=link)
            title = f"{entry_title(of_row)}, {of_row['training_size']} of its choice"
            rows.append((float(means.mean()), Row(title, (cell, *[EMPTY] * (n_cells - 1)))))
    for name, title in BASELINES.items():
        taus = [known[target]["baselines"].get(name) for target in targets]
        if any(tau is None for tau in taus):
            continue
        mean = float(np.mean(taus))
        cell = Cell(f"{mean:.3f}", mean, heat=max(mean, 0.0) ** 2)
        rows.append((mean, Row(title, (cell, *[EMPTY] * (n_cells - 1)))))
    return tuple(row for _, row in sorted(rows, key=lambda each: -each[0]))


def samples_table(name: str, board: Board, targets: Sequence[str]) -> DataTable:
    """How many measurements each entry needs for a tau, of the mean over targets."""
    scores = board.scores[board.scores["target"].isin(targets) & ~board.scores["own_training_set"]]
    keys = [*ENTRY, "training_size", "seed"]
    means = scores.groupby(keys).agg(
        kendall_tau=("kendall_tau", "mean"),
        n=("kendall_tau", "count"),
        title=("title", "first"),
    )
    complete = means[means["n"] == len(targets)].reset_index()
    rows = []
    for _, own in complete.groupby(ENTRY, sort=True):
        trials = own.assign(target="", own_training_set=False)
        cells = []
        for tau in TAUS:
            (found,) = samples_needed(trials, tau).to_dict("records")
            cells.append(_samples(found, run_of(board, own.iloc[0], targets, None)))
        rows.append(Row(entry_title(own.iloc[0]), tuple(cells)))
    rows.sort(key=lambda row: [cell.value or np.inf for cell in reversed(row.cells)])
    columns = (
        Column("predictor", "predictor", numeric=False),
        *(Column(f"tau {tau:g}", f"samples_{tau:g}") for tau in TAUS),
    )
    return DataTable(
        name,
        "Measurements needed",
        columns,
        tuple(rows),
        note="Measured architectures until the mean Kendall's tau over the targets is reached, "
        "interpolated between sizes; beneath the 95 % bootstrap interval over seeds. Empty: not "
        "reached at any size that it was fitted to.",
        folded=True,
    )


def _samples(found: Any, link: str) -> Cell:
    value = found["samples"]
    if np.isinf(value):
        return EMPTY
    text = f"{'≤ ' if found['bounded'] else ''}{value:,.0f}"
    low, high = found["low"], found["high"]
    small = "" if np.isnan(low) or np.isinf(high) else f"{low:,.0f} to {high:,.0f}"
    return Cell(text, _rounded(value), small, link=link)
