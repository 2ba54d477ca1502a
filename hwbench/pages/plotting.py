"""What all figures of the report share: plotly traces and layouts as plain dictionaries.

Colours are tokens ("$c0" ... "$c16", "$ink", "$muted", "$grid", with an opacity as "$c0/0.2"): the
page resolves them from its style sheet, so that figures follow the light and the dark theme.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

# A colour for every predictor of a usual study. Seventeen colours and five symbols share no factor:
# 85 lines differ in one of the two.
N_COLOURS = 17
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
DASHES = ("solid", "dash", "dot")

Json = dict[str, Any]
Values = Iterable[float | None]


@dataclass(frozen=True)
class Entry:
    """A line of a legend. `group` is shared by all traces, in all figures, that it toggles.

    One that is not `shown` is drawn when the reader switches it on, and folded away until then.
    """

    group: str
    title: str
    colour: str
    symbol: str = ""
    dash: str = ""
    shown: bool = True


def nth_entry(index: int, group: str, title: str) -> Entry:
    """The look of the index-th of several lines: no two of 85 share colour and symbol."""
    return Entry(
        group,
        title,
        f"$c{index % N_COLOURS}",
        SYMBOLS[index % len(SYMBOLS)],
        DASHES[index // N_COLOURS % len(DASHES)],
    )


@dataclass(frozen=True)
class Figure:
    """One figure: plotly traces and layout, what a reader needs to read it, and its legend.

    One that is folded shows no more than its title until the reader unfolds it.
    """

    kind: ClassVar[str] = "figure"
    name: str
    title: str
    description: str
    data: list[Json]
    layout: Json
    height: int = 360
    legend: tuple[Entry, ...] = ()
    caption: str = ""
    wide: bool = False
    folded: bool = False


def base_layout(x: str, y: str) -> Json:
    """The layout of every figure, with titles on both axes."""
    axis: Json = {
        "gridcolor": "$grid",
        "linecolor": "$axis",
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "$axis",
        "automargin": True,
    }
    return {
        "xaxis": axis | {"title": {"text": plain_text(x), "standoff": 10}},
        "yaxis": axis | {"title": {"text": plain_text(y), "standoff": 8}},
        "showlegend": False,
        "hovermode": "closest",
        "margin": {"l": 54, "r": 14, "t": 28, "b": 48},
        "paper_bgcolor": "$none",
        "plot_bgcolor": "$none",
        "font": {"color": "$ink", "size": 12.5},
        "modebar": {"bgcolor": "$none", "color": "$axis", "activecolor": "$muted"},
        "hoverlabel": {
            "bgcolor": "$panel",
            "bordercolor": "$axis",
            "align": "left",
            "font": {"color": "$ink", "size": 12.5},
        },
    }


def marked_level(value: float, *, across: bool = False) -> Json:
    """A dotted line over the whole figure, at a value of its y axis, or of its x axis.

    Parameters
    ----------
    value : where it stands.
    across : whether `value` is of the x axis, and the line crosses from bottom to top.
    """
    along, fixed = ("y", "x") if across else ("x", "y")
    return {
        "type": "line",
        f"{along}ref": "paper",
        f"{along}0": 0,
        f"{along}1": 1,
        f"{fixed}0": value,
        f"{fixed}1": value,
        "line": {"color": "$muted", "width": 1.5, "dash": "dot"},
    }


def log_axis(values: Values, name: Callable[[float], str] | None = None) -> Json:
    """What makes an axis logarithmic, with ticks at 1, 2 and 5 of each decade, or at 1 of many.

    Parameters
    ----------
    values : what is drawn along it; those that are not positive do not count.
    name : makes a tick's text; the plain number by default.
    """
    given = np.asarray([value for value in values if value is not None], dtype=np.float64)
    shown = given[np.isfinite(given) & (given > 0)]
    if not len(shown):
        return {"type": "log"}
    low, high = np.log10(shown.min()), np.log10(shown.max())
    if high - low < 0.6:  # too few of those ticks, or none
        return {"type": "log", "nticks": 6, "exponentformat": "none"}
    steps = (1, 2, 5) if high - low < 2.2 else (1,)
    decades = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 2)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    name = name or (lambda tick: f"{tick:,g}")
    return {"type": "log", "tickvals": ticks, "ticktext": [name(tick) for tick in ticks]}


def signed(value: float, digits: int = 2, *, plus: bool = False) -> str:
    """A number that may be negative, never as "-0.00"; with a plus sign where one is asked for."""
    return f"{round(value, digits) + 0.0:{'+' * plus}.{digits}f}"


def line_trace(entry: Entry, x: Values, y: Values, text: list[str]) -> Json:
    """A line with markers in the look of `entry`; `text` is shown on hovering."""
    return {
        "type": "scatter",
        "x": plain_numbers(x),
        "y": plain_numbers(y),
        "mode": "lines+markers",
        "line": {"color": entry.colour, "dash": entry.dash or "solid", "width": 2},
        "marker": {"color": entry.colour, "symbol": entry.symbol or "circle", "size": 7},
        "legendgroup": entry.group,
        "text": text,
        "hoverinfo": "text",
    }


def band_trace(entry: Entry, x: Values, low: Values, high: Values) -> list[Json]:
    """The interval as one closed area (a list of one trace), none for fewer than two points."""
    known = [
        point
        for point in zip(plain_numbers(x), plain_numbers(low), plain_numbers(high), strict=True)
        if None not in point
    ]
    if len(known) < 2:
        return []
    outline = [(p[0], p[2]) for p in known] + [(p[0], p[1]) for p in reversed(known)]
    return [
        {
            "type": "scatter",
            "x": [p[0] for p in outline],
            "y": [p[1] for p in outline],
            "mode": "lines",
            "line": {"width": 0, "color": f"{entry.colour}/0"},
            "fill": "toself",
            "fillcolor": f"{entry.colour}/0.15",
            "legendgroup": entry.group,
            "hoverinfo": "skip",
        }
    ]


def front_trace(x: Values, y: Values, colour: str, *, ascending: bool = True) -> Json:
    """A front as steps: the best y at an x no worse.

    Parameters
    ----------
    x, y : its points, by rising x.
    colour : of the line.
    ascending : whether smaller x are better, so that y is kept to the right of a point.
    """
    return {
        "type": "scatter",
        "mode": "lines",
        "x": plain_numbers(x),
        "y": plain_numbers(y),
        "line": {"color": colour, "width": 2, "shape": "hv" if ascending else "vh"},
        "hoverinfo": "skip",
    }


def plain_numbers(values: Values) -> list[float | None]:
    """Plain numbers of five digits (a plot shows fewer); None, which plotly skips, for NaN."""
    return [
        float(f"{value:.5g}") if np.isfinite(value) else None
        for value in np.asarray(list(values), dtype=np.float64)
    ]


def sample(n: int, most: int) -> np.ndarray:
    """Up to `most` of n positions, in order, the same at every call."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def axis_title(title: str, unit: str) -> str:
    """A title with its unit in brackets."""
    return f"{title} ({unit})" if unit else title


def interval_text(mean: float, low: float, high: float, digits: int = 3) -> str:
    """A mean and, where it is known, its interval: "0.861 (0.857 to 0.864)"."""
    text = f"{mean:.{digits}f}"
    return f"{text} ({low:.{digits}f} to {high:.{digits}f})" if np.isfinite(low) else text


def plain_text(text: str) -> str:
    """Text that plotly shows as it is: it would read tags and templates in it."""
    return html.escape(str(text)).replace("%{", "% {")


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: no character there ends it or opens a tag."""
    from markupsafe import Markup

    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - the three characters that matter are escaped above
