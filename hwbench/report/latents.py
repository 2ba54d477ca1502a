"""A page of latent spaces: what each looks like in the plane, coloured by a metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwbench.files import write_text
from hwbench.pages.blocks import Cell, Column, DataTable, Group, Row, Section, Text
from hwbench.pages.plotting import (
    Figure,
    axis_title,
    base_layout,
    plain_numbers,
    plain_text,
    sample,
)
from hwbench.pages.rendering import render_page

MOST_POINTS = 4000


@dataclass(frozen=True)
class LatentPanel:
    """One latent space, coloured by one metric.

    Attributes
    ----------
    title : of the latent space.
    points : float64 of shape (n, 2), latents in the plane.
    explained : shares of the variance along both axes.
    metric, unit : what the colours are.
    values : float64 of shape (n,), the metric of each point.
    names : of each point, shown where the pointer is.
    correlation : of the metric with that of near latents, or None where it is unknown.
    """

    title: str
    points: NDArray[np.float64]
    explained: tuple[float, float]
    metric: str
    unit: str
    values: NDArray[np.float64]
    names: tuple[str, ...]
    correlation: float | None = None


def write_latent_page(
    panels: Sequence[LatentPanel], measures: Sequence[dict[str, str]], title: str, output: Path
) -> Path:
    """Write a page of latent spaces as one HTML file that works offline.

    Parameters
    ----------
    panels : one figure each; those of one metric stand together and share their colours.
    measures : rows of a table above the figures, all with the same keys.
    title : of the page.
    output : where to write.

    Returns
    -------
    The path written.

    Raises
    ------
    HwbenchError
        Where the file cannot be written.
    """
    groups: dict[str, list[Figure]] = {}
    for place, panel in enumerate(panels):
        same = [other for other in panels if other.metric == panel.metric]
        low = min(float(np.nanquantile(other.values, 0.05)) for other in same)
        high = max(float(np.nanquantile(other.values, 0.95)) for other in same)
        figure = latent_figure(f"latents-{place}", panel, (low, high))
        groups.setdefault(axis_title(panel.metric, panel.unit), []).append(figure)
    sections = [_measures_section(measures)] if measures else []
    text = "Each point is an architecture, at the two principal components of its latents."
    sections += [
        Section(f"metric-{place}", f"Coloured by {metric}", [Text(text), Group("", figures)])
        for place, (metric, figures) in enumerate(groups.items(), start=1)
    ]
    write_text(output, render_page(title, sections, brand="hwbench"))
    return output


def _measures_section(measures: Sequence[dict[str, str]]) -> Section:
    text = (
        "Accuracy: test graphs that are rebuilt exactly. Validity: decoded latents of the prior "
        "that are architectures of the space. Uniqueness: different ones among the valid."
    )
    first, *others = measures[0]
    numbers = {key: all(_is_number(row[key]) for row in measures) for key in others}
    columns = [Column(first, first, numeric=False)]
    columns += [Column(key, key, numeric=numbers[key]) for key in others]
    rows = tuple(
        Row(row[first], tuple(Cell(row[key], row[key]) for key in others)) for row in measures
    )
    return Section(
        "measures", "Measures", [Text(text), DataTable("table", "Measures", tuple(columns), rows)]
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def latent_figure(name: str, panel: LatentPanel, limits: tuple[float, float]) -> Figure:
    """The scatter plot of a panel; colours run between the limits."""
    chosen = _shown(len(panel.points))
    values = panel.values[chosen]
    axes = [
        f"component {place} ({100 * share:.0f} % of the variance)"
        for place, share in enumerate(panel.explained, start=1)
    ]
    unit = f" {panel.unit}" if panel.unit else ""
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": plain_numbers(panel.points[chosen, 0]),
        "y": plain_numbers(panel.points[chosen, 1]),
        "text": [
            f"{plain_text(panel.names[row])}<br>{value:.4g}{plain_text(unit)}"
            for row, value in zip(chosen.tolist(), values.tolist(), strict=True)
        ],
        "hoverinfo": "text",
        "marker": {
            "size": 4,
            "color": plain_numbers(values),
            "colorscale": "Viridis",
            "cmin": limits[0],
            "cmax": limits[1],
            "colorbar": {"thickness": 12, "outlinewidth": 0, "title": {"text": unit.strip()}},
        },
    }
    caption = f"{len(chosen):,} of {len(panel.points):,} architectures."
    if panel.correlation is not None:
        caption += (
            f" The metric's correlation with its mean over the 10 nearest latents, in all "
            f"dimensions, is {panel.correlation:.3f}."
        )
    return Figure(
        name=name,
        title=panel.title,
        description=f"Latents of {panel.title} in the plane, coloured by {panel.metric}",
        data=[trace],
        layout=base_layout(axes[0], axes[1]),
        height=400,
        caption=caption,
    )


def _shown(n_points: int) -> NDArray[np.int64]:
    return np.asarray(sample(n_points, MOST_POINTS), dtype=np.int64)
