"""Studies: predictors fitted and scored on tables at every training size and seed."""

from __future__ import annotations

from hwbench.study.run import StudyResult, run_study
from hwbench.study.spec import StudySpec
from hwbench.study.trial import Trial, run_trial

__all__ = ["StudyResult", "StudySpec", "Trial", "run_study", "run_trial"]
