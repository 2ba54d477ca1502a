"""Trials in worker processes of this machine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from hwbench.study.plan import Workload
from hwbench.study.spec import Limits
from hwbench.study.trial import Trial, TrialResult, failed_result
from hwbench.workers.pool import run_units
from hwbench.workers.worker import Lost


def run_local(
    trials: Sequence[Trial], workload: Workload, *, workers: int, limits: Limits | None
) -> Generator[TrialResult | None, None, None]:
    """Run trials, a thread a process; one worker without limits is this process.

    Parameters
    ----------
    trials : in the order in which they are begun.
    workload : what they need.
    workers : processes.
    limits : of each trial.

    Yields
    ------
    The result of each trial as it ends, and None from time to time while none does.

    Raises
    ------
    HwbenchError
        Where a worker process cannot start.
    """
    with closing(run_units(workload.run, trials, workers=workers, limits=limits)) as stream:
        for ended in stream:
            if ended is None:
                yield None
            elif ended.lost is None:
                yield ended.result
            else:
                yield _failed(ended.unit, workload, ended.lost)


def _failed(trial: Trial, workload: Workload, lost: Lost) -> TrialResult:
    return failed_result(
        trial,
        workload.cards[trial.predictor],
        lost.kind,
        lost.error,
        seconds=lost.seconds,
        memory_mb=lost.memory_mb,
    )
