"""Live searches as two tidy frames."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwbench.live.run import run_live
from hwbench.results.live import DIAGNOSED, STAGES, read_live_run
from hwbench.results.live_runs import (
    RUN_COLUMNS,
    RUN_EPOCH_COLUMNS,
    cpu_seconds,
    over_epochs,
    tidy_runs,
)
from hwbench.testing.live_example import example_config

OLD = Path(__file__).parents[1] / "old" / "0.1.0"
FEW = {"validation_share": 0.5, "subset": {"name": "random", "images": 150}}
EACH_EPOCH = {"architectures": 3, "each_epoch": 4, "calibration": {"passes": 1, "batch_size": 64}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two seeds of one method and one of another, in folders of which two share a name."""
    place = tmp_path_factory.mktemp("runs")
    found = []
    for name, strategy, seed, own in (
        ("darts/seed0", "darts", 0, {}),
        ("darts/seed1", "darts", 1, {}),
        ("spos/seed0", "spos", 0, {"ranking": EACH_EPOCH}),
    ):
        config = example_config(strategy, data=FEW, seed=seed, **own)
        run_live(config, place / name)
        found.append(place / name)
    return found


def test_there_is_a_row_a_run_with_what_its_files_say(folders):
    runs, epochs = tidy_runs(folders)
    assert list(runs.columns) == list(RUN_COLUMNS)
    assert list(epochs.columns) == list(RUN_EPOCH_COLUMNS)
    assert runs["run"].tolist() == ["darts/seed0", "darts/seed1", "spos/seed0"]
    assert runs["method"].tolist() == ["Example of darts"] * 2 + ["Example of spos"]
    assert runs["config_sha256"].nunique() == 2
    for folder, row in zip(folders, runs.itertuples(), strict=True):
        run = read_live_run(folder)
        assert row.seed == run.config["seed"]
        assert row.architecture == run.result["architecture"]
        assert row.true_value == run.truth.value
        assert row.percentile == run.truth.percentile
        assert row.rank == run.truth.rank
        assert row.random_25 == run.truth.random.lower_quartile
        assert row.most_flops == run.truth.largest[1].value
        assert row.operations == "only-conv"
        assert '"images": 150' in row.subset
        spent = run.record["spent"]
        assert set(spent) == set(STAGES) - {DIAGNOSED}
        total = sum(each["cpu_seconds"] for each in spent.values())
        assert row.cpu_seconds == pytest.approx(total)
        assert cpu_seconds(run) == row.cpu_seconds
        assert row.cpu_seconds_training == spent["training"]["cpu_seconds"] > 0
        assert row.epochs == row.epochs_done == 2
        own = epochs[epochs["run"] == row.run]
        assert own["true_value"].tolist() == run.epochs["true_value"].tolist()
        assert own["seed"].tolist() == [row.seed] * 2
    assert runs["kendall_tau"].notna().all()
    assert epochs["kendall_tau"].notna().tolist() == [False] * 4 + [True] * 2


def test_frames_are_the_same_from_parquet(folders, tmp_path):
    for place, frame in enumerate(tidy_runs(folders)):
        path = tmp_path / f"{place}.parquet"
        frame.to_parquet(path)
        pd.testing.assert_frame_equal(pd.read_parquet(path), frame)


def test_a_sentence_says_what_would_have_been_chosen(folders):
    run = read_live_run(folders[0])
    words = over_epochs(run)
    last = run.epochs.iloc[-1]
    assert f"Over 2 epochs it would have chosen {int(last['different'])} different" in words
    assert f"{run.epochs['true_value'].max():.2f} %" in words
    assert over_epochs(read_live_run(OLD / "live")) == ""


def test_of_older_and_stopped_runs_there_is_what_they_kept(folders, tmp_path):
    shutil.copytree(OLD, tmp_path / "old")
    given = [tmp_path / "old" / "live", tmp_path / "old" / "live-stopped", folders[0]]
    runs, epochs = tidy_runs(given)
    assert runs["ended"].tolist() == [True, False, True]
    assert runs["epochs_done"].tolist() == [2, 1, 2]
    assert runs["target"].tolist()[:2] == [None, None]
    assert np.isnan(runs["cpu_seconds"][:2]).all()
    assert len(epochs) == 5
    assert epochs["true_value"].notna().tolist() == [False] * 3 + [True] * 2
    alone, none = tidy_runs([])
    assert len(alone) == len(none) == 0
    assert list(none.columns) == list(RUN_EPOCH_COLUMNS)
