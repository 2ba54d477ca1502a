"""Figures of the predictions on test architectures: against the truth, and how far off."""

from __future__ import annotations

import numpy as np

from hwbench.analysis.deviations import fit_mixture
from hwbench.analysis.study import Predicted
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    base_layout,
    plain_numbers,
    sample,
    signed,
)
from hwbench.results.run import TargetWords

MAX_SCATTER_POINTS = 2000


def predicted_figure(name: str, chosen: Predicted, target: TargetWords, entry: Entry) -> Figure:
    """Predicted against true values of the test architectures, at most 2,000 of them."""
    n = len(chosen.truth)
    shown = sample(n, MAX_SCATTER_POINTS)
    truth, prediction = chosen.truth[shown], chosen.prediction[shown]
    low = float(min(truth.min(), prediction.min()))
    high = float(max(truth.max(), prediction.max()))
    layout = base_layout(axis_title("true", target.unit), axis_title("predicted", target.unit))
    layout["hovermode"] = "closest"
    what = f"{n:,}" if len(shown) == n else f"{len(shown):,} of {n:,}"
    return Figure(
        name=name,
        title=f"Predicted against true {target.title}",
        description=f"Scatter plot of predicted against true {target.with_unit}",
        data=[
            {
                "type": "scatter",
                "x": [low, high],
                "y": [low, high],
                "mode": "lines",
                "line": {"color": "$ink", "width": 1, "dash": "dash"},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "x": plain_numbers(truth),
                "y": plain_numbers(prediction),
                "mode": "markers",
                "marker": {"color": entry.colour, "size": 4, "opacity": 0.45},
                "hovertemplate": "true %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
            },
        ],
        layout=layout,
        caption=f"{entry.title}, {chosen.training_size:,} measurements, seed {chosen.seed}; {what} "
        "test architectures. On the dashed line a prediction is exact.",
    )


def deviation_figure(name: str, chosen: Predicted, target: TargetWords, entry: Entry) -> Figure:
    """Histogram of the standardised deviations with two fits: a normal curve and the mixture.

    The mixture is the one of LAUBE A.5, fitted by `hwbench.analysis.deviations.fit_mixture`.
    """
    deviation = chosen.deviation
    limit = max(float(np.quantile(np.abs(deviation), 0.995)), 1e-9)
    inside = np.abs(deviation) <= limit
    counts, edges = np.histogram(deviation, bins=61, range=(-limit, limit))
    width = edges[1] - edges[0]
    centres = (edges[:-1] + edges[1:]) / 2
    share = 100.0 * counts / len(deviation)
    mean, spread = float(deviation.mean()), float(deviation.std())
    grid = np.linspace(-limit, limit, 121)
    layout = base_layout("error (standard deviations)", "architectures, %")
    layout |= {"bargap": 0.04, "hovermode": "closest"}
    data: list[Json] = [
        {
            "type": "bar",
            "x": plain_numbers(centres),
            "y": plain_numbers(share),
            "width": float(f"{width:.5g}"),
            "marker": {"color": f"{entry.colour}/0.55", "line": {"width": 0}},
            "hovertemplate": "deviation %{x:.3f}<br>%{y:.2f} %<extra></extra>",
        }
    ]
    if spread > 0:
        normal = np.exp(-0.5 * ((grid - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        mixture = fit_mixture(deviation)
        fits = [("dash", normal), ("solid", mixture.density(grid))]
        data += [
            {
                "type": "scatter",
                "x": plain_numbers(grid),
                "y": plain_numbers(100.0 * width * density),
                "mode": "lines",
                "line": {"color": "$ink", "width": 1.5, "dash": dash},
                "hoverinfo": "skip",
            }
            for dash, density in fits
        ]
    beyond = 100.0 * float(np.mean(~inside))
    unit = f"; 1 standard deviation is {target.amount(f'{chosen.scale:.3g}')}" * bool(target.unit)
    return Figure(
        name=name,
        title=f"How far off: {target.title}",
        description=f"Histogram of deviations of predicted {target.title}",
        data=data,
        layout=layout,
        caption=f"Error is prediction minus truth: spread {spread:.2f}, "
        f"mean {signed(mean)}{unit}. Dashed: a normal distribution of that mean and "
        f"spread; line: the fitted mixture. {beyond:.1f} % lie outside the plot.",
    )
