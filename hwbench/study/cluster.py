"""What runs inside a process of somebody else's cluster, Dask's or Ray's."""

from __future__ import annotations

import pickle
import threading
import traceback
from contextlib import closing

from hwbench.study.local import run_local
from hwbench.study.plan import Workload
from hwbench.study.spec import Limits
from hwbench.study.trial import Trial, TrialResult, failed_result

_ONE_AT_A_TIME = threading.Lock()


def run_in_cluster(payload: bytes, trial: Trial, limits: Limits | None) -> TrialResult:
    """Run one trial in this process, or in a child of it that can be ended where there are limits.

    Threads of one process take turns: libraries keep their number of threads and their random
    numbers for the process as a whole.

    Parameters
    ----------
    payload : of `packed`.
    trial : what to run.
    limits : of the trial.
    """
    with _ONE_AT_A_TIME:
        workload = _unpacked(payload)
        with closing(run_local([trial], workload, workers=1, limits=limits)) as results:
            return next(result for result in results if result is not None)


_last: tuple[int, Workload] | None = None


def _unpacked(payload: bytes) -> Workload:
    """The workload, unpacked once for all trials of a study."""
    global _last
    key = hash(payload)
    if _last is None or _last[0] != key:
        _last = (key, pickle.loads(payload))  # noqa: S301  packed by the driver of the study
    return _last[1]


def packed(workload: Workload) -> bytes:
    """The workload as bytes, to be sent once a worker."""
    return pickle.dumps(workload, protocol=pickle.HIGHEST_PROTOCOL)


def lost(trial: Trial, workload: Workload, error: BaseException) -> TrialResult:
    """The result of a trial that a cluster gave up on, its worker having died again and again."""
    return failed_result(
        trial,
        workload.cards[trial.predictor],
        "WorkerDied",
        "".join(traceback.format_exception_only(error)).strip(),
        seconds=float("nan"),
        memory_mb=float("nan"),
    )
