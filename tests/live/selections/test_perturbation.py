"""Selection by perturbation, also with strategies that draw."""

import pytest
import torch

from hwbench.live.run import run_live
from hwbench.live.search import make_search, seeded
from hwbench.live.selections import perturbation
from hwbench.live.selections.perturbation import select_by_perturbation
from hwbench.live.supernets.export import load_network
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
    arch = select_by_perturbation(search, 0)
    assert (arch - 2).tolist() == WANTED  # the two candidates are the space's last but one and two


@pytest.mark.parametrize("search", ["snas", "gdas", "proxyless_nas", "spos"], indirect=True)
def test_candidates_are_compared_on_the_same_draws_and_batches_on_others(search, asked):
    calls = asked(search, lambda mixture: 0.0)
    torch.manual_seed(3)
    order = torch.randperm(6).tolist()
    torch.manual_seed(3)
    select_by_perturbation(search, 0)
    assert len(calls) == 12  # each of two candidates at six positions
    drawn = []
    for done, position in enumerate(order):
        open_ = order[done + 1 :]
        one, other = (
            [[weight_of(each, place, 0) for place in open_] for each in passes]
            for passes in calls[2 * done : 2 * done + 2]
        )
        assert one == other
        drawn.append(one)
        for passes, candidate in zip(calls[2 * done : 2 * done + 2], (0, 1), strict=True):
            assert all(weight_of(each, position, candidate) == 0.0 for each in passes)
    assert any(first != second for first, second in drawn)


@pytest.mark.parametrize("strategy", ["fair_nas", "gdas", "proxyless_nas", "snas", "spos"])
def test_layers_in_sequence_can_be_left_out_whatever_is_drawn(strategy):
    space = {"name": "nasbench_macro", "channels": 4, "depth": 1}
    ranking = {"architectures": 2}
    with seeded(0, CPU, 1):
        search = make_search(example_config(strategy, space=space, ranking=ranking), CPU)
        arch = select_by_perturbation(search, 0)
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


def test_a_run_takes_what_is_selected_and_keeps_the_tuned_weights(tmp_path, monkeypatch):
    chosen, tuned = [], []

    def select(search, tuning_epochs, progress):
        before = {name: value.clone() for name, value in search.supernet.state_dict().items()}
        chosen.append(select_by_perturbation(search, tuning_epochs, progress))
        tuned.append(tuning_epochs)
        after = search.supernet.state_dict()
        assert any(not torch.equal(before[name], after[name]) for name in before)
        kept.update({name: value.clone() for name, value in after.items()})
        return chosen[0]

    kept = {}
    monkeypatch.setattr(perturbation, "select_by_perturbation", select)
    config = example_config("darts", selection={"method": "perturbation", "tuning_epochs": 1})
    result = run_live(config, tmp_path)
    assert tuned == [1]
    assert result["architecture"] == get_space("nasbench201").to_string(chosen[0])
    exported = load_network(tmp_path / "architecture").state_dict()
    assert exported
    for name, value in exported.items():
        torch.testing.assert_close(value, kept[name])
