"""Sections to one HTML file that holds everything it needs: styles, scripts, plotly, data."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

from hwbench.pages.blocks import Section
from hwbench.pages.plotting import script_json

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(
    title: str,
    sections: Sequence[Section],
    *,
    brand: str = "hwbench report",
    meta: Sequence[str] = (),
    tiles: Sequence[tuple[str, str]] = (),
    pack: bool = False,
) -> str:
    """The page as HTML text; the same input gives the same text.

    Parameters
    ----------
    title : of the page.
    sections : at least one; the first is what readers see first, and is not folded.
    brand : what kind of page it is.
    meta : a line of facts below the title.
    tiles : pairs of a number and what it counts, above the first section.
    pack : whether plotly stands compressed, which saves 3 MB and asks for a browser of 2023 or
        later (`DecompressionStream`).
    """
    return (
        environment()
        .get_template("base")
        .render(
            title=title,
            sections=sections,
            brand=brand,
            meta=[text for text in meta if text],
            tiles=tiles,
            style=asset("style.css") + asset("drawing.css"),
            theme=asset("theme.js"),
            script=asset("page.js"),
            # Inside a script element only its end tag needs care.
            plotly="" if pack else plotly_script().replace("</script", "<\\/script"),
            packed=_packed(plotly_script()) if pack else "",
        )
    )


def environment(further: Mapping[str, str] | None = None) -> Environment:
    """The templates of pages by name: `base`, a whole one, `sections` and `blocks`, its parts.

    Parameters
    ----------
    further : texts of other templates by name, which may import these.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined

    own = {name: asset(f"{name}.html.jinja") for name in ("base", "sections", "blocks")}
    made = Environment(
        loader=DictLoader({**own, **(further or {})}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    made.filters["lower_first"] = lambda text: text[:1].lower() + text[1:]
    made.filters["script_json"] = script_json
    made.filters["plain_json"] = lambda value: json.dumps(dict(value), ensure_ascii=False)
    return made


def plotly_script() -> str:
    """The text of plotly's script, as its package brings it."""
    from plotly.offline import get_plotlyjs

    text: str = get_plotlyjs()
    return text


def _packed(text: str) -> str:
    """Text as base64 of gzip, the same for the same text."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def asset(name: str) -> str:
    """The text of a file that lies beside this module."""
    return resources.files("hwbench.pages").joinpath(name).read_text(encoding="utf-8")
