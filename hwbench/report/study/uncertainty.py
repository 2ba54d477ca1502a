"""The section on how well predictors say how uncertain they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from hwbench.pages.blocks import EMPTY, Block, Cell, Column, DataTable, Group, Row, Section, Text
from hwbench.pages.plotting import Entry, Figure, base_layout, line_trace, plain_text
from hwbench.results.names import TRIALS_FILE
from hwbench.results.study_columns import COVERAGE_AT, UNCERTAINTY_SCORES

TOLD = "coverage_95"
"""A score that is known of predictors that say how uncertain they are."""


def uncertainty_section(
    trials: pd.DataFrame, entries: Mapping[str, Entry], titles: Mapping[str, str]
) -> list[Section]:
    """Calibration at the fewest and at the most measurements, and scores at every size.

    Parameters
    ----------
    trials : of a study, with the predictors' names of the report.
    entries, titles : their looks and titles.

    Returns
    -------
    No section where no predictor says how uncertain it is, or an older run did not score it.
    """
    if not set(UNCERTAINTY_SCORES) <= set(trials.columns):
        return []
    told = trials[trials[TOLD].notna() & ~trials["own_training_set"].astype(bool)]
    if told.empty:
        return []
    means = (
        told.groupby(["predictor", "training_size"], observed=True)[list(UNCERTAINTY_SCORES)]
        .mean()
        .reset_index()
    )
    sizes = sorted({int(size) for size in means["training_size"]})
    ends = dict.fromkeys((sizes[0], sizes[-1]))
    figures = [calibration_figure(size, means, entries) for size in ends]
    legend = tuple(dict.fromkeys(entry for figure in figures for entry in figure.legend))
    text = (
        "Of intervals that are to hold 50 % of the measurements of new architectures, half should; "
        "on the dashed line they do. Below it a predictor is too sure of itself. Means over "
        "targets and seeds."
    )
    unnamed = [replace(figure, legend=()) for figure in figures]  # one legend for all
    blocks: list[Block] = [Text(text), Group("", unnamed, legend)]
    blocks += [
        _scores_table(name, title, means, sizes, titles, folded=place > 0)
        for place, (name, title) in enumerate(
            (
                (TOLD, "Measurements inside the 95 % interval, in %"),
                ("crps", "Continuous ranked probability score, in deviations of the truth"),
                ("negative_log_likelihood", "Negative log-likelihood, in nats"),
            )
        )
    ]
    first = means[means["training_size"] == sizes[0]]
    ends_of = dict.fromkeys(f"{held:.0f}" for held in (first[TOLD].min(), first[TOLD].max()))
    lead = (
        f"With {sizes[0]:,} measurements the 95 % intervals hold {' to '.join(ends_of)} % of the "
        "measurements."
    )
    return [Section("uncertainty", "How sure predictors are", blocks, (TRIALS_FILE,), lead=lead)]


def calibration_figure(size: int, means: pd.DataFrame, entries: Mapping[str, Entry]) -> Figure:
    """What central intervals hold against what they are to hold, a line a predictor.

    Parameters
    ----------
    size : training size of the rows that are drawn.
    means : columns predictor, training_size and `coverage_50` and its like, in %.
    entries : the looks of predictors.
    """
    layout = base_layout("the interval is to hold, %", "it holds, %")
    layout["xaxis"] |= {"tickvals": list(COVERAGE_AT), "range": [45, 101]}
    exact = {
        "type": "scatter",
        "x": [45, 100],
        "y": [45, 100],
        "mode": "lines",
        "line": {"color": "$ink", "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
    }
    lines, legend = [exact], []
    own = means[means["training_size"] == size].set_index("predictor")
    for predictor, look in entries.items():
        if predictor not in own.index:
            continue
        legend.append(look)
        held = [float(own.loc[predictor, f"coverage_{percent}"]) for percent in COVERAGE_AT]
        texts = [
            f"<b>{plain_text(look.title)}</b><br>{size:,} measurements<br>"
            f"to hold {percent} %, holds {found:.1f} %"
            for percent, found in zip(COVERAGE_AT, held, strict=True)
        ]
        lines.append(line_trace(look, list(COVERAGE_AT), held, texts))
    return Figure(
        name=f"calibration-{size}",
        title=f"With {size:,} measurements",
        description="Line plot of how much intervals hold against how much they are to hold, "
        "one line a predictor",
        data=lines,
        layout=layout,
        height=330,
        legend=tuple(legend),
    )


def _scores_table(
    score: str,
    title: str,
    means: pd.DataFrame,
    sizes: list[int],
    titles: Mapping[str, str],
    *,
    folded: bool,
) -> DataTable:
    digits = 1 if score == TOLD else 3
    values = {
        (row.predictor, row.training_size): float(getattr(row, score)) for row in means.itertuples()
    }
    rows = [
        Row(
            title_of,
            tuple(
                Cell(f"{values[predictor, size]:.{digits}f}", values[predictor, size])
                if (predictor, size) in values
                else EMPTY
                for size in sizes
            ),
        )
        for predictor, title_of in titles.items()
        if any((predictor, size) in values for size in sizes)
    ]
    return DataTable(
        f"uncertainty-{score}",
        title,
        (
            Column("predictor", "predictor", numeric=False),
            *(Column(f"{size:,}", f"{score}_{size}") for size in sizes),
        ),
        tuple(rows),
        folded=folded,
    )
