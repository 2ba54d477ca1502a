"""Trials that hang, eat memory or kill their process are rows; all others are untouched."""

import os

import pandas as pd
import pytest

import hwbench as hb
from hwbench.results.study_columns import MEASURED


def by_predictor(result):
    return dict(iter(result.trials.groupby("predictor")))


def same(one, other):
    """Whether two studies found the same."""
    measured = list(MEASURED)
    pd.testing.assert_frame_equal(
        one.trials.drop(columns=measured), other.trials.drop(columns=measured)
    )
    pd.testing.assert_frame_equal(one.predictions, other.predictions)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hanging_trial_is_ended_and_the_others_go_on(models, make_spec, workers):
    spec = make_spec(
        predictors=("mean", "hangs"), training_sizes=(10,), seeds=(0,), limits={"seconds": 6}
    )
    rows = by_predictor(hb.run_study(spec, workers=workers))
    assert rows["mean"]["exception"].isna().all()
    assert rows["hangs"]["exception"].tolist() == ["TimeLimit"]
    assert rows["hangs"]["error"].iloc[0].endswith("ended after 6.0 s, its limit")
    assert rows["hangs"]["seconds"].iloc[0] >= 6


def test_a_memory_hungry_trial_is_ended_and_the_others_go_on(models, make_spec):
    spec = make_spec(
        predictors=("mean", "hungry"),
        training_sizes=(10,),
        seeds=(0,),
        limits={"memory_mb": 500},
    )
    rows = by_predictor(hb.run_study(spec, workers=2))
    assert rows["mean"]["exception"].isna().all()
    assert 0 < rows["mean"]["memory_mb"].iloc[0] < 500
    assert rows["hungry"]["exception"].tolist() == ["MemoryLimit"]
    assert rows["hungry"]["memory_mb"].iloc[0] > 500
    assert rows["hungry"]["seconds"].iloc[0] > 0


def test_limits_change_no_number(models, make_spec):
    limits = {"seconds": 600, "memory_mb": 10_000}
    limited = hb.run_study(make_spec(predictors=("ridge",), limits=limits))
    same(limited, hb.run_study(make_spec(predictors=("ridge",))))


def test_a_worker_that_dies_is_replaced_and_its_last_words_are_kept(models, make_spec):
    spec = make_spec(predictors=("mean", "dies"), training_sizes=(10,))
    result = hb.run_study(spec, workers=2)
    rows = by_predictor(result)
    assert rows["mean"]["exception"].isna().all()
    assert rows["dies"]["exception"].tolist() == ["WorkerDied"] * 3
    error = rows["dies"]["error"].iloc[0]
    assert "last words" in error
    assert error.endswith("WorkerDied: the worker process was killed by SIGKILL, 2 times")


def test_a_worker_lost_once_costs_nothing(models, make_spec, tmp_path):
    spec = make_spec(predictors=("dies_once",))
    result = hb.run_study(spec, workers=2)
    assert (tmp_path / "died").exists()
    assert result.trials["exception"].isna().all()
    same(result, hb.run_study(spec, workers=1))


def test_workers_killed_from_outside_cost_nothing(models, make_spec, fits, own_workers):
    spec = make_spec(predictors=("sleepy",), seeds=tuple(range(10)))
    killed = []

    def kill(done, _total):
        if done in (3, 9):
            worker = own_workers()[0]
            worker.kill()
            killed.append(worker.pid)

    result = hb.run_study(spec, workers=2, progress=kill)
    assert len(set(killed)) == 2
    assert result.trials["exception"].isna().all()
    assert 20 <= len(fits()) <= 22
    same(result, hb.run_study(spec, workers=1))


def test_workers_killed_while_they_start_cost_nothing(models, make_spec, first_workers_killed):
    spec = make_spec(predictors=("ridge",))
    result = hb.run_study(spec, workers=2)
    assert len(first_workers_killed) == 2
    assert result.trials["exception"].isna().all()
    same(result, hb.run_study(spec, workers=1))


def test_no_worker_is_left_behind(models, make_spec, own_workers):
    class StoppedError(Exception):
        pass

    def stop(done, _total):
        if done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        hb.run_study(
            make_spec(predictors=("sleepy",), seeds=tuple(range(30))), workers=2, progress=stop
        )
    assert own_workers() == []


@pytest.mark.needs("torch")
def test_every_trial_has_one_thread(models, make_spec, hwbench_home):
    module = models / "modules" / "thread_models.py"
    module.write_text(
        "import os\n"
        "from study_models import Mean\n"
        "class Threads(Mean):\n"
        "    def predict(self, X):\n"
        "        import torch\n"
        "        from threadpoolctl import threadpool_info\n"
        "        most = max([each['num_threads'] for each in threadpool_info()], default=1)\n"
        "        assert (most, torch.get_num_threads()) == (1, 1)\n"
        "        assert os.environ['OMP_NUM_THREADS'] == '1'\n"
        "        return super().predict(X)\n"
    )
    card = (hwbench_home / "predictors" / "mean.toml").read_text()
    card = card.replace("study_models:Mean", "thread_models:Threads")
    (hwbench_home / "predictors" / "threads.toml").write_text(card)
    spec = make_spec(predictors=("threads",), training_sizes=(10,), seeds=(0,))
    for workers in (1, 2):
        result = hb.run_study(spec, workers=workers)
        assert result.trials["error"].tolist() == [None]
    assert os.environ.get("OMP_NUM_THREADS") == "1"  # as the tests set it
