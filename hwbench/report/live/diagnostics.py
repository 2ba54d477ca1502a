"""The report's section on what goes on inside supernets whose strengths are learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from hwbench.pages.architectures import short_name
from hwbench.pages.blocks import Block, Cell, Column, DataTable, Group, Lines, Row, Section, Text
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    base_layout,
    line_trace,
    log_axis,
    nth_entry,
    plain_numbers,
    plain_text,
)
from hwbench.results.diagnostics import (
    CORRELATION,
    GRADIENT_NORM,
    NODE_VARIANCE,
    OPERATION_VARIANCE,
    reliability,
    rise,
)
from hwbench.results.live import LiveRun
from hwbench.results.names import DIAGNOSTICS, DISCRETISED, LANDSCAPE, STRENGTHS

NONE = "none"
HEIGHT = 260


def diagnostics_section(runs: Sequence[LiveRun], titles: Sequence[str]) -> list[Section]:
    """What was seen inside the supernets; no section where nothing was.

    Parameters
    ----------
    runs : live searches.
    titles : of them.
    """
    said: list[str] = []
    blocks: list[Block] = []
    for place, (run, title) in enumerate(zip(runs, titles, strict=True)):
        own = list(_blocks(run, f"diagnostics-{place}"))
        if not own:
            continue
        before = f"{title}: " if len(runs) > 1 else ""
        said += [f"{before}{sentence}" for sentence in _sentences(run)]
        blocks += [Group(title, [], ()), *own] if len(runs) > 1 else own
    if not blocks:
        return []
    text = (
        "A strength says what an operation is worth only where all that is weighed has one scale "
        "and one chance to learn (CHOE 3.3, 3.4)."
    )
    lead: list[Block] = [Text(text)]
    if said:
        lead.append(Lines(tuple(said)))
    sources = (DIAGNOSTICS, STRENGTHS, DISCRETISED, LANDSCAPE)
    return [Section("diagnostics", "Inside the supernet", [*lead, *blocks], sources)]


def _sentences(run: LiveRun) -> Iterator[str]:
    """What the numbers come to."""
    found = reliability(run.discretised)
    if found:
        yield (
            f"Strengths of the candidates of {found['positions']} edges agree with the accuracies "
            f"where each is alone by a Kendall's tau of {found['kendall_tau']:.2f}; the strongest "
            f"is the most accurate on {100 * found['strongest_is_best']:.0f} % of these edges."
        )
    last = run.diagnostics
    if len(last):
        last = last[last["epoch"] == last["epoch"].max()]
        variances = last[last["quantity"] == OPERATION_VARIANCE].groupby("operation")["value"]
        means = variances.mean()
        if len(means) > 1:
            yield (
                "After the last epoch outputs of candidates have variances from "
                f"{means.min():.2g} ({short_name(str(means.idxmin()))}) to {means.max():.2g} "
                f"({short_name(str(means.idxmax()))}), means over the edges."
            )
    around = rise(run.landscape)
    if around:
        yield (
            f"Within {around['reach']:g} of what was learned the loss is higher by "
            f"{around['rise']:.3f} on average than the {around['loss']:.3f} there."
        )


def _blocks(run: LiveRun, name: str) -> Iterator[Block]:
    if len(run.diagnostics):
        figures, legend = _node_variances(run, f"{name}-nodes")
        if figures:
            yield Group("Variance of what nodes pass on", figures, legend, dense=True)
    zeros = _zeros(run, f"{name}-zeros")
    if zeros is not None and len(run.diagnostics):
        yield zeros
    if len(run.diagnostics):
        yield from _gradients(run, f"{name}-gradients")
        yield from _correlations(run, f"{name}-correlations")
    if len(run.discretised):
        yield from _discretised(run, f"{name}-discretised")
    if len(run.landscape):
        yield _landscape(run, f"{name}-landscape")


def _lines(
    rows: pd.DataFrame, by: str, entries: dict[str, Entry], what: str, *, epochs: str = "epoch"
) -> list[Json]:
    """A line over the epochs for each value of a column."""
    data = []
    for value, own in rows.groupby(by, sort=False):
        entry = entries[str(value)]
        mean = own.groupby(epochs)["value"].mean()
        text = [
            f"<b>{plain_text(entry.title)}</b><br>epoch {epoch + 1}<br>{what} {number:.3g}"
            for epoch, number in mean.items()
        ]
        line = line_trace(entry, mean.index + 1, mean, text)
        line["marker"] |= {"size": 4}
        data.append(line)
    return data


def _entries(values: Sequence[str], group: str) -> dict[str, Entry]:
    return {
        value: nth_entry(place, f"{group}:{value}", value.replace("->", " \N{RIGHTWARDS ARROW} "))
        for place, value in enumerate(values)
    }


def _node_variances(run: LiveRun, name: str) -> tuple[list[Figure], tuple[Entry, ...]]:
    """A figure for the first, the middle and the last cell (CHOE Fig. 3.2)."""
    rows = run.diagnostics[run.diagnostics["quantity"] == NODE_VARIANCE]
    cells = sorted(rows["cell"].unique())
    entries = _entries(list(dict.fromkeys(rows["position"])), "node")
    figures = []
    for cell in sorted({cells[0], cells[len(cells) // 2], cells[-1]}) if cells else []:
        data = _lines(rows[rows["cell"] == cell], "position", entries, "variance")
        layout = base_layout("epoch", "variance (log scale)")
        layout["yaxis"] |= log_axis(value for trace in data for value in trace["y"])
        figures.append(
            Figure(
                name=f"{name}-{cell}",
                title=f"cell {cell + 1} of {len(cells)}",
                description="Line plot of the variance of nodes against epochs, a line a node",
                data=data,
                layout=layout,
                height=HEIGHT,
            )
        )
    return figures, tuple(entries.values())


def _zeros(run: LiveRun, name: str) -> Figure | None:
    """Mean share of zero among the candidates of each edge (CHOE Fig. 3.3)."""
    rows = run.strengths[run.strengths["operation"] == NONE]
    if rows.empty:
        return None
    rows = rows.rename(columns={"probability": "value"})
    entries = _entries(list(dict.fromkeys(rows["position"])), "zero")
    layout = base_layout("epoch", "share of zero")
    layout["yaxis"] |= {"rangemode": "tozero"}
    return Figure(
        name=name,
        title="Share of zero",
        description="Line plot of the share of zero against epochs, a line an edge",
        data=_lines(rows, "position", entries, "share"),
        layout=layout,
        legend=tuple(entries.values()),
    )


def _gradients(run: LiveRun, name: str) -> Iterator[Figure]:
    """Gradient norms of one operation at the edges of the last cell (CHOE Fig. 3.5)."""
    rows = run.diagnostics[run.diagnostics["quantity"] == GRADIENT_NORM]
    if rows.empty:
        return
    rows = rows[rows["cell"] == rows["cell"].max()]
    operations = rows["operation"].value_counts()
    operation = next((each for each in operations.index if "3x3" in each), operations.index[0])
    rows = rows[rows["operation"] == operation]
    entries = _entries(list(dict.fromkeys(rows["position"])), "gradient")
    data = _lines(rows, "position", entries, "norm")
    layout = base_layout("epoch", "norm of the gradient (log scale)")
    layout["yaxis"] |= log_axis(value for trace in data for value in trace["y"])
    yield Figure(
        name=name,
        title=f"Gradients of {short_name(str(operation))}, edge by edge",
        description="Line plot of gradient norms against epochs, a line an edge",
        data=data,
        layout=layout,
        legend=tuple(entries.values()),
        caption="Of its weights in the last cell. Where edges differ, some learn faster.",
    )


def _correlations(run: LiveRun, name: str) -> Iterator[Figure]:
    """Covariances of pairs of candidates, means over all edges and cells (CHOE Fig. 3.7)."""
    rows = run.diagnostics[run.diagnostics["quantity"] == CORRELATION]
    if rows.empty:
        return
    pairs = [
        f"{short_name(str(one))}, {short_name(str(two))}"
        for one, two in zip(rows["operation"], rows["other"], strict=True)
    ]
    rows = rows.assign(pair=pairs)
    entries = _entries(list(dict.fromkeys(pairs)), "pair")
    yield Figure(
        name=name,
        title="Covariances of candidates",
        description="Line plot of covariances of normalised outputs against epochs, a line a pair",
        data=_lines(rows, "pair", entries, "covariance"),
        layout=base_layout("epoch", "covariance of normalised outputs"),
        legend=tuple(entries.values()),
        caption="Means over all edges and cells.",
    )


def _discretised(run: LiveRun, name: str) -> Iterator[Block]:
    """Strength and accuracy of each candidate (CHOE Fig. 3.1)."""
    figures = []
    entry = nth_entry(0, "discretised", "candidate")
    for place, (position, own) in enumerate(run.discretised.groupby("position", sort=False)):
        names = [short_name(str(each)) for each in own["operation"]]
        figures.append(
            Figure(
                name=f"{name}-{place}",
                title=str(position).replace("->", " \N{RIGHTWARDS ARROW} "),
                description="Scatter plot of accuracy where a candidate is alone against strength",
                data=[
                    {
                        **line_trace(entry, own["strength"], own["accuracy"], names),
                        "mode": "markers+text",
                        "textposition": "top center",
                    }
                ],
                layout=base_layout("strength", "accuracy where it is alone, %"),
                height=HEIGHT,
            )
        )
    yield Group("Strengths and what candidates are worth alone", figures, dense=True)
    rows = tuple(
        Row(
            f"{row.position} {short_name(str(row.operation))}",
            tuple(
                Cell(f"{value:.{digits}f}", float(value))
                for value, digits in (
                    (row.strength, 3),
                    (row.accuracy_at_once, 2),
                    (row.accuracy, 2),
                    (row.tuning_epochs, 0),
                )
            ),
        )
        for row in run.discretised.itertuples()
    )
    columns = (
        Column("candidate", "candidate", numeric=False),
        Column("strength", "strength"),
        Column("accuracy at once, %", "accuracy_at_once"),
        Column("after tuning, %", "accuracy"),
        Column("epochs of tuning", "tuning_epochs"),
    )
    yield DataTable(name, "Edges with one candidate", columns, rows, folded=True)


def _landscape(run: LiveRun, name: str) -> Figure:
    """The loss around what was learned (NA Fig. 4.6)."""
    points = run.landscape
    size = max(6, round(260 / np.sqrt(len(points))))
    return Figure(
        name=name,
        title="Loss around what was learned",
        description="Plane of the loss along its gradient and across it",
        data=[
            {
                "type": "scatter",
                "mode": "markers",
                "x": plain_numbers(points["along"]),
                "y": plain_numbers(points["across"]),
                "text": [f"loss {loss:.4g}" for loss in points["loss"]],
                "hoverinfo": "text",
                "marker": {
                    "symbol": "square",
                    "size": size,
                    "color": plain_numbers(points["loss"]),
                    "colorscale": "Viridis",
                    "colorbar": {"thickness": 12, "outlinewidth": 0, "title": {"text": "loss"}},
                },
            }
        ],
        layout=base_layout(
            "weights of the candidates, along the gradient", "across it, a random direction"
        ),
        height=380,
    )
