"""Equal runs leave equal files, wherever and in how many pieces they were run."""

import hashlib

import pandas as pd
import pytest

from hwbench.results.study_columns import MEASURED
from hwbench.runs.merging import merge_studies
from hwbench.runs.run import resume_study, run_scenario

SCENARIO = """
title = "Equal"
[study]
targets = ["small:latency", "small:test_accuracy"]
predictors = ["linear", "ridge"]
training_sizes = [10, 40]
seeds = [0, 1, 2]
test_size = 50

[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [20, 60]
deviations = [0.0, 0.5]
repeats = 300

[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = ["random", "local_search"]
evaluations = 30
checkpoints = [10, 30]
seeds = [0, 1]
"""
FRAMES = ("simulation", "selection_example", "search_fronts")


class StoppedError(Exception):
    """As if somebody had pressed Ctrl-C."""


def stop_after(count):
    def stage(_title):
        def progress(done, _total):
            if done >= count:
                raise StoppedError

        return progress

    return stage


@pytest.fixture
def scenario(own_table, tmp_path):
    path = tmp_path / "equal.toml"
    path.write_text(SCENARIO)
    return str(path)


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_equal_studies(folder, other):
    digests = {digest_of(each / "predictions.parquet") for each in (folder, other)}
    assert len(digests) == 1
    assert_equal_but_for(MEASURED, *(each / "study.parquet" for each in (folder, other)))


def assert_equal_but_for(measured, *paths):
    frames = [pd.read_parquet(path).drop(columns=list(measured)) for path in paths]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_workers_stops_and_shards_leave_the_same_files(scenario, tmp_path, monkeypatch):
    monkeypatch.setattr("hwbench.results.study_writing.FLUSH_TRIALS", 3)
    one = run_scenario(scenario, tmp_path / "one")
    two = run_scenario(scenario, tmp_path / "two", workers=2)
    assert_equal_studies(one, two)
    for name in FRAMES:
        assert digest_of(one / f"{name}.parquet") == digest_of(two / f"{name}.parquet"), name
    assert_equal_but_for(("seconds",), *(each / "search.parquet" for each in (one, two)))
    with pytest.raises(StoppedError):
        run_scenario(scenario, tmp_path / "stopped", parts=("study",), stage=stop_after(5))
    assert 0 < resume_study(tmp_path / "stopped") < 24
    assert_equal_studies(one, tmp_path / "stopped")
    shards = [
        run_scenario(scenario, tmp_path / f"shard-{place}", parts=("study",), shard=(place, 2))
        for place in (1, 2)
    ]
    merge_studies(tmp_path / "merged", list(reversed(shards)))
    assert_equal_studies(one, tmp_path / "merged")
