"""Advice: everything that was found, as an object, as numbers, and as files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwbench.advise.candidates import Candidate
from hwbench.advise.comparison import Comparison
from hwbench.advise.promise import interval_of
from hwbench.advise.selection import Selection
from hwbench.advise.trials import Data, Trial
from hwbench.notebook import panel, sentences
from hwbench.predictors.fitted_model import FittedModel, data_digest
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.results.names import ADVICE, ADVICE_PAGE

if TYPE_CHECKING:
    import pandas as pd

MODEL, RUN = "model.hwb", "run.json"
PICKS = "picks.csv"


@dataclass(frozen=True, eq=False)
class Advice(Comparison):
    """What `hwbench.advise_on` found.

    Attributes
    ----------
    selection : what a search is expected to lose; None where nothing is said of it.
    no_selection : why not.
    model : the chosen predictor, fitted to all measurements.
    n_looked_at, n_bent : predictions that were looked at, and of these those that would not be
        above 0 where the metric always is, but are kept there.
    seconds : that it took; the only thing here that hangs on the machine.
    """

    selection: Selection | None
    no_selection: str
    model: ArchitectureRegressor
    n_looked_at: int
    n_bent: int
    seconds: float

    @cached_property
    def fitted(self) -> FittedModel:
        """The chosen predictor as `fit_best` gives it: with a card, a leaderboard and a file."""
        measured = self.measurements
        texts = measured.space.to_strings(measured.archs)
        return FittedModel.of(
            self.model,
            description=f"advised by hwbench; {self.lines()[0]}",
            target=measured.key,
            unit=measured.unit,
            direction=measured.direction,
            training_archs=measured.archs,
            data_sha256=data_digest(texts, measured.values),
            warnings=self.warnings,
            **self.card,
        )

    def __repr__(self) -> str:
        tau = self.promise.tau
        chosen = self.ranking.chosen.candidate.label if self.verdict.has_model else "no model"
        return (
            f"<Advice on {self.measurements.described} of {self.measurements.space.name}: "
            f"{chosen}; Kendall's tau {tau.value:.2f} ({tau.low:.2f} to {tau.high:.2f}) expected "
            f"of {len(self.measurements)} architectures; see lines()>"
        )

    def _repr_html_(self) -> str:
        lead, *others = self.lines()
        notes = [f"Note: {note}." for note in self.measurements.notes]
        return panel(lead, (), sentences([*others, *notes]))

    def leaderboard(self) -> pd.DataFrame:
        """What was tried, the best first, see `FittedModel.leaderboard`."""
        return self.fitted.leaderboard()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against relying on this, a sentence each."""
        from hwbench.advise.words import warnings_of

        return warnings_of(self, self.n_looked_at, self.n_bent)

    def lines(self) -> list[str]:
        """The summary in plain words, a line a fact."""
        from hwbench.advise.words import summary_lines

        return summary_lines(self)

    def to_dict(self) -> dict[str, Any]:
        """Every number, as plain data that JSON can hold.

        The same measurements, seed and work give the same on any machine: what hangs on it is in
        `run_facts`.
        """
        chosen = self.ranking.chosen
        selection = self.selection
        told = {
            "source": {
                "label": self.measurements.label,
                "sha256": self.measurements.sha256,
                "space": self.measurements.space.name,
                "metric": self.measurements.metric,
                "unit": self.measurements.unit,
                "direction": self.measurements.direction,
                "rows": len(self.measurements.all_values),
                "architectures": len(self.measurements),
                "notes": list(self.measurements.notes),
            },
            "predictor": self.predictor,
            "encoding": self.encoding,
            "tuned": chosen.candidate.tuned,
            "verdict": {**asdict(self.verdict), "has_model": self.verdict.has_model},
            "reason": self.ranking.reason,
            "warnings": list(self.warnings),
            "kendall_tau": asdict(self.promise.tau),
            "relative_scores": self.relative_scores,
            "doubled": {
                "training_size": 2 * self.promise.size,
                "kendall_tau": asdict(self.promise.doubled),
                "gain": asdict(self.promise.gain),
            },
            "slope": asdict(self.promise.slope),
            "learning_curve": [asdict(point) for point in self.promise.points],
            "noise": None if self.noise is None else asdict(self.noise),
            "selection": None if selection is None else _selection(selection),
            "ranking": [_trial(each, self.data) for each in self.ranking.trials],
            "failed": [
                {**_named(each.candidate), "error": each.error} for each in self.ranking.failed
            ],
            "not_tried": [_named(each) for each in self.ranking.not_tried],
            "not_repeated": [_named(each) for each in self.ranking.not_repeated],
            "left_out": [
                {"predictor": each.predictor, "reason": each.reason} for each in self.left_out
            ],
            "work": {**asdict(self.done), "complete": self.done.complete},
            "seed": self.seed,
        }
        return _plain(told)

    def run_facts(self) -> dict[str, Any]:
        """What hangs on the machine: which it was, versions, seconds of each cross-validation."""
        from hwbench.environment import describe_machine, describe_versions

        return _plain(
            {
                "seconds": round(self.seconds, 1),
                "cross_validations": [
                    {**_named(each.candidate), "seconds": each.seconds}
                    for each in self.ranking.trials
                ],
                "machine": describe_machine(),
                "versions": describe_versions(),
            }
        )

    def save(self, folder: Path | str) -> dict[str, Path]:
        """Write the fitted model, all numbers and the page into a folder.

        Returns
        -------
        The paths of "model", "numbers", "page" and "run", and of "picks" where there are any.

        Raises
        ------
        HwbenchError
            Where a file cannot be written.
        """
        from hwbench.locks import only_writer

        with only_writer(Path(folder)):
            return self._save(Path(folder))

    def _save(self, place: Path) -> dict[str, Path]:
        from hwbench.advise.page import render
        from hwbench.files import write_text

        paths = {
            "model": place / MODEL,
            "numbers": place / ADVICE,
            "page": place / ADVICE_PAGE,
            "run": place / RUN,
        }
        numbers, run = self.to_dict(), self.run_facts()
        self.fitted.save(paths["model"])
        write_text(paths["numbers"], json.dumps(numbers, indent=2, allow_nan=False) + "\n")
        write_text(paths["run"], json.dumps(run, indent=2, allow_nan=False) + "\n")
        write_text(paths["page"], render(self, numbers, run))
        if self.selection is not None:
            paths["picks"] = place / PICKS
            write_text(paths["picks"], self.selection.picks.to_csv(index=False))
        return paths


def _named(candidate: Candidate) -> dict[str, Any]:
    return {
        "predictor": candidate.predictor,
        "encoding": candidate.encoding,
        "title": candidate.title,
        "tuned": candidate.tuned,
    }


def _trial(trial: Trial, data: Data) -> dict[str, Any]:
    low, high = interval_of(trial, data)
    return {
        **_named(trial.candidate),
        "kendall_tau": trial.tau,
        "low": low,
        "high": high,
        "repeats": len(trial.sums),
    }


def _selection(selection: Selection) -> dict[str, Any]:
    found = {
        name: getattr(selection, name)
        for name in (
            "accuracy", "notes", "n_candidates", "repeats", "deviation", "n_selected", "verify",
        )
    }  # fmt: skip
    for name in ("mra_all", "mra_verified", "hypervolume_lost"):
        found[name] = asdict(getattr(selection, name))
    found["budgets"] = [asdict(each) for each in selection.budgets]
    found["picks"] = selection.picks.to_dict("records")
    return found


def _plain(value: Any) -> Any:
    """The same without numpy's types, and with None for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
