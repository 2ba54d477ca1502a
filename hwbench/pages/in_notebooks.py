"""Figures and drawings of pages by themselves, as notebooks and other programs show them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from markupsafe import Markup

from hwbench.errors import unknown_name
from hwbench.pages.blocks import Drawing
from hwbench.pages.plotting import Entry, Figure, Json, plain_text
from hwbench.pages.rendering import asset

if TYPE_CHECKING:
    import plotly.graph_objects as go

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)

DRAWN = "hwbench-drawing"

DARK = ('[data-jp-theme-light="false"]', ".vscode-dark", '[data-theme="dark"]')
"""What notebooks put on the page where it is dark: JupyterLab, VS Code, documentation."""


def to_plotly(
    figure: Figure, theme: Theme = "light", legend: Sequence[Entry] | None = None
) -> go.Figure:
    """A page's figure as one of plotly's, with a legend and a background of its own.

    Parameters
    ----------
    figure : as pages have it: its colours are tokens.
    theme : "light" or "dark".
    legend : its entries, where the figure has none of its own.

    Raises
    ------
    HwbenchError
        Where the theme is unknown.
    """
    import plotly.graph_objects as go

    if theme not in THEMES:
        raise unknown_name("theme", theme, THEMES)
    palette = colours(theme)
    data = [_resolved(trace, palette) for trace in figure.data]
    shown = _name_traces(data, figure.legend if legend is None else legend)
    layout = _resolved(figure.layout, palette)
    margin = {**layout.get("margin", {}), "t": 56}
    layout |= {
        "title": {"text": plain_text(figure.title), "font": {"size": 15}},
        "height": figure.height,
        "margin": margin,
        "showlegend": shown,
        "paper_bgcolor": palette["panel"],
        "plot_bgcolor": palette["panel"],
    }
    return go.Figure(data=data, layout=layout)


@cache
def colours(theme: Theme) -> Mapping[str, str]:
    """The colours of the style sheet by name, those of a theme."""
    style = asset("style.css")
    light, dark = re.findall(r":root(?:\[data-theme=\"dark\"\])? \{(.*?)\}", style, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+):\s*([^;]+);", light))
    return found if theme == "light" else found | dict(re.findall(r"--([\w-]+):\s*([^;]+);", dark))


def _resolved(value: Any, palette: Mapping[str, str], key: str = "") -> Any:
    """The same with colours for their tokens, see `page.js`."""
    if isinstance(value, str):
        return _colour(value, palette) if key.endswith("color") and value[:1] == "$" else value
    if isinstance(value, dict):
        return {name: _resolved(each, palette, name) for name, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_resolved(each, palette) for each in value]
    return value


def _colour(token: str, palette: Mapping[str, str]) -> str:
    name, _, opacity = token[1:].partition("/")
    if not opacity:
        return palette[name]
    red, green, blue = (int(palette[name][at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def _name_traces(data: Sequence[Json], legend: Sequence[Entry]) -> bool:
    """Give the first line of each entry its name; whether there are entries."""
    titles = {entry.group: entry.title for entry in legend}
    for trace in data:
        title = None if "fill" in trace else titles.pop(trace.get("legendgroup", ""), None)
        trace["showlegend"] = title is not None
        if title is not None:
            trace["name"] = plain_text(title)
    return len(legend) > 0


@dataclass(frozen=True)
class DrawingAlone:
    """An architecture, drawn: a notebook shows the picture, a terminal its string.

    Attributes
    ----------
    drawing : as pages show it.
    """

    drawing: Drawing

    def __repr__(self) -> str:
        return f"<{self.drawing.title}: {self.drawing.text}>"

    def _repr_html_(self) -> str:
        return self.html

    @property
    def html(self) -> str:
        """The picture with its styles, as HTML that stands anywhere."""
        whole = Markup(
            '<div class="{}"><style>{}</style><p>{}</p>{}<p><code>{}</code></p></div>'
        ).format(
            DRAWN,
            Markup(_style()),  # noqa: S704 - of our own files
            self.drawing.title,
            self.drawing.image,
            self.drawing.text,
        )
        return str(whole)


@cache
def _style() -> str:
    """The drawing's rules, for it alone, with the colours of both themes."""
    rules = "\n".join(f".{DRAWN} {rule}" for rule in asset("drawing.css").strip().splitlines())
    own = f".{DRAWN}"
    dark = ", ".join(f"{mark} {own}" for mark in DARK)
    base = (
        f"{own} {{ background: var(--panel); color: var(--ink); padding: .5em .8em; "
        "border-radius: 6px; overflow-x: auto; }"
    )
    return f"{own} {{ {_variables('light')} }}\n{dark} {{ {_variables('dark')} }}\n{base}\n{rules}"


def _variables(theme: Theme) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours(theme).items())
