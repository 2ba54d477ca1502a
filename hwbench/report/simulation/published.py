"""The figures of LAUBE 5.4 to 5.7 and A.5 to A.7, from a simulation's rows and its example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hwbench.pages.plotting import (
    DASHES,
    Entry,
    Figure,
    Json,
    axis_title,
    base_layout,
    interval_text,
    line_trace,
    nth_entry,
    plain_numbers,
    sample,
)
from hwbench.report.centres import other_centre
from hwbench.results.run import Run
from hwbench.target_text import column_of

PAIRINGS = {"true": "own metric", "as_published": "sorted metric, as published"}
# Read off LAUBE Fig. 5.6 (by deviation: MRA of all, of the Pareto subset) and Fig. 5.7 (by number
# of candidates: hypervolume without errors).
PUBLISHED_LOSSES = {0.2: (1.43, 0.50), 0.4: (1.94, 1.17), 0.6: (2.23, 1.73), 1.0: (2.50, 2.38)}
PUBLISHED_VOLUMES = {100: 3.01, 500: 3.45, 1000: 3.63, 2000: 3.82, 5000: 4.06, 15625: 4.23}
PUBLISHED = Entry("study:published", "published, read off its figure", "$ink", "x")
MOST_LINES = 5
MOST_POINTS = 1500


def main_pairing(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the true pairing, or of the only one there is."""
    pairing = "true" if (rows["pairing"] == "true").any() else rows["pairing"].iloc[0]
    return rows[rows["pairing"] == pairing]


def with_ranges(
    means: pd.DataFrame, rows: pd.DataFrame, keys: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Means with the 5 %, 50 % and 95 % quantiles of the rows of their keys.

    Returns
    -------
    The means, for each column with the columns `column_least`, `column_median`, `column_most`.
    """
    ranges = rows.groupby(list(keys))[list(columns)].quantile([0.05, 0.5, 0.95]).unstack()
    names = {0.05: "least", 0.5: "median", 0.95: "most"}
    ranges.columns = [f"{column}_{names[quantile]}" for column, quantile in ranges.columns]
    return means.merge(ranges.reset_index(), on=list(keys))


def losses_figure(pooled: pd.DataFrame) -> Figure:
    """Fig. 5.6, left: accuracy lost by deviation and tau, over metrics and sizes.

    Parameters
    ----------
    pooled : means by pairing and deviation, with the ranges of both losses (`with_ranges`).
    """
    layout = base_layout("deviation (standard deviations) and the tau it gives", "MRA, points")
    data: list[Json] = []
    legend: list[Entry] = []
    looks = (("mra_all", "all selected", "$c3"), ("mra_pareto", "verified picks", "$c0"))
    for dash, (pairing, title) in zip(DASHES, PAIRINGS.items(), strict=False):
        rows = pooled[pooled["pairing"] == pairing].sort_values("deviation")
        if rows.empty:
            continue
        for measure, what, colour in looks:
            entry = Entry(f"study:{pairing}-{measure}", f"{what}, {title}", colour, "circle", dash)
            text = [
                f"<b>{entry.title}</b><br>deviation {row.deviation:.2f}, tau {row.kendall_tau:.2f}"
                f"<br>mean {getattr(row, measure):.2f} points"
                f"<br>{_median_text(row, measure, 2)} points"
                for row in rows.itertuples()
            ]
            data.append(other_centre(entry, rows["deviation"], rows[f"{measure}_median"]))
            data.append(line_trace(entry, rows["deviation"], rows[measure], text))
            legend.append(entry)
    if (pooled["pairing"] == "as_published").any():
        for column in (0, 1):
            values = [losses[column] for losses in PUBLISHED_LOSSES.values()]
            data.append(_published(list(PUBLISHED_LOSSES), values))
        legend.append(PUBLISHED)
    ticks = main_pairing(pooled).sort_values("deviation")
    ticks = ticks.iloc[:: max(1, len(ticks) // 5)]
    layout["xaxis"] |= {
        "tickvals": plain_numbers(ticks["deviation"]),
        "ticktext": [f"{row.deviation:.1f}<br>{row.kendall_tau:.2f}" for row in ticks.itertuples()],
    }
    return Figure(
        "study-losses",
        "Accuracy lost against deviation and tau",
        "Line plot: mean reduction of accuracy against the deviation of simulated predictors",
        data,
        layout,
        legend=tuple(legend),
        caption="Mean over metrics and numbers of candidates (LAUBE Fig. 5.6, left); thin dotted "
        "lines are medians of all their selections, and 5 % to 95 % quantiles show on hovering.",
    )


def _median_text(row: Any, measure: str, digits: int) -> str:
    least, median, most = (getattr(row, f"{measure}_{end}") for end in ("least", "median", "most"))
    return f"median {interval_text(median, least, most, digits)}"


def _published(x: list[float], y: list[float]) -> Json:
    trace = line_trace(PUBLISHED, x, y, [f"published: {value:.2f}" for value in y])
    return trace | {"mode": "markers", "marker": trace["marker"] | {"size": 9}}


def losses_by_metric_figure(means: pd.DataFrame, simulated: pd.DataFrame) -> Figure:
    """Fig. 5.6, right: the same by metric."""
    rows, every = main_pairing(means), main_pairing(simulated)
    data, legend = [], []
    for i, (metric, own) in enumerate(rows.groupby("metric_target", sort=True)):
        curve = own.groupby("deviation")[["kendall_tau", "mra_pareto"]].mean().reset_index()
        of_metric = every[every["metric_target"] == metric]
        curve = with_ranges(curve, of_metric, ["deviation"], ["mra_pareto"])
        entry = nth_entry(i, f"study-metric:{i}", column_of(str(metric)))
        text = [
            f"deviation {row.deviation:.2f}, tau {row.kendall_tau:.2f}<br>"
            f"mean {row.mra_pareto:.2f} points<br>{_median_text(row, 'mra_pareto', 2)} points"
            for row in curve.itertuples()
        ]
        data.append(other_centre(entry, curve["deviation"], curve["mra_pareto_median"]))
        data.append(line_trace(entry, curve["deviation"], curve["mra_pareto"], text))
        legend.append(entry)
    return Figure(
        "study-losses-by-metric",
        "Accuracy lost by metric, verified picks",
        "Line plot: mean reduction of accuracy by metric",
        data,
        base_layout("deviation (standard deviations)", "MRA of verified picks, points"),
        legend=tuple(legend),
        caption="Mean over numbers of candidates (LAUBE Fig. 5.6, right); thin dotted lines are "
        "medians of all selections.",
    )


def volumes_figure(
    rows: pd.DataFrame, simulated: pd.DataFrame, pairing: str, measure: str
) -> Figure:
    """Fig. 5.7: hypervolume by number of candidates, a line a deviation.

    Parameters
    ----------
    rows : means by metric, number of candidates and deviation, of one pairing.
    simulated : the selections behind them.
    pairing, measure : which they are.
    """
    deviations = np.sort(rows["deviation"].unique())
    shown = deviations[
        np.unique(np.linspace(0, len(deviations) - 1, min(MOST_LINES, len(deviations))).astype(int))
    ]
    keys = ["deviation", "n_candidates"]
    curve = rows.groupby(keys)[["kendall_tau", measure]].mean().reset_index()
    curve = with_ranges(curve, simulated, keys, [measure])
    data, legend = [], []
    for i, deviation in enumerate(shown):
        own = curve[curve["deviation"] == deviation].sort_values("n_candidates")
        tau = own["kendall_tau"].mean()
        entry = nth_entry(i, f"study-deviation:{i}", f"deviation {deviation:.2g} (tau {tau:.2f})")
        text = [
            f"<b>{entry.title}</b><br>{row.n_candidates:,} candidates<br>mean {value:.3f}<br>"
            + _median_text(row, measure, 3)
            for row, value in zip(own.itertuples(), own[measure], strict=True)
        ]
        data.append(other_centre(entry, own["n_candidates"], own[f"{measure}_median"]))
        data.append(line_trace(entry, own["n_candidates"], own[measure], text))
        legend.append(entry)
    if pairing == "as_published":
        data.append(_published(list(PUBLISHED_VOLUMES), list(PUBLISHED_VOLUMES.values())))
        legend.append(PUBLISHED)
    layout = base_layout("candidates", "hypervolume (no unit)")
    ticks = sorted(int(n) for n in rows["n_candidates"].unique())
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": ticks,
        "ticktext": [f"{n:,}" for n in ticks],
    }
    space = measure == "hypervolume_space"
    return Figure(
        f"study-{measure}-{pairing or 'main'}".replace("_", "-"),
        f"Hypervolume against candidates, {'one reference' if space else PAIRINGS[pairing]}",
        "Line plot: hypervolume against the number of candidates, one line a deviation",
        data,
        layout,
        legend=tuple(legend),
        caption="Mean over metrics, up to 1.1 times the largest metric "
        + ("of the whole table" if space else "of each selection (LAUBE Fig. 5.7)")
        + "; thin dotted lines are medians of all selections.",
    )


def fronts_figure(run: Run, example: pd.DataFrame) -> Figure:
    """Fig. 5.5: the true front, what was selected by predictions, and what it is worth."""
    target = run.target(str(example["metric_target"].iloc[0]))
    chosen = example[example["selected"]]
    fronts = (
        ("true", "true front", "$ink", "solid", example[example["true_front"]], "metric"),
        ("found", "discovered front", "$c0", "solid", chosen[chosen["selected_pareto"]], "metric"),
        ("predicted", "predicted front", "$c3", "dash", chosen, "predicted_metric"),
    )
    data, legend = [], []
    for name, title, colour, dash, rows, column in fronts:
        ordered = rows.dropna(subset=[column, "accuracy"]).sort_values(column)
        entry = Entry(f"study-front:{name}", title, colour, "circle", dash)
        trace = line_trace(
            entry,
            ordered[column],
            ordered["accuracy"],
            [f"{title}<br>{row.accuracy:.2f} %" for row in ordered.itertuples()],
        )
        trace["line"] |= {"shape": "hv"}
        trace["marker"] |= {"size": 5}
        data.append(trace)
        legend.append(entry)
    deviation = float(example["deviation"].iloc[0])
    layout = base_layout(axis_title(target.name, target.unit), "accuracy, %")
    shown = chosen["accuracy"].dropna()
    if len(shown):  # the poor ends of the fronts would leave no room for the rest
        low, high = float(shown.quantile(0.25)), float(example["accuracy"].max())
        reach = max(high - low, 1e-6)
        layout["yaxis"] |= {
            "range": [max(float(shown.min()), low - reach) - reach / 4, high + 0.1 * reach]
        }
    return Figure(
        "study-fronts",
        "The fronts of one selection",
        "Step lines: true, discovered and predicted Pareto front of one simulated selection",
        data,
        layout,
        legend=tuple(legend),
        caption=f"A predictor of deviation {deviation:.2f}. What it holds for a front (dashed) is "
        "worth the discovered front once measured (LAUBE Fig. 5.5).",
    )


def deviations_figure(example: pd.DataFrame) -> Figure:
    """Fig. 5.4 and A.5: the deviations of one simulated predictor."""
    rows = example.dropna(subset=["metric", "predicted_metric"])
    errors = (rows["predicted_metric"] - rows["metric"]).to_numpy()
    spread = float(errors.std())
    size = float(rows["deviation"].iloc[0]) if len(rows) else 0.0
    values = (errors - errors.mean()) * (size / spread) if spread > 0 else errors
    limit = max(float(np.abs(values).max(initial=0.0)), 1e-9)
    counts, edges = np.histogram(values, bins=61, range=(-limit, limit))
    width = float(edges[1] - edges[0])
    entries = (
        Entry("study-deviations:simulated", "simulated deviations", "$c0", "square"),
        Entry("study-deviations:normal", "normal distribution of that spread", "$ink", "", "dash"),
    )
    data: list[Json] = [
        {
            "type": "bar",
            "x": plain_numbers((edges[:-1] + edges[1:]) / 2),
            "y": plain_numbers(100.0 * counts / max(len(values), 1)),
            "width": width,
            "marker": {"color": "$c0/0.55", "line": {"width": 0}},
            "legendgroup": entries[0].group,
            "hovertemplate": "deviation %{x:.2f}<br>%{y:.2f} %<extra></extra>",
        }
    ]
    if size > 0:
        grid = np.linspace(-limit, limit, 121)
        normal = np.exp(-0.5 * (grid / size) ** 2) / (size * np.sqrt(2 * np.pi))
        data.append(
            {
                "type": "scatter",
                "x": plain_numbers(grid),
                "y": plain_numbers(100.0 * width * normal),
                "mode": "lines",
                "line": {"color": "$ink", "width": 1.5, "dash": "dash"},
                "legendgroup": entries[1].group,
                "hoverinfo": "skip",
            }
        )
    layout = base_layout("deviation (standard deviations)", "candidates, %")
    return Figure(
        "study-deviations",
        "Deviations of one simulated predictor",
        "Histogram of simulated deviations beside a normal distribution",
        data,
        layout | {"bargap": 0.04},
        legend=entries,
        caption=f"Of the selection above, {len(values):,} candidates (LAUBE Fig. 5.4 and A.5).",
    )


def limits_figure(simulated: pd.DataFrame) -> Figure:
    """A.6: verifying picks may raise the mean loss, for bad predictors."""
    rows = main_pairing(simulated).dropna(subset=["mra_all", "mra_pareto"])
    deviations = np.sort(rows.loc[rows["deviation"] > 0, "deviation"].unique())
    chosen = deviations[[0, -1]] if len(deviations) > 1 else deviations
    data, legend, shares = [], [], []
    top = 0.0
    for i, deviation in enumerate(chosen):
        own = rows[rows["deviation"] == deviation]
        worse = 100.0 * float((own["mra_pareto"] > own["mra_all"] + 1e-9).mean())
        shares.append(f"{worse:.1f} % at deviation {deviation:.2g}")
        drawn = own.iloc[sample(len(own), MOST_POINTS)]
        entry = Entry(f"study-limits:{i}", f"deviation {deviation:.2g}", f"$c{3 * i}", "circle")
        top = max(top, float(drawn["mra_all"].quantile(0.99)))
        data.append(
            {
                "type": "scatter",
                "x": plain_numbers(drawn["mra_all"]),
                "y": plain_numbers(drawn["mra_pareto"]),
                "mode": "markers",
                "marker": {"color": entry.colour, "size": 4, "opacity": 0.5},
                "legendgroup": entry.group,
                "hovertemplate": "all %{x:.2f}, verified %{y:.2f}<extra></extra>",
            }
        )
        legend.append(entry)
    top = top or 1.0
    data.append(
        {
            "type": "scatter",
            "x": [0.0, top],
            "y": [0.0, top],
            "mode": "lines",
            "line": {"color": "$ink", "width": 1, "dash": "dash"},
            "hoverinfo": "skip",
        }
    )
    layout = base_layout("MRA of all selected, points", "MRA of verified picks, points")
    layout["xaxis"] |= {"range": [-0.03 * top, 1.03 * top]}
    layout["yaxis"] |= {"range": [-0.03 * top, 1.03 * top]}
    return Figure(
        "study-limits",
        "Verified picks against all selected",
        "Scatter plot of the two losses of single selections",
        data,
        layout,
        legend=tuple(legend),
        caption="Above the diagonal the picks that stay Pareto-optimal lose more on average than "
        "all that were selected: " + ", ".join(shares) + " (LAUBE A.6).",
    )


def sanity_figure(means: pd.DataFrame, trained: pd.DataFrame) -> Figure:
    """Fig. A.7: tau against deviation, of simulated and of trained predictors."""
    rows = main_pairing(means)
    data, legend = [], []
    for i, (metric, own) in enumerate(rows.groupby("metric_target", sort=True)):
        curve = own.groupby("deviation")["kendall_tau"].mean().reset_index()
        entry = nth_entry(i, f"study-metric:{i}", column_of(str(metric)))
        text = [f"simulated, deviation {row.deviation:.2f}<br>tau {row.kendall_tau:.3f}"
                for row in curve.itertuples()]  # fmt: skip
        data.append(line_trace(entry, curve["deviation"], curve["kendall_tau"], text))
        legend.append(entry)
    if len(trained):
        entry = Entry("study:trained", "trained predictors", "$ink", "x")
        trace = line_trace(
            entry,
            trained["deviation"],
            trained["kendall_tau"],
            [f"{value:.3f}" for value in trained["kendall_tau"]],
        )
        trace |= {
            "mode": "markers",
            "hovertemplate": "deviation %{x:.2f}, tau %{y:.3f}<extra></extra>",
        }
        trace["marker"] |= {"size": 5, "opacity": 0.6}
        data.append(trace)
        legend.append(entry)
    layout = base_layout("deviation (standard deviations)", "Kendall's tau")
    reach = float(rows["deviation"].max())
    layout["xaxis"] |= {"range": [-0.04 * max(reach, 1.0), 1.1 * max(reach, 1.0)]}
    return Figure(
        "study-sanity",
        "Tau against deviation, simulated and trained",
        "Line plot of simulated predictors with markers of trained ones",
        data,
        layout,
        legend=tuple(legend),
        caption="Markers below a line rank worse than a simulated predictor of the same deviation "
        "(LAUBE Fig. A.7)." + ("" if len(trained) else " This run has no trained predictors."),
    )
