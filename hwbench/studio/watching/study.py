"""A study that goes on: its learning curves as they grow, and its failures with tracebacks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hwbench.analysis import study as analysis
from hwbench.pages.blocks import Block, Code, Notice, Text
from hwbench.report.study.curves import learning_curves_figure, predictor_entries
from hwbench.results.device_sets import over_device_sets
from hwbench.results.run import name_entries, read_study

MOST_TRACEBACKS = 12
MOST_LETTERS = 6_000


def study_blocks(folder: Path) -> list[Block]:
    """What the trials so far say.

    Raises
    ------
    HwbenchError
        Where a part of the study is broken.
    """
    study = read_study(folder)
    if study is None:
        return [Text("No trial has ended yet.")]
    study = name_entries(over_device_sets(study))
    return [*_curves(study), *failure_blocks(study)]


def _curves(study: pd.DataFrame) -> list[Block]:
    titles = analysis.predictor_titles(study)
    curves = analysis.learning_curves(study)
    if curves.empty:
        return []
    mean = curves.groupby(["predictor", "training_size"], as_index=False).agg(
        tau=("tau", "mean"),
        low=("low", "mean"),
        high=("high", "mean"),
        seeds=("seeds", "max"),
        targets=("target", "size"),
    )
    seen = mean.groupby("training_size")["targets"].transform("max")
    mean = mean[mean["targets"] == seen]  # others are of easier, or of harder ones alone
    targets, fewest = study["target"].nunique(), int(seen.min())
    number = f"{targets}" if fewest == targets else f"{fewest} to {targets}"
    over = "" if targets == 1 else f", mean over the {number} targets seen so far"
    return [
        learning_curves_figure(
            "now-curves", f"Learning curves so far{over}", mean, predictor_entries(titles), ()
        )
    ]


def failure_blocks(study: pd.DataFrame) -> list[Block]:
    """Trials that failed: how many of which predictor, and the traceback of the last of each."""
    counts = analysis.failures(study)
    if counts.empty:
        return []
    n_failed = int(counts["count"].sum())
    rows = zip(counts["title"], counts["count"], counts["reason"], strict=True)
    said = tuple(f"{count:,} of {title}: {reason}" for title, count, reason in rows)
    text = f"{n_failed:,} trial{'s' * (n_failed != 1)} failed."
    blocks: list[Block] = [Notice(text, "Which, and why", said)]
    broken = study[study["error"].notna()].drop_duplicates("title", keep="last")
    for row in broken.head(MOST_TRACEBACKS).itertuples():
        place = f"{row.target}, {row.training_size:,} measurements, seed {row.seed}"
        error = str(row.error)
        cut = error if len(error) <= MOST_LETTERS else f"... {error[-MOST_LETTERS:]}"
        blocks.append(Code(f"Traceback: {row.title}, {place}", cut))
    return blocks
