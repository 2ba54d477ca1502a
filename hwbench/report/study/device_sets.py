"""The section of a study's report on device sets: new devices after others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from hwbench.analysis.device_sets import (
    SetWords,
    device_sets_of,
    set_baselines,
    set_curves,
    sources_used,
)
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Group,
    Lines,
    Notice,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import (
    Entry,
    Figure,
    band_trace,
    base_layout,
    interval_text,
    line_trace,
    plain_text,
)
from hwbench.report.study.curves import BASELINES
from hwbench.results.names import TRIALS_FILE
from hwbench.results.run import Run
from hwbench.target_text import column_of

COMPARED_AT = 20
"""Measurements at which most of what is published was measured."""

LEAST_WEIGHT = 0.005
"""Weights that are shown as 0.00 are left out."""

PUBLISHED_SYMBOLS = ("diamond", "square", "triangle-up", "x")


def device_set_sections(run: Run, entries: Mapping[str, Entry]) -> list[Section]:
    """How well devices are predicted after others; none where a study has no device sets.

    Parameters
    ----------
    run : of the page.
    entries : looks of the predictors, by name.
    """
    sets = device_sets_of(run.info)
    if run.trials is None or not sets:
        return []
    curves = set_curves(run.trials, sets)
    if curves.empty:
        return []
    used = sources_used(run.trials)
    baselines = set_baselines(run.info, sets)
    missing = [note for note in run.notes if note.startswith("device set ")]
    text = (
        "Each set predicts some devices after others. Numbers are Spearman's rank correlations on "
        "architectures that neither the device nor its sources have measured, means over the "
        "devices that are there; behind ± stands half the 95 % interval over seeds."
    )
    blocks: list[Block] = [Text(text)]
    if missing:
        sentence = (
            "Not all devices are there. What is published is of all devices of a set, so compare "
            "with care where some are missing."
        )
        blocks.append(Notice(sentence, "Which are missing", tuple(missing)))
    blocks += [
        _overview(curves, sets, entries, baselines),
        *([_sources_table(used, sets)] if len(used) else []),
        *_weights(used, sets),
        _figures(curves, sets, entries, baselines),
        *(_table(each, curves, entries) for each in sets),
    ]
    notes = [f"{each.name}: {each.note}" for each in sets if each.note]
    notes += [
        f"{each.name}, {score['method']}: {score['note']}"
        for each in sets
        for score in each.published
        if score.get("note")
    ]
    if notes:
        blocks.append(Lines(tuple(notes), "What to know of the sets"))
    return [
        Section(
            "device-sets",
            "New devices after others",
            blocks,
            (TRIALS_FILE,),
            lead=_lead(curves, entries),
        )
    ]


def shown_size(curves: pd.DataFrame) -> int:
    """The training size of the overview: that of what is published, or the nearest to it."""
    sizes = sorted(int(size) for size in curves["training_size"].unique())
    return min(sizes, key=lambda size: (abs(size - COMPARED_AT), size))


def shown(weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """Sources with their weights, the largest first, those that are not 0.00."""
    return [(name, weight) for name, weight in weights.items() if weight >= LEAST_WEIGHT]


def _lead(curves: pd.DataFrame, entries: Mapping[str, Entry]) -> str:
    size = shown_size(curves)
    own = curves[curves["training_size"] == size]
    count = own["device_set"].nunique()
    everywhere = own[own.groupby("predictor")["device_set"].transform("nunique") == count]
    means = everywhere.groupby("predictor")["spearman"].mean().sort_values(ascending=False)
    named = ", ".join(f"{_title(name, entries)} {mean:.3f}" for name, mean in means[:3].items())
    return f"With {size} measurements, mean over {count} set{'s' * (count > 1)}: {named}."


def _title(name: object, entries: Mapping[str, Entry]) -> str:
    return entries[str(name)].title if str(name) in entries else str(name)


def _cell(row: object) -> Cell:
    mean, low, high, seeds = (getattr(row, name) for name in ("spearman", "low", "high", "seeds"))
    known = low == low
    more = {"low_95": low, "high_95": high} if known else {}
    small = f"± {(high - low) / 2:.3f}" if known else "one seed"
    return Cell(f"{mean:.3f}", mean, small, more={**more, "seeds": seeds})


def _overview(
    curves: pd.DataFrame,
    sets: Sequence[SetWords],
    entries: Mapping[str, Entry],
    baselines: Mapping[str, Mapping[str, float]],
) -> DataTable:
    """Every set at one training size, and beneath what is free and what is published."""
    size = shown_size(curves)
    own = curves[curves["training_size"] == size]
    cells = {(row.predictor, row.device_set): _cell(row) for row in own.itertuples()}
    names = _ordered(own)
    columns = (
        Column("predictor", "predictor", numeric=False),
        *(Column(each.name, each.name) for each in sets),
    )
    rows = tuple(
        Row(_title(name, entries), tuple(cells.get((name, each.name), EMPTY) for each in sets))
        for name in names
    )
    methods = list(dict.fromkeys(score["method"] for each in sets for score in each.published))
    free = tuple(
        Row(
            BASELINES[name],
            tuple(
                Cell(f"{means[each.name]:.3f}", means[each.name]) if each.name in means else EMPTY
                for each in sets
            ),
            small="no measurement",
        )
        for name, means in baselines.items()
        if name in BASELINES
    )
    foot = tuple(
        Row(
            f"{method}, published",
            tuple(_published_cell(each, method) for each in sets),
            small=_samples_of(sets, method),
        )
        for method in methods
    )
    return DataTable(
        "device-sets-overview",
        f"All sets, with {size} measurements",
        columns,
        rows,
        foot=(*free, *foot),
        small_key="measurements",
    )


def _ordered(curves: pd.DataFrame) -> list[str]:
    means = curves.groupby("predictor")["spearman"].mean()
    return [str(name) for name in means.sort_values(ascending=False).index]


def _published_cell(each: SetWords, method: str) -> Cell:
    for score in each.published:
        if score["method"] == method:
            value = float(score["spearman"])
            return Cell(f"{value:.3f}", value)
    return EMPTY


def _samples_of(sets: Sequence[SetWords], method: str) -> str:
    """With how many measurements a method was published: "20 measurements"."""
    samples = {
        int(score["samples"])
        for each in sets
        for score in each.published
        if score["method"] == method
    }
    return f"{' or '.join(map(str, sorted(samples)))} measurements"


def _table(each: SetWords, curves: pd.DataFrame, entries: Mapping[str, Entry]) -> DataTable:
    own = curves[curves["device_set"] == each.name]
    sizes = sorted({int(size) for size in own["training_size"]})
    cells = {(row.predictor, row.training_size): _cell(row) for row in own.itertuples()}
    rows = tuple(
        Row(_title(name, entries), tuple(cells.get((name, size), EMPTY) for size in sizes))
        for name in _ordered(own)
    )
    count, devices = len(each.targets), len(each.sources)
    return DataTable(
        f"device-set-{each.name}",
        f"{each.name}: {count} device{'s' * (count != 1)} after {devices} other"
        f"{'s' * (devices != 1)}",
        (
            Column("predictor", "predictor", numeric=False),
            *(Column(f"{size:,}", f"spearman_{size}") for size in sizes),
        ),
        rows,
        folded=True,
    )


def _sources_table(used: pd.DataFrame, sets: Sequence[SetWords]) -> DataTable:
    """By set and training size: in what share of the fits other devices took part, and which."""
    sizes = sorted({int(size) for size in used["training_size"]})
    rows = []
    for each in sets:
        own = used[used["device_set"] == each.name]
        if own.empty:
            continue
        by_size = {int(row.training_size): row for row in own.itertuples()}
        cells = tuple(_used_cell(by_size[size]) if size in by_size else EMPTY for size in sizes)
        rows.append(Row(each.name, cells))
    return DataTable(
        "device-sets-sources",
        "Did other devices help?",
        (
            Column("device set", "device_set", numeric=False),
            *(Column(f"{size:,}", f"helped_{size}") for size in sizes),
        ),
        tuple(rows),
        note="The share of fits in which other devices took part.",
    )


def _weights(used: pd.DataFrame, sets: Sequence[SetWords]) -> list[Lines]:
    """With what weights other devices took part; none where none did."""
    lines = []
    for each in sets:
        for row in used[used["device_set"] == each.name].itertuples():
            named = [f"{column_of(source)} {weight:.2f}" for source, weight in shown(row.weights)]
            if named:
                lines.append(f"{each.name}, {row.training_size:,}: {', '.join(named)}")
    title = (
        "Which other devices, by mean weight where they took part: by how many standard "
        "deviations a prediction grows where the other is slower by one"
    )
    return [Lines(tuple(lines), title)] if lines else []


def _used_cell(row: object) -> Cell:
    fits, helped = (int(getattr(row, name)) for name in ("fits", "helped"))
    share = helped / fits
    return Cell(f"{100 * share:.0f} %", share, f"{helped} of {fits} fits", more={"fits": fits})


def _figures(
    curves: pd.DataFrame,
    sets: Sequence[SetWords],
    entries: Mapping[str, Entry],
    baselines: Mapping[str, Mapping[str, float]],
) -> Group:
    """A figure for each set, with one legend."""
    figures = [
        _figure(number, each, curves, entries, baselines.get("flops", {}).get(each.name))
        for number, each in enumerate(sets)
    ]
    legend = tuple(dict.fromkeys(entry for figure in figures for entry in figure.legend))
    return Group("", [replace(figure, legend=()) for figure in figures], legend)


def _figure(
    number: int,
    each: SetWords,
    curves: pd.DataFrame,
    entries: Mapping[str, Entry],
    flops: float | None,
) -> Figure:
    """Spearman against measurements, FLOPs alone, and what is published as single points."""
    own = curves[curves["device_set"] == each.name]
    bands, lines, legend = [], [], []
    for name in _ordered(own):
        if name not in entries:
            continue
        look, rows = entries[name], own[own["predictor"] == name]
        legend.append(look)
        sizes = rows["training_size"].tolist()
        bands += band_trace(look, sizes, rows["low"], rows["high"])
        texts = [
            f"<b>{plain_text(look.title)}</b><br>{row.training_size:,} measurements<br>"
            f"rho {interval_text(row.spearman, row.low, row.high)}<br>{row.seeds} seeds"
            for row in rows.itertuples()
        ]
        lines.append(line_trace(look, sizes, rows["spearman"], texts))
    if flops is not None:
        look = Entry("d:flops", f"{BASELINES['flops']}, no measurement", "$axis", "", "dash")
        legend.append(look)
        ends = [int(own["training_size"].min()), int(own["training_size"].max())]
        text = f"<b>{plain_text(look.title)}</b><br>rho {flops:.3f}"
        lines.append(line_trace(look, ends, [flops] * 2, [text] * 2) | {"mode": "lines"})
    for place, score in enumerate(each.published):
        symbol = PUBLISHED_SYMBOLS[place % len(PUBLISHED_SYMBOLS)]
        title = f"{score['method']}, published"
        look = Entry(f"d:{score['method']}", title, "$ink", symbol)
        legend.append(look)
        text = (
            f"<b>{plain_text(title)}</b><br>{score['samples']} measurements<br>"
            f"rho {score['spearman']:.3f}"
        )
        point = line_trace(look, [score["samples"]], [score["spearman"]], [text])
        lines.append(point | {"mode": "markers"})
    sizes = sorted(
        {int(size) for size in own["training_size"]}
        | {int(score["samples"]) for score in each.published}
    )
    layout = base_layout("measurements of the device (log scale)", "Spearman's rho")
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": sizes,
        "ticktext": [f"{size:,}" for size in sizes],
    }
    return Figure(
        name=f"device-set-{number}",
        title=each.name,
        description=f"Line plot of Spearman's rho against measurements, device set {each.name}",
        data=bands + lines,
        layout=layout,
        height=300,
        legend=tuple(legend),
    )
