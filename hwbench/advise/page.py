"""The page of advice: one HTML file that works offline."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from hwbench.advise.figures import (
    budget_figure,
    curve_figure,
    predicted_figure,
    ranking_figure,
    selection_figure,
)
from hwbench.files import today
from hwbench.pages.plotting import script_json, seconds

if TYPE_CHECKING:
    from hwbench.advise.result import Advice


def render(advice: Advice, numbers: dict[str, Any]) -> str:
    """The whole page as HTML text.

    Parameters
    ----------
    advice : what was found.
    numbers : its `to_dict()`.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=DictLoader({"page": _asset("hwbench.advise", "page.html.jinja")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = script_json
    environment.filters["pretty_json"] = lambda value: json.dumps(value, indent=2)
    selection = advice.selection
    lines = [line for line in advice.lines() if not line.startswith("Beware: ")]
    return environment.get_template("page").render(
        title=f"Advice on {advice.measurements.metric}",
        created=today(),
        duration=seconds(advice.seconds),
        lead=lines[0],
        lines=lines[1:],
        warnings=advice.warnings,
        tiles=_tiles(advice),
        ranking=ranking_figure(advice),
        rows=numbers["ranking"],
        chosen=numbers["ranking"].index(_chosen_row(advice, numbers)),
        not_tried=[each.label for each in advice.ranking.not_tried],
        failed=[(each.candidate.label, each.error) for each in advice.ranking.failed],
        left_out=advice.left_out,
        figures=[predicted_figure(advice), curve_figure(advice)],
        selection=None
        if selection is None
        else {
            "accuracy": selection.accuracy,
            "n_candidates": selection.n_candidates,
            "repeats": selection.repeats,
            "figures": [selection_figure(advice, selection), budget_figure(selection)],
        },
        source=numbers["source"],
        machine=numbers["machine"],
        versions=numbers["versions"],
        seed=advice.seed,
        style=_asset("hwbench.report", "style.css"),
        script=_asset("hwbench.report", "page.js"),
        # Inside a script element only its end tag needs care.
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
    )


def _chosen_row(advice: Advice, numbers: dict[str, Any]) -> dict[str, Any]:
    place = advice.ranking.trials.index(advice.ranking.chosen)
    row: dict[str, Any] = numbers["ranking"][place]
    return row


def _tiles(advice: Advice) -> list[tuple[str, str]]:
    tau = advice.promise.tau
    tiles = [
        (f"{tau.value:.2f}", f"Kendall's tau to expect ({tau.low:.2f} to {tau.high:.2f})"),
        (f"{advice.promise.doubled.value:.2f}", "with twice the measurements, extrapolated"),
        (f"{len(advice.measurements):,}", "measured architectures"),
    ]
    if advice.noise is not None:
        tiles.append((f"{advice.noise.tau_ceiling:.2f}", "ceiling that noise sets"))
    if advice.selection is not None:
        every = advice.selection.verify >= advice.selection.n_selected
        tiles.append(("all" if every else f"{advice.selection.verify}", "picks to verify"))
    return tiles


def _asset(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
