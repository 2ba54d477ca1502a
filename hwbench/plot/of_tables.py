"""Figures of tables, and architectures drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError, unknown_name
from hwbench.pages.in_notebooks import Theme, to_plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import ArrayLike

    from hwbench.pages.in_notebooks import DrawingAlone
    from hwbench.spaces import Space
    from hwbench.tables import Table

MOST_POINTS = 5000
"""Points that are drawn beside a front."""


def front(
    data: Table | pd.DataFrame,
    x: str,
    y: str,
    *,
    directions: Sequence[str] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Two columns against each other, and the front: what nothing else is better than in both.

    Parameters
    ----------
    data : a table, or a frame; a column "arch" of it names the points.
    x, y : columns of numbers. Rows where one is missing are left out.
    directions : "minimize" or "maximize" for x and y; those of a table's card, of a frame x is to
        be minimised and y maximised.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where there is no such column, it holds no numbers, or no row has both.
    """
    from hwbench.fronts.two import pareto_front
    from hwbench.pages.plotting import Figure, axis_title, base_layout, front_trace, sample

    frame, titles, known = _columns(data, x, y)
    ways = list(directions or known)
    for way in ways:
        if way not in ("minimize", "maximize"):
            raise unknown_name("direction", way, ("minimize", "maximize"))
    signs = [1 if way == "minimize" else -1 for way in ways]
    best = pareto_front(-signs[1] * frame[y].to_numpy(), signs[0] * frame[x].to_numpy())
    best = best[np.argsort(frame[x].to_numpy()[best], kind="stable")]
    on_it = frame.iloc[best]
    others = frame.iloc[sample(len(frame), MOST_POINTS)]
    data_of = [
        _marks(others, x, y, "$muted/0.35", 4, "circle"),
        front_trace(on_it[x], on_it[y], "$c0", ascending=signs[0] > 0),
        _marks(on_it, x, y, "$c1", 8, "diamond"),
    ]
    figure = Figure(
        name="front",
        title=f"{titles[1][0]} against {titles[0][0]}: {len(on_it)} on the front",
        description="Scatter plot with the front",
        data=data_of,
        layout=base_layout(*(axis_title(*title) for title in titles)),
        height=420,
    )
    return to_plotly(figure, theme)


def architecture(arch: ArrayLike, space: Space | str) -> DrawingAlone:
    """An architecture as a picture: its cells as graphs, or its layers in a row.

    Parameters
    ----------
    arch : integers of shape (n_positions,), or its string.
    space : the search space, or its name.

    Returns
    -------
    What a notebook shows as the picture; `html` is its text.

    Raises
    ------
    HwbenchError
        Where the space is unknown, or it is no architecture of it.
    """
    from hwbench.pages.architectures import drawing
    from hwbench.pages.in_notebooks import DrawingAlone
    from hwbench.spaces import load_space

    found = load_space(space) if isinstance(space, str) else space
    text = found.to_string(found.check_one(arch))
    made = drawing(found.name, text, f"An architecture of {found.title}")
    if made is None:
        raise HwbenchError(f"{found.name}: {text!r} cannot be drawn")
    return DrawingAlone(made)


# ---------------------------------------------------------------------- what is drawn


def _columns(
    data: Table | pd.DataFrame, x: str, y: str
) -> tuple[pd.DataFrame, list[tuple[str, str]], tuple[str, str]]:
    """The rows that have both columns, titles with units, and which way is better."""
    frame = data if isinstance(data, pd.DataFrame) else data.frame
    for name in (x, y):
        if name not in frame.columns:
            raise unknown_name("column", name, map(str, frame.columns))
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise HwbenchError(f"column '{name}' holds no numbers")
    kept = frame[np.isfinite(frame[[x, y]].astype(float)).all(axis=1)]
    if kept.empty:
        raise HwbenchError(f"no row has both {x} and {y}")
    if isinstance(data, pd.DataFrame):
        return kept, [(x, ""), (y, "")], ("minimize", "maximize")
    cards = [data.card.columns[name] for name in (x, y) if name in data.card.columns]
    if len(cards) < 2:
        raise HwbenchError(f"a front is of two metrics, and {x} and {y} are not")
    return (
        kept,
        [(each.title, each.unit) for each in cards],
        (cards[0].direction, cards[1].direction),
    )


def _marks(
    frame: pd.DataFrame, x: str, y: str, colour: str, size: int, symbol: str
) -> dict[str, Any]:
    from hwbench.pages.plotting import plain_numbers, plain_text

    names = frame["arch"].astype(str) if "arch" in frame else frame.index.astype(str)
    rows = zip(names, frame[x], frame[y], strict=True)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": plain_numbers(frame[x]),
        "y": plain_numbers(frame[y]),
        "marker": {"color": colour, "size": size, "symbol": symbol},
        "text": [f"{plain_text(name)}<br>{a:.4g}, {b:.4g}" for name, a, b in rows],
        "hoverinfo": "text",
    }
