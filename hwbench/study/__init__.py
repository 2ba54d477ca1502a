"""Studies: predictors fitted and scored on tables at every training size and seed.

Names are imported when first used, so that reading the results of a study loads no model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwbench.results.study_predictions import iter_predictions, read_predictions
    from hwbench.results.study_reading import read_trials
    from hwbench.study.run import StudyResult, run_study
    from hwbench.study.spec import StudySpec
    from hwbench.study.trial import Trial, run_trial

_HOME_OF = {
    "StudyResult": "hwbench.study.run",
    "StudySpec": "hwbench.study.spec",
    "Trial": "hwbench.study.trial",
    "iter_predictions": "hwbench.results.study_predictions",
    "read_predictions": "hwbench.results.study_predictions",
    "read_trials": "hwbench.results.study_reading",
    "run_study": "hwbench.study.run",
    "run_trial": "hwbench.study.trial",
}

__all__ = [
    "StudyResult",
    "StudySpec",
    "Trial",
    "iter_predictions",
    "read_predictions",
    "read_trials",
    "run_study",
    "run_trial",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hwbench.study' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)
