"""Figures of studies and searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hwbench.errors import HwbenchError, unknown_name
from hwbench.pages.in_notebooks import Theme, to_plotly
from hwbench.results.run import Run, read_run

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from hwbench.advise.result import Advice
    from hwbench.study.run import StudyResult


def learning_curve(
    run: Path | str | Run | StudyResult | Advice,
    target: str | None = None,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Kendall's tau against the number of measurements.

    Parameters
    ----------
    run : a run folder, what `read_run` read of one or `run_study` gave; or advice, whose curve says
        what more measurements would bring.
    target : "table:column" of a study; by default the mean over its targets.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where there is no study, no trial has a score, or the target is unknown.
    """
    from hwbench.advise.result import Advice

    if isinstance(run, Advice):
        from hwbench.advise.figures import curve_figure

        return to_plotly(curve_figure(run), theme)
    from hwbench.analysis import study as analysis
    from hwbench.report.study import curves as figures

    found = run_of(run)
    study = study_of(found)
    curves, keys, title = _curves_of(found, study, target)
    entries = figures.predictor_entries(analysis.predictor_titles(study))
    own_sets = analysis.own_set_scores(study).get(keys[0] if len(keys) == 1 else "", ())
    sizes = [int(size) for size in curves["training_size"]]
    figure = figures.learning_curves_figure(
        "curve", title, curves, entries, own_sets, figures.references(found, keys, sizes)
    )
    return to_plotly(figure, theme)


def ranking(run: Path | str | Run | StudyResult, *, theme: Theme = "light") -> go.Figure:
    """Average ranks of a study's predictors over its targets, with critical differences.

    Parameters
    ----------
    run : as for `learning_curve`.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where there is no study, or it has not two targets and two predictors with all scores.
    """
    from hwbench.analysis import study as analysis
    from hwbench.report.study.comparison import ranks_figure
    from hwbench.report.study.curves import predictor_entries

    found = run_of(run)
    study = study_of(found)
    figure = ranks_figure(found, study, predictor_entries(analysis.predictor_titles(study)))
    if figure is None:
        raise HwbenchError(
            f"{name_of(found)}: ranks need two targets, and two predictors that have a score on "
            "each at a common training size; hwbench.plot.learning_curve shows one target"
        )
    return to_plotly(figure, theme)


def search_progress(
    run: Path | str | Run,
    metric: str | None = None,
    *,
    goal: str | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Share of the true front's hypervolume against evaluations, a line a search strategy.

    Parameters
    ----------
    run : a run folder of searches, or what `read_run` read of one.
    metric : "table:column" that was searched over, where there are several.
    goal : "front" or "accuracy", where there are both; by default the front.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where there are no searches, or no such metric or goal.
    """
    from hwbench.report.search.figures import strategy_entries
    from hwbench.report.search.section import hypervolume_figures

    found = run_of(run)
    if found.search is None or found.search_fronts is None:
        raise HwbenchError(f"{name_of(found)}: holds no searches; see `hwbench search run`")
    rows, fronts = found.search, found.search_fronts
    wanted = one_of(found, "metric", metric, rows["metric_target"].unique())
    rows = rows[rows["metric_target"] == wanted]
    goals = [each for each in dict.fromkeys(rows["goal"]) if each != "limits"]
    if goal is not None and goal not in goals:
        raise unknown_name("goal of the searches", goal, goals)
    if not goals:
        raise HwbenchError(f"{name_of(found)}: its searches were under limits alone")
    chosen = goal or ("front" if "front" in goals else goals[0])
    entries = strategy_entries(dict.fromkeys(rows["strategy"]))
    own = replace(
        found,
        search=rows[rows["goal"] == chosen],
        search_fronts=fronts[fronts["metric_target"] == wanted],
    )
    figure = hypervolume_figures(own, entries)[0]
    title = f"{own.target(wanted).title}: {figure.title or 'hypervolume'}"
    return to_plotly(replace(figure, title=title), theme, tuple(entries.values()))


# ---------------------------------------------------------------------- what is drawn


def run_of(run: Any) -> Run:
    """The results of a run, wherever they are."""
    from hwbench.study.run import StudyResult

    if isinstance(run, StudyResult):
        return run.as_run()
    if isinstance(run, Run):
        return run
    if isinstance(run, str | Path):
        return read_run(Path(run))
    raise HwbenchError(
        f"a {type(run).__name__} is no run: give a run folder, or what hwbench.read_run, "
        "run_study or advise_on gave"
    )


def name_of(run: Run) -> str:
    """What a run is called in messages."""
    return str(run.folder) if str(run.folder) != "." else "the study"


def study_of(run: Run) -> pd.DataFrame:
    """The trials of a run.

    Raises
    ------
    HwbenchError
        Where it holds no study.
    """
    if run.study is None:
        raise HwbenchError(f"{name_of(run)}: holds no study; see `hwbench study run`")
    return run.study


def one_of(run: Run, kind: str, wanted: str | None, names: Sequence[Any]) -> str:
    """The one of several that is meant; it may be left out where there is but one."""
    known = [str(name) for name in names]
    if wanted is None and len(known) > 1:
        raise HwbenchError(
            f"{name_of(run)}: holds several of them; say which {kind}: {', '.join(known)}"
        )
    if wanted is not None and wanted not in known:
        raise unknown_name(f"{kind} of {name_of(run)}", wanted, known)
    return known[0] if wanted is None else wanted


def _curves_of(
    run: Run, study: pd.DataFrame, target: str | None
) -> tuple[pd.DataFrame, list[str], str]:
    """Curves of a target, or means over all; the targets they are of; a title."""
    from hwbench.analysis import study as analysis

    curves = analysis.learning_curves(study)
    if curves.empty:
        raise HwbenchError(f"{name_of(run)}: no trained predictor has a score")
    keys = sorted(str(key) for key in curves["target"].unique())
    if target is None and len(keys) > 1:
        overall = analysis.overall_curves(study)
        if len(overall):
            return overall, keys, f"Mean over the {len(keys)} targets"
    key = one_of(run, "target", target, keys)
    return curves[curves["target"] == key], [key], run.target(key).title
