"""Searches whose workers or driver are killed: nothing is lost but time, and nothing is left."""

import signal
import sys

import pandas as pd
import pytest

from hwbench.results.names import SEARCH_PARTS
from hwbench.search.run import run_search, write_search
from hwbench.search.spec import SearchSpec

STRATEGIES = """
import os, signal, time
from hwbench.search.strategies.random_search import RandomSearch

class Held(RandomSearch):
    title = "Held"

    def ask(self, n_archs):
        while "HELD" in os.environ and self.seed >= 2:
            time.sleep(0.1)
        return super().ask(n_archs)

class Deadly(RandomSearch):
    title = "Deadly"

    def ask(self, n_archs):
        os.kill(os.getpid(), signal.SIGKILL)
"""

DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from hwbench.search.run import write_search
from hwbench.search.spec import SearchSpec
spec = SearchSpec.model_validate_json(sys.argv[2])
write_search(spec, Path(sys.argv[3]), workers=2)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "own_search.py").write_text(STRATEGIES)
    monkeypatch.syspath_prepend(folder)
    yield folder
    sys.modules.pop("own_search", None)


@pytest.fixture
def make_spec(hwbench_home, make_table):
    make_table("small").save(hwbench_home / "tables" / "small.parquet")

    def make(**changes):
        given = {
            "accuracy": "small:test_accuracy",
            "metrics": ["small:latency"],
            "strategies": ["random", "local_search"],
            "evaluations": 30,
            "checkpoints": [30],
            "n_initial": 10,
            "seeds": [0, 1, 2],
        }
        return SearchSpec.model_validate({**given, **changes})

    return make


def same(one, other):
    def found(result):
        rows = result.evaluations
        return rows[[column for column in rows if not column.endswith("seconds")]]

    assert one.failures == other.failures == ()
    pd.testing.assert_frame_equal(found(one), found(other))


def test_workers_killed_at_their_start_and_half_way_cost_nothing(
    make_spec, own_workers, first_workers_killed
):
    killed = []

    def kill(done, _total):
        if done == 3:
            for worker in own_workers():
                worker.kill()
                killed.append(worker.pid)

    spec = make_spec()
    result = run_search(spec, workers=2, progress=kill)
    assert len(first_workers_killed) == 2
    assert len(killed) >= 1
    same(result, run_search(spec))


def test_a_search_that_always_kills_its_worker_is_a_failed_one(make_spec, modules, tmp_path):
    spec = make_spec(strategies=["random", "own_search:Deadly"], seeds=[0])
    result = write_search(spec, tmp_path, workers=2)
    (failure,) = result.failures
    assert (failure["strategy"], failure["seed"]) == ("Deadly", 0)
    said = "WorkerDied: the worker process was killed by SIGKILL, 2 times"
    assert failure["error"].splitlines()[-1] == said
    assert set(result.evaluations["strategy"]) == {"Random search"}


def test_a_driver_that_is_killed_leaves_nothing_but_what_ended(
    make_spec, modules, tmp_path, marked_process
):
    spec, folder = make_spec(strategies=["own_search:Held"], seeds=range(5)), tmp_path / "run"
    command = [sys.executable, "-c", DRIVER, modules, spec.model_dump_json(), folder]
    driver = marked_process(command, HELD="1")
    parts = folder / SEARCH_PARTS
    driver.wait_until(lambda: len(list(parts.glob("*.parquet"))) == 2)
    assert len(driver.workers()) == 2
    assert driver.end(signal.SIGKILL) == []
    seen = []
    result = write_search(spec, folder, progress=lambda *done: seen.append(done))
    assert seen[0] == (2, 5)
    same(result, run_search(spec))
