"""A page that compares search spaces by what their random architectures come to (NA Fig. 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

from hwbench.analysis.space_quality import SpaceSample, best_space, better_share
from hwbench.pages.blocks import Block, Cell, Column, DataTable, Finding, Row, Section
from hwbench.pages.plotting import (
    Entry,
    Figure,
    axis_title,
    base_layout,
    line_trace,
    nth_entry,
    plain_text,
)
from hwbench.pages.rendering import render_page


def quality_words(samples: Sequence[SpaceSample], title: str) -> list[str]:
    """Which space is best in the middle, and how often it is better than each of the others.

    Parameters
    ----------
    samples : of at least one space.
    title : of what the values are, with its unit.
    """
    best = best_space(samples)
    middle = best.quantiles()["50 %"]
    said = [f"In the middle random architectures of {best.title} are best: {middle:.4g} ({title})."]
    said += [
        f"One of them is better than one of {other.title} with a chance of "
        f"{100 * better_share(best, other):.0f} %."
        for other in samples
        if other is not best
    ]
    return said


def quality_page(samples: Sequence[SpaceSample], title: str, unit: str) -> str:
    """The page as HTML text.

    Parameters
    ----------
    samples : of the spaces.
    title, unit : of what the values are.
    """
    entries = [
        nth_entry(place, f"space:{place}", sample.title) for place, sample in enumerate(samples)
    ]
    words = quality_words(samples, axis_title(title, unit))
    blocks: list[Block] = [
        Finding("", tuple(words)),
        _figure(samples, entries, title, unit),
        _table(samples),
    ]
    return render_page("Quality of search spaces", [Section("quality", "Quality", blocks)])


def _figure(
    samples: Sequence[SpaceSample], entries: Sequence[Entry], title: str, unit: str
) -> Figure:
    data = []
    for sample, entry in zip(samples, entries, strict=True):
        values, shares = sample.distribution()
        text = [
            f"<b>{plain_text(sample.title)}</b><br>{share:.0f} % have {value:.4g} or better"
            for value, share in zip(values, shares, strict=True)
        ]
        line = line_trace(entry, values, shares, text)
        line |= {"mode": "lines"}
        line["line"] |= {"shape": "hv"}
        data.append(line)
    layout = base_layout(axis_title(title, unit), "architectures that are as good, %")
    if not samples[0].minimize:
        layout["xaxis"] |= {"autorange": "reversed"}
    return Figure(
        name="distribution",
        title="Share of random architectures that are as good as a value",
        description="Empirical distribution functions, one line a space",
        data=data,
        layout=layout,
        legend=tuple(entries),
        caption="The nearer to the upper left corner, the better a space.",
    )


def _table(samples: Sequence[SpaceSample]) -> DataTable:
    names = list(samples[0].quantiles())
    rows = tuple(
        Row(
            sample.title,
            (
                Cell(f"{len(sample.values):,}", float(len(sample.values))),
                *(Cell(f"{value:.4g}", value) for value in sample.quantiles().values()),
            ),
        )
        for sample in samples
    )
    columns = (
        Column("space", "space", numeric=False),
        Column("architectures", "architectures"),
        *(Column(name, name) for name in names),
    )
    note = "Quantiles from the worst to the best."
    return DataTable("quantiles", "Quantiles", columns, rows, note=note)
