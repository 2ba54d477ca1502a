"""Trainings whose workers or driver are killed: nothing is lost but time, and nothing is left."""

import signal
import sys

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space, registry
from hwbench.tables.made.train import TrainRecipe, train

OWN_SPACE = """
import os, signal, time
from hwbench.spaces.nasbench201.space import NASBench201

class Own(NASBench201):
    def network(self, arch, *, seed=0, **skeleton):
        while os.environ.get("HELD") == str(seed):
            time.sleep(0.1)
        if os.environ.get("DEADLY") == str(seed):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().network(arch, seed=seed, **skeleton)
"""

DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from hwbench.spaces import get_space
from hwbench.tables.made.train import TrainRecipe, train
space = get_space("own_space:Own")
recipe = TrainRecipe(seeds=(0, 1), skeleton={"channels": 2, "depth": 1})
train(space, recipe, Path(sys.argv[2]), archs=space.sample(4, 0), workers=2)
"""

RECIPE = TrainRecipe(seeds=(0, 1), skeleton={"channels": 2, "depth": 1})


@pytest.fixture
def own_space(tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "own_space.py").write_text(OWN_SPACE)
    monkeypatch.syspath_prepend(folder)
    yield get_space("own_space:Own")
    sys.modules.pop("own_space", None)
    registry._in_code.cache_clear()


def n_records(path):
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


@pytest.mark.slow
def test_workers_killed_at_their_start_and_half_way_cost_nothing(
    own_space, tmp_path, own_workers, first_workers_killed
):
    killed = []

    def kill(done, _total):
        if done == 3:
            for worker in own_workers():
                worker.kill()
                killed.append(worker.pid)

    archs = own_space.sample(4, 0)
    found = train(own_space, RECIPE, tmp_path / "j", archs=archs, workers=2, progress=kill)
    assert len(first_workers_killed) == 2
    assert len(killed) >= 1
    pd.testing.assert_frame_equal(found, train(own_space, RECIPE, tmp_path / "k", archs=archs))


@pytest.mark.slow
def test_a_training_that_always_kills_its_worker_is_named_when_all_others_are_kept(
    own_space, tmp_path, monkeypatch
):
    archs, path = own_space.sample(1, 0), tmp_path / "j"
    with monkeypatch.context() as patch:
        patch.setenv("DEADLY", "0")
        with pytest.raises(HwbenchError) as caught:
            train(own_space, RECIPE, path, archs=archs, workers=2)
    index = own_space.function_classes(archs).min()
    first = own_space.to_string(own_space.architectures_at([index])[0])
    assert str(caught.value) == (
        f"train: 1 of 2 trainings have no result, the first of {first} with seed 0 (the worker "
        f"process was killed by SIGKILL, 2 times); all others are kept in {path}, the same command "
        "goes on with it"
    )
    assert n_records(path) == 1
    seen = []
    train(own_space, RECIPE, path, archs=archs, progress=lambda *done: seen.append(done))
    assert seen[0] == (1, 2)


def test_a_driver_that_is_killed_leaves_nothing_but_what_ended(own_space, tmp_path, marked_process):
    journal = tmp_path / "j"
    command = [sys.executable, "-c", DRIVER, tmp_path / "modules", journal]
    driver = marked_process(command, HELD="1")
    driver.wait_until(lambda: len(driver.workers()) == 2 and n_records(journal) >= 1)
    assert driver.end(signal.SIGKILL) == []
    kept = n_records(journal)
    archs = own_space.sample(4, 0)
    seen = []
    found = train(own_space, RECIPE, journal, archs=archs, progress=lambda *done: seen.append(done))
    assert seen[0] == (kept, 8)
    pd.testing.assert_frame_equal(found, train(own_space, RECIPE, tmp_path / "k", archs=archs))
