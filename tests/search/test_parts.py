"""Searches that were stopped go on where they were, and come out the same."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hwbench.results.names import SEARCH_PARTS
from hwbench.runs.run import run_scenario
from hwbench.search import run as run_module
from hwbench.search.parts import SearchParts
from hwbench.search.plan import planned_runs
from hwbench.search.run import run_search, write_search
from hwbench.search.spec import SearchSpec
from hwbench.search.tables import SearchTable

SCENARIO = """
title = "Searches"
[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = ["random", "local_search"]
evaluations = 40
checkpoints = [20, 40]
n_initial = 10
seeds = [0, 1, 2]
predicted_metric = { predictor = "ridge", training_sizes = [20], repeats = 5 }
"""

KILLED_AFTER_FIVE = """
import os, signal, sys
from pathlib import Path
from hwbench.runs.run import run_scenario

def stage(title):
    def progress(done, total):
        if done == 5:
            os.kill(os.getpid(), signal.SIGKILL)
    return progress

run_scenario(sys.argv[1], Path(sys.argv[2]), parts=("search",), stage=stage)
"""


@pytest.fixture
def scenario(hwbench_home, make_table, tmp_path):
    make_table("small").save(hwbench_home / "tables" / "small.parquet")
    path = tmp_path / "searches.toml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def spec(scenario):
    import tomllib

    return SearchSpec.model_validate(tomllib.loads(SCENARIO)["search"])


@pytest.fixture
def searched(monkeypatch):
    """The searches that are really run."""
    searched = []
    original = run_module._search

    def count(run, table, spec):
        searched.append(run)
        return original(run, table, spec)

    monkeypatch.setattr(run_module, "_search", count)
    return searched


def results(folder):
    frames = [pd.read_parquet(folder / name) for name in run_module.SEARCH_FILES]
    return [frame[[c for c in frame if not c.endswith("seconds")]] for frame in frames]


def test_killed_and_gone_on_with(scenario, searched, hwbench_home, tmp_path):
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    command = [sys.executable, "-c", KILLED_AFTER_FIVE, str(scenario), str(broken)]
    environment = {**os.environ, "HWBENCH_HOME": str(hwbench_home)}
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (broken / "search.parquet").exists()
    assert len(list((broken / SEARCH_PARTS).glob("*.parquet"))) == 5
    run_scenario(str(scenario), broken)
    assert len(searched) == 12 - 5
    run_scenario(str(scenario), unbroken)
    for a, b in zip(results(broken), results(unbroken), strict=True):
        pd.testing.assert_frame_equal(a, b)
    assert not (broken / SEARCH_PARTS).exists()
    assert json.loads((broken / "run.json").read_text())["search_failures"] == []


def stop_after(n_searches):
    def progress(done, total):
        if done == n_searches:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_keeps_what_has_ended(spec, searched, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_search(spec, tmp_path, progress=stop_after(3))
    seen = []
    write_search(spec, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (3, 12)
    assert seen[-1] == (12, 12)
    keys = [run.key for run in searched]
    assert len(set(keys)) == len(keys) == 12


def test_a_failed_search_is_run_again(spec, searched, tmp_path, monkeypatch):
    from hwbench.search.strategies.random_search import RandomSearch

    def fail(self, n_archs):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(RandomSearch, "_propose", fail)
        with pytest.raises(KeyboardInterrupt):
            write_search(spec, tmp_path, progress=stop_after(12))
    assert len(searched) == 12
    assert write_search(spec, tmp_path).failures == ()
    again = searched[12:]
    assert len(again) == 6
    assert {run.choice.name for run in again} == {"random"}


def test_what_would_come_out_otherwise_is_run_again(spec, tmp_path):
    def names(spec, table):
        parts = SearchParts.of(tmp_path, spec, {"small:latency": table})
        return {parts.path_of(run).name for run in planned_runs(spec)}

    def changed(**changes):
        return SearchSpec.model_validate({**spec.model_dump(), **changes})

    table = SearchTable.load("small:test_accuracy", "small:latency")
    own = names(spec, table)
    assert len(own) == 12
    assert own == names(changed(checkpoints=[10]), table)
    more = names(changed(seeds=[0, 1, 2, 3]), table)
    assert own < more
    for other in (
        changed(evaluations=41),
        changed(n_initial=11),
        changed(strategies=[{"name": "tpe"}, {"name": "nsga2"}]),
    ):
        assert not own & names(other, table)
    predicted = changed(predicted_metric={"predictor": "linear", "training_sizes": [20]})
    assert len(own & names(predicted, table)) == 6  # those that measure
    table.accuracy[3] = np.nextafter(table.accuracy[3], 0)
    assert not own & names(spec, table)


STRATEGY = """
from hwbench.search.strategies.random_search import RandomSearch

class Mine(RandomSearch):
    title = "Mine"
"""

CARD = """
title = "Mine"
family = "linear"
paper = "none"
estimator = "my_ridge:Mine"
"""


def test_what_has_other_code_is_run_again(spec, hwbench_home, tmp_path, monkeypatch):
    modules = tmp_path / "modules"
    modules.mkdir()
    monkeypatch.syspath_prepend(modules)
    (modules / "my_search.py").write_text(STRATEGY)
    (modules / "my_ridge.py").write_text("from sklearn.linear_model import Ridge as Mine")
    (hwbench_home / "predictors").mkdir()
    (hwbench_home / "predictors" / "mine.toml").write_text(CARD)
    changes = {
        "strategies": [{"name": "random"}, {"name": "my_search:Mine"}],
        "predicted_metric": {"predictor": "mine", "training_sizes": [20]},
    }
    given = SearchSpec.model_validate({**spec.model_dump(), **changes})
    table = SearchTable.load("small:test_accuracy", "small:latency")

    def names():
        sys.modules.pop("my_search", None)  # as in a new process
        parts = SearchParts.of(tmp_path, given, {"small:latency": table})
        return {
            (run.choice.name, bool(run.training_size), run.seed): parts.path_of(run).name
            for run in planned_runs(given)
        }

    def changed(before, after):
        return {key[:2] for key in before if before[key] != after[key]}

    first = names()
    (modules / "my_search.py").write_text(f"{STRATEGY}    default_x = 1")
    second = names()
    assert changed(first, second) == {("my_search:Mine", False), ("my_search:Mine", True)}
    (modules / "my_ridge.py").write_text("from sklearn.linear_model import Lasso as Mine")
    assert changed(second, names()) == {("random", True), ("my_search:Mine", True)}


def test_a_broken_part_is_run_again(spec, searched, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_search(spec, tmp_path, progress=stop_after(4))
    first, second, *_ = sorted((tmp_path / SEARCH_PARTS).glob("*.parquet"))
    first.write_bytes(b"")
    second.write_bytes(second.read_bytes()[:100])
    write_search(spec, tmp_path)
    assert len(searched) == 4 + 8 + 2
    expected = run_search(spec).evaluations
    found = pd.read_parquet(tmp_path / "search.parquet")
    drop = "seconds"
    pd.testing.assert_frame_equal(found.drop(columns=drop), expected.drop(columns=drop))
