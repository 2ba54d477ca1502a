"""Selection by perturbation, also with strategies that draw."""

import numpy as np
import pytest
import torch

from hwbench.devices import seeded
from hwbench.live.run import run_live
from hwbench.live.search import make_search
from hwbench.live.selections import perturbation
from hwbench.live.selections.perturbation import Perturbation, Projection
from hwbench.live.supernets.export import load_network
from hwbench.live.supernets.mixture import Mixture
from hwbench.progress import silent_stage
from hwbench.spaces import get_space
from hwbench.testing.live_example import example_config

CPU = torch.device("cpu")

WANTED = [0, 1, 1, 0, 1, 0]
"""Of the two candidates of each position the one that the supernet is to miss."""


@pytest.fixture
def search(request):
    """A search of a strategy, untrained, while torch's generator is seeded."""
    with seeded(0, CPU, 1):
        yield make_search(example_config(request.param), CPU)


@pytest.fixture
def asked(monkeypatch):
    """Let accuracies be those of a formula of two batches' passes; gives the passes, by call."""
    calls = []

    def set_formula(search, formula):
        def accuracy(mixture):
            passes = [mixture(), mixture()]
            calls.append(passes)
            return sum(map(formula, passes)) / len(passes)

        monkeypatch.setattr(search, "accuracy", accuracy)
        return calls

    return set_formula


def select(search, tuning_epochs=0):
    return Perturbation(tuning_epochs=tuning_epochs).select(search, silent_stage)


def weight_of(mixture, position, candidate):
    """The weight that a pass gives to a candidate."""
    active, weights, _ = mixture.choices[position]
    if candidate not in active:
        return 0.0
    return 1.0 if weights is None else float(weights.detach()[active.index(candidate)])


def both(mixture):
    """Positions of which no candidate is left out or fixed."""
    return [place for place, choice in enumerate(mixture.choices) if len(choice.active) == 2]


@pytest.mark.parametrize("search", ["darts", "snas", "dr_nas"], indirect=True)
def test_the_candidate_that_is_missed_the_most_stays(search, asked):
    def accuracy(mixture):
        missing = [WANTED[at] not in choice.active for at, choice in enumerate(mixture.choices)]
        # Of what is drawn elsewhere, more depends than of a candidate.
        luck = sum(weight_of(mixture, place, 0) for place in both(mixture))
        return 50.0 - sum(missing) + 1000.0 * luck

    asked(search, accuracy)
    arch = select(search)
    assert (arch - 2).tolist() == WANTED  # the two candidates are the space's last but one and two


@pytest.mark.parametrize("search", ["snas", "gdas", "proxyless_nas", "spos"], indirect=True)
def test_candidates_are_compared_on_the_same_draws_and_batches_on_others(search, asked):
    calls = asked(search, lambda mixture: 0.0)
    torch.manual_seed(3)
    select(search)
    assert len(calls) == 12  # each of two candidates at six positions
    drawn, fixed = [], set()
    for first, second in zip(calls[::2], calls[1::2], strict=True):
        kept = [{len(choice.active) for choice in each.choices} for each in (*first, *second)]
        assert all(0 not in sizes for sizes in kept)
        at = next(
            place
            for place in range(6)
            if place not in fixed
            and all(weight_of(each, place, 0) == 0.0 for each in first)
            and all(weight_of(each, place, 1) == 0.0 for each in second)
        )
        fixed.add(at)
        open_ = [place for place in range(6) if place not in fixed]
        one, other = (
            [[weight_of(each, place, 0) for place in open_] for each in passes]
            for passes in (first, second)
        )
        assert one == other
        drawn.append(one)
    assert fixed == set(range(6))
    assert any(first != second for first, second in drawn)


@pytest.mark.parametrize("search", ["darts"], indirect=True)
def test_running_statistics_do_not_matter(search):
    """As in the method's code, accuracies are of each batch's own statistics."""
    search.train_epoch(0)
    kept = search.state_dict()
    layers = [each for each in search.supernet.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    found = []
    for corrupted in (False, True):
        search.load_state_dict(kept)
        for layer in layers if corrupted else ():
            layer.running_mean.normal_(10.0, 5.0)
            layer.running_var.uniform_(1e-3, 1e3)
        torch.manual_seed(5)
        before = [each.running_mean.clone() for each in layers]
        found.append(select(search).tolist())
        after = [each.running_mean for each in layers]
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert found[0] == found[1]
    assert len({tuple(each) for each in found}) == 1


@pytest.mark.parametrize("strategy", ["fair_nas", "gdas", "proxyless_nas", "snas", "spos"])
def test_layers_in_sequence_can_be_left_out_whatever_is_drawn(strategy):
    space = {"name": "nasbench_macro", "channels": 4, "depth": 1}
    ranking = {"architectures": 2}
    with seeded(0, CPU, 1):
        search = make_search(example_config(strategy, space=space, ranking=ranking), CPU)
        arch = select(search)
    get_space("nasbench_macro").check(arch[None, :])


def test_a_left_out_draw_gives_zeros():
    space = {"name": "nasbench_macro", "channels": 4, "depth": 1}
    with seeded(0, CPU, 1):
        search = make_search(example_config("spos", space=space, ranking={"architectures": 2}), CPU)
        drawn = search.strategy.mixture()
        taken = drawn.choices[3].active[0]
        outputs = []
        search.supernet.layers[3].register_forward_hook(lambda *given: outputs.append(given[2]))
        images = search.data.train.images[:2]
        for candidate in range(3):
            search.supernet(images, perturbation._without(drawn, 3, candidate))
        assert [bool((output == 0).all()) for output in outputs] == [
            candidate == taken for candidate in range(3)
        ]


DARTS_SPACE = {"name": "darts", "channels": 2, "depth": 1}


def test_both_cells_are_decided_side_by_side_and_nodes_lose_the_least_missed(monkeypatch):
    with seeded(0, CPU, 1):
        search = make_search(example_config("darts", space=DARTS_SPACE, ranking=None), CPU)
        worth = torch.rand(28).tolist()  # what each edge is worth

        def accuracy(mixture):
            return sum(
                value for value, choice in zip(worth, mixture().choices, strict=True)
                if choice.active
            )  # fmt: skip

        monkeypatch.setattr(search, "accuracy", accuracy)
        projection = Projection(search, 0)
        assert projection.rounds == 14 + 3  # the first node has two inputs, which both stay
        for done in range(projection.rounds):
            projection.step()
            cells = [place // 14 for place in projection.fixed]
            assert cells.count(0) == cells.count(1) == min(14, done + 1)
        arch = projection.architecture()
    inputs, operations = search.supernet.space.edges(arch[None, :])
    for cell in range(2):
        first = cell * 14
        for node in range(4):
            own = range(first, first + node + 2)
            best = sorted(sorted(own, key=lambda place: -worth[place])[:2])
            assert [place - first for place in best] == inputs[0, cell, node].tolist()
            first += node + 2
    # Neither none nor noise is chosen, however much it is missed.
    assert set(np.unique(operations)) <= set(range(7))


def test_parameters_learn_on_between_rounds():
    with seeded(0, CPU, 1):
        search = make_search(example_config("darts"), CPU)
        before = search.strategy.alpha.detach().clone()
        rates = []
        tune = search.trainer.tune_epoch
        search.trainer.tune_epoch = lambda *given: rates.append(tune(*given)["learning_rate"])
        select(search, tuning_epochs=1)
    assert rates == pytest.approx([0.0025] * 6)
    assert not torch.equal(search.strategy.alpha, before)


def test_weights_that_are_left_in_the_mixture_are_those_of_the_strategy():
    with seeded(0, CPU, 1):
        search = make_search(example_config("darts"), CPU)
        mixture = search.strategy.mixture()
        without = perturbation._without(mixture, 2, 0)
        assert isinstance(without, Mixture)
        assert without.choices[2].active == (1,)
        assert torch.equal(without.choices[2].weights, mixture.choices[2].weights[1:])
        assert without.choices[1] is mixture.choices[1]


def test_a_run_takes_what_is_selected_and_keeps_the_tuned_weights(tmp_path):
    config = example_config("darts", selection={"name": "perturbation", "tuning_epochs": 1})
    result = run_live(config, tmp_path)
    arch = get_space("nasbench201").from_string(result["architecture"])
    trained = load_network(tmp_path / "supernet").finalised(arch).state_dict()
    exported = load_network(tmp_path / "architecture").state_dict()
    assert exported.keys() == trained.keys()
    assert any(not torch.equal(value, trained[name]) for name, value in exported.items())
