"""What networks measure besides their accuracy, such as spikes: in words, and as a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.errors import HwbenchError
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    base_layout,
    line_trace,
    plain_text,
)
from hwbench.report.live.selection_figures import Shown, evaluated_points
from hwbench.results.selections import Selected
from hwbench.spaces import get_space
from hwbench.spaces.base import Measurement

CURVE_POINTS = 60
"""Points of a curve of equal fitness."""


def measurement_of(space: str, name: str) -> Measurement:
    """What a measurement is; by its name alone where the space is not known here."""
    try:
        known = get_space(space).measured
    except HwbenchError:
        known = {}
    return known.get(name, Measurement(name.replace("_", " "), "1", "minimize"))


def measured_words(space: str, measured: Mapping[str, float]) -> str:
    """Measurements with their units, such as "spikes 2,172, spike energy 3.69 nJ"; "" of none."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_amount(measurement_of(space, name), value)}"
        for name, value in measured.items()
    )


def measured_names(chosen: Sequence[Selected]) -> list[str]:
    """What selections measured of all they evaluated and weighed, else all that they measured."""
    weighed = dict.fromkeys(name for each in chosen if (name := _weighed(each)))
    found = dict.fromkeys(name for each in chosen for name in each.result.measured)
    return [
        name
        for name in (weighed or found)
        if any(name in each.evaluations and len(each.evaluations) for each in chosen)
    ]


def measured_sentences(space: str, shown: Sequence[tuple[Selected, str]]) -> Iterator[Markup]:
    """Of each selection what it needs of what was measured, beside all that it evaluated."""
    for each, title in shown:
        for name in measured_names([each]):
            own, others = _parted(each.evaluations, name)
            if not len(own) or not len(others):
                continue
            what = measurement_of(space, name)
            yield Markup(
                "What {} selected has <b>{} {} at {:.2f} %</b> on validation images; the median "
                "of the {} others that it evaluated has {} at {:.2f} %."
            ).format(
                title,
                name.replace("_", " "),
                _amount(what, own[name].iloc[0]),
                own["accuracy"].iloc[0],
                f"{len(others):,}",
                _amount(what, others[name].median()),
                others["accuracy"].median(),
            )


def measured_figure(figure: str, space: str, name: str, shown: Shown) -> Figure | None:
    """The supernet's accuracy against a measurement of all that was evaluated, a point each.

    Where a selection weighed it, a curve through what was selected shows equal fitness.

    Parameters
    ----------
    figure : its name on the page.
    space, name : of the measurement.
    shown : selections; those that did not measure it are left out.
    """
    own = [(each, entry) for each, entry in shown if name in each.evaluations]
    data: list[Json] = []
    curves = False
    for each, entry in own:
        selected, others = _parted(each.evaluations, name)
        data += [
            _points(others, name, entry, space, selected=False),
            _points(selected, name, entry, space, selected=True),
        ]
        exponent = _exponent(each, name)
        if exponent is not None and len(selected) and len(others):
            curves = True
            data.append(_equal_fitness(each.evaluations, selected.iloc[0], name, exponent, entry))
    if not data:
        return None
    what = measurement_of(space, name)
    unit = "" if what.unit == "1" else what.unit
    layout = base_layout(axis_title(what.title, unit), "supernet's accuracy, %")
    known = pd.concat([each.evaluations["accuracy"] for each, _ in own]).dropna()
    margin = 0.06 * float(known.max() - known.min()) or 1.0
    layout["yaxis"] |= {"range": [float(known.min()) - margin, float(known.max()) + margin]}
    caption = "The supernet's own numbers, on validation images. Large: selected."
    if curves:
        caption += (
            " Dotted: where architectures would be as fit as what was selected; what lies above "
            "would be fitter."
        )
    return Figure(
        name=figure,
        title=f"What was evaluated: the supernet's accuracy against {name.replace('_', ' ')}",
        description=f"Scatter plot of the supernet's accuracy against {what.title}, a colour a "
        "selection",
        data=data,
        layout=layout,
        height=400,
        legend=tuple(entry for _, entry in own),
        caption=caption,
        wide=True,
    )


def _weighed(each: Selected) -> str | None:
    """The measurement in a selection's fitness."""
    fitness = (each.result.selection.model_extra or {}).get("fitness")
    return fitness.get("measurement") if isinstance(fitness, Mapping) else None


def _exponent(each: Selected, name: str) -> float | None:
    """Lambda of accuracy x (N / N_avg)^lambda, by what was evaluated; None where not weighed."""
    if _weighed(each) != name or "fitness" not in each.evaluations:
        return None
    rows = each.evaluations
    rows = rows[(rows[[name, "accuracy", "fitness"]] > 0).all(axis=1)]
    needs = np.log(rows[name].to_numpy(np.float64))
    if not len(needs) or np.ptp(needs) == 0:
        return None
    share = np.log(rows["fitness"].to_numpy(np.float64) / rows["accuracy"].to_numpy(np.float64))
    return float(np.polyfit(needs, share, 1)[0])


def _parted(evaluations: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was selected and what was not, of that in which the measurement is known."""
    known = evaluations.dropna(subset=[name, "accuracy"])
    selected = known["selected"].astype(bool)
    return known[selected], known[~selected]


def _amount(what: Measurement, value: float) -> str:
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return number if what.unit == "1" else f"{number} {what.unit}"


def _points(rows: pd.DataFrame, name: str, entry: Entry, space: str, *, selected: bool) -> Json:
    text = [
        f"<b>{plain_text(entry.title)}</b>{', selected' if selected else ''}<br>"
        f"{plain_text(architecture)}<br>{accuracy:.2f} %, "
        f"{plain_text(measured_words(space, {name: value}))}"
        for architecture, accuracy, value in zip(
            rows["architecture"], rows["accuracy"], rows[name], strict=True
        )
    ]
    return evaluated_points(rows[name], rows["accuracy"], text, entry, selected=selected)


def _equal_fitness(
    evaluations: pd.DataFrame, selected: pd.Series, name: str, exponent: float, entry: Entry
) -> Json:
    """Accuracy x (N / N_avg)^lambda as that of what was selected; N_avg cancels (NA eq. 5.1)."""
    reach = evaluations[name][evaluations[name] > 0]
    at = np.linspace(float(reach.min()), float(reach.max()), CURVE_POINTS)
    accuracy = float(selected["accuracy"]) * (float(selected[name]) / at) ** exponent
    trace = line_trace(entry, at, accuracy, [""] * CURVE_POINTS)
    trace |= {"mode": "lines", "hoverinfo": "skip"}
    trace["line"] |= {"dash": "dot", "width": 1}
    return trace
