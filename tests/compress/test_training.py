"""Compressing a network: budgets, loops, penalties, and going on after a stop."""

import copy

import pytest
import torch
from torch import nn

from hwbench.compress import compress
from hwbench.compress.budget import chosen_units
from hwbench.compress.flops import Cost
from hwbench.compress.groups import families, needless, weights_of
from hwbench.compress.methods import METHODS
from hwbench.compress.methods.base import Network
from hwbench.compress.networks import ResNet18, lenet_300_100
from hwbench.compress.recipe import RECIPES, recipe_of
from hwbench.compress.rewiring import TOLERANCE
from hwbench.compress.sparse_bayes import shrunk
from hwbench.compress.training import Compression
from hwbench.compress.units import find_units
from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.images.parts import Part
from hwbench.images.sets import load_images

CPU = torch.device("cpu")
SHORT = {"epochs": 5, "loops": 2, "loop_epochs": 1, "last_epochs": 1, "batch_size": 32}


def _images(shape=(1, 8, 8), count=128):
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 10, (count,), generator=generator)
    images = torch.randn(count, *shape, generator=generator)
    images[:, 0, 0, :8] += 3.0 * nn.functional.one_hot(labels, 10)[:, :8]
    return Part(images, labels)


def _compression(method="sparse_bayes", budget=None, strength=None, network=None, **changes):
    made = lenet_300_100(1, 8) if network is None else network
    recipe = recipe_of("small", {**SHORT, **changes})
    chosen = None if method is None else METHODS.load(method)(strength)
    shape = (1, 8, 8) if network is None else (3, 16, 16)
    return Compression(made, _images(shape), recipe, chosen, budget)


def _done(**given):
    with seeded(0, CPU, 1):
        compression = _compression(**given)
        compression.train_all()
    return compression


@pytest.mark.parametrize("method", METHODS)
def test_every_method_meets_the_budget_step_by_step(method):
    done = _done(method=method, budget=0.1)
    shares = [loop["flops"] / done.first_flops for loop in done.loops]
    assert shares[0] <= 0.1**0.5
    assert 0.05 < shares[1] <= 0.1
    assert max(loop["difference"] for loop in done.loops) <= TOLERANCE
    assert all(len(kept) for kept in done.kept)


@pytest.mark.parametrize("method", ["sparse_bayes", "magnitude"])
def test_channels_of_a_residual_network_go(method):
    torch.manual_seed(0)
    done = _done(method=method, budget=0.3, network=ResNet18(width=4), curvature_images=16)
    assert done.loops[-1]["flops"] <= 0.3 * done.first_flops
    assert max(loop["difference"] for loop in done.loops) <= TOLERANCE


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
@pytest.mark.parametrize("groups", [("output", "input"), ("output", "shape")])
def test_stopped_and_gone_on_with_is_as_never_stopped(stop, groups):
    def begun():
        torch.manual_seed(0)
        return _compression(
            budget=0.5,
            network=nn.Sequential(
                nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.Flatten(), nn.Linear(1152, 10)
            ),
            groups=groups,
        )

    with seeded(0, CPU, 1):
        whole = begun()
        torch.manual_seed(5)
        whole.train_all()
    with seeded(0, CPU, 1):
        stopped = begun()
        torch.manual_seed(5)
        stopped.train_until(stop)
        state = copy.deepcopy(stopped.state_dict())
    with seeded(9, CPU, 1):
        again = begun()
        again.load_state_dict(state)
        again.train_all()
    assert again.loops == whole.loops
    for one, other in zip(again.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_without_a_penalty_nothing_becomes_zero():
    done = _done(method="group_lasso", strength=0.0)
    assert done.units.sizes == done.first.sizes


def test_a_large_penalty_leaves_one_unit_of_each_dimension():
    assert _done(method="group_lasso", strength=10.0).units.sizes == (1, 1, 1)


def test_the_whole_network_is_trained_as_plain_training_does():
    done = _done(method=None)
    assert done.units.sizes == done.first.sizes
    assert done.loops == []
    assert done.epoch == 5


def test_shapes_that_are_zero_stay_so_while_the_rest_is_tuned():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.Flatten(), nn.Linear(1152, 10)
    )
    given = {"groups": ("shape",), "last_epochs": 2, "epochs": 6}
    done = _done(method="group_lasso", strength=0.05, network=network, **given)
    weight = done.network[2].weight.detach()
    zero = weight.flatten(1).norm(dim=0) == 0
    assert 0 < zero.sum() < zero.numel()
    assert done.masks is not None


# ---------------------------------------------------------------------- parts of it


def test_the_proximal_step_in_place_is_that_of_each_group():
    torch.manual_seed(0)
    network = ResNet18(width=4)
    units = find_units(network, torch.zeros(1, 3, 16, 16))
    for family in families(network, units, ("output", "input", "shape")):
        weights = {name: each.clone() for name, each in weights_of(network).items()}
        before = family.matrix(weights)
        assert torch.allclose(family.norms(weights), before.norm(dim=1), atol=1e-5)
        amount = before.norm(dim=1) * torch.rand(len(before)) * 1.5
        share = (1 - amount / before.norm(dim=1)).clamp_min(0)
        family.scale_(weights, share)
        assert torch.allclose(family.matrix(weights), shrunk(before, amount), atol=1e-6)
        others = [name for name in weights if name not in [part.layer for part in family.parts]]
        assert all(torch.equal(weights[name], weights_of(network)[name]) for name in others)


def test_a_unit_is_needless_where_one_of_its_groups_is_zero():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 5, 3), nn.Flatten(), nn.Linear(80, 10))
    units = find_units(network, torch.zeros(1, 1, 8, 8))
    with torch.no_grad():
        network[0].weight[1] = 0.0  # a filter
        network[1].weight[:, 3] = 0.0  # a channel, and all its shapes
        network[3].weight[:, 32:48] = 0.0  # what the third channel leads to
    own = families(network, units, ("output", "input", "shape"))
    found = needless(units, own, weights_of(network))
    assert [each.nonzero().flatten().tolist() for each in found] == [[1, 3], [2]]
    shapes = families(network, units, ("shape",))
    assert needless(units, shapes, weights_of(network))[0].nonzero().flatten().tolist() == [3]


def test_as_few_units_go_as_meet_the_budget():
    network = lenet_300_100(1, 8)
    images = torch.zeros(1, 1, 8, 8)
    units = find_units(network, images)
    cost = Cost(network, units, images)
    generator = torch.Generator().manual_seed(0)
    scores = [torch.rand(size, generator=generator) for size in units.sizes]
    none = [torch.zeros(size, dtype=torch.bool) for size in units.sizes]
    budget = 0.3 * cost.flops()
    kept = chosen_units(scores, none, cost, budget)
    assert cost.flops([len(each) for each in kept]) <= budget
    left = [set(each.tolist()) for each in kept]
    gone = [
        (float(scores[place][unit]), place, unit)
        for place, size in enumerate(units.sizes)
        for unit in range(size)
        if unit not in left[place]
    ]
    assert max(gone)[0] < min(float(own[kept[place]].min()) for place, own in enumerate(scores))
    _, place, unit = max(gone)
    left[place].add(unit)
    assert cost.flops([len(each) for each in left]) > budget
    dead = [each.clone() for each in none]
    dead[1][:] = True
    alone = chosen_units(scores, dead, cost, None)
    assert [len(each) for each in alone] == [64, 1, 100]
    assert alone[1].tolist() == [0]


def _view(network, images):
    units = find_units(network, images.images[:2])
    own = families(network, units, ("output", "input"))
    return Network(network, units, own, images, 128, None)


def test_what_baselines_say_of_units():
    torch.manual_seed(0)
    view = _view(lenet_300_100(1, 8), _images())
    weight = view.weights["3"]
    rows = weight.norm(dim=1)
    assert torch.allclose(METHODS.load("magnitude")().scores(view)[2], rows / rows.mean())
    sums = torch.tensor([sum(float((one - other).norm()) for other in weight) for one in weight])
    median = METHODS.load("geometric_median")().scores(view)[2]
    assert torch.allclose(median, sums / sums.mean(), rtol=1e-3)


def test_sparse_bayes_says_that_what_the_labels_hang_on_is_needed():
    """Eight inputs tell the label, the others are noise: they go last, without tuned lambda."""
    done = _done(
        method="sparse_bayes", budget=0.05, epochs=20, loops=4, loop_epochs=3, last_epochs=2
    )
    inputs = done.kept[0].tolist()
    assert len(set(inputs) & set(range(8))) >= 7
    assert len(inputs) < 40


def test_curvature_grows_with_the_images_that_a_weight_is_seen_by():
    torch.manual_seed(0)
    images = _images()
    images.images[:, :, 7] = 0.0  # pixels that are always black
    view = _view(lenet_300_100(1, 8), images)
    method = METHODS.load("sparse_bayes")()
    penalties = method.penalties(view)
    assert all((each > 0).all() for each in penalties)  # what nobody sees is shrunk too
    assert penalties[0][56:].max() < penalties[0][:8].min()
    scores = method.scores(view)
    assert [len(each) for each in scores] == [64, 300, 100]
    assert all(each.mean() == pytest.approx(1.0, rel=1e-3) for each in scores)


def test_recipes_count_their_epochs():
    recipe = RECIPES["cpu"]
    loops = [recipe.loop_of(epoch) for epoch in range(recipe.epochs)]
    assert loops[:8] == [None] * 8 == loops[-8:]
    assert [loops.count(loop) for loop in range(6)] == [4] * 6
    assert [epoch for epoch in range(40) if recipe.ends_loop(epoch)] == [11, 15, 19, 23, 27, 31]
    with pytest.raises(HwbenchError, match="40 epochs are too few for 9 loops of 4 and 8 last"):
        recipe_of("cpu", {"loops": 9})
    with pytest.raises(HwbenchError, match="did you mean 'epochs'"):
        recipe_of("cpu", {"epohs": 9})
    with pytest.raises(HwbenchError, match="proximal steps are those of sgd"):
        recipe_of("cpu", {"optimiser": "adam"})


# ---------------------------------------------------------------------- in one call


def test_one_call_gives_a_smaller_network():
    digits = load_images("digits")
    torch.manual_seed(0)
    network = lenet_300_100(1, 8)
    before = copy.deepcopy(network.state_dict())
    found = compress(network, digits, budget=0.2, recipe="small", **SHORT)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert found.flops <= 0.2 * found.whole_flops
    assert found.accuracy > 60
    assert found.difference <= TOLERANCE
    assert list(found.kept) == ["inputs of 1", "1", "3"]
    logits = found.network(torch.from_numpy(digits.test_images[:5]))
    assert logits.shape == (5, 10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magnitude"}, "magnitude makes nothing zero by itself"),
        ({"budget": 1.5}, "budget must be above 0 and below 1"),
        ({"method": "magnitud", "budget": 0.5}, "did you mean 'magnitude'"),
        ({"recipe": "smal"}, "did you mean 'small'"),
    ],
)
def test_one_call_says_what_is_wrong(options, words):
    with pytest.raises(HwbenchError, match=words):
        compress(lenet_300_100(1, 8), "digits", **options)
