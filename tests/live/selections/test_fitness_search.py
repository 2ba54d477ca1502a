"""Searches on a trained supernet that maximise a fitness of accuracy and spikes."""

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.live.ranking import Evaluator
from hwbench.live.run import run_live
from hwbench.live.search import make_search
from hwbench.live.selecting import select_run
from hwbench.live.selections.black_box import BlackBox
from hwbench.live.strategies.single_path import SPOS
from hwbench.progress import silent_stage
from hwbench.results.live import read_live_run
from hwbench.spaces import get_space
from hwbench.testing.live_example import example_config

CPU = torch.device("cpu")
AVERAGE = 700.0
SPACE = {
    "name": "autosnn",
    "channels": 2,
    "depth": 1,
    "affine": True,
    "skeleton": {"time_steps": 2, "halvings": 2, "threshold": 0.5},
}
WORTH = np.array([0.0, 1.0, 1.5, 2.5, 3.0])  # of a block, in points of accuracy
FIRED = np.array([40.0, 150.0, 170.0, 190.0, 260.0])


def told(archs):
    """What the supernet would say: larger blocks are better and fire more."""
    rows = np.atleast_2d(archs)
    places = np.array([1.0, 1.4, 0.6, 1.2, 0.9])
    accuracy = 60 + (WORTH[rows] * places).sum(axis=1)
    return pd.DataFrame(
        {"accuracy": accuracy, "loss": -accuracy, "spikes": FIRED[rows].sum(axis=1)}
    )


@pytest.fixture
def search(monkeypatch, request):
    asked = []

    def evaluate(self, archs, part="validation", progress=None):
        asked.append(tuple(np.atleast_2d(archs)[0].tolist()))
        return told(archs)

    monkeypatch.setattr(Evaluator, "evaluate", evaluate)
    space = {**SPACE, "operations": getattr(request, "param", None)}
    with seeded(0, CPU, 1):
        made = make_search(example_config("spos", space=space, ranking={"architectures": 2}), CPU)
        made.asked = asked
        yield made


def selected(search, exponent, *, seed=0, strategy="top_k_evolution", evaluations=200):
    selection = BlackBox(
        strategy=strategy,
        evaluations=evaluations,
        n_initial=20,
        fitness={"measurement": "spikes", "exponent": exponent, "average": AVERAGE},
        seed=seed,
    )
    (arch,) = selection.select(search, silent_stage)
    return arch, selection.found


def test_the_fittest_of_all_that_was_evaluated_is_selected(search):
    arch, found = selected(search, -0.24)
    expected = found["accuracy"] * (found["spikes"] / AVERAGE) ** -0.24
    np.testing.assert_allclose(found["fitness"], expected)
    assert found["architecture"][found["fitness"].idxmax()] == get_space("autosnn").to_string(arch)
    assert len(found) == len(search.asked) == len(set(search.asked)) == 200


@pytest.mark.parametrize("search", [["skip", "SCB_k3", "SRB_k5"]], indirect=True)
def test_fewer_spikes_the_more_they_weigh(search):
    spikes = []
    for exponent in (0.0, -0.08, -0.24, -0.5):
        arch, found = selected(search, exponent, strategy="random", evaluations=3**5)
        assert len(found) == 3**5  # all of them: then it is a theorem
        spikes.append(told(arch)["spikes"][0])
    assert spikes == sorted(spikes, reverse=True)
    assert spikes[0] == 5 * 260.0 > spikes[-1]


def test_evolution_is_no_worse_than_chance_at_equal_evaluations(search):
    for seed in range(5):
        best, chance = (
            selected(search, -0.08, seed=seed, strategy=strategy)[1]["fitness"].max()
            for strategy in ("top_k_evolution", "random")
        )
        assert best >= chance


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    selection = {
        "name": "black_box",
        "strategy": "top_k_evolution",
        "evaluations": 6,
        "n_initial": 3,
        "fitness": {"measurement": "spikes"},
    }
    config = example_config("spos", space=SPACE, selection=selection)
    config = config.model_copy(
        update={"ranking": config.ranking.model_copy(update={"target": None})}
    )
    run_live(config, folder)
    return folder


def test_a_run_keeps_spikes_and_weighs_them_by_those_of_its_training(run):
    found = read_live_run(run)
    assert found.result["measured"]["spikes"] > 0
    average = found.epochs["train_spikes"].iloc[-1]
    assert average > 0
    assert {"spikes", "spike_energy"} <= set(found.ranking)
    result = select_run(
        run,
        {
            "name": "black_box",
            "evaluations": 4,
            "fitness": {"measurement": "spikes", "exponent": -0.5},
        },
        label="fewer",
    )
    again = next(each for each in read_live_run(run).selections if each.result.label == "fewer")
    evaluated = again.evaluations
    expected = evaluated["accuracy"] * (evaluated["spikes"] / average) ** -0.5
    np.testing.assert_allclose(evaluated["fitness"], expected)
    assert again.result.measured == result["measured"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"fitness": {"measurement": "spikes"}, "score": "loss"},
            "fitness is made of the accuracy",
        ),
        ({"fitness": {"exponent": -0.1}}, "fitness: the key 'measurement' is missing"),
        ({"fitness": {"measurement": "spikes", "lambda": 1}}, "unknown key 'lambda'"),
        ({"fitness": {"measurement": "watts"}}, "unknown measurement of autosnn 'watts'"),
    ],
)
def test_what_cannot_be_searched_by_is_refused(changes, message):
    with pytest.raises(HwbenchError, match=message):
        example_config("spos", space=SPACE, selection={"name": "black_box", **changes})


@pytest.mark.parametrize(
    ("skeleton", "message"),
    [
        ({"time_stepz": 4}, "did you mean 'time_steps'"),
        ({"channels": 4}, "channels is no further option"),
        ({"time_steps": -1}, "time_steps"),
    ],
)
def test_skeletons_of_a_config_are_checked_when_it_is_read(skeleton, message):
    with pytest.raises(HwbenchError, match=message):
        example_config("spos", space={**SPACE, "skeleton": skeleton})


def test_a_stopped_search_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    config = example_config(
        "spos",
        space=SPACE,
        selection={
            "name": "black_box",
            "strategy": "top_k_evolution",
            "evaluations": 5,
            "fitness": {"measurement": "spikes"},
        },
        ranking=None,
    )
    whole = run_live(config, tmp_path / "whole")
    drawn = SPOS.mixture
    passes = []

    def stopping(self):
        passes.append(1)
        if len(passes) == 5:  # in the second epoch of two
            raise KeyboardInterrupt
        return drawn(self)

    monkeypatch.setattr(SPOS, "mixture", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_live(config, tmp_path / "stopped")
    monkeypatch.setattr(SPOS, "mixture", drawn)
    again = run_live(config, tmp_path / "stopped")
    for key in ("architecture", "search_accuracy", "test_accuracy", "measured"):
        assert again[key] == whole[key]
    one, other = (read_live_run(tmp_path / name).epochs for name in ("whole", "stopped"))
    pd.testing.assert_frame_equal(one, other)
