"""Sections to one HTML file that holds everything it needs: styles, scripts, plotly, data."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from importlib import resources

from hwbench.pages.blocks import Section
from hwbench.pages.plotting import script_json


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
    from jinja2 import DictLoader, Environment, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=DictLoader({name: asset(f"{name}.html.jinja") for name in ("base", "blocks")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["lower_first"] = lambda text: text[:1].lower() + text[1:]
    environment.filters["script_json"] = script_json
    environment.filters["plain_json"] = lambda value: json.dumps(dict(value), ensure_ascii=False)
    return environment.get_template("base").render(
        title=title,
        sections=sections,
        brand=brand,
        meta=[text for text in meta if text],
        tiles=tiles,
        style=asset("style.css") + asset("drawing.css"),
        script=asset("page.js"),
        # Inside a script element only its end tag needs care.
        plotly="" if pack else get_plotlyjs().replace("</script", "<\\/script"),
        packed=_packed(get_plotlyjs()) if pack else "",
    )


def _packed(text: str) -> str:
    """Text as base64 of gzip, the same for the same text."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def asset(name: str) -> str:
    """The text of a file that lies beside this module."""
    return resources.files("hwbench.pages").joinpath(name).read_text(encoding="utf-8")
