"""Running all trials of a study."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import PositiveInt

from hwbench.arguments import check_fields, one_of
from hwbench.errors import HwbenchError
from hwbench.notebook import panel, sentences
from hwbench.predictors.left_out import LeftOut
from hwbench.progress import Progress, silent
from hwbench.results.device_sets import over_device_sets, predictions_of_one_set
from hwbench.results.run import Run, name_entries
from hwbench.results.study_columns import KEY, MEASURED, STUDY_SCHEMA
from hwbench.results.study_html import study_html
from hwbench.results.study_reading import as_frame, trial_outcomes, with_plain_texts
from hwbench.results.study_writing import StudyStore, prediction_table
from hwbench.study.baselines import free_baselines
from hwbench.study.local import run_local
from hwbench.study.plan import OTHER_CODE, Plan, Workload, make_plan
from hwbench.study.spec import Limits, StudySpec
from hwbench.study.trial import Trial, TrialResult
from hwbench.tables import Target

__all__ = ["MEASURED", "LeftOut", "Resources", "StudyResult", "run_plan", "run_study"]


BACKENDS = ("local", "dask", "ray")

Results = Generator[TrialResult | None, None, None]
"""Results as trials end, and None from time to time while none does."""


@dataclass(frozen=True)
class Resources:
    """Where trials are run. It changes no number.

    Attributes
    ----------
    workers : processes of one thread each; of a cluster that is there, as many as it has.
    backend : "local", "dask" (extra `cluster-dask`) or "ray" (extra `cluster-ray`).
    address : of the cluster: "tcp://host:8786" of a Dask scheduler, "host:6379" or "auto" of Ray.
        Without one, a cluster of `workers` processes is started on this machine.
    """

    workers: PositiveInt = 1
    backend: Annotated[str, one_of(BACKENDS)] = "local"
    address: str | None = None

    def __post_init__(self) -> None:
        """Check each, and that they go together."""
        check_fields(self, "study")
        if self.address is not None and self.backend == "local":
            raise HwbenchError(f"address {self.address}: the backend 'local' has none; dask or ray")


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes
    ----------
    trials : a row a trial: its key, its scores, its times in seconds, its error.
    predictions : a row a test architecture of a trial: truth and prediction in the target's unit.
    left_out : what could not be run.
    info : what the record of a run folder says too: cards of tables and predictors, and what ranks
        each target for nothing.
    """

    trials: pd.DataFrame
    predictions: pd.DataFrame
    left_out: tuple[LeftOut, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)

    def as_run(self) -> Run:
        """The same as `read_run` reads it from a run folder."""
        named = name_entries(over_device_sets(self.trials))
        kept = None
        if len(self.predictions):
            kept = name_entries(predictions_of_one_set(self.predictions, self.trials))
        return Run(Path(), self.info, study=named, trials=self.trials, predictions=kept)

    def __repr__(self) -> str:
        predictors, targets = (self.trials[name].nunique() for name in ("predictor", "target"))
        failed = int(self.trials["error"].notna().sum())
        size = f"{len(self.trials)} trials, {predictors} predictors, {targets} targets"
        return f"<StudyResult: {size}{f', {failed} failed' if failed else ''}>"

    def _repr_html_(self) -> str:
        lines = [f"{each.predictor} is left out: it {each.reason}" for each in self.left_out]
        return panel(
            f"A study: {len(self.trials)} trials", (), study_html(self.trials)
        ) + sentences(lines)


def run_study(
    spec: StudySpec,
    *,
    targets: Sequence[Target] | None = None,
    workers: int = 1,
    backend: Literal["local", "dask", "ray"] = "local",
    address: str | None = None,
    progress: Progress = silent,
) -> StudyResult:
    """Run all trials of a study and give back the results; `run_scenario` keeps them in a folder.

    Parameters
    ----------
    spec : what to compare.
    targets : the spec's, by whose names they are opened where not given.
    workers, backend, address : where, see `Resources`; the results do not depend on it.
    progress : called with (trials done, trials in all).

    Raises
    ------
    HwbenchError
        Where a table, column or predictor is unknown, a table is too small, or code changes while
        the study runs.
    """
    plan = make_plan(spec, targets)
    results: list[TrialResult] = []
    progress(0, len(plan.trials))
    resources = Resources(workers, backend, address)
    with closing(_results(plan.trials, plan.workload, spec.limits, resources)) as stream:
        for result in stream:
            if result is not None:
                results.append(result)
                progress(len(results), len(plan.trials))
    results.sort(key=lambda result: result.trial)
    kept = [
        {**{name: result.row[name] for name in ("trial", *KEY)}, **result.predictions}
        for result in results
        if result.predictions is not None
    ]
    return StudyResult(
        trials=with_plain_texts(
            pd.DataFrame([result.row for result in results], columns=STUDY_SCHEMA.names)
        ),
        predictions=(
            as_frame(prediction_table(kept)).drop(columns="trial") if kept else pd.DataFrame()
        ),
        left_out=tuple(plan.left_out),
        info=_info(plan),
    )


def _info(plan: Plan) -> dict[str, Any]:
    targets = {key: data.target for key, data in plan.workload.targets.items()}
    return {
        "title": "A study",
        "tables": {
            each.table_name: each.table.card.model_dump(mode="json") for each in targets.values()
        },
        "predictors": {
            name: card.model_dump(mode="json") for name, card in plan.workload.cards.items()
        },
        "baselines": {key: free_baselines(target) for key, target in targets.items()},
    }


def run_plan(
    plan: Plan,
    folder: Path,
    *,
    limits: Limits | None = None,
    resources: Resources = Resources(),
    shard: tuple[int, int] = (1, 1),
    retry_failed: bool = False,
    progress: Progress = silent,
) -> int:
    """Run those trials of a plan that a run folder lacks, and keep their results there.

    A trial counts as done, here and to `progress`, once its result is on the disk.

    Parameters
    ----------
    plan : of the study.
    folder : the run folder.
    limits : of each trial.
    resources : where to run.
    shard : (i, n): only the i-th of n parts of the trials, i from 1.
    retry_failed : whether to run those again that failed.
    progress : called with (trials done, trials in all).

    Returns
    -------
    How many trials were run.

    Raises
    ------
    HwbenchError
        Where another process writes the folder, the disk is full or gone, or code changes while the
        study runs. What was reported done is kept.
    """
    trials = shard_of(plan.trials, shard)
    with StudyStore(folder) as store:
        settled = {name for name, failed in store.failed.items() if not (failed and retry_failed)}
        missing = [trial for trial in trials if trial.identity not in settled]
        kept = len(trials) - len(missing)
        progress(kept, len(trials))
        done = 0
        stream = _results(missing, plan.workload, limits, resources)
        try:
            for result in stream:
                if result is not None:
                    store.add(result.row, result.predictions)
                    done += 1
                if store.due:
                    store.flush()
                    progress(kept + done, len(trials))
        finally:
            stream.close()
            store.flush()
        store.compact()
        _require_all(folder, trials)
        progress(len(trials), len(trials))
    return len(missing)


def _require_all(folder: Path, trials: Sequence[Trial]) -> None:
    """See that every trial is on the disk.

    Raises
    ------
    HwbenchError
        Where some are not: something else has removed them.
    """
    lost = len({trial.identity for trial in trials} - trial_outcomes(folder).keys())
    if lost:
        raise HwbenchError(
            f"{folder}: {lost:,} of {len(trials):,} trials are not on the disk, something else has "
            f"removed them meanwhile; go on with: hwbench study resume {folder}"
        )


def shard_of(trials: Sequence[Trial], shard: tuple[int, int]) -> list[Trial]:
    """The i-th of n parts of trials, of equal size but for one trial, alike in cost.

    Raises
    ------
    HwbenchError
        Where i is not among 1 .. n.
    """
    place, count = shard
    if not 1 <= place <= count:
        raise HwbenchError(f"shard {place}/{count}: the first number must be 1 to {count}")
    return _in_order(trials)[place - 1 :: count]


def _in_order(trials: Sequence[Trial]) -> list[Trial]:
    """The slow trials first, so that no worker is left alone with one at the end."""
    return sorted(trials, key=lambda trial: -trial.training_size)


def _results(
    trials: Sequence[Trial], workload: Workload, limits: Limits | None, resources: Resources
) -> Results:
    with closing(_stream(trials, workload, limits, resources)) as stream:
        for result in stream:
            if result is not None and result.row["exception"] == OTHER_CODE:
                raise HwbenchError(
                    f"predictor {result.trial.predictor} on {result.trial.target}: its code is not "
                    "what it was when the study was planned, it was edited since, or a worker has "
                    "another; all that ended is kept, run the study again"
                )
            yield result


def _stream(
    trials: Sequence[Trial], workload: Workload, limits: Limits | None, resources: Resources
) -> Results:
    ordered = _in_order(trials)
    if ordered and resources.backend == "dask":
        from hwbench.study.cluster_dask import run_dask

        return run_dask(ordered, workload, resources.workers, resources.address, limits)
    if ordered and resources.backend == "ray":
        from hwbench.study.cluster_ray import run_ray

        return run_ray(ordered, workload, resources.workers, resources.address, limits)
    return run_local(ordered, workload, workers=resources.workers, limits=limits)
