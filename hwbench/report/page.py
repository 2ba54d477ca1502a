"""The page: the parts of the report put together and rendered with jinja2."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from hwbench.report import analysis, comparison_figures, figures, simulation_figures, summary
from hwbench.report.plotting import Entry, Figure, script_json, seconds
from hwbench.report.reading import LOOKUP_FAMILY, Run
from hwbench.report.search_section import search_content
from hwbench.report.simulation_figures import Measure
from hwbench.report.simulation_study import simulation_study

MRA_ALL = Measure("mra_all", "Accuracy lost, all selected", "MRA of all selected, points", "points")
MRA_PARETO = Measure(
    "mra_pareto", "Accuracy lost, verified picks", "MRA of verified picks, points", "points"
)
HYPERVOLUME = Measure("hypervolume", "Hypervolume", "hypervolume (no unit)", "")
HYPERVOLUME_LOSS = Measure("hypervolume_loss", "Hypervolume lost", "hypervolume lost, %", "%", 1)


@dataclass(frozen=True)
class Cell:
    """A mean with its interval in a ranking table; `heat` runs from 0 (worst) to 1 (best)."""

    mean: float
    low: float
    high: float
    seeds: int
    heat: float
    best: bool

    @property
    def half(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Ranking:
    """A table of predictors against training sizes; a cell is None where nothing was trained."""

    name: str
    title: str
    sizes: tuple[int, ...]
    rows: tuple[tuple[str, str, tuple[Cell | None, ...]], ...]
    lookup: analysis.Lookup | None


@dataclass(frozen=True)
class Group:
    """Figures that belong together under a heading (empty where the section's heading will do)."""

    title: str
    figures: tuple[Figure, ...]
    legend: tuple[Entry, ...] = ()


def render(run: Run) -> str:
    """The whole page of a run, as HTML text."""
    from jinja2 import DictLoader, Environment, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=DictLoader(
            {"page": _asset("page.html.jinja"), "search": _asset("search.html.jinja")}
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["script_json"] = script_json
    environment.filters["pretty_json"] = lambda value: json.dumps(
        value, indent=2, ensure_ascii=False, default=str
    )
    simulated = None if run.simulation is None else analysis.simulation_curves(run.simulation)
    if simulated is not None and simulated.empty:  # trained predictors alone
        simulated = None
    content: dict[str, Any] = {
        "title": str(run.info.get("title") or run.info.get("scenario") or run.folder.name),
        "info": run.info,
        "started": _moment(run.info.get("started")),
        "duration": _duration(run.info.get("seconds")),
        "machine": _machine(run.info.get("machine") or {}),
        "tables": _tables(run.info.get("tables") or {}),
        "tiles": _tiles(run),
        "study": None if run.study is None else _study(run, run.study, simulated),
        "simulation": None if simulated is None else _simulation(run, simulated),
        "simulation_study": simulation_study(run),
        "example": None,
        "search": search_content(run),
    }
    if run.example is not None:
        first = run.example.iloc[0]
        content["example"] = simulation_figures.selection_figure(
            run.example, run.target(first["accuracy_target"]), run.target(first["metric_target"])
        )
    return environment.get_template("page").render(
        content,
        style=_asset("style.css"),
        script=_asset("page.js"),
        # Inside a script element only its end tag needs care.
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
    )


def _study(run: Run, study: pd.DataFrame, simulated: pd.DataFrame | None) -> dict[str, Any]:
    curves = analysis.learning_curves(study)
    overall = analysis.overall_curves(study)
    lookups = analysis.lookup_scores(study)
    titles = analysis.predictor_titles(study)
    entries = figures.predictor_entries(titles)
    failed = analysis.failures(study)
    # A target on which every trial failed has no curve, but keeps its place in the failures.
    targets = sorted(str(target) for target in curves["target"].unique())
    several = len(targets) > 1 and not overall.empty
    encodings = study.groupby("predictor")["encoding"].first()
    rankings = [
        _ranking(
            f"ranking-{i}", run.target(key).title, curves, key, titles, encodings, lookups.get(key)
        )
        for i, key in enumerate(targets)
    ]
    if several:
        title = f"Mean over the {len(targets)} targets"
        rankings.insert(
            0, _ranking("ranking-all", title, overall, "", titles, encodings, lookups.get(""))
        )
    cost = overall if several else curves
    cost_title = "Mean over the targets" if several else "Fit time against tau"
    predicted = []
    if run.predictions is not None:
        for i, chosen in enumerate(analysis.best_predictions(run.predictions, curves, targets)):
            target, entry = run.target(chosen.target), entries[chosen.predictor]
            predicted += [
                figures.predicted_figure(f"predicted-{i}", chosen, target, entry),
                figures.deviation_figure(f"deviation-{i}", chosen, target, entry),
            ]
    return {
        "findings": summary.study_findings(run, curves, lookups, titles, simulated),
        "failed": failed.to_dict("records"),
        "failure_sentence": summary.failure_sentence(failed, len(study)),
        "left_out": summary.left_out_sentences(run),
        "curves": [
            figures.learning_curves_figure(
                f"curve-{i}",
                run.target(key).title,
                curves[curves["target"] == key],
                entries,
                lookups.get(key),
            )
            for i, key in enumerate(targets)
        ],
        "rankings": rankings,
        "fit_cost": figures.fit_cost_figure(cost, entries, cost_title) if len(cost) else None,
        "predicted": predicted,
        "ranks": comparison_figures.ranks_figure(study, entries),
        "samples": comparison_figures.samples_listings(run, study, titles),
        "spread": comparison_figures.spread_figure(study, run.simulation, entries),
        "deviations": []
        if run.predictions is None
        else comparison_figures.deviation_listing(run, run.predictions, titles),
    }


def _ranking(
    name: str,
    title: str,
    curves: pd.DataFrame,
    key: str,
    titles: Mapping[str, str],
    encodings: Mapping[str, str],
    lookup: analysis.Lookup | None,
) -> Ranking:
    own = curves[curves["target"] == key]
    sizes = sorted({int(size) for size in own["training_size"]})
    worst, best = float(own["tau"].min()), float(own["tau"].max())
    reach = max(best - worst, 1e-9)
    best_of = own.groupby("training_size")["tau"].max()
    cells = {
        (row.predictor, row.training_size): Cell(
            row.tau,
            row.low,
            row.high,
            row.seeds,
            # Squared: the good end, where predictors differ little, gets most of the colour.
            ((row.tau - worst) / reach) ** 2,
            row.tau == best_of[row.training_size],
        )
        for row in own.itertuples()
    }
    rows = [
        (title, str(encodings[predictor]), tuple(cells.get((predictor, size)) for size in sizes))
        for predictor, title in titles.items()
        if any((predictor, size) in cells for size in sizes)
    ]
    # Best first, by the largest size.
    rows.sort(key=lambda row: -(row[2][-1].mean if row[2][-1] is not None else -2.0))
    return Ranking(name, title, tuple(sizes), tuple(rows), lookup)


def _simulation(run: Run, simulated: pd.DataFrame) -> dict[str, Any]:
    entries = simulation_figures.simulation_entries(
        int(n) for n in simulated["n_candidates"].unique()
    )
    curves = None if run.study is None else analysis.learning_curves(run.study)
    losses, volumes = [], []
    keys = ["accuracy_target", "metric_target"]
    for i, ((accuracy, metric), rows) in enumerate(simulated.groupby(keys, sort=True)):
        columns = ["mra_all", "mra_all_high", "mra_pareto", "mra_pareto_high"]
        # One scale for the four neighbours: they are read against each other.
        top = float(rows[columns].max().max())
        top = top if np.isfinite(top) and top > 0 else 1.0
        marks = [] if curves is None else _marks(curves, metric, rows)
        title = f"{run.target(accuracy).title}, against {run.target(metric).with_unit}"
        own = tuple(entry for n, entry in entries.items() if (rows["n_candidates"] == n).any())
        losses.append(
            Group(
                title,
                tuple(
                    simulation_figures.simulation_figure(
                        f"{measure.column}-{'tau' if tau else 'deviation'}-{i}".replace("_", "-"),
                        rows,
                        entries,
                        measure,
                        against_tau=tau,
                        top=top,
                        marks=marks,
                    )
                    for tau in (False, True)
                    for measure in (MRA_ALL, MRA_PARETO)
                ),
                own,
            )
        )
        volumes.append(
            Group(
                title,
                tuple(
                    simulation_figures.simulation_figure(
                        f"{measure.column}-{i}".replace("_", "-"), rows, entries, measure
                    )
                    for measure in (HYPERVOLUME, HYPERVOLUME_LOSS)
                ),
                own,
            )
        )
    return {
        "findings": summary.simulation_findings(run, simulated),
        "losses": losses,
        "volumes": volumes,
        "repeats": int(simulated["repeats"].max()),
    }


def _marks(curves: pd.DataFrame, metric: str, rows: pd.DataFrame) -> list[tuple[float, str]]:
    """The best trained predictors of a metric that fall within the simulated range of tau."""
    own = curves[curves["target"] == metric]
    marks = []
    for size in sorted(
        {int(own["training_size"].min()), int(own["training_size"].max())} if len(own) else ()
    ):
        tau = float(analysis.best_at(own, metric, size)["tau"])
        if rows["tau"].min() <= tau <= rows["tau"].max():
            marks.append((tau, f"best with {size:,}"))
    return marks


def _tiles(run: Run) -> list[tuple[str, str]]:
    tiles = []
    if run.study is not None:
        own = run.study[run.study["family"] != LOOKUP_FAMILY]
        tiles += [
            _counted(own["predictor"].nunique(), "predictor"),
            _counted(run.study["target"].nunique(), "target"),
            _counted(own["training_size"].nunique(), "training size"),
            _counted(len(run.study), "trial"),
        ]
    if run.simulation is not None:
        tiles.append(_counted(len(run.simulation), "simulated selection"))
    if run.search is not None:
        tiles.append(_counted(len(run.search), "evaluation"))
    return tiles


def _counted(count: int, noun: str) -> tuple[str, str]:
    return f"{count:,}", noun if count == 1 else f"{noun}s"


def _moment(started: Any) -> str:
    try:
        moment = datetime.datetime.fromisoformat(str(started))
    except ValueError:
        return str(started or "")
    zone = moment.strftime(" %Z") if moment.tzinfo else ""
    return f"{moment.day} {moment:%B %Y, %H:%M}{zone}"


def _duration(value: Any) -> str:
    return seconds(float(value)) if isinstance(value, int | float) else ""


def _machine(machine: Mapping[str, Any]) -> str:
    parts = [str(machine.get("processor") or "")]
    cores, memory = machine.get("cores"), machine.get("memory_gib")
    parts.append("" if cores is None else f"{cores} core{'s' * (cores != 1)}")
    parts.append(f"{memory:.3g} GiB of memory" if isinstance(memory, int | float) else "")
    parts.append(str(machine.get("system") or ""))
    return ", ".join(part for part in parts if part)


def _tables(tables: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown = []
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            continue
        columns = table.get("columns")
        rows = table.get("rows")
        shown.append(
            {
                "name": name,
                "title": table.get("title") or name,
                "sha256": table.get("sha256") or "",
                "rows": f"{rows:,}" if isinstance(rows, int) else "unknown",
                "space": table.get("space") or "unknown",
                "columns": {
                    key: column
                    for key, column in (columns if isinstance(columns, Mapping) else {}).items()
                    if isinstance(column, Mapping)
                },
            }
        )
    return shown


def _asset(name: str) -> str:
    return resources.files("hwbench.report").joinpath(name).read_text(encoding="utf-8")
