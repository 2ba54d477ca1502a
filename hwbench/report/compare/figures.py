"""Figures of differences between two runs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    band_trace,
    base_layout,
    line_trace,
    plain_text,
)


def study_figure(
    name: str, title: str, rows: pd.DataFrame, entries: Mapping[tuple[str, str], Entry]
) -> Figure:
    """Differences of tau against the training size, a line a predictor and encoding.

    Parameters
    ----------
    rows : of one target, as from `differences.paired_differences`, `predictor` being its title.
    entries : the look of every predictor (its title) and encoding, in the order of the legend.
    """
    bands: list[Json] = []
    lines: list[Json] = []
    legend = []
    groups = dict(list(rows.groupby(["predictor", "encoding"], sort=True)))
    for key, entry in entries.items():
        if key not in groups:
            continue
        own = groups[key].sort_values("training_size")
        words = entry.title
        legend.append(entry)
        text = [
            f"<b>{plain_text(words)}</b><br>{row.training_size:,} measurements<br>"
            f"B less A {row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})<br>"
            f"{row.repeats} seeds"
            for row in own.itertuples()
        ]
        bands += band_trace(entry, own["training_size"], own["low"], own["high"])
        lines.append(line_trace(entry, own["training_size"], own["difference"], text))
    sizes = sorted({int(size) for size in rows["training_size"]})
    layout = base_layout("measurements to train on (log scale)", "Kendall's tau, B less A")
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": sizes,
        "ticktext": [f"{size:,}" for size in sizes],
    }
    layout["yaxis"] |= {"zeroline": True, "zerolinecolor": "$axis", "zerolinewidth": 2}
    return Figure(
        name=f"difference-{name}",
        title=title,
        description=f"Line plot of differences against training size: {title}",
        data=bands + lines,
        layout=layout,
        height=400,
        legend=tuple(legend),
        caption="Above zero B is better. Bands: 95 % intervals, paired by seed.",
        wide=True,
    )
