"""A live search that goes on: losses and strengths as they grow, the derived cell, its truth."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from hwbench.pages.architectures import drawing
from hwbench.pages.blocks import Block, Finding, Group, Text
from hwbench.pages.plotting import Entry
from hwbench.report.live.figures import epochs_figure, run_entries, strengths_figures
from hwbench.results.live import LiveRun, read_live_run

MOST_POSITIONS = 8


def live_blocks(folder: Path) -> list[Block]:
    """What the epochs so far say.

    Raises
    ------
    HwbenchError
        Where a file of the search is broken.
    """
    run = read_live_run(folder)
    if run.epochs.empty:
        return [Text("No epoch has ended yet.")]
    entries = run_entries([run])
    return [*_derived(run), *_training(run, entries), *_strengths(run)]


def _derived(run: LiveRun) -> list[Block]:
    """What would be selected after the last epoch, drawn, and how good it truly is."""
    last = run.epochs.iloc[-1]
    architecture = last.get("architecture")
    if not isinstance(architecture, str):
        return []
    space = str(run.config.get("space", {}).get("name", ""))
    epoch = int(last["epoch"]) + 1
    value, percentile = last.get("true_value"), last.get("true_percentile")
    said = [Markup("After epoch {} the search would select this architecture.").format(epoch)]
    if value is not None and pd.notna(value):
        worse = "" if pd.isna(percentile) else f", better than {percentile:.1f} % of all"
        said.append(Markup("Its true value is <b>{:.2f}</b>{}.").format(float(value), worse))
        best = last.get("best_true_value")
        if best is not None and pd.notna(best):
            said.append(Markup("The best so far was {:.2f}.").format(float(best)))
    drawn = drawing(space, architecture, f"Derived after epoch {epoch}")
    return [Finding("", tuple(said)), *([drawn] if drawn is not None else [])]


def _training(run: LiveRun, entries: list[Entry]) -> list[Block]:
    losses = epochs_figure(
        "now-losses",
        "Loss",
        "cross-entropy",
        [run],
        entries,
        [("train_loss", "training"), ("validation_loss", "validation")],
    )
    accuracies = epochs_figure(
        "now-accuracies",
        "Accuracy",
        "%",
        [run],
        entries,
        [("train_accuracy", "training"), ("validation_accuracy", "validation")],
    )
    truths = epochs_figure(
        "now-true",
        "True value of what would be selected",
        "true value",
        [run],
        entries,
        [("true_value", "after the epoch"), ("best_true_value", "best so far")],
    )
    figures = [each for each in (losses, accuracies, truths) if each is not None]
    return [Group("Training so far", figures)] if figures else []


def _strengths(run: LiveRun) -> list[Block]:
    if run.strengths.empty:
        return []
    figures, legend = strengths_figures("now-strengths", run)
    rest = len(figures) - MOST_POSITIONS
    more = f"The first {MOST_POSITIONS} of {len(figures)} positions." if rest > 0 else ""
    return [Group("Strengths so far", figures[:MOST_POSITIONS], legend, more)]
