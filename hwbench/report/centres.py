"""Medians and means of the same selections or searches, side by side in a figure."""

from __future__ import annotations

from hwbench.pages.plotting import Entry, Json, Values, plain_numbers


def other_centre(entry: Entry, x: Values, y: Values) -> Json:
    """The mean beside a line of medians, or medians beside means: thin, dotted, no markers."""
    return {
        "type": "scatter",
        "x": plain_numbers(x),
        "y": plain_numbers(y),
        "mode": "lines",
        "line": {"color": entry.colour, "dash": "dot", "width": 1.2},
        "legendgroup": entry.group,
        "hoverinfo": "skip",
    }
