"""The checks of architecture strategies pass what is right and find what is wrong.

Those of hwbench are held against them in `tests/live/strategies`.
"""

from functools import partial

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.strategies.darts import DARTS, PCDARTS
from hwbench.live.strategies.sampled import SNAS
from hwbench.live.strategies.single_path import SPOS
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions
from hwbench.testing import architecture_strategy_checks, check_architecture_strategy


@pytest.mark.parametrize("check", architecture_strategy_checks())
def test_one_by_one(check):
    check("snas")


@pytest.mark.parametrize(
    "part",
    [
        "spos",
        "hwbench.live.strategies.single_path:SPOS",
        SPOS,
        SPOS(split_epoch=1),
        partial(SPOS, split_epoch=1),
        lambda: SPOS(split_epoch=1),
    ],
    ids=["name", "path", "class", "object", "partial", "function"],
)
def test_however_it_is_given(part):
    check_architecture_strategy(part)
    for check in architecture_strategy_checks(part)[:3]:
        check()


def test_an_object_is_left_as_it_is():
    strategy = SPOS(split_epoch=1)
    check_architecture_strategy(strategy)
    assert not hasattr(strategy, "sizes")  # nothing was attached


def test_torch_is_left_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    architecture_strategy_checks()[0]("snas")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


class NeedsArguments(DARTS):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers


@pytest.mark.parametrize(
    ("part", "arguments", "message"),
    [
        ("dart", {}, "unknown .*strategy 'dart'; did you mean 'darts'"),
        ("no.such:Module", {}, "no.such cannot be imported"),
        (3, {}, "strategy 3: is none; give a name"),
        (int, {}, "strategy int: is none; give a name"),
        (lambda: 3, {}, "strategy 3: is none; give a name"),
        (NeedsArguments, {}, r"NeedsArguments: cannot be made \(TypeError: .*'layers'"),
        ("pc_darts", {"partial_channels": 0}, "partial_channels must be above 0, not 0"),
        (PCDARTS, {"channels": 2}, "unknown parameter .* did you mean 'partial_channels'"),
    ],
)
def test_what_is_no_strategy_is_one_line(part, arguments, message):
    for call in (check_architecture_strategy, *architecture_strategy_checks()[:1]):
        with pytest.raises(HwbenchError, match=message) as caught:
            call(part, **arguments)
        assert len(str(caught.value).splitlines()) == 1


# ---------------------------------------------------------------------- broken ones


class Outside(SPOS):
    def mixture(self):
        return Mixture.single(list(self.sizes))


class Weightless(DARTS):
    def mixture(self):
        return Mixture(tuple(each._replace(weights=None) for each in super().mixture().choices))


class Silent(DARTS):
    def weight_mixtures(self):
        return []


class Noisy(DARTS):
    def strengths(self):
        return torch.softmax(self.logits() + torch.rand(()), dim=1)


class Narrow(DARTS):
    def strengths(self):
        return super().strengths()[:, :2]

    def mixture(self):
        return Mixture.weighted(super().strengths(), self.sizes)


class Unequal(DARTS):
    def probabilities(self):
        return 2 * self.strengths()


class Denying(DARTS):
    learns_strengths = False


class Numpy(SNAS):
    """Draws its weights, and nothing else, from numpy's global generator."""

    def draw(self):
        noise = np.random.gumbel(size=tuple(self.alpha.shape))  # noqa: NPY002
        return torch.softmax(self.logits() + torch.from_numpy(noise).float(), dim=1)


class Claiming(SNAS):
    deterministic = True


class Deaf(DARTS):
    def architecture_mixture(self):
        return Mixture.weighted(self.strengths().detach(), self.sizes)


class Costless(DARTS):
    def probabilities(self):
        return self.strengths().detach()


class Stiff(DARTS):
    """Puts its parameters back after each step."""

    def project(self):
        with torch.no_grad():
            self.alpha.zero_()

    def attach(self, supernet):
        super().attach(supernet)
        with torch.no_grad():
            self.alpha.zero_()
        return self


class Hurried(SNAS):
    """Divides by the epochs that are left."""

    def before_epoch(self, epoch, epochs):
        self.temperature = 1.0 + epoch / (epochs - 1) if epochs > 1 else float("nan")


class Forgetful(DARTS):
    """Keeps how far it has come where no checkpoint looks."""

    steps = 0

    def project(self):
        self.steps += 1
        with torch.no_grad():
            self.alpha[:, 0] += 0.01 * self.steps


class Wide(DARTS):
    def network_options(self):
        return NetworkOptions(partial_channels=3)


class Untold(DARTS):
    def attach(self, supernet):
        if supernet.space.name != "nasbench201":
            raise KeyError(supernet.space.name)
        return super().attach(supernet)


BROKEN = [
    ("mixtures", Outside, "a choice names no candidate"),
    ("mixtures", Weightless, "a choice of several candidates has no weights"),
    ("mixtures", Silent, r"weight_mixtures\(\) holds no pass"),
    ("strengths and probabilities", Noisy, "strengths or probabilities are drawn"),
    ("strengths and probabilities", Narrow, r"strengths are not of shape \(6, 5\)"),
    ("strengths and probabilities", Unequal, "probabilities of a position do not sum to 1"),
    ("strengths and probabilities", Denying, "learns_strengths is False"),
    ("the seed", Numpy, "the same seed of torch gives another mixture"),
    ("the seed", Claiming, "is deterministic, but"),
    ("gradients", Deaf, "no gradient reaches its parameters through the supernet"),
    ("gradients", Costless, "no gradient reaches its parameters through its probabilities"),
    ("training", Stiff, "no parameter changes in training"),
    ("training", Hurried, "in a single epoch a weight is not finite"),
    ("a stop", Forgetful, "after a stop it goes on differently"),
    ("every supernet", Untold, "checking every supernet raises KeyError: 'autosnn'"),
    (
        "every supernet",
        Wide,
        "it refuses every supernet, the last with: supernet of tree_cell_6",
    ),
]


@pytest.mark.parametrize(
    ("what", "part", "message"), BROKEN, ids=[each[1].__name__ for each in BROKEN]
)
def test_a_broken_promise_is_named(what, part, message):
    (check,) = (each for each in architecture_strategy_checks() if each.what == what)
    with pytest.raises(AssertionError, match=message) as caught:
        check(part)
    assert str(caught.value).startswith(f"strategy {part.__name__}: ")


def test_every_check_can_fail():
    assert {what for what, _, _ in BROKEN} == {each.what for each in architecture_strategy_checks()}


def test_only_an_architecture_strategy_is_one():
    with pytest.raises(HwbenchError, match="no subclass"):
        check_architecture_strategy("hwbench.live.supernets.mixture:Mixture")
