"""ENAS: the policy, its baseline, what trains the weights, and a planted truth."""

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.live import search as search_module
from hwbench.live.config import config_of, load_config
from hwbench.live.run import run_live
from hwbench.live.strategies.enas import ENAS
from hwbench.live.supernets.supernet import make_supernet
from hwbench.live.trainers.base import SingleLevel
from hwbench.report import write_report
from hwbench.search.strategies.controller import Controller
from hwbench.spaces import get_space

TREE = {
    "title": "tiny ENAS",
    "data": {"validation_share": 0.5, "subset": {"name": "random", "images": 96}},
    "space": {
        "name": "shufflenasnet",
        "channels": 2,
        "depth": 1,
        "affine": True,
        "skeleton": {"reductions": 1},
    },
    "strategy": {"name": "enas", "samples": 3, "steps": 1, "hidden_units": 8},
    "trainer": {"name": "single_level", "epochs": 3, "batch_size": 48},
    "selection": {"name": "policy"},
    "ranking": {"architectures": 2, "calibration": {"passes": 1, "batch_size": 48}},
}


class Planted:
    """A judge that knows how good an architecture is: the share of its positions that hold 1."""

    def __init__(self, space="nasbench201"):
        self.space = get_space(space)
        self.asked = 0

    def evaluate(self, archs, part="validation"):
        del part
        self.asked += len(archs)
        accuracy = 100 * (self.space.check(archs) == 1).mean(axis=1)
        return pd.DataFrame({"accuracy": accuracy, "loss": 1 - accuracy / 100})


def path_of(mixture):
    return [choice.active[0] for choice in mixture.choices]


def test_the_policy_learns_what_is_rewarded(cells):
    strategy = ENAS(learning_rate=0.02, baseline_decay=0.9).attach(cells())
    judge = Planted()
    strategy.before_epoch(0, 50)
    means, entropies = [], []
    for epoch in range(50):
        strategy.after_epoch(epoch, judge)
        numbers = strategy.numbers()
        means.append(numbers["reward_mean"])
        entropies.append(numbers["policy_entropy"])
    assert judge.asked == 50 * 10
    assert means[0] < 36  # 20 are expected of one of five operations, with a deviation of 5
    assert np.mean(means[-2:]) > 80
    assert entropies[-1] < entropies[0] <= 6 * np.log(5) + 1e-3
    assert float(strategy.best_accuracy) == 100.0
    assert strategy.best.tolist() == [1] * 6


def test_the_baseline_begins_with_the_first_mean_and_follows(cells):
    strategy = ENAS(baseline_decay=0.75, samples=4, steps=3).attach(cells())
    strategy.before_epoch(0, 1)
    strategy.after_epoch(0, Planted())
    means = strategy.sampled_accuracy.view(3, 4).mean(dim=1) / 100
    expected = means[0]
    for each in means:
        expected = 0.75 * expected + 0.25 * each
    torch.testing.assert_close(strategy.baseline, expected)


def test_a_first_step_pushes_up_and_down_alike(cells, monkeypatch):
    """From a baseline of 0 all advantages of a first step would be positive."""
    given = []
    monkeypatch.setattr(Controller, "step", lambda self, archs, *rest: given.append(rest[0]))
    strategy = ENAS().attach(cells())
    strategy.before_epoch(0, 1)
    strategy.after_epoch(0, Planted())
    assert given[0].sum() == pytest.approx(0, abs=1e-9)
    assert given[0].min() < 0 < given[0].max()


def test_the_best_of_an_epoch_trains_the_next(cells):
    strategy = ENAS().attach(cells())
    strategy.before_epoch(0, 2)
    assert path_of(strategy.mixture()) == path_of(strategy.mixture())
    strategy.after_epoch(0, Planted())
    best = strategy.sampled[strategy.sampled_accuracy.argmax()].tolist()
    assert path_of(strategy.mixture()) == best


def test_samples_are_drawn_anew_in_every_step(cells):
    strategy = ENAS(train_on="sample").attach(cells())
    assert len({tuple(path_of(strategy.mixture())) for _ in range(20)}) > 10


@pytest.mark.parametrize("train_on", ["epoch_best", "sample"])
def test_only_the_weights_on_paths_change(cells, data, train_on):
    supernet = cells()
    strategy = ENAS(train_on=train_on).attach(supernet)
    trainer = SingleLevel(epochs=1, batch_size=24)  # a single step
    trainer.start(supernet, strategy)
    before = {name: each.clone() for name, each in supernet.named_parameters()}
    trainer.train_epoch(0, data, Augmentation())
    moved = {
        name for name, each in supernet.named_parameters() if not torch.equal(each, before[name])
    }
    names = {each.partition("candidates.")[2].split(".")[0] for each in moved} - {""}
    assert names <= {"nor_conv_1x1", "nor_conv_3x3"}
    taken = [
        name for name in moved if "candidates" in name and name.startswith("blocks.0.operations.0")
    ]
    assert len({each.split(".")[5] for each in taken}) <= 1


def test_the_rate_follows_its_schedule(cells, monkeypatch):
    rates = []
    monkeypatch.setattr(Controller, "step", lambda self, *_: rates.append(self.learning_rate))
    schedule = {"name": "restarts", "periods": [10], "factor": 2.0, "final_learning_rate": 0.001}
    strategy = ENAS(learning_rate=0.02, schedule=schedule).attach(cells())
    for epoch in range(40):
        strategy.before_epoch(epoch, 40)
        strategy.after_epoch(epoch, Planted())
    assert [epoch for epoch, rate in enumerate(rates) if rate == 0.02] == [0, 10, 30]
    assert min(rates) < 0.0015
    with pytest.raises(HwbenchError, match="above the learning rate"):
        ENAS(learning_rate=1e-4, schedule=schedule).check(40)


def test_the_published_restarts_are_at_these_epochs():
    strategy = ENAS(schedule={"name": "restarts", "periods": [10], "factor": 2.0})
    rates = [strategy._schedule.rate(1.0, epoch, 630) for epoch in range(630)]
    assert [epoch for epoch, rate in enumerate(rates) if rate == 1.0] == [0, 10, 30, 70, 150, 310]


def test_the_surrogate_gradient_is_that_of_the_expected_reward():
    """On a two-choice bandit: d E[R] / d logit = p (1 - p) (R1 - R0)."""
    controller = Controller(np.array([2]), 3, seed=1, dtype=np.float64)
    rewards = np.array([0.2, 0.9])
    both = np.array([[0], [1]])
    p = np.exp(controller.log_probabilities(both)[0])[1]
    # Each choice as often as it is drawn: the mean over both, weighed by twice its probability.
    weights = 2 * np.array([1 - p, p])
    slope = controller.views(controller.gradient(both, rewards * weights, 0.0))["output_bias"]
    exact = p * (1 - p) * (rewards[1] - rewards[0])
    np.testing.assert_allclose(slope, [-exact, exact], rtol=1e-10)


def test_supernets_that_leave_positions_out_are_refused():
    darts = make_supernet("darts", channels=4, depth=1, input_size=8)
    with pytest.raises(HwbenchError, match="leave some positions out"):
        ENAS().attach(darts)


# ---------------------------------------------------------------------- whole searches


def config(**changes):
    nodes = {name: {**TREE[name], **node} for name, node in changes.items()}
    return config_of({**TREE, **nodes}, where="tiny.toml")


@pytest.mark.parametrize("train_on", ["epoch_best", "sample"])
def test_a_stopped_search_goes_on_as_if_it_had_not(tmp_path, monkeypatch, train_on):
    wanted = config(strategy={"train_on": train_on})
    whole = run_live(wanted, tmp_path / "whole")
    train_epoch = search_module.Search.train_epoch

    def stopped(self, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    monkeypatch.setattr(search_module.Search, "train_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_live(wanted, tmp_path / "stopped")
    monkeypatch.undo()
    again = run_live(wanted, tmp_path / "stopped")
    assert again["architecture"] == whole["architecture"]
    epochs = [pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("whole", "stopped")]
    pd.testing.assert_frame_equal(*epochs)
    assert {"reward_mean", "reward_best", "policy_entropy"} <= set(epochs[0])
    assert (epochs[0]["reward_mean"] <= epochs[0]["reward_best"]).all()
    page = write_report(tmp_path / "whole").read_text(encoding="utf-8")
    assert "What the policy samples" in page
    assert "How undecided the policy is" in page


def test_the_selection_is_the_best_of_what_was_sampled(tmp_path):
    last = run_live(config(), tmp_path / "last")
    ever = run_live(config(selection={"of": "ever"}), tmp_path / "ever")
    epochs = pd.read_parquet(tmp_path / "last" / "metrics.parquet")
    assert last["search_accuracy"] == pytest.approx(epochs["reward_best"].iloc[-1])
    space = get_space("shufflenasnet")
    assert space.to_string(space.from_string(ever["architecture"])) == ever["architecture"]


def test_the_selection_needs_a_policy():
    with pytest.raises(HwbenchError, match="spos learns no policy; use the strategy 'enas'"):
        config_of({**TREE, "strategy": {"name": "spos"}}, where="tiny.toml")


@pytest.mark.slow
def test_the_mean_reward_rises_and_beats_that_of_uniform_draws(tmp_path):
    """On digits, the ranking being of as many uniform draws on the same supernet."""
    run_live(load_config("enas", "small"), tmp_path)
    rewards = pd.read_parquet(tmp_path / "metrics.parquet")["reward_mean"]
    uniform = pd.read_parquet(tmp_path / "ranking.parquet")["accuracy"]
    assert rewards.iloc[-2:].mean() > rewards.iloc[:2].mean() + 20
    assert rewards.iloc[-2:].mean() > uniform.mean() + 20
