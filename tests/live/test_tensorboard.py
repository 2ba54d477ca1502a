import sys

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.live.run import run_live
from hwbench.live.search import Search
from hwbench.testing.live_example import example_config


def _scalars(folder):
    """(epoch, value) of every tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(folder / "tensorboard"))
    log.Reload()
    return {
        tag: [(event.step, event.value) for event in log.Scalars(tag)]
        for tag in log.Tags()["scalars"]
    }


@pytest.mark.parametrize("logged_before", [True, False])
def test_a_stopped_runs_log_holds_every_epoch_once(tmp_path, monkeypatch, logged_before):
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(example_config(), tmp_path, tensorboard=logged_before)
    run_live(example_config(), tmp_path, tensorboard=True)
    scalars = _scalars(tmp_path)
    epochs = pd.read_parquet(tmp_path / "metrics.parquet").set_index("epoch")
    strengths = pd.read_parquet(tmp_path / "strengths.parquet")
    numbers = [name for name in epochs.columns if name != "architecture"]
    assert {"true_value", "true_percentile", "best_random_50"} < set(numbers)
    assert len(scalars) == len(numbers) + 6 * 2
    for name in numbers:
        assert scalars[name] == [(e, pytest.approx(v, rel=1e-6)) for e, v in epochs[name].items()]
    one = strengths[
        (strengths["position"] == "1->2") & (strengths["operation"] == "nor_conv_3x3")
    ].set_index("epoch")["strength"]
    expected = [(e, pytest.approx(v, rel=1e-6)) for e, v in one.items()]
    assert scalars["strength/1->2/nor_conv_3x3"] == expected


def test_fresh_removes_the_log(tmp_path):
    run_live(example_config("spos"), tmp_path, tensorboard=True)
    assert "train_loss" in _scalars(tmp_path)
    run_live(example_config("spos"), tmp_path, fresh=True)
    assert not (tmp_path / "tensorboard").exists()


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    for name in list(sys.modules):
        if name.split(".")[0] == "tensorboard" or name.startswith("torch.utils.tensorboard"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(
        HwbenchError, match=r"--tensorboard needs tensorboard.*'hwbench\[tensorboard\]'"
    ):
        run_live(example_config(), tmp_path, tensorboard=True)
