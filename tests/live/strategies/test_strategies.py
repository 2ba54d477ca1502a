import itertools

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.darts import DARTS, PCDARTS, VSDARTS, FairDARTS
from hwbench.live.strategies.pr_darts import PRDARTS
from hwbench.live.strategies.sampled import GDAS, SNAS, DrNAS, ProxylessNAS
from hwbench.live.strategies.single_path import SPOS, FairNAS
from hwbench.live.supernets.structure import Structure
from hwbench.live.trainers.base import SingleLevel
from hwbench.live.trainers.bilevel import Bilevel
from hwbench.testing import check_architecture_strategy


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_strategy_keeps_its_promises(name):
    check_architecture_strategy(name)


@pytest.mark.parametrize(
    "strategy",
    [
        PCDARTS(partial_channels=2),
        SPOS(split_epoch=1),
        PRDARTS(epochs=(1, 1), grace=(0, 0), prune=(1, 1), replace=(1, 0)),
    ],
)
def test_with_other_arguments_it_does_too(strategy):
    check_architecture_strategy(strategy)


def test_snas_has_one_hot_limits(cells):
    strategy = SNAS(temperature_start=1e-3, temperature_end=1e-3).attach(cells())
    drawn = torch.stack([strategy.draw() for _ in range(2000)])
    assert float(drawn.detach().max(dim=2).values.median()) > 0.999
    # With temperature the shares of one-hot draws are the softmax of the parameters.
    with torch.no_grad():
        strategy.alpha[0] = torch.log(torch.tensor([0.5, 0.2, 0.1, 0.1, 0.1]))
    shares = torch.stack([strategy.draw()[0] for _ in range(4000)]).mean(dim=0)
    torch.testing.assert_close(shares, torch.softmax(strategy.alpha[0], 0), atol=0.03, rtol=0)
    hot = SNAS(temperature_start=1e4, temperature_end=1.0).attach(cells())
    torch.testing.assert_close(hot.draw(), torch.full((6, 5), 0.2), atol=1e-2, rtol=0)
    hot.before_epoch(9, 10)
    assert hot.temperature == 1.0


def test_gdas_computes_one_candidate_with_weight_one_and_a_gradient(cells, data):
    supernet = cells()
    strategy = GDAS().attach(supernet)
    mixture = strategy.mixture()
    for choice in mixture.choices:
        assert len(choice.active) == 1
        assert choice.weights.item() == pytest.approx(1.0)
    supernet(data.train.images, mixture).square().sum().backward()
    assert strategy.alpha.grad.abs().sum() > 0


def test_edge_weights_of_a_node_sum_to_one(cells):
    strategy = PCDARTS(partial_channels=2).attach(cells(partial_channels=2))
    with torch.no_grad():
        strategy.beta += torch.randn(6)
    weights = strategy.edge_weights()
    for node in ([0], [1, 2], [3, 4, 5]):
        torch.testing.assert_close(weights[node], torch.softmax(strategy.beta[node], 0))


def test_fair_nas_trains_every_candidate_once_a_step(cells):
    strategy = FairNAS().attach(cells())
    mixtures = strategy.weight_mixtures()
    assert len(mixtures) == 5
    for position in range(6):
        taken = sorted(mixture.choices[position].active[0] for mixture in mixtures)
        assert taken == [0, 1, 2, 3, 4]
    uneven = [["none", "nor_conv_1x1"], *[["none"]] * 5]
    with pytest.raises(HwbenchError, match="as many candidates"):
        FairNAS().attach(cells(uneven))


def test_spos_draws_uniformly(cells):
    strategy = SPOS().attach(cells())
    counts = torch.zeros(6, 5)
    for _ in range(3000):
        for position, choice in enumerate(strategy.mixture().choices):
            counts[position, choice.active[0]] += 1
    assert ((counts / 3000 - 0.2).abs().max().item()) < 0.04


def test_single_path_step_costs_one_path(cells, data):
    supernet, calls = cells(), []
    for operation in supernet.mixed_operations():
        for module in operation.candidates.values():
            module.register_forward_hook(lambda *_: calls.append(1))
    trainer = SingleLevel(epochs=1, batch_size=24)
    trainer.start(supernet, SPOS().attach(supernet))
    trainer.train_epoch(0, data, Augmentation())
    assert len(calls) == 6 * 3  # one candidate on each edge of three cells


def test_split_epoch_splits_and_keeps_the_momentum(cells, data):
    supernet = cells()
    trainer = SingleLevel(epochs=3, batch_size=8)
    trainer.start(supernet, FairNAS(split_epoch=1).attach(supernet))
    trainer.train_epoch(0, data, Augmentation())
    assert not supernet.is_split
    cell_operation = supernet.blocks[0].operations[5]
    weight = cell_operation.candidates["nor_conv_3x3"][1].weight
    momentum = trainer.weight_optimizer.state[weight]["momentum_buffer"].clone()
    trainer.become(supernet.split_structure())
    for made in cell_operation.candidates["nor_conv_3x3"].copies.values():
        state = trainer.weight_optimizer.state[made[1].weight]
        assert torch.equal(state["momentum_buffer"], momentum)
    trainer.train_epoch(1, data, Augmentation())
    sets = list(cell_operation.candidates["nor_conv_3x3"].copies.values())
    assert any(not torch.equal(sets[0][1].weight, other[1].weight) for other in sets[1:])


def test_dirichlet_samples_sum_to_one_and_carry_gradients(cells):
    uneven = [["none", "nor_conv_1x1"], *[["none", "skip_connect", "nor_conv_3x3"]] * 5]
    strategy = DrNAS().attach(cells(uneven))
    mixture = strategy.mixture()
    for choice in mixture.choices:
        assert choice.weights.sum().item() == pytest.approx(1.0, abs=1e-5)
    mixture.choices[1].weights[0].backward()
    assert float(strategy.alpha.grad[1].abs().sum()) > 0
    assert float(strategy.alpha.grad[0].abs().sum()) == 0
    strategy.alpha.data.zero_()
    assert strategy.penalty().item() == 0.0  # all concentrations are 1


def test_fair_darts_shares_do_not_compete(cells):
    strategy = FairDARTS().attach(cells("no-zero"))
    strengths = strategy.strengths()
    gradient = torch.autograd.grad(strengths[0, 0], strategy.alpha)[0]
    assert int((gradient != 0).sum()) == 1
    with torch.no_grad():
        strategy.alpha.fill_(20.0)
    assert strategy.penalty().item() == pytest.approx(-10 * 0.25, rel=1e-4)


def test_proxyless_leaves_other_probabilities_as_they_were(cells, data):
    supernet = cells()
    strategy = ProxylessNAS().attach(supernet)
    trainer = Bilevel(epochs=1, architecture={"name": "adam", "learning_rate": 0.5})
    trainer.start(supernet, strategy)
    before = torch.softmax(strategy.alpha.detach(), 1)
    trainer.clear_gradients()
    trainer.first_order_gradient(data.validation)
    pairs = [set(drawn.nonzero().flatten().tolist()) for drawn in strategy._drawn]
    trainer.step_architecture()
    after = torch.softmax(strategy.alpha.detach(), 1)
    for position, pair in enumerate(pairs):
        others = [k for k in range(5) if k not in pair]
        torch.testing.assert_close(after[position, others], before[position, others])
        inside = list(pair)
        assert float((after - before)[position, inside].abs().max()) > 1e-3


def test_proxyless_leaves_them_whatever_the_optimiser_has_kept(cells, data):
    # Adam with a memory and a decay would move what has no gradient in this step.
    node = {"name": "adam", "learning_rate": 0.1, "betas": [0.9, 0.999], "weight_decay": 0.1}
    supernet = cells()
    strategy = ProxylessNAS().attach(supernet)
    trainer = Bilevel(epochs=1, architecture=node)
    trainer.start(supernet, strategy)
    moved = 0.0
    for _ in range(20):
        before = torch.softmax(strategy.alpha.detach().double(), 1)
        trainer.clear_gradients()
        trainer.first_order_gradient(data.validation)
        drawn = strategy._drawn.clone()
        trainer.step_architecture()
        change = (torch.softmax(strategy.alpha.detach().double(), 1) - before).abs()
        assert float(change[~drawn].max()) < 1e-7
        moved = max(moved, float(change[drawn].max()))
    assert moved > 0.01


def test_parameters_step_every_few_steps_of_the_weights(cells, data):
    trainer = Bilevel(epochs=1, batch_size=4, architecture_every=3)
    supernet, seen = cells(), []
    strategy = DARTS().attach(supernet)
    trainer.start(supernet, strategy)
    step = trainer.step_architecture
    trainer.step_architecture = lambda: (seen.append(trainer._step_of_epoch), step())
    trainer.train_epoch(0, data, Augmentation())
    assert seen == [0, 3]  # of six steps


def test_candidates_that_nothing_is_learned_about_are_refused(cells):
    with pytest.raises(HwbenchError, match="learns nothing about 'none'"):
        FairDARTS().attach(cells())
    FairDARTS().attach(cells("no-zero"))


@pytest.mark.parametrize("strategy", [SNAS, GDAS])
def test_a_state_holds_the_temperature(cells, strategy):
    one, other = strategy().attach(cells()), strategy().attach(cells())
    one.before_epoch(7, 10)
    other.load_state_dict(one.state_dict())
    assert other.temperature == one.temperature != strategy().temperature


def test_hooks_of_older_versions_are_refused():
    with pytest.raises(HwbenchError, match="begin_epoch is not called any more; it is before_e"):

        class Old(DARTS):
            def begin_epoch(self, epoch, epochs):
                """Never called."""


def test_parameters_of_candidates_that_stay_are_kept(cells, data):
    """Pruning one candidate and putting another first, with what Adam knows of each."""
    supernet = cells()
    strategy, trainer = DARTS(), Bilevel(epochs=3, batch_size=8)
    trainer.start(supernet, strategy.attach(supernet))
    trainer.train_epoch(0, data, Augmentation())
    before = strategy.alpha.detach().clone()
    known = trainer.architecture_optimizer.state[strategy.alpha]["exp_avg"].clone()
    weight = supernet.blocks[0].operations[0].candidates["nor_conv_3x3"][1].weight
    momentum = trainer.weight_optimizer.state[weight]["momentum_buffer"].clone()
    names = list(supernet.positions[0].operations)
    fewer = ("nor_conv_3x3", "none", "skip_connect")
    to = Structure((fewer, *supernet.structure.operations[1:]))
    trainer.become(to)
    assert supernet.sizes == (3, 5, 5, 5, 5, 5)
    for column, name in enumerate(fewer):
        assert strategy.alpha[0, column] == before[0, names.index(name)]
        found = trainer.architecture_optimizer.state[strategy.alpha]["exp_avg"][0, column]
        assert found == known[0, names.index(name)]
    assert torch.equal(strategy.alpha[1:], before[1:])
    own = supernet.blocks[0].operations[0].candidates["nor_conv_3x3"][1].weight
    assert own is weight
    assert torch.equal(trainer.weight_optimizer.state[own]["momentum_buffer"], momentum)
    trainer.train_epoch(1, data, Augmentation())
    # One that comes back starts afresh; from a parent of other weights it cannot start.
    back = ((*fewer, "nor_conv_1x1"), *to.operations[1:])
    with pytest.raises(HwbenchError, match="cannot start from its parent"):
        trainer.become(Structure(back, parents={(0, "nor_conv_1x1"): "nor_conv_3x3"}))
    assert supernet.structure == to
    trainer.become(Structure(back))
    assert supernet.structure == Structure(back)
    assert strategy.strengths().shape == (6, 5)
    trainer.train_epoch(2, data, Augmentation())


def test_proxyless_gradient_is_that_of_the_two_gates(cells):
    # dL/dalpha_i = sum_j dL/dg_j p_j (delta_ij - p_i) over the two candidates drawn.
    strategy = ProxylessNAS().attach(cells())
    with torch.no_grad():
        strategy.alpha += torch.randn(6, 5)
    choice = strategy.architecture_mixture().choices[0]
    toward = torch.tensor([2.0, -1.0])
    gradient = torch.autograd.grad((choice.weights * toward).sum(), strategy.alpha)[0][0]
    shares = torch.softmax(strategy.alpha.detach()[0, list(choice.active)], 0)
    for place, index in enumerate(choice.active):
        expected = sum(
            toward[j] * shares[j] * (float(j == place) - shares[place]) for j in range(2)
        )
        assert float(gradient[index]) == pytest.approx(float(expected), abs=1e-6)
    assert sorted(choice.weights.detach().tolist()) == pytest.approx([0.0, 1.0])


def test_square_root_keeps_the_variance_where_darts_loses_it(cells):
    # CHOE 3.4.3: of independent outputs of variance 1, sqrt weights give variance 1.
    vs_darts, darts = VSDARTS().attach(cells()), DARTS().attach(cells())
    for spread, largest in ((0.0, 0.21), (1.0, 0.6)):
        for strategy in (vs_darts, darts):
            with torch.no_grad():
                strategy.alpha.copy_(spread * torch.randn(6, 5))
        squares = [choice.weights.square().sum() for choice in vs_darts.mixture().choices]
        torch.testing.assert_close(torch.stack(squares), torch.ones(6))
        plain = [choice.weights.square().sum() for choice in darts.mixture().choices]
        assert torch.stack(plain).max().item() < largest


@pytest.mark.parametrize(
    "strategy", [DARTS, VSDARTS, PCDARTS, FairDARTS, SNAS, DrNAS], ids=lambda kind: kind.__name__
)
def test_roots_of_shares_go_with_every_strategy(cells, strategy):
    supernet = cells(operations="no-zero")
    made = [strategy(square_root=root).attach(supernet) for root in (False, True)]
    made[1].load_state_dict(made[0].state_dict())
    mixtures = []
    for each in made:
        torch.manual_seed(0)
        mixtures.append(each.mixture())
    for plain, root in zip(mixtures[0].choices, mixtures[1].choices, strict=True):
        torch.testing.assert_close(root.weights.square(), plain.weights)
    torch.stack([choice.weights.sum() for choice in mixtures[1].choices]).sum().backward()
    assert torch.isfinite(made[1].alpha.grad).all()
    torch.testing.assert_close(made[1].strengths(), made[0].strengths())


@pytest.mark.parametrize(
    "strategy",
    [DARTS, PCDARTS, FairDARTS, SNAS, GDAS, DrNAS, ProxylessNAS],
    ids=lambda kind: kind.__name__,
)
def test_nodes_are_normalised_for_every_strategy(cells, strategy):
    assert not strategy().network_options().node_normalisation
    options = strategy(node_normalisation=True).network_options()
    assert options.node_normalisation
    assert options.partial_channels == strategy().network_options().partial_channels


def test_roots_have_gradients_where_a_share_is_zero(cells):
    strategy = DrNAS(square_root=True).attach(cells())
    with torch.no_grad():
        strategy.alpha.fill_(-3.0)  # concentrations so small that many shares are as good as 0
    weights = torch.stack([choice.weights for choice in strategy.mixture().choices])
    assert (weights < 1e-6).any()
    weights.sum().backward()
    assert torch.isfinite(strategy.alpha.grad).all()


def test_variance_ratio_of_mixed_operations(cells):
    # CHOE Fig. 3.6: near 1 with both parts of VS-DARTS, about 0.4 and less in DARTS.
    def ratio(strategy):
        supernet = cells(node_normalisation=strategy.network_options().node_normalisation)
        strategy.attach(supernet)
        seen = []
        for operation in supernet.mixed_operations():
            operation.register_forward_hook(
                lambda _, inputs, output: seen.append((output.var() / inputs[0].var()).item())
            )
        images = torch.randn(64, 1, 8, 8)
        supernet(images, strategy.mixture())
        return sum(seen) / len(seen)

    vs_darts, darts = ratio(VSDARTS()), ratio(DARTS())
    assert 0.7 < vs_darts < 1.6
    assert darts < 0.45


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PCDARTS(partial_channels=0), "partial_channels must be above 0"),
        (lambda: SNAS(temperature_end=0.0), "temperature_end must be above 0"),
        (lambda: SPOS(split_epoch=-1), "split_epoch must be at least 0, not -1"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(HwbenchError, match=message):
        make()


def test_conditional_weights_of_a_pass_follow_all_predecessors(cells):
    supernet = cells("only-conv")
    supernet.restructure(supernet.split_structure())
    conditional = supernet.blocks[0].operations[5].candidates["nor_conv_1x1"]
    found = {
        id(conditional.chosen(supernet.mixture_of([2, a, b, 2, 2, 2])))
        for a, b in itertools.product((2, 3), repeat=2)
    }
    assert len(found) == 4
