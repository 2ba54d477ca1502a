"""The same study on real local clusters, a worker killed half way: the same numbers."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

import hwbench as hb
from hwbench.results.study_columns import MEASURED
from hwbench.results.study_predictions import read_predictions
from hwbench.results.study_reading import read_trials
from hwbench.runs.run import run_scenario

SEEDS = tuple(range(12))


@pytest.fixture
def study(models, make_spec, scenario_file):
    """A scenario's file, and what running it in this process finds."""
    spec = make_spec(predictors=("sleepy", "ridge"), seeds=SEEDS)
    return scenario_file(spec), hb.run_study(spec)


def same(folder, expected):
    measured = list(MEASURED)
    trials = read_trials(folder)
    pd.testing.assert_frame_equal(
        trials.drop(columns=measured), expected.trials.drop(columns=measured)
    )
    order = ["predictor", "training_size", "seed"]
    found = read_predictions(folder).sort_values(order, kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(found, expected.predictions)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def start(monkeypatch):
    """Start programs that end with the test, and know nothing of the user's home."""
    started = []
    environment = {name: value for name, value in os.environ.items() if name != "HWBENCH_HOME"}
    environment["RAY_AUTH_MODE"] = "disabled"  # on loopback, and whatever token the user has
    # A lost node is noticed in seconds, not minutes.
    for name, value in (("period_ms", 1000), ("timeout_ms", 3000), ("failure_threshold", 3)):
        environment[f"RAY_health_check_{name}"] = str(value)

    def run(*command):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


def killing(action):
    """A stage whose progress calls an action once, half way."""
    calls = []

    def stage(_title):
        def progress(done, total):
            if done >= total / 4 and not calls:
                calls.append(done)
                action()

        return progress

    stage.calls = calls
    return stage


@pytest.fixture(autouse=True)
def _report_early(monkeypatch):
    monkeypatch.setattr("hwbench.results.study_writing.FLUSH_SECONDS", 0.2)


def test_dask_with_a_worker_killed(study, tmp_path, models, start, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra cluster-dask")
    scenario, expected = study
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "60s")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    place = ["--host", "127.0.0.1", "--no-dashboard"]
    dask = [sys.executable, "-m", "dask"]
    start(*dask, "scheduler", "--port", str(port), *place)
    options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path), *place]
    workers = [start(*dask, "worker", address, *options) for _ in range(2)]
    from distributed import Client

    with Client(address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
    stage = killing(workers[0].kill)
    run_scenario(str(scenario), tmp_path / "run", backend="dask", address=address, stage=stage)
    assert stage.calls
    assert workers[0].wait(10) != 0
    same(tmp_path / "run", expected)


@pytest.mark.slow
def test_ray_with_a_node_killed(study, tmp_path, models, start):
    ray = pytest.importorskip("ray", reason="needs the extra cluster-ray")
    scenario, expected = study
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
    small = ["--object-store-memory=80000000", "--disable-usage-stats"]
    head = ["--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    start(*command, *small, *head)
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    second = start(*command, *small, f"--address={address}")
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    try:
        while ray.cluster_resources().get("CPU", 0) < 2:
            assert time.monotonic() < deadline + 60
            time.sleep(0.2)

        def kill_node():
            for child in psutil.Process(second.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            second.kill()

        stage = killing(kill_node)
        run_scenario(str(scenario), tmp_path / "run", backend="ray", stage=stage)
        assert stage.calls
    finally:
        ray.shutdown()
    same(tmp_path / "run", expected)


@pytest.mark.parametrize(
    ("backend", "module", "extra"),
    [("dask", "distributed", "cluster-dask"), ("ray", "ray", "cluster-ray")],
)
def test_an_absent_library_is_named_with_its_extra(
    study, tmp_path, monkeypatch, backend, module, extra
):
    monkeypatch.setitem(sys.modules, module, None)
    message = re.escape(f"pip install 'hwbench[{extra}]'")
    with pytest.raises(hb.HwbenchError, match=message):
        run_scenario(str(study[0]), tmp_path / "run", backend=backend)


def test_a_scheduler_that_is_not_there_is_one_line(study, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra cluster-dask")
    monkeypatch.setattr("hwbench.study.cluster_dask.CONNECT_SECONDS", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(hb.HwbenchError, match=f"no scheduler answers at {address}"):
        run_scenario(str(study[0]), tmp_path / "run", backend="dask", address=address)


@pytest.mark.parametrize("backend", ["slurm", "Dask"])
def test_an_unknown_backend_is_named(study, tmp_path, backend):
    with pytest.raises(hb.HwbenchError, match=f"unknown backend '{backend}'"):
        run_scenario(str(study[0]), tmp_path / "run", backend=backend)


def test_shards_merge_into_the_whole(study, tmp_path):
    scenario, expected = study
    shards = [tmp_path / f"shard-{i}" for i in (1, 2, 3)]
    for place, folder in enumerate(shards, start=1):
        run_scenario(str(scenario), folder, shard=(place, 3))
        assert len(read_trials(folder)) == 16
    from hwbench.runs.merging import merge_studies

    assert merge_studies(tmp_path / "whole", shards) == 48
    same(tmp_path / "whole", expected)
    assert merge_studies(tmp_path / "whole", shards[:1]) == 0


def test_folders_of_other_studies_do_not_merge(study, tmp_path, make_spec, scenario_file):
    from hwbench.runs.merging import merge_studies

    run_scenario(str(study[0]), tmp_path / "one")
    other = scenario_file(make_spec(predictors=("ridge",), test_size=40), "other")
    run_scenario(str(other), tmp_path / "other")
    with pytest.raises(hb.HwbenchError, match=r"other: cannot be merged.*study\.predictors"):
        merge_studies(tmp_path / "whole", [tmp_path / "one", tmp_path / "other"])
    with pytest.raises(hb.HwbenchError, match="holds no study"):
        merge_studies(tmp_path / "whole", [tmp_path / "absent"])
    assert not (tmp_path / "whole").exists()
