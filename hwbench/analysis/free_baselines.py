"""What ranks architectures without any measurement, beside the predictors of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from hwbench.analysis.comparison import score_summary
from hwbench.results.record import read_record
from hwbench.results.run import Run
from hwbench.results.study_reading import read_trials

FreeTaus = Mapping[str, Mapping[str, float]]
"""By target and name, such as "flops", Kendall's tau with the target."""

NO_ENCODING = "none"
"""In place of an encoding: nothing is given to what learns nothing."""


def free_taus(folder: Path, targets: Iterable[str]) -> dict[str, dict[str, float]]:
    """Kendall's tau of what needs no measurement, as a run's record has it.

    Parameters
    ----------
    folder : the run folder of a study.
    targets : "table:column"; one that the record knows nothing of has none.
    """
    run = Run(folder, read_record(folder) or {})
    return {target: run.baselines(target) for target in targets}


def scores_of_run(folder: Path) -> pd.DataFrame:
    """`score_summary` of a run folder's study, and what needs no measurement behind each target.

    The latter have `encoding` "none", no training size, no seeds, and no other score than tau.
    """
    found = score_summary(read_trials(folder))
    if found.empty:
        return found
    free = free_scores(free_taus(folder, found["target"].unique()))
    return beside(found, free).sort_values("target", kind="stable", ignore_index=True)


def beside(found: pd.DataFrame, free: pd.DataFrame) -> pd.DataFrame:
    """Rows of predictors and then of what needs no measurement, which older records know not."""
    return found if free.empty else pd.concat([found, free])


def free_scores(free: FreeTaus) -> pd.DataFrame:
    """Rows for `score_summary`, of no training size and no seeds, the best of a target first."""
    rows = [
        {
            "target": target,
            "predictor": name,
            "encoding": NO_ENCODING,
            "training_size": 0,
            "seeds": 0,
            "kendall_tau": tau,
        }
        for target, taus in free.items()
        for name, tau in sorted(taus.items(), key=lambda each: -each[1])
    ]
    columns = ["target", "predictor", "encoding", "training_size", "seeds", "kendall_tau"]
    return pd.DataFrame(rows, columns=columns)


def free_samples(free: FreeTaus, tau: float) -> pd.DataFrame:
    """Rows for `samples_needed`: 0 where a tau is reached, else infinite."""
    rows = [
        {
            "target": target,
            "predictor": name,
            "encoding": NO_ENCODING,
            "samples": 0.0 if own >= tau else float("inf"),
            "low": float("nan"),
            "high": float("nan"),
            "bounded": False,
        }
        for target, taus in free.items()
        for name, own in taus.items()
    ]
    columns = ["target", "predictor", "encoding", "samples", "low", "high", "bounded"]
    return pd.DataFrame(rows, columns=columns)


def free_ranks(
    scores: pd.DataFrame, free: FreeTaus, of_targets: Mapping[str, str]
) -> dict[str, float]:
    """The average rank that each would have, were it the only one beside the predictors.

    Parameters
    ----------
    scores : mean Kendall's tau of predictors (columns) on measurements (rows), see
        `scores_by_measurement`.
    free : their targets' taus; only what all targets know is ranked.
    of_targets : the measurement behind each target.
    """
    taus = pd.DataFrame(dict(free)).T.dropna(axis="columns")
    by_measurement = taus.groupby([of_targets.get(str(each), str(each)) for each in taus.index])
    means = by_measurement.mean().reindex(scores.index).dropna(axis="columns")
    ranks = {
        str(name): float(
            (
                1
                + scores.gt(means[name], axis="index").sum(axis="columns")
                + 0.5 * scores.eq(means[name], axis="index").sum(axis="columns")
            ).mean()
        )
        for name in means
    }
    return dict(sorted(ranks.items(), key=lambda each: each[1]))
