"""Figures of differences between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from hwbench.pages.plotting import (
    N_COLOURS,
    SYMBOLS,
    Entry,
    Figure,
    Json,
    band_trace,
    base_layout,
    line_trace,
    plain_text,
)
from hwbench.report.compare.measured import Measured

ENCODING_DASHES = ("solid", "dash", "dot", "dashdot")
VERDICTS = (
    ("better", "B significantly better", "$c2"),
    ("worse", "B significantly worse", "$c1"),
    ("unclear", "no significant difference", "$muted/0.45"),
    ("untested", "one pair, not tested", "$muted/0.15"),
)

Looks = Mapping[tuple[str, str], Entry]


def predictor_looks(
    frames: Sequence[pd.DataFrame], titles: Sequence[str]
) -> dict[tuple[str, str], Entry]:
    """The look of each predictor and encoding in all figures of a page.

    A predictor has one colour and one symbol; its encodings differ in the dash of their lines.

    Parameters
    ----------
    frames : with the columns `predictor`, a title, and `encoding`.
    titles : of the predictors, in the order of colours and legends; others follow.
    """
    pairs = {
        (str(row.predictor), str(row.encoding))
        for frame in frames
        for row in frame[["predictor", "encoding"]].drop_duplicates().itertuples()
    }
    encodings: dict[str, list[str]] = {}
    for predictor, encoding in sorted(pairs):
        encodings.setdefault(predictor, []).append(encoding)
    order = [title for title in dict.fromkeys(titles) if title in encodings]
    order += [predictor for predictor in encodings if predictor not in order]
    several = any(len(own) > 1 for own in encodings.values())
    return {
        (predictor, encoding): Entry(
            f"p:{predictor}:{encoding}",
            f"{predictor} ({encoding})" if several else predictor,
            f"$c{place % N_COLOURS}",
            SYMBOLS[place % len(SYMBOLS)],
            ENCODING_DASHES[nth % len(ENCODING_DASHES)],
        )
        for place, predictor in enumerate(order)
        for nth, encoding in enumerate(encodings[predictor])
    }


def study_figure(name: str, title: str, rows: pd.DataFrame, looks: Looks) -> Figure:
    """Differences of tau against the training size, a line a predictor and encoding.

    Parameters
    ----------
    rows : of one target, as from `differences.paired_differences`, `predictor` being its title.
    looks : of predictors and encodings, in the order of the legend, see `predictor_looks`.
    """
    bands: list[Json] = []
    lines: list[Json] = []
    legend = []
    groups = dict(list(rows.groupby(["predictor", "encoding"], sort=True)))
    for key, entry in looks.items():
        if key not in groups:
            continue
        own = groups[key].sort_values("training_size")
        legend.append(entry)
        text = [
            f"<b>{plain_text(entry.title)}</b><br>{row.training_size:,} measurements<br>"
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


def verdicts_figure(measured: Sequence[Measured]) -> Figure:
    """How many comparisons of each measure are significant: a bar a measure, B better to the left.

    Parameters
    ----------
    measured : at least one.
    """
    titles = [each.title for each in measured]
    counts = [each.counts() for each in measured]
    data: list[Json] = []
    legend = []
    for key, words, colour in VERDICTS:
        values = [count[key] for count in counts]
        if not any(values):
            continue
        entry = Entry(f"verdict:{key}", words, colour, "square", "")
        legend.append(entry)
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": values,
                "y": list(range(len(titles))),
                "marker": {"color": colour},
                "legendgroup": entry.group,
                "text": [
                    f"<b>{plain_text(title)}</b><br>{words}: {value} of {sum(count.values())}"
                    for title, value, count in zip(titles, values, counts, strict=True)
                ],
                "textposition": "none",
                "hoverinfo": "text",
            }
        )
    layout = base_layout("comparisons", "")
    layout["barmode"] = "stack"
    layout["yaxis"] |= {
        "tickvals": list(range(len(titles))),
        "ticktext": [_broken(title) for title in titles],
        "autorange": "reversed",
    }
    return Figure(
        name="verdicts",
        title="What changed, by measure",
        description="Bars of how many comparisons are significant, a bar a measure",
        data=data,
        layout=layout,
        height=120 + 44 * len(titles),
        legend=tuple(legend),
        caption="A comparison is one setting of both runs, over their common seeds or repeats.",
        wide=True,
    )


def _broken(title: str) -> str:
    """A title for beside an axis: a line for each of its parts."""
    return "<br>".join(plain_text(part) for part in title.split(", ", 1))
