"""Commands that are told to stop, whose folder goes, or whose disk is full, in real processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Commands as they are, but slow enough for the test to be in time, and that write what is done
# soon.
COMMAND = """
import os, sys, time
from hwbench.cli import main
from hwbench.results import study_writing

study_writing.FLUSH_SECONDS = 0.2

def slowed(module, name, before):
    call = getattr(module, name)
    def wait(*arguments, **options):
        time.sleep(float(os.environ["SLEEP"]))
        return call(*arguments, **options)
    setattr(module, name, wait)

what = os.environ["SLOW"]
if what == "study":
    from hwbench.study.plan import Workload
    slowed(Workload, "run", 0)
elif what == "search":
    from hwbench.search import run
    slowed(run, "evaluations", 0)
elif what == "simulation":
    from hwbench.runs import run
    slowed(run, "run_simulation", 0)
elif what == "live":
    from hwbench.live.search import Search
    slowed(Search, "train_epoch", 0)
elif what == "vae":
    from hwbench.vae import training
    training.SECONDS_BETWEEN_CHECKPOINTS = -1
    slowed(training._Trainer, "epoch", 0)
elif what == "train":
    from hwbench.tables.made import train
    slowed(train, "train_one", 0)
main()
"""

SCENARIO = """
title = "Mine"
[study]
targets = ["small:latency"]
predictors = ["ridge"]
training_sizes = [10, 20]
seeds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
test_size = 100
[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [50]
deviations = [0.5]
repeats = 5
[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = ["random"]
evaluations = 20
checkpoints = [10, 20]
n_initial = 10
seeds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
"""

# What is slowed, the command, a file that is there once something is done, how to go on.
COMMANDS = {
    "study": (
        ["study", "run", "{scenario}", "-o", "{run}", "-w", "1"],
        "parts/*.study.parquet",
        "hwbench study run {scenario} -o {run} -w 1",
    ),
    "search": (
        ["search", "run", "{scenario}", "-o", "{run}", "-w", "1"],
        "search_parts/*.parquet",
        "hwbench search run {scenario} -o {run} -w 1",
    ),
    "simulation": (
        ["simulate", "run", "{scenario}", "-o", "{run}", "-w", "1"],
        "run.json",
        "hwbench simulate run {scenario} -o {run} -w 1",
    ),
    "live": (
        ["live", "run", "{live}", "-o", "{run}", "--device", "cpu"],
        "checkpoint.pt",
        "hwbench live run {live} -o {run} --device cpu",
    ),
    "vae": (
        ["vae", "train", "nasbench201", "-o", "{run}/vae.npz", "--graphs", "60", "--epochs", "6"],
        "vae.npz",
        "hwbench vae train nasbench201 -o {run}/vae.npz --graphs 60 --epochs 6",
    ),
    "train": (
        [
            *("tables", "train", "nasbench201", "--name", "mine", "--limit", "50"),
            *("-o", "{run}/mine.parquet", "-w", "1"),
        ],
        "mine.journal",
        "hwbench tables train nasbench201 --name mine --limit 50 -o {run}/mine.parquet -w 1 (what "
        "was done is kept in {run}/mine.journal)",
    ),
}


def each(*quick):
    """All commands; those that are not named here are slow tests."""
    return [
        name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS
    ]


@pytest.fixture
def places(own_table, tmp_path, tiny_search):
    """Where things are, by the names that commands call them by."""
    found = {"scenario": tmp_path / "mine.toml", "live": tiny_search(epochs=6)}
    found["scenario"].write_text(SCENARIO)
    return {**{name: str(path) for name, path in found.items()}, "run": str(tmp_path / "run")}


@pytest.fixture
def started(places):
    """Start a slow command, and wait until something of it is done; gives the process."""
    processes = []

    def start(what, *, sleep=0.3, wait=True):
        command, there, _ = COMMANDS[what]
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *(part.format(**places) for part in command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SLOW": what, "SLEEP": str(sleep), "COLUMNS": "300"},
        )
        processes.append(process)
        while wait and not any(_done(places["run"], there)):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def _done(folder, pattern):
    """Files of results; a journal counts once it holds more than what it is a journal of."""
    files = [path for path in Path(folder).glob(pattern) if not path.name.startswith(".")]
    return [
        path
        for path in files
        if path.suffix != ".journal" or len(path.read_text().splitlines()) > 1
    ]


@pytest.mark.parametrize("what", each("study", "search", "live"))
def test_sigterm_is_ctrl_c(what, started, places):
    process = started(what)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # as schedulers do
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143, (out, err)
    assert err.strip() == "stopped; go on with: " + COMMANDS[what][2].format(**places)
    assert "Traceback" not in out + err
    assert _done(places["run"], COMMANDS[what][1])
    if what not in ("vae", "train"):
        assert not (Path(places["run"]) / ".lock").exists()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_sigterm_on_a_cluster(backend, places):
    seeds = ", ".join(map(str, range(3000)))
    scenario = SCENARIO.replace("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", f"[{seeds}]", 1)
    Path(places["scenario"]).write_text(scenario)
    command = [part.format(**places) for part in COMMANDS["study"][0]]
    process = subprocess.Popen(
        [sys.executable, "-m", "hwbench", *command, "--backend", backend],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not _done(places["run"], COMMANDS["study"][1]):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    again = " ".join(["hwbench", *command, "--backend", backend])
    assert err.splitlines()[-1] == f"stopped; go on with: {again}"


def test_what_nohup_ignores_is_ignored(places, started):
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "hwbench", "tables", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGHUP)  # before nohup has begun


@pytest.mark.parametrize("what", ["study", pytest.param("search", marks=pytest.mark.slow), "live"])
def test_a_folder_that_is_removed_meanwhile_is_no_success(what, started, places):
    process = started(what, sleep=0.1)
    shutil.rmtree(places["run"], ignore_errors=True)
    shutil.rmtree(places["run"], ignore_errors=True)  # what was written while it was removed
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2, (out, err)
    assert err.startswith(f"hwbench: {places['run']}")
    assert len(err.splitlines()) == 1


LIMITED = """
import resource, sys
from hwbench.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


@pytest.mark.parametrize("what", each("study", "vae", "train"))
@pytest.mark.parametrize("most_bytes", [64, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_full_disk_is_one_line(what, most_bytes, places):
    command = [part.format(**places) for part in COMMANDS[what][0]]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(most_bytes), *command],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "300"},
    )
    assert done.returncode == 2, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"hwbench: {places['run']}")
    assert "too large" in done.stderr


def test_a_full_output_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "hwbench", "predictors", "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr
