"""Selecting again from a trained supernet, and going on after a stop in every phase."""

import json

import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.config import RankingNode
from hwbench.live.memory import Memory
from hwbench.live.ranking import Evaluator
from hwbench.live.run import rank_run, run_live
from hwbench.live.search import Search
from hwbench.live.selecting import select_run
from hwbench.live.strategies import STRATEGIES
from hwbench.live.supernets.export import load_network
from hwbench.live.trainers.base import Trainer
from hwbench.results.live import read_live_run
from hwbench.results.selections import read_selections
from hwbench.testing.live_example import example_config

SPACE = {"name": "nasbench201", "operations": "no-zero", "channels": 2, "depth": 1}
FAST = {"passes": 1, "batch_size": 64}
EVOLUTION = {
    "name": "black_box",
    "strategy": {"name": "regularised_evolution", "population_size": 5, "tournament_size": 2},
    "evaluations": 12,
    "n_initial": 5,
    "metric": "flops",
    "limit": 110e6,
}
FRONT = {
    **EVOLUTION,
    "strategy": "nsga2",
    "limit": None,
    "metric": "hw-nas-bench:cifar10.pixel3_latency",
    "predictor": "ridge",
    "samples": 40,
}
FRONT.pop("limit")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    ranking = {"architectures": 6, "calibration": FAST}
    run_live(example_config("spos", space=SPACE, ranking=ranking), folder)
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    import shutil

    return shutil.copytree(trained, tmp_path / "run")


def test_one_supernet_is_selected_from_again_and_again(folder):
    ranked = rank_run(folder, RankingNode(architectures=10, calibration=FAST))
    results = [
        select_run(folder, {"name": "ranking"}),
        select_run(folder, EVOLUTION),
        select_run(folder, FRONT),
        select_run(folder, {"name": "black_box", "strategy": "local_search", "evaluations": 9}),
    ]
    assert results[0]["architecture"] == ranked["architecture"][0]
    labels = ["ranking", "black_box-regularised_evolution", "black_box-nsga2"]
    labels.append("black_box-local_search")
    assert [each["label"] for each in results] == labels
    found = {each.folder.name: each for each in read_selections(folder)}
    assert sorted(found) == sorted(labels)
    evolution, front = found[labels[1]], found[labels[2]]
    assert evolution.result.title == "Regularised evolution, FLOPs within 1.1e+08"
    assert evolution.result.single.true_accuracy == evolution.result.truth.value
    assert {each.name for each in evolution.result.single.baselines} == {
        "random",
        "flops",
        "random_without_error",
    }
    assert evolution.keeps_limit
    assert front.result.selected == front.evaluations["selected"].sum()
    assert 0 <= front.result.front.hypervolume_share <= 1
    assert len(front.result.front.baselines) == 3
    assert front.evaluations["true_metric"].notna().all()
    assert front.true_front["accuracy"].is_monotonic_increasing
    # The run's own result is what it was, and the page shows all of it.
    assert len(read_live_run(folder).selections) == 4
    network = load_network(folder / "selections" / labels[1] / "architecture")
    assert max(network.sizes) == 1


def test_evaluations_are_shared(folder, monkeypatch):
    asked = []
    one = Evaluator._one
    monkeypatch.setattr(
        Evaluator, "_one", lambda self, *given: (asked.append(1), one(self, *given))[1]
    )
    select_run(folder, EVOLUTION)
    first = len(asked)
    select_run(folder, EVOLUTION, label="again")
    assert len(asked) == first > 0


def test_a_label_is_one_selection_s(folder):
    first = select_run(folder, EVOLUTION, label="mine")
    assert select_run(folder, EVOLUTION, label="mine") == first
    with pytest.raises(HwbenchError, match="holds another selection; give this one a name with"):
        select_run(folder, FRONT, label="mine")
    assert select_run(folder, FRONT, label="mine", fresh=True)["selected"] >= 1
    with pytest.raises(HwbenchError, match="is no name of a folder"):
        select_run(folder, EVOLUTION, label="../mine")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"name": "strength"}, "strength needs strengths, and spos learns no strengths"),
        ({"name": "evolution"}, "unknown selection 'evolution'"),
        ({"name": "black_box", "evaluation": 3}, "did you mean 'evaluations'"),
        ({"name": "top_k", "k": 3}, "needs strengths"),
        ({"name": "black_box", "metric": "nasbench-macro:flops"}, "is of the space nasbench_macro"),
    ],
)
def test_what_does_not_suit_is_one_line(folder, node, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        select_run(folder, node)
    assert "\n" not in str(caught.value)
    assert not (folder / "selections" / node["name"]).exists()


def test_a_run_that_has_not_ended_is_said(tmp_path, monkeypatch):
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(example_config("spos"), tmp_path / "run")
    with pytest.raises(HwbenchError, match="1 of 2 epochs are trained; hwbench live run goes on"):
        select_run(tmp_path / "run", EVOLUTION)
    with pytest.raises(HwbenchError, match="holds no live search"):
        select_run(tmp_path / "other", EVOLUTION)


def test_a_supernet_whose_own_selection_failed_can_be_selected_from(tmp_path, monkeypatch):
    config = example_config("darts")

    def fails(*_):
        raise HwbenchError("no luck")

    with monkeypatch.context() as patch:
        patch.setattr("hwbench.live.selections.strength.Strength.select", fails)
        with pytest.raises(HwbenchError, match="no luck"):
            run_live(config, tmp_path / "run")
    found = select_run(tmp_path / "run", {"name": "strength"})
    again = run_live(config, tmp_path / "run")
    assert again["architecture"] == found["architecture"]


def test_without_its_checkpoint_the_exported_supernet_serves(folder):
    with_it = select_run(folder, EVOLUTION, label="one")
    (folder / "checkpoint.pt").unlink()
    without = select_run(folder, EVOLUTION, label="other")
    same = {key: with_it[key] for key in with_it if key not in ("label", "seconds")}
    assert same == {key: without[key] for key in without if key not in ("label", "seconds")}
    with pytest.raises(HwbenchError, match="perturbation needs the checkpoint of the last epoch"):
        select_run(folder, {"name": "perturbation"})


# ---------------------------------------------------------------------- a stop in every phase


def _weights(folder):
    return {
        path.parent.relative_to(folder).as_posix(): load_network(path.parent).state_dict()
        for path in sorted(folder.rglob("weights.pt"))
    }


def _same(one, other):
    """Everything but the records, to the last bit."""
    results = [json.loads((each / "result.json").read_text()) for each in (one, other)]
    assert results[0] == results[1]
    first, second = _weights(one), _weights(other)
    assert first.keys() == second.keys()
    for name, tensors in first.items():
        for key, value in tensors.items():
            assert torch.equal(value, second[name][key]), (name, key)
    frames = sorted(path.relative_to(one) for path in one.rglob("*.parquet"))
    assert frames == sorted(path.relative_to(other) for path in other.rglob("*.parquet"))
    for frame in frames:
        pd.testing.assert_frame_equal(
            pd.read_parquet(one / frame), pd.read_parquet(other / frame), check_exact=True
        )


def _interrupted(monkeypatch, owner, name, after):
    """Let a method be interrupted when it is called for the time after `after` times."""
    method, calls = getattr(owner, name), []

    def stops(self, *given, **named):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return method(self, *given, **named)

    monkeypatch.setattr(owner, name, stops)


PHASES = {
    "ranking": ({}, Evaluator, "_one", 3),
    "black box": ({"selection": EVOLUTION, "ranking": None}, Evaluator, "_one", 5),
    "front": ({"selection": FRONT, "ranking": None}, Evaluator, "_one", 7),
    "perturbation, choosing": (
        {"selection": {"name": "perturbation", "tuning_epochs": 2}}, Search, "accuracy", 9,
    ),
    "perturbation, tuning": (
        {"selection": {"name": "perturbation", "tuning_epochs": 2}}, Trainer, "tune_epoch", 5,
    ),
}  # fmt: skip


# A kind of phase once, with one that draws or one that does not; the rest are of the same kinds.
QUICK = {"ranking": "darts", "black box": "snas", "perturbation, tuning": "snas"}


@pytest.mark.parametrize(
    ("strategy", "phase"),
    [
        pytest.param(name, phase, marks=() if QUICK.get(phase) == name else pytest.mark.slow)
        for name in STRATEGIES.built_in
        for phase in PHASES
    ],
)
def test_a_stop_in_every_phase_changes_nothing(tmp_path, monkeypatch, phase, strategy):
    nodes, owner, name, after = PHASES[phase]
    ranking = {"architectures": 8, "calibration": FAST}
    space = {**SPACE, "channels": 4 if strategy == "pc_darts" else 2}  # which takes one of four
    nodes = {"space": space, "ranking": ranking, "selection": {"name": "ranking"}, **nodes}
    config = example_config(strategy, **nodes)
    monkeypatch.setattr("hwbench.live.memory.EVERY", 0.0)
    run_live(config, tmp_path / "unbroken")
    torch.manual_seed(1)
    for stop in (after, after // 2):
        with monkeypatch.context() as patch:
            _interrupted(patch, owner, name, stop)
            with pytest.raises(KeyboardInterrupt):
                run_live(config, tmp_path / "stopped")
    begun = []
    method = getattr(owner, name)
    monkeypatch.setattr(
        owner,
        name,
        lambda self, *given, **named: (begun.append(1), method(self, *given, **named))[1],
    )
    run_live(config, tmp_path / "stopped")
    _same(tmp_path / "unbroken", tmp_path / "stopped")
    assert begun  # and it had been stopped before its end


def test_an_interrupted_selection_goes_on_where_it_was(trained, tmp_path, monkeypatch):
    import shutil

    node = {"name": "perturbation", "tuning_epochs": 1}
    one, other = (shutil.copytree(trained, tmp_path / name) for name in ("one", "other"))
    whole = select_run(one, node)
    calls = []
    tune = Trainer.tune_epoch
    monkeypatch.setattr(Trainer, "tune_epoch", lambda *given: (calls.append(1), tune(*given))[1])
    with monkeypatch.context() as patch:
        _interrupted(patch, Trainer, "tune_epoch", 3)
        with pytest.raises(KeyboardInterrupt):
            select_run(other, node)
    assert len(calls) == 3
    again = select_run(other, node)
    assert len(calls) == 6
    own = [_weights(each / "selections") for each in (one, other)]
    for name, tensors in own[0].items():
        assert all(torch.equal(value, own[1][name][key]) for key, value in tensors.items())
    assert whole["architecture"] == again["architecture"]
    assert whole["search_accuracy"] == again["search_accuracy"]
    assert not list(other.rglob("selection.pt"))


def test_what_is_remembered_is_of_one_supernet(tmp_path):
    memory = Memory(tmp_path / "evaluations.parquet", "one")
    memory.keep("a", "validation", {"accuracy": 50.0, "loss": 1.0})
    memory.write()
    assert Memory(tmp_path / "evaluations.parquet", "one").read("a", "validation") == {
        "accuracy": 50.0,
        "loss": 1.0,
    }
    assert Memory(tmp_path / "evaluations.parquet", "other").read("a", "validation") is None
    (tmp_path / "evaluations.parquet").write_bytes(b"torn")
    assert Memory(tmp_path / "evaluations.parquet", "one").read("a", "validation") is None


def test_cells_that_are_one_network_are_evaluated_once(cells, data, tmp_path, monkeypatch):
    calls = []
    one = Evaluator._one
    monkeypatch.setattr(
        Evaluator, "_one", lambda self, *given: (calls.append(1), one(self, *given))[1]
    )
    judge = Evaluator(cells(), data, memory=Memory(tmp_path / "evaluations.parquet", "one"))
    found = [judge.evaluate([arch]) for arch in ([0, 3, 3, 1, 2, 3], [0, 3, 0, 1, 0, 3])]
    assert len(calls) == 1
    pd.testing.assert_frame_equal(*found, check_exact=True)
