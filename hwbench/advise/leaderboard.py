"""The leaderboard: every predictor with its scores, or why it has none, and what costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from hwbench.advise.baseline import free_baselines
from hwbench.advise.candidates import Candidate
from hwbench.advise.promise import interval_of
from hwbench.advise.ranking import Ranking
from hwbench.advise.trials import Data, Trial
from hwbench.arrays import Floats
from hwbench.predictors.left_out import LeftOut
from hwbench.predictors.model_card import Score

UNTRIED = "the work did not suffice; a larger preset, or more work, tries it"
UNREPEATED = "may be the best, but the work did not suffice for its repeats"


def leaderboard(ranking: Ranking, data: Data, left_out: Iterable[LeftOut]) -> tuple[Score, ...]:
    """A row a candidate, those with a score first, the best on top.

    Parameters
    ----------
    ranking : of the candidates.
    data : what they were cross-validated on.
    left_out : predictors that cannot be tried.
    """
    unrepeated = set(ranking.not_repeated)
    rows = [
        _score(trial, data).model_copy(
            update={
                "status": "chosen" if trial is ranking.chosen else "tried",
                "reason": ranking.reason
                if trial is ranking.chosen
                else UNREPEATED * (trial.candidate in unrepeated),
            }
        )
        for trial in ranking.trials
    ]
    rows += free_scores(data)
    rows.sort(key=lambda row: -(row.kendall_tau or 0.0))
    rows += [
        Score(**_names(trial.candidate), status="failed", reason=trial.error)
        for trial in ranking.failed
    ]
    rows += [
        Score(**_names(each), status="not tried", reason=UNTRIED) for each in ranking.not_tried
    ]
    rows += [
        Score(predictor=each.predictor, status="left out", reason=each.reason) for each in left_out
    ]
    return tuple(rows)


def free_scores(data: Data) -> list[Score]:
    """What needs no measurement, or nothing of the architectures."""
    rows = [
        _score(trial, data).model_copy(update={"rmse": None, "seconds": None, "repeats": 0})
        for trial in free_baselines(data)
    ]
    rows.append(Score(predictor="random", title="random order", kendall_tau=0.0, status="free"))
    rows.append(
        Score(
            predictor="mean",
            title="mean of the measurements",
            kendall_tau=0.0,
            rmse=_error(_means(data), data.values),
            status="free",
        )
    )
    return rows


def _means(data: Data) -> Floats:
    """For each row the mean of those outside its fold."""
    folds = data.folds(0)
    found = np.empty(len(data.values))
    for fold in range(int(folds.max()) + 1):
        found[folds == fold] = data.values[folds != fold].mean()
    return found


def _score(trial: Trial, data: Data) -> Score:
    low, high = interval_of(trial, data)
    return Score(
        **_names(trial.candidate),
        kendall_tau=trial.tau,
        low=low,
        high=high,
        rmse=_error(trial.predictions[0], data.values),
        repeats=len(trial.sums),
        seconds=float(trial.seconds) if np.isfinite(trial.seconds) else None,
        status="free",
    )


def _names(candidate: Candidate) -> dict[str, Any]:
    return {
        "predictor": candidate.predictor,
        "encoding": candidate.encoding,
        "title": candidate.label,
        "tuned": candidate.tuned,
    }


def _error(predicted: Floats, values: Floats) -> float:
    return float(np.sqrt(((predicted - values) ** 2).mean()))
