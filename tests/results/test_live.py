import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.live.config import RankingNode
from hwbench.live.run import rank_run, run_live
from hwbench.results.live import (
    EPOCH_COLUMNS,
    RANKING_COLUMNS,
    STRENGTH_COLUMNS,
    SWEEP_COLUMNS,
    is_live_run,
    is_live_sweep,
    read_live_run,
    read_live_sweep,
)
from hwbench.spaces import get_space
from hwbench.spaces.edges import architecture_edges
from hwbench.testing.live_example import example_config, example_run, example_sweep


@pytest.fixture(scope="module")
def darts(tmp_path_factory):
    return example_run(tmp_path_factory.mktemp("darts"))


def test_a_run_is_read_as_tidy_frames(darts):
    assert darts.config["strategy"]["name"] == "darts"
    assert darts.result["architecture"] == read_live_run(darts.folder).result["architecture"]
    # Only where architectures are ranked after each epoch, batches grow, or there is a policy.
    absent = {"kendall_tau", "batch_size", "reward_mean", "reward_best", "policy_entropy"}
    assert list(darts.epochs.columns) == [name for name in EPOCH_COLUMNS if name not in absent]
    assert darts.epochs["epoch"].tolist() == [0, 1]
    assert np.isfinite(darts.epochs.drop(columns="architecture")).all(axis=None)
    assert list(darts.strengths.columns) == list(STRENGTH_COLUMNS)
    assert len(darts.strengths) == 2 * 6 * 2
    sums = darts.strengths.groupby(["epoch", "position"])["probability"].sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-6)
    assert list(darts.ranking.columns) == list(RANKING_COLUMNS)
    assert darts.measures == darts.result["ranking"]
    assert darts.retrainings == ()


def test_the_last_strengths_are_what_the_architecture_is_derived_from(darts):
    last = darts.strengths[darts.strengths["epoch"] == 1]
    best = last.loc[last.groupby("position")["strength"].idxmax()].set_index("position")
    for edge in darts.edges.itertuples():
        assert best["operation"][f"{edge.source}->{edge.target}"] == edge.operation


def test_a_ranking_made_later_is_the_one_that_is_read(tmp_path):
    first = example_run(tmp_path, "spos")
    assert first.strengths.empty
    assert "variance_ratio" not in first.epochs
    node = RankingNode(
        score="loss",
        calibration={"passes": 1, "batch_size": 64},
        target="nb201-digits:test_accuracy",
    )
    rank_run(tmp_path, node)
    later = read_live_run(tmp_path)
    assert (len(first.ranking), len(later.ranking)) == (6, 64)
    assert later.measures != first.measures == later.result["ranking"]


def test_a_stopped_run_is_read_as_far_as_it_came(tmp_path, monkeypatch):
    from hwbench.live.search import Search

    def stops(self, epoch):
        raise KeyboardInterrupt

    monkeypatch.setattr(Search, "train_epoch", stops)
    with pytest.raises(KeyboardInterrupt):
        run_live(example_config(), tmp_path)
    run = read_live_run(tmp_path)
    assert run.result == {}
    assert run.epochs.empty
    assert run.edges.empty
    assert run.measures == {}


def test_a_sweep_is_read(tmp_path):
    sweep = example_sweep(tmp_path)
    assert set(sweep.searches.columns) >= set(SWEEP_COLUMNS)
    assert sweep.searches["value"].tolist() == ["baseline", "1", "baseline", "1"]
    assert sweep.summary["value"].tolist() == ["baseline", "1"]
    assert sweep.config["argument"] == "strategy.split_epoch"
    assert is_live_sweep(tmp_path)
    assert not is_live_run(tmp_path)
    assert is_live_run(tmp_path / "1-seed0")


def test_what_cannot_be_read_is_named(darts, tmp_path):
    with pytest.raises(HwbenchError, match="holds no live search"):
        read_live_run(tmp_path)
    with pytest.raises(HwbenchError, match="holds no sweep"):
        read_live_sweep(tmp_path)
    (tmp_path / "config.toml").write_text((darts.folder / "config.toml").read_text())
    epochs = tmp_path / "metrics.parquet"
    epochs.write_bytes(b"torn")
    with pytest.raises(HwbenchError, match=r"metrics\.parquet: cannot be read"):
        read_live_run(tmp_path)
    pd.DataFrame({"epoch": [0]}).to_parquet(epochs)
    with pytest.raises(HwbenchError, match=r"metrics\.parquet: column 'learning_rate' is missing"):
        read_live_run(tmp_path)
    epochs.unlink()
    (tmp_path / "result.json").write_text("[]")
    with pytest.raises(HwbenchError, match=r"result\.json: must hold a JSON object"):
        read_live_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "count"), [("nasbench201", 6), ("darts", 16), ("nasbench_macro", 8)]
)
def test_edges_are_those_of_the_architecture(name, count):
    space = get_space(name)
    arch = space.sample(1, seed=3)[0]
    edges = architecture_edges(name, space.to_string(arch))
    assert len(edges) == count
    text = space.to_string(arch)
    if name == "darts":
        for edge in edges.itertuples():
            assert edge.operation in text
        assert edges.groupby(["cell", "target"]).size().eq(2).all()
    elif name == "nasbench201":
        assert edges["live"].tolist() == space.live_edges(arch[None, :])[0].tolist()


def test_reading_loads_no_torch(darts):
    code = (
        "import sys\nfrom pathlib import Path\nfrom hwbench.results.live import read_live_run\n"
        f"read_live_run(Path({str(darts.folder)!r}))\nprint('torch' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "False"
    assert json.loads((darts.folder / "run.json").read_text())["versions"]
