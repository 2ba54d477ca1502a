"""Trials on Dask: a cluster that is there, or processes on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.imports import import_module_of
from hwbench.study.cluster import lost, packed, run_in_cluster
from hwbench.study.plan import Workload
from hwbench.study.spec import Limits
from hwbench.study.trial import Trial, TrialResult

WAITING = 4
"""Trials a thread of the cluster that are handed to it at once: it is never idle, nor flooded."""

CONNECT_SECONDS = 30


def run_dask(
    trials: Sequence[Trial],
    workload: Workload,
    workers: int,
    address: str | None,
    limits: Limits | None,
) -> Generator[TrialResult | None, None, None]:
    """Run trials on a Dask cluster, which begins those of a lost worker again on another.

    Parameters
    ----------
    trials : in the order in which they are begun.
    workload : what they need.
    workers : processes of a cluster that is started for this; one that is there has its own.
    address : of the scheduler; None starts a cluster on this machine.
    limits : of each trial.

    Yields
    ------
    The result of each trial as it ends, and None from time to time while none does.

    Raises
    ------
    HwbenchError
        Where Dask is not installed, or the scheduler does not answer.
    """
    distributed = import_module_of("distributed", owner="backend dask")
    with contextlib.ExitStack() as stack:
        client = _client(stack, distributed, workers, address)
        # A task that makes the bytes is made again if all workers that hold them are lost.
        payload = client.submit(bytes, packed(workload), key=f"hwbench-{id(workload)}", pure=False)
        waiting = list(reversed(trials))
        running: dict[Any, Trial] = {}
        while waiting or running:
            threads = max(1, sum(client.nthreads().values()))
            while waiting and len(running) < WAITING * threads:
                trial = waiting.pop()
                future = client.submit(
                    run_in_cluster, payload, trial, limits, pure=False, priority=-len(running)
                )
                running[future] = trial
            try:
                done = distributed.wait(list(running), 1.0, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                yield None
                continue
            for future in done:
                trial = running.pop(future)
                try:
                    yield future.result()
                except Exception as error:  # noqa: BLE001  a lost worker is this trial's result
                    yield lost(trial, workload, error)


def _client(
    stack: contextlib.ExitStack, distributed: Any, workers: int, address: str | None
) -> Any:
    if address is None:
        cluster = stack.enter_context(
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            )
        )
        return stack.enter_context(distributed.Client(cluster))
    try:
        return stack.enter_context(distributed.Client(address, timeout=CONNECT_SECONDS))
    except (OSError, ValueError) as error:
        raise HwbenchError(f"backend dask: no scheduler answers at {address} ({error})") from error
