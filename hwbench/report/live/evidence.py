"""What live searches of several methods and seeds truly found, from two tidy frames.

In words, as one figure and as one table, beside random architectures at equal cost. The frames are
those of `hwbench.results.live_runs`; run folders are not needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis.statistics import central_range, mean_interval
from hwbench.errors import HwbenchError
from hwbench.pages.blocks import EMPTY, Block, Cell, Column, DataTable, Lines, Row, Text
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    band_trace,
    base_layout,
    nth_entry,
    plain_numbers,
    plain_text,
)
from hwbench.report.live.choices import operations_chosen
from hwbench.results.live import QUANTILES, STAGES
from hwbench.results.live_runs import ALL, SIZES, Frames

GROUP = ["space", "operations", "target", "table_sha256"]
"""What searches share that are held against the same true values and the same random ones."""

PERCENT = "%"
MOST_MARKED = 12
"""Epochs up to which each has its marker and its tick."""

TICKS = (
    (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 90),
    tuple(range(1, 101)),
    tuple(np.arange(0.1, 100, 0.1).round(1).tolist()),
)
"""What accuracies may lack of 100 % at a tick; the first of them that gives enough is taken."""


def evidence_groups(frames: Frames) -> list[Frames]:
    """The frames of searches that one figure can show, those of unknown true values left out."""
    runs, epochs = frames
    known = runs.dropna(subset=["target", "random_50"])
    found = []
    for _, own in known.groupby(GROUP, sort=False):
        rows = epochs[epochs["run"].isin(own["run"])]
        found.append((own.reset_index(drop=True), rows.reset_index(drop=True)))
    return found


def evidence_blocks(frames: Frames) -> list[Block]:
    """The answer in words, the figure and the table, for each space, candidates and target.

    Of a single search the words are those of its result, and are not said again.
    """
    blocks: list[Block] = []
    groups = evidence_groups(frames)
    for place, own in enumerate(groups):
        if len(groups) > 1:
            blocks.append(Text(Markup("<b>{}</b>").format(_group_title(own))))
        if len(frames[0]) > 1:
            blocks.append(Lines(tuple(evidence_words(own))))
        blocks.append(evidence_figure(own, f"evidence-{place}"))
        blocks.append(evidence_table(own, f"evidence-table-{place}"))
    return blocks


# ---------------------------------------------------------------------- words


def evidence_words(frames: Frames) -> Iterator[Markup]:
    """A sentence a method: what it truly found, and how many random ones are better or worse."""
    runs, _ = _one_group(frames)
    first = runs.iloc[0]
    for method, own in runs.groupby("method", sort=False):
        yield _method_words(str(method), own)
    free = [
        f"the one with the most {words} {_amount(first, value)}"
        for words, value, _ in _largest(first)
    ]
    yield Markup(
        "One random architecture, at no cost of a search, has {} in the middle{}; {}the best there "
        "is has {} ({})."
    ).format(
        _amount(first, first["random_50"]),
        _half(first),
        f"{', '.join(free)}; " * bool(free),
        _amount(first, first["best_possible"]),
        first["target_title"],
    )


def _method_words(method: str, own: pd.DataFrame) -> Markup:
    known = own.dropna(subset="true_value")
    first, count = own.iloc[0], len(own)
    stopped = int((~own["ended"]).sum())
    not_all = f" ({stopped} of {count} search{'es' * (count != 1)} not ended)" if stopped else ""
    if known.empty:
        return Markup("<b>{}</b>: no true value is known{}.").format(method, not_all)
    values = known["true_value"]
    if values.nunique() == 1:
        said = f"{_amount(first, values.iloc[0])} in {len(known)} of {count} seeds"
        if count == 1:
            said = _amount(first, values.iloc[0])
    else:
        low, high = values.min(), values.max()
        said = (
            f"{_amount(first, values.mean())} on average over {len(known)} seeds "
            f"({low:.2f} to {_amount(first, high)})"
        )
    return Markup("<b>{}: {}</b>, {}{}.").format(method, said, _beside_random(known), not_all)


def _beside_random(known: pd.DataFrame) -> str:
    """How many random architectures are worse, or better, and in how many seeds."""
    percentile = _median(known["percentile"])
    above = int((known["true_value"] > known["random_50"]).sum())
    share = (
        "above" if np.isnan(percentile) else f"better than {percentile:.0f} % of random ones, above"
    )
    if percentile < 50:
        share = f"worse than {100 - percentile:.0f} % of random ones, above"
    if len(known) == 1:
        side = "above" if above else "not above"
        return f"{share.removesuffix('above')}{side} their median"
    return f"{share} their median in {above} of {len(known)} seeds"


def _half(first: pd.Series) -> str:
    if np.isnan(first["random_25"]):
        return ""
    return f" (half of them have {first['random_25']:.2f} to {_amount(first, first['random_75'])})"


def _largest(first: pd.Series) -> list[tuple[str, float, float]]:
    """The largest architectures: most of what, value and percentile; one that is twice, once."""
    together: dict[tuple[float, float], list[str]] = {}
    for name, words in SIZES.items():
        value = float(first[f"most_{name}"])
        if np.isfinite(value):
            place = float(first[f"most_{name}_percentile"])
            together.setdefault((value, -1.0 if np.isnan(place) else place), []).append(words)
    return [
        (" and ".join(names), value, float("nan") if place < 0 else place)
        for (value, place), names in together.items()
    ]


def _amount(first: pd.Series, value: float) -> str:
    unit = "" if first["unit"] in ("", "1", None) else f" {first['unit']}"
    return f"{value:.2f}{unit}"


def _group_title(frames: Frames) -> str:
    first = frames[0].iloc[0]
    part = "" if first["operations"] == ALL else f", candidates {first['operations']}"
    return f"{first['space']}{part}: {first['target_title']}"


def _one_group(frames: Frames) -> Frames:
    """Frames of one space, candidates and target, checked.

    Raises
    ------
    HwbenchError
        Where they are of several, or of none.
    """
    groups = evidence_groups(frames)
    if len(groups) != 1:
        raise HwbenchError(
            f"evidence: the runs are of {len(groups)} spaces, candidates and targets that have "
            "true values, not of one; evidence_groups gives the frames of each"
        )
    return groups[0]


# ---------------------------------------------------------------------- the figure


def method_entries(runs: pd.DataFrame, name: str) -> dict[str, Entry]:
    """Colour, symbol and dash of each method of a frame of runs."""
    methods = dict.fromkeys(map(str, runs["method"]))
    return {
        method: nth_entry(place, f"{name}:{place}", method) for place, method in enumerate(methods)
    }


class _Scale:
    """The axis of true values: of accuracies in %, logarithmic in what they lack of 100 %."""

    def __init__(self, unit: str, best: float) -> None:
        self.lacking = unit == PERCENT and best < 100

    def __call__(self, values: pd.Series | list[float]) -> list[float | None]:
        numbers = np.asarray(values, dtype=np.float64)
        return plain_numbers(100 - numbers if self.lacking else numbers)

    def axis(self, shown: list[float]) -> Json:
        """Range and ticks for all that is shown."""
        low, high = min(shown), max(shown)
        if not self.lacking:
            margin = 0.05 * (high - low) or 1.0
            return {"range": [low - margin, high + margin]}
        ends = np.log10([100 - low, 100 - high])
        margin = max(0.04 * (ends[0] - ends[1]), 0.005)
        least, most = 10 ** (ends[1] - margin), 10 ** (ends[0] + margin)
        ticks = [each for each in TICKS[0] if least <= each <= most]
        for finer in TICKS[1:]:
            if len(ticks) < 4:
                ticks = [each for each in finer if least <= each <= most]
        ticks = ticks[:: max(1, len(ticks) // 10)]
        return {
            "type": "log",
            "range": [float(ends[0] + margin), float(ends[1] - margin)],
            "tickvals": ticks,
            "ticktext": [f"{100 - each:g}" for each in ticks],
        }


def evidence_figure(frames: Frames, name: str = "evidence") -> Figure:
    """True values per epoch of each method, random architectures at equal cost behind them.

    Parameters
    ----------
    frames : of runs and epochs, see `hwbench.results.live_runs`, of one space, candidates and
        target.
    name : its id in a page.

    Raises
    ------
    HwbenchError
        Where the frames are of several spaces, candidates or targets, or no true value is known.
    """
    runs, epochs = _one_group(frames)
    first = runs.iloc[0]
    scale = _Scale(str(first["unit"]), float(first["best_possible"]))
    last = float(max(epochs["epoch"].max() + 1 if len(epochs) else 1, runs["epochs"].max(), 1))
    ends = [1 - 0.02 * last, last * 1.02] if last > 1 else [0.5, 1.5]
    data, legend = _random_traces(name, first, scale, ends)
    best = Entry(f"{name}:best", "best there is", "$ink", "", "dash")
    data.append(_level(best, scale, ends, float(first["best_possible"]), "best there is"))
    for method, entry in method_entries(runs, name).items():
        own, of_own = (each[each["method"] == method] for each in (runs, epochs))
        data += _method_traces(entry, own, of_own, scale)
        legend.append(entry)
    legend.append(best)
    shown = [*epochs["true_value"].dropna(), *runs["true_value"].dropna()]
    shown += [first[column] for column in ("random_5", "best_possible")]
    layout = base_layout("epoch", axis_title("true value of what would be chosen", first["unit"]))
    layout["xaxis"] |= {"range": ends, **_whole_epochs(last)}
    layout["yaxis"] |= scale.axis([float(value) for value in shown])
    return Figure(
        name=name,
        title="What each method would choose after each epoch, and how good that truly is",
        description="Line plot of true values against epochs, one line a method, with the "
        "quantiles of random architectures",
        data=data,
        layout=layout,
        height=420,
        legend=tuple(legend),
        caption="Thick: mean over seeds; thin: single seeds; markers at the end: what was selected."
        " Shaded: one random architecture in 50 % and 90 % of draws, dotted its median: the same "
        "number of look-ups as one choice."
        + " The axis is logarithmic in what is lacking to 100 %."
        * scale.lacking,
        wide=True,
    )


def best_figure(frames: Frames, name: str) -> Figure | None:
    """The best choice so far of each method, and the best of as many random ones.

    None where no epoch is known.

    Parameters
    ----------
    frames, name : as of `evidence_figure`.
    """
    runs, epochs = _one_group(frames)
    known = epochs.dropna(subset=["best_true_value", "best_random_50"])
    if known.empty:
        return None
    first = runs.iloc[0]
    scale = _Scale(str(first["unit"]), float(first["best_possible"]))
    data: list[Json] = []
    there = set(known["method"])
    entries = {m: each for m, each in method_entries(runs, name).items() if m in there}
    for method, entry in entries.items():
        means = known[known["method"] == method].groupby("epoch").mean(numeric_only=True)
        for column, dash, words in (
            ("best_true_value", "solid", "best so far"),
            ("best_random_50", "dot", "best of as many random ones"),
        ):
            text = [
                f"<b>{plain_text(method)}</b><br>epoch {epoch + 1}<br>{words}: {value:.2f}"
                for epoch, value in means[column].items()
            ]
            line = _line(entry, means.index.to_series() + 1, scale(means[column]), text)
            data.append({**line, "mode": "lines", "line": {**line["line"], "dash": dash}})
    layout = base_layout("epoch", axis_title("best true value so far", first["unit"]))
    shown = [*known["best_true_value"], *known["best_random_50"]]
    layout["yaxis"] |= scale.axis([float(value) for value in shown])
    layout["xaxis"] |= _whole_epochs(float(known["epoch"].max()) + 1)
    return Figure(
        name=name,
        title="The best choice so far, beside the best of as many random ones",
        description="Line plot of the best true value so far against epochs, two lines a method",
        data=data,
        layout=layout,
        legend=tuple(entries.values()),
        caption="Means over seeds. Solid: the best of all different choices so far. Dotted: the "
        "median of the best of as many random architectures, the same number of look-ups.",
    )


def _whole_epochs(last: float) -> Json:
    """Ticks at whole epochs alone, however few there are."""
    return {"dtick": 1} if last <= MOST_MARKED else {}


def _random_traces(
    name: str, first: pd.Series, scale: _Scale, ends: list[float]
) -> tuple[list[Json], list[Entry]]:
    """Bands of the quantiles of one random architecture, and its median."""
    entry = Entry(f"{name}:random", "one random architecture", "$muted", "", "dot")
    data: list[Json] = []
    for low, high in _bands():
        bounds = [first[f"random_{low}"], first[f"random_{high}"]]
        if np.isfinite(bounds).all():
            below, above = scale(bounds)
            data += band_trace(entry, ends, [below] * 2, [above] * 2)
    data.append(_level(entry, scale, ends, float(first["random_50"]), "one random, median"))
    return data, [entry]


def _bands() -> list[tuple[int, int]]:
    """The quantiles that bound a band, the widest first."""
    half = len(QUANTILES) // 2
    return list(zip(QUANTILES[:half], reversed(QUANTILES[-half:]), strict=True))


def _level(entry: Entry, scale: _Scale, ends: list[float], value: float, words: str) -> Json:
    return {
        "type": "scatter",
        "x": plain_numbers(ends),
        "y": scale([value] * 2),
        "mode": "lines",
        "line": {"color": entry.colour, "dash": entry.dash, "width": 1.5},
        "legendgroup": entry.group,
        "text": [f"{words}: {value:.2f}"] * 2,
        "hoverinfo": "text",
    }


def _method_traces(
    entry: Entry, runs: pd.DataFrame, epochs: pd.DataFrame, scale: _Scale
) -> Iterator[Json]:
    """A light line a seed, a thick one for their mean, and what each selected at the end."""
    known = epochs.dropna(subset="true_value")
    title = plain_text(entry.title)
    if runs["run"].nunique() > 1:
        for _, own in known.groupby("run", sort=False):
            text = [
                f"<b>{title}</b>, seed {row.seed}<br>epoch {row.epoch + 1}<br>{row.true_value:.2f}"
                for row in own.itertuples()
            ]
            yield {
                **_line(entry, own["epoch"] + 1, scale(own["true_value"]), text),
                "mode": "lines",
                "line": {"color": f"{entry.colour}/0.35", "width": 1},
            }
    means = known.groupby("epoch")["true_value"].agg(["mean", "count"]).reset_index()
    if len(means):
        text = [
            f"<b>{title}</b><br>epoch {epoch + 1:.0f}<br>{mean:.2f}, mean of {count:.0f}"
            for epoch, mean, count in means.to_numpy(dtype=np.float64)
        ]
        yield {
            **_line(entry, means["epoch"] + 1, scale(means["mean"]), text),
            "mode": "lines+markers" if len(means) <= MOST_MARKED else "lines",
        }
    found = runs.dropna(subset="true_value")
    places = found["epochs"].fillna(found["epochs_done"]).clip(lower=1)
    yield {
        "type": "scatter",
        "x": plain_numbers(places),
        "y": scale(found["true_value"]),
        "mode": "markers",
        "marker": {
            "color": entry.colour,
            "symbol": entry.symbol,
            "size": 10,
            "opacity": 0.75,
            "line": {"color": "$panel", "width": 1},
        },
        "legendgroup": entry.group,
        "text": [
            f"<b>{title}</b>, seed {row.seed}<br>selected: {row.true_value:.2f}<br>"
            f"{plain_text(row.architecture)}"
            for row in found.itertuples()
        ],
        "hoverinfo": "text",
    }


def _line(entry: Entry, x: pd.Series, y: list[float | None], text: list[str]) -> Json:
    return {
        "type": "scatter",
        "x": plain_numbers(x),
        "y": y,
        "line": {"color": entry.colour, "dash": entry.dash, "width": 2.5},
        "marker": {"color": entry.colour, "symbol": entry.symbol, "size": 5},
        "legendgroup": entry.group,
        "text": text,
        "hoverinfo": "text",
    }


# ---------------------------------------------------------------------- the table


def evidence_table(frames: Frames, name: str = "evidence-table") -> DataTable:
    """A row a method; below, what costs no search.

    Parameters
    ----------
    frames, name : as of `evidence_figure`.

    Raises
    ------
    HwbenchError
        As `evidence_figure`.
    """
    runs, epochs = _one_group(frames)
    first = runs.iloc[0]
    unit = f", {first['unit']}" if first["unit"] not in ("", "1", None) else ""
    columns = (
        Column("method", "method", numeric=False),
        Column("seeds", "seeds"),
        Column(f"true value{unit}", "true_value"),
        Column("percentile", "percentile"),
        Column("above the median, %", "seeds_above_random_median"),
        Column("tau", "kendall_tau"),
        Column("CPU minutes", "cpu_minutes"),
        Column("operations chosen", "operations", numeric=False),
    )
    rows = [_method_row(str(method), own) for method, own in runs.groupby("method", sort=False)]
    return DataTable(
        name,
        f"What each method truly found, {first['target_title']}",
        columns,
        tuple(rows),
        foot=tuple(_foot(first, epochs)),
        note="True value: mean over seeds \N{PLUS-MINUS SIGN} half its 95 % interval. Percentile: "
        "share of what the search could have found that is worse, equal ones counted half, median "
        "over seeds. Above the median: share of seeds that found more than random's. Tau: "
        "Kendall's, of the supernet's last ranking with true values, mean. CPU minutes: of all "
        "threads, a search, mean. Operations: how many a chosen architecture has on average.",
    )


def _method_row(method: str, own: pd.DataFrame) -> Row:
    known = own.dropna(subset="true_value")
    mean, low, high = mean_interval(known["true_value"])
    interval = len(known) > 2 and np.isfinite(low)  # of two it says nothing
    above = 100 * float((known["true_value"] > known["random_50"]).mean()) if len(known) else np.nan
    chosen = operations_chosen(str(own["space"].iloc[0]), known["architecture"])
    return Row(
        method,
        (
            Cell(str(len(known)), float(len(known))),
            Cell(
                f"{mean:.2f}",
                mean,
                f"\N{PLUS-MINUS SIGN} {(high - low) / 2:.2f}" if interval else "",
                more={"low_95": low, "high_95": high} if interval else {},
            )
            if len(known)
            else EMPTY,
            _number(_median(known["percentile"]), 1),
            _number(above, 0),
            _number(own["kendall_tau"].mean(), 2),
            _minutes(own),
            Cell(chosen, chosen) if chosen else EMPTY,
        ),
        _setting(own),
    )


def _setting(own: pd.DataFrame) -> str:
    """Epochs and images of a method, in words."""
    first = own.iloc[0]
    epochs = int(first["epochs"] if np.isfinite(first["epochs"]) else first["epochs_done"])
    chosen = {} if first["subset"] == ALL else json.loads(first["subset"])
    count = chosen.get("images")
    part = f"{count:,} images of " if isinstance(count, int) else "a part of " * bool(chosen)
    return f"{epochs} epoch{'s' * (epochs != 1)}, {part}{first['images']}"


def _minutes(own: pd.DataFrame) -> Cell:
    """What a search took of the CPU; the CSV says of each stage."""
    minutes = float(own["cpu_seconds"].mean()) / 60
    if not np.isfinite(minutes):
        return EMPTY
    kept = [stage for stage in STAGES if f"cpu_seconds_{stage}" in own]
    stages = {stage: float(own[f"cpu_seconds_{stage}"].mean()) / 60 for stage in kept}
    most = f"at most {own['cpu_seconds'].max() / 60:.1f}" * (len(own) > 1)
    return Cell(f"{minutes:.1f}", minutes, most, more=stages)


def _foot(first: pd.Series, epochs: pd.DataFrame) -> Iterator[Row]:
    """What costs no search, and the best there is."""

    def row(title: str, value: float, percentile: float, small: str = "") -> Row:
        known = (EMPTY, _number(value, 2), _number(percentile, 1))
        return Row(title, (*known, EMPTY, EMPTY, EMPTY, EMPTY), small)

    spread = (
        ""
        if np.isnan(first["random_5"])
        else f"90 % of them {first['random_5']:.2f} to {_amount(first, first['random_95'])}; mean "
        f"{first['random_mean']:.2f}"
    )
    yield row("one random architecture, median", first["random_50"], 50.0, spread)
    looked_up = epochs.dropna(subset=["different", "best_random_50"])
    if len(looked_up):
        most = looked_up.loc[looked_up["different"].idxmax()]
        if most["different"] > 1:
            yield row(
                f"best of {most['different']:.0f} random ones, median",
                most["best_random_50"],
                100 * 0.5 ** (1 / most["different"]),
                "as many as the most different choices of a search",
            )
    for words, value, percentile in _largest(first):
        yield row(f"most {words}", value, percentile)
    yield row("best there is", first["best_possible"], 100.0)


def _median(values: pd.Series) -> float:
    """The median of what is known, NaN for nothing."""
    return central_range(values)[1]


def _number(value: float, digits: int) -> Cell:
    if not np.isfinite(value):
        return EMPTY
    return Cell(f"{value:.{digits}f}", float(value))
