"""Trials on Ray: a cluster that is there, or processes on this machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator, Sequence
from typing import Any

from hwbench.errors import HwbenchError, one_line
from hwbench.imports import import_module_of
from hwbench.study.cluster import lost, packed, run_in_cluster
from hwbench.study.plan import Workload
from hwbench.study.spec import Limits
from hwbench.study.trial import Trial, TrialResult

WAITING = 4
"""Trials a core of the cluster that are handed to it at once: it is never idle, nor flooded."""

RETRIES = 3
"""How often a trial is begun again whose worker or node was lost."""


def run_ray(
    trials: Sequence[Trial],
    workload: Workload,
    workers: int,
    address: str | None,
    limits: Limits | None,
) -> Generator[TrialResult | None, None, None]:
    """Run trials on a Ray cluster, which begins those of a lost worker again on another.

    Parameters, results and errors are those of `hwbench.study.cluster_dask.run_dask`; `address` is
    that of a cluster's head, or "auto".
    """
    ray = import_module_of("ray", owner="backend ray")
    ours = not ray.is_initialized()
    if ours:
        _start(ray, workers, address)
    try:
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(run_in_cluster)
        payload = ray.put(packed(workload))
        limits_there = ray.put(limits)
        waiting = list(reversed(trials))
        running: dict[Any, Trial] = {}
        while waiting or running:
            cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
            while waiting and len(running) < WAITING * cores:
                trial = waiting.pop()
                running[task.remote(payload, trial, limits_there)] = trial
            done, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
            if not done:
                yield None
            for reference in done:
                trial = running.pop(reference)
                try:
                    yield ray.get(reference)
                except Exception as error:  # noqa: BLE001  a lost worker is this trial's result
                    yield lost(trial, workload, error)
    finally:
        if ours:
            ray.shutdown()


def _start(ray: Any, workers: int, address: str | None) -> None:
    # Without "local" Ray joins whatever cluster a file of its own names, also one that was killed.
    own = {"num_cpus": workers, "address": "local"}
    given = own if address is None else {"address": address}
    stopping = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            **given,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise HwbenchError(
            f"backend ray: cannot join {address or 'a cluster'} ({one_line(error)})"
        ) from error
    # Ray's own handler prints where each thread is and ends the process there.
    if callable(stopping) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stopping)
