"""The estimate of a live search counts epochs, images and what comes after training."""

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.live.config import config_of, load_config
from hwbench.live.estimate import MOST_KINDS, estimate_live
from hwbench.live.pilots import ENOUGH_BATCHES
from hwbench.live.strategies.darts import DARTS
from hwbench.testing.random_states import global_states

CALIBRATION = {"passes": 1, "batch_size": 64}
TREE = {
    "title": "tiny",
    "data": {"validation_share": 0.5},
    "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
    "strategy": {"name": "darts"},
    "trainer": {"name": "bilevel", "epochs": 4, "batch_size": 16},
    "selection": {"name": "strength"},
}
SINGLE_PATH = {
    "strategy": {"name": "spos", "split_epoch": 2},
    "trainer": {"name": "single_level", "epochs": 6, "batch_size": 64},
    "selection": {"name": "ranking"},
    "ranking": {"architectures": 40, "calibration": CALIBRATION},
}


def estimated(tick=None, **nodes):
    clock = None
    if tick is not None:
        now = iter(np.arange(1, 10**6) * tick)
        clock = lambda: float(next(now))  # noqa: E731
    return estimate_live(config_of({**TREE, **nodes}, where="tiny.toml"), clock=clock)


def test_epochs_are_timed_where_they_change_and_in_the_middle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    states = global_states()
    found = estimated(**SINGLE_PATH)
    assert found.epochs["epoch"].tolist() == [0, 2, 3]
    assert found.epochs["epochs"].tolist() == [2, 1, 3]
    assert (found.epochs["seconds"] > 0).all()
    assert found.images == {"train": 449, "validation": 449, "test": 899}
    assert (found.ranked, found.evaluated, found.not_counted) == (40, 0, ())
    after = found.ranking_seconds + found.selection_seconds
    assert found.seconds == pytest.approx(
        found.preparation_seconds + found.training_seconds + after
    )
    assert list(tmp_path.iterdir()) == []
    assert global_states() == states


def test_images_that_are_left_out_are_counted(monkeypatch):
    steps = []
    mixture = DARTS.architecture_mixture
    monkeypatch.setattr(
        DARTS, "architecture_mixture", lambda self: (steps.append(1), mixture(self))[1]
    )
    whole = estimated(tick=0.001)
    assert len(steps) == (2 + 2) * (449 // 16)  # a short epoch is timed twice
    steps.clear()
    part = estimated(tick=1.0)
    assert len(steps) == 2 * ENOUGH_BATCHES
    assert part.training_seconds == pytest.approx(1000 * whole.training_seconds, rel=0.03)
    twice = estimated(tick=1.0, trainer={**TREE["trainer"], "epochs": 8})
    assert twice.training_seconds == pytest.approx(2 * part.training_seconds)


def test_a_warm_up_is_another_kind_of_epoch():
    found = estimated(tick=1.0, trainer={**TREE["trainer"], "epochs": 6, "warm_up_epochs": 2})
    assert found.epochs["epoch"].tolist() == [0, 2, 3]
    assert found.epochs["epochs"].tolist() == [2, 1, 3]


def test_what_is_evaluated_after_training_is_counted():
    ranking = {"architectures": 12, "calibration": CALIBRATION}
    few, many = (
        estimated(
            tick=0.1,
            **{**SINGLE_PATH, "ranking": {**ranking, "architectures": number}},
        ).ranking_seconds
        for number in (12, 24)
    )
    assert many == pytest.approx(2 * few, rel=0.05)
    black_box = {"name": "black_box", "evaluations": 30, "n_initial": 5}
    search = {**SINGLE_PATH, "selection": black_box}
    found = estimated(tick=0.1, **{**search, "ranking": ranking})
    more = estimated(
        tick=0.1, **{**search, "ranking": ranking, "selection": {**black_box, "evaluations": 60}}
    )
    assert (found.evaluated, more.evaluated) == (30, 60)
    assert more.selection_seconds == pytest.approx(found.selection_seconds * 62 / 32, rel=0.1)


def test_what_cannot_be_counted_is_named():
    found = estimated(tick=1.0, selection={"name": "perturbation"})
    (sentence,) = found.not_counted
    assert sentence.startswith("What the selection perturbation does is not counted")
    assert found.evaluated is None


@pytest.mark.slow
@pytest.mark.parametrize(("method", "least"), [("pr_darts", 4), ("enas", 2)])
def test_methods_that_change_the_supernet_or_learn_between_epochs_can_be_told_too(method, least):
    config = load_config(method, "small")
    found = estimate_live(config)
    assert found.n_epochs == config.trainer["epochs"]
    assert least <= len(found.epochs) <= MOST_KINDS + 1


def test_a_step_that_fails_is_one_line(monkeypatch):
    def fails(self):
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(DARTS, "mixture", fails)
    with pytest.raises(HwbenchError, match=r"^tiny: what it costs cannot .* \(out of memory\)$"):
        estimated()
