"""Figures of differences between two runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hwbench.pages.plotting import (
    Figure,
    Json,
    band_trace,
    base_layout,
    line_trace,
    nth_entry,
    plain_text,
)


def study_figure(name: str, title: str, rows: pd.DataFrame, titles: Sequence[str]) -> Figure:
    """Differences of tau against the training size, a line a predictor and encoding.

    Parameters
    ----------
    rows : of one target, as from `differences.paired_differences`, `predictor` being its title.
    titles : of the predictors, in the order of the legend.
    """
    several = rows.groupby("predictor")["encoding"].nunique().max() > 1
    bands: list[Json] = []
    lines: list[Json] = []
    legend = []
    groups = dict(list(rows.groupby(["predictor", "encoding"], sort=True)))
    order = {title: place for place, title in enumerate(titles)}
    keys = sorted(groups, key=lambda key: (order.get(key[0], len(order)), key))
    for place, (predictor, encoding) in enumerate(keys):
        own = groups[predictor, encoding].sort_values("training_size")
        words = predictor + (f" ({encoding})" if several else "")
        entry = nth_entry(place, f"p:{predictor}:{encoding}", words)
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
