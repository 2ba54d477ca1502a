"""Figures of fitted models, and of how a study's best predictor predicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError, unknown_number
from hwbench.pages.in_notebooks import Theme, to_plotly
from hwbench.plot.of_runs import name_of, one_of, run_of, study_of
from hwbench.results.run import Run

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from hwbench.advise.result import Advice
    from hwbench.predictors.fitted_model import FittedModel
    from hwbench.study.run import StudyResult
    from hwbench.tables import Table, Target


def leaderboard(chosen: FittedModel | Advice, *, theme: Theme = "light") -> go.Figure:
    """Cross-validated tau of the best predictors, with intervals; the choice is a diamond.

    Parameters
    ----------
    chosen : a model of `fit_best`, or advice.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where the model was not chosen among several.
    """
    from hwbench.advise.figures import scores_figure
    from hwbench.advise.result import Advice

    model = chosen.fitted if isinstance(chosen, Advice) else chosen
    if not model.card.leaderboard:
        model.leaderboard()  # which says why there is none
        raise HwbenchError(f"{model.predictor}: what it is made of has no intervals to draw")
    return to_plotly(scores_figure(model.card.leaderboard), theme)


def predicted_against_measured(
    source: FittedModel | Advice | Path | str | Run | StudyResult,
    data: Path | str | pd.DataFrame | Table | Target | None = None,
    *,
    target: str | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Predictions against measurements: the nearer to the dotted line, the better.

    Parameters
    ----------
    source : a fitted model, with data; advice, whose cross-validated predictions are drawn; or a
        study, of which it is the best predictor of a target at its largest training size.
    data : measurements to hold a model against, as `fit_best` takes them. Architectures that it was
        fitted to are left out.
    target : the column of data, or of a study "table:column", where there are several.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where data is missing or of another space, or a study kept no predictions.
    """
    from hwbench.advise.figures import points_figure, predicted_figure
    from hwbench.advise.result import Advice
    from hwbench.predictors.fitted_model import FittedModel

    if isinstance(source, Advice):
        return to_plotly(predicted_figure(source), theme)
    if isinstance(source, FittedModel):
        archs, truth = _unseen(source, data, target)
        names = source.space.to_strings(archs)
        caption = f"{len(archs)} architectures that the model was not fitted to."
        guess = source.predict(archs)
        return to_plotly(points_figure(names, truth, guess, source.unit, caption), theme)
    return to_plotly(_best_of_study(run_of(source), target), theme)


def calibration(
    source: FittedModel | Path | str | Run | StudyResult,
    data: Path | str | pd.DataFrame | Table | Target | None = None,
    *,
    target: str | None = None,
    training_size: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """What intervals hold against what they are to hold; on the dashed line they are right.

    Parameters
    ----------
    source : a model that tells deviations, with data; or a study.
    data, target : as for `predicted_against_measured`.
    training_size : of a study; its largest by default.
    theme : "light" or "dark".

    Raises
    ------
    HwbenchError
        Where the model, or every predictor of the study, tells no deviations.
    """
    from hwbench.analysis import study as analysis
    from hwbench.pages.plotting import nth_entry
    from hwbench.predictors.fitted_model import FittedModel
    from hwbench.report.study.curves import predictor_entries
    from hwbench.report.study.uncertainty import TOLD, calibration_figure
    from hwbench.results.study_columns import UNCERTAINTY_SCORES
    from hwbench.results.uncertainty_scores import uncertainty_scores

    if isinstance(source, FittedModel):
        archs, truth = _unseen(source, data, target)
        found = uncertainty_scores(truth, *source.predict(archs, return_std=True))
        name = source.predictor or source.card.estimator
        size = source.training_size or 0
        means = pd.DataFrame([{"predictor": name, "training_size": size, **found}])
        figure = calibration_figure(size, means, {name: nth_entry(0, "p:model", name)})
        return to_plotly(replace(figure, title=f"{name}: {len(archs)} architectures"), theme)
    run = run_of(source)
    study = study_of(run)
    there = set(UNCERTAINTY_SCORES) <= set(study.columns)
    told = study[study[TOLD].notna() & ~study["own_training_set"].astype(bool)] if there else study
    if not there or told.empty:
        raise HwbenchError(f"{name_of(run)}: no predictor of its study tells deviations")
    sizes = sorted({int(size) for size in told["training_size"]})
    size = sizes[-1] if training_size is None else training_size
    if size not in sizes:
        raise unknown_number("training size of the study", size, sizes)
    groups = told.groupby(["predictor", "training_size"], observed=True)
    means = groups[list(UNCERTAINTY_SCORES)].mean().reset_index()
    entries = predictor_entries(analysis.predictor_titles(study))
    return to_plotly(calibration_figure(size, means, entries), theme)


# ---------------------------------------------------------------------- what is drawn


def _best_of_study(run: Run, target: str | None) -> Any:
    from hwbench.analysis import study as analysis
    from hwbench.report.study.curves import predictor_entries
    from hwbench.report.study.predictions import predicted_figure

    study = study_of(run)
    if run.predictions is None:
        raise HwbenchError(f"{name_of(run)}: its study kept no predictions")
    curves = analysis.learning_curves(study)
    key = one_of(run, "target", target, sorted(study["target"].unique()))
    best = analysis.best_predictions(run.predictions, curves, [key])
    if not best:
        raise HwbenchError(f"{name_of(run)}: no predictions of {key} are kept")
    entries = predictor_entries(analysis.predictor_titles(study))
    return predicted_figure("predicted", best[0], run.target(key), entries[best[0].predictor])


def _unseen(model: FittedModel, data: Any, target: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Measured architectures that a model was not fitted to, and their values."""
    from hwbench.advise.data import read_data

    if data is None:
        raise HwbenchError(
            "give the measurements that the model is to be held against as the second argument"
        )
    own = read_data(data, model.space, target=target).target
    own = own.check_space(model.space.name, "plot")
    archs, values = own.table.archs, own.values
    known = model.training_archs
    if known is not None:
        new = ~np.isin(model.space.keys_of(archs), model.space.keys_of(known))
        archs, values = archs[new], values[new]
    if not len(archs):
        raise HwbenchError("the model was fitted to all of these measurements; give others")
    return archs, values
