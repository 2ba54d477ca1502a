"""The studio's pages: its own templates around the blocks, styles and scripts of reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import resources
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hwbench.pages.rendering import asset, environment, plotly_script
from hwbench.version import __version__
from hwbench.wording import duration

SCRIPT, STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"

STATIC: dict[str, tuple[str, Callable[[], str]]] = {
    "style.css": (STYLE, lambda: asset("style.css") + asset("drawing.css")),
    "theme.js": (SCRIPT, lambda: asset("theme.js")),
    "page.js": (SCRIPT, lambda: asset("page.js")),
    "plotly.js": (SCRIPT, plotly_script),
    "studio.css": (STYLE, lambda: _own("static/studio.css")),
    "studio.js": (SCRIPT, lambda: _own("static/studio.js")),
    "config.js": (SCRIPT, lambda: _own("static/config.js")),
    "table.js": (SCRIPT, lambda: _own("static/table.js")),
    "advise.js": (SCRIPT, lambda: _own("static/advise.js")),
}
"""Files that pages load, by name: kind and where their text is from."""


def _own(name: str) -> str:
    return resources.files("hwbench.studio").joinpath(name).read_text(encoding="utf-8")


def _templates() -> dict[str, str]:
    """The text of each template, by its name behind "studio/"."""
    folder = resources.files("hwbench.studio").joinpath("templates")
    ending = ".html.jinja"
    return {
        f"studio/{each.name.removesuffix(ending)}": each.read_text(encoding="utf-8")
        for each in folder.iterdir()
        if each.name.endswith(ending)
    }


@dataclass(frozen=True)
class Pages:
    """Makes answers from templates.

    Attributes
    ----------
    edit : whether pages offer what changes something.
    """

    edit: bool

    @cached_property
    def _templates(self) -> Environment:
        made = environment(_templates())
        made.filters["seconds"] = duration
        made.filters["code"] = _with_code
        made.filters["moment"] = moment
        made.globals |= {"edit": self.edit, "version": __version__}
        return made

    def text(self, template: str, /, **content: Any) -> str:
        """A template as text."""
        return self._templates.get_template(f"studio/{template}").render(**content)

    def part(self, template: str, macro: str, /, **content: Any) -> str:
        """A macro of a template as text."""
        module: Any = self._templates.get_template(f"studio/{template}").module
        return str(getattr(module, macro)(**content))

    def answer(self, template: str, status: int = 200, /, **content: Any) -> HTMLResponse:
        """A whole page."""
        return HTMLResponse(self.text(template, **content), status)

    def refusal(self, request: Request, line: str, status: int) -> Response:
        """What went wrong, in one line: as text for scripts, as a page for people."""
        from starlette.responses import PlainTextResponse

        if "text/html" in request.headers.get("accept", ""):
            return self.answer("message", status, title="That did not work", line=line)
        return PlainTextResponse(f"{line}\n", status)


def _with_code(text: str) -> Markup:
    """What docstrings put in backticks, as code."""
    parts = text.split("`")
    marked = [
        Markup("<code>{}</code>").format(part) if place % 2 else Markup("{}").format(part)
        for place, part in enumerate(parts)
    ]
    return Markup("").join(marked)


def moment(text: str) -> str:
    """A time of ISO 8601 as people write it; what is none stays as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return when.strftime("%Y-%m-%d %H:%M %Z").strip()


def static_file(request: Request) -> Response:
    """A style sheet or script; their address holds the version, so that browsers keep them."""
    found = STATIC.get(request.path_params["name"])
    if found is None:
        return Response("no such file\n", 404, media_type="text/plain")
    kind, text = found
    kept = {"Cache-Control": "private, max-age=3600"}
    return Response(text(), media_type=kind, headers=kept)
