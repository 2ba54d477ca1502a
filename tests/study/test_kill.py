"""A driver stopped at any moment: what it reported done is kept, and is not done again."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

import hwbench as hb
from hwbench.results.study_columns import MEASURED
from hwbench.results.study_predictions import read_predictions
from hwbench.results.study_reading import list_parts, read_trials
from hwbench.runs.run import resume_study, run_scenario
from hwbench.study.run import Resources

DRIVER = """
import sys
from pathlib import Path
from hwbench.runs.run import run_scenario
from hwbench.results import study_writing
study_writing.FLUSH_SECONDS = 0.2
report = lambda title: lambda done, total: print(done, total, flush=True)
run_scenario(sys.argv[1], Path(sys.argv[2]), workers=2, stage=report)
"""


COMMAND = """
from hwbench.cli import main
from hwbench.results import study_writing
study_writing.FLUSH_SECONDS = 0.2
main()
"""

HELD = {"HOLD_AFTER": "20"}  # of 40 trials


@pytest.fixture
def scenario(models, make_spec, scenario_file):
    return scenario_file(make_spec(predictors=("sleepy",), seeds=tuple(range(20))))


def start(scenario, folder):
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, scenario, folder],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **HELD},
    )


def wait_for(process, wanted):
    """Read the driver's reports until so many trials are done; gives how many."""
    for line in process.stdout:
        done = int(line.split()[0])
        if done >= wanted:
            return done
    raise AssertionError(process.wait())


def without_times(frame):
    return frame.drop(columns=list(MEASURED))


@pytest.mark.parametrize("wanted", [pytest.param(1, marks=pytest.mark.slow), 12])
def test_kill_9_of_the_driver(scenario, tmp_path, fits, wanted):
    folder = tmp_path / "run"
    process = start(scenario, folder)
    reported = wait_for(process, wanted)
    workers = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(workers) == 2
    # Long, since a worker may still be importing on a loaded machine; it ends right after that.
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive

    kept = read_trials(folder)
    assert len(kept) >= reported
    assert kept["exception"].isna().all()
    assert len(read_predictions(folder)) == 50 * len(kept)
    begun = len(fits())
    assert begun <= len(kept) + 2 + 8  # what was in hand, and what waited to be written

    count = resume_study(folder, resources=Resources(2))
    assert count == 40 - len(kept)
    assert len(fits()) == begun + count
    whole = tmp_path / "whole"
    run_scenario(str(scenario), whole)
    pd.testing.assert_frame_equal(
        without_times(read_trials(folder)), without_times(read_trials(whole))
    )
    order = ["training_size", "seed"]
    one, other = (
        read_predictions(each).sort_values(order, kind="stable", ignore_index=True)
        for each in (folder, whole)
    )
    pd.testing.assert_frame_equal(one, other)


def test_ctrl_c_leaves_a_folder_that_resumes(scenario, tmp_path):
    folder = tmp_path / "run"
    command = ["study", "run", str(scenario), "-o", str(folder), "-w", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *command],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **HELD},
    )
    while len(list_parts(folder)) == 0:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == f"stopped; go on with: hwbench {shlex.join(command)}"
    kept = len(read_trials(folder))
    assert 0 < kept < 40
    result = subprocess.run(
        [sys.executable, "-m", "hwbench", "study", "resume", str(folder), "-w", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{40 - kept} trials were run" in result.stdout
    assert "40 of 40 trials are done, 0 of them failed" in result.stdout


def test_a_full_disk_ends_the_run_with_one_line(scenario, tmp_path):
    resource = pytest.importorskip("resource")
    folder = tmp_path / "run"

    def shrink():
        # Files of the driver and its workers can grow to this size and no further.
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

    command = [sys.executable, "-m", "hwbench", "study", "run", str(scenario), "-o", str(folder)]
    result = subprocess.run(
        [*command, "-w", "2"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=shrink,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert result.returncode == 2
    assert re.fullmatch(r"hwbench: \S+: cannot be written \(.*\)\n", result.stderr)
    count = resume_study(folder)
    assert 0 < count <= 40
    assert len(read_trials(folder)) == 40


def test_failures_are_tried_again_and_nothing_else(
    models, make_spec, scenario_file, tmp_path, fits
):
    spec = make_spec(predictors=("mean", "raises"), seeds=(0, 1))
    folder = tmp_path / "run"
    run_scenario(str(scenario_file(spec)), folder)
    failed = read_trials(folder)["exception"].notna()
    assert failed.sum() == 4
    assert resume_study(folder) == 0
    (tmp_path / "mended").touch()
    done = len(fits())
    assert resume_study(folder, retry_failed=True) == 4
    assert len(fits()) == done + 4
    trials = read_trials(folder)
    assert len(trials) == 8
    assert trials["exception"].isna().all()
    assert len(read_predictions(folder)) == 8 * 50
    fresh = hb.run_study(spec)
    pd.testing.assert_frame_equal(without_times(trials), without_times(fresh.trials))
