"""What every architecture strategy promises, to hold strategies of one's own against."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.parts import Part, SearchData
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets import SUPERNETS
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import (
    NetworkOptions,
    Supernet,
    make_supernet,
    resolve_operations,
    supernet_class,
)
from hwbench.live.trainers.base import SingleLevel, Trainer
from hwbench.live.trainers.bilevel import Bilevel
from hwbench.spaces import get_space
from hwbench.testing.random_states import global_states, seed_global_states
from hwbench.testing.suite import Check, Subject, Suite, described, made, no_such_part

EPOCHS = 2
CLASSES = 3
SIZE = 8
"""Height and width of the images."""

MOST_CANDIDATES = 16
"""Of a position: as many as any supernet has but for one of dozens, which takes seconds to make."""

FORMS = (
    'a name, "module:Class", a subclass of ArchitectureStrategy, a function that makes one, or an '
    "object that was attached to nothing"
)


class ArchitectureStrategySubject(Subject):
    """An architecture strategy to check.

    Attributes
    ----------
    make : makes a new one, attached to nothing.
    data : random images.
    """

    kind = "strategy"

    def __init__(self, part: Any, arguments: dict[str, Any]) -> None:
        self.name = described(part)
        self.make = _maker(part, arguments)
        one = made(self.kind, self.make, self.name)
        if not isinstance(one, ArchitectureStrategy):
            raise no_such_part(self.kind, one, FORMS)
        generator = torch.Generator().manual_seed(0)
        parts = [torch.randn(n, 1, SIZE, SIZE, generator=generator) for n in (16, 16, 8)]
        self.data = SearchData(*(Part(each, torch.arange(len(each)) % CLASSES) for each in parts))

    def attached(self, space: str = "nasbench201") -> tuple[Supernet, ArchitectureStrategy]:
        """A new one, attached to a small supernet, at the beginning of its first epoch."""
        strategy = self.make()
        where = get_space(space)
        names = resolve_operations(supernet_class(where), where, None)
        wanted = [
            [each for each in own if each not in strategy.requires.without][:MOST_CANDIDATES]
            for own in names
        ]
        supernet = make_supernet(
            where,
            operations=wanted,
            options=strategy.network_options(),
            channels=8,
            depth=1,
            input_channels=1,
            input_size=SIZE,
            classes=CLASSES,
        )
        self.require(strategy.attach(supernet) is strategy, "attach must return the strategy")
        strategy.before_epoch(0, EPOCHS)
        return supernet, strategy

    def started(self) -> Trainer:
        """A trainer of a new one, which steps nothing but along gradients."""
        supernet, strategy = self.attached()
        kind: type[Trainer] = Bilevel if strategy.learns_by_gradient else SingleLevel
        still = {"name": "adam", "learning_rate": 3e-4, "betas": [0.5, 0.999]}
        trainer = kind(epochs=EPOCHS, batch_size=8, architecture=still)
        trainer.start(supernet, strategy)
        return trainer


def _maker(part: Any, arguments: dict[str, Any]) -> Callable[[], Any]:
    if isinstance(part, ArchitectureStrategy):
        return partial(copy.deepcopy, part)
    if isinstance(part, str):
        return partial(STRATEGIES.load(part), **arguments)
    if callable(part) and not (
        isinstance(part, type) and not issubclass(part, ArchitectureStrategy)
    ):
        return partial(part, **arguments)
    raise no_such_part(ArchitectureStrategySubject.kind, part, FORMS)


def _subject(strategy: Any, **arguments: Any) -> ArchitectureStrategySubject:
    return ArchitectureStrategySubject(strategy, arguments)


class _SeededSuite(Suite[ArchitectureStrategySubject]):
    """Checks under which torch's default generator is seeded, and given back as it was."""

    def run(self, subject: ArchitectureStrategySubject, what: str) -> None:
        with seeded(0, torch.device("cpu"), threads=1):
            super().run(subject, what)


SUITE = _SeededSuite(_subject)


def architecture_strategy_checks(*strategy: Any, **arguments: Any) -> list[Check]:
    """The checks of architecture strategies, for `pytest.mark.parametrize`: `check("gdas")`.

    Parameters
    ----------
    *strategy, **arguments : as for `check_architecture_strategy`; with a strategy, the checks are
        called without one.
    """
    return SUITE.checks(*strategy, **arguments)


def check_architecture_strategy(strategy: Any, **arguments: Any) -> None:
    """Check that an architecture strategy keeps every promise that a live search relies on.

    Its mixtures name candidates that are there; it draws from torch's default generator alone, and
    not at all where it says so; strengths are of the right shape and draw nothing, probabilities
    sum to one, and gradients reach its parameters through both the supernet and a cost term; it
    trains to finite numbers, in a single epoch too, goes on after a stop as if there had been none,
    and works on every supernet, or refuses it in one line. Whether it finds good architectures is
    not checked.

    Parameters
    ----------
    strategy : a name, "module:Class", a subclass of `ArchitectureStrategy`, a function that makes
        one, or an object that was attached to nothing, of which copies are checked.
    **arguments : of its constructor.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where there is no such strategy, or it cannot be made.
    """
    SUITE.run_all(strategy, **arguments)


@SUITE.promise("mixtures")
def _check_mixtures(subject: ArchitectureStrategySubject) -> None:
    supernet, strategy = subject.attached()
    options = strategy.network_options()
    subject.require(isinstance(options, NetworkOptions), "network_options() are no NetworkOptions")
    weight_mixtures = list(strategy.weight_mixtures())
    subject.require(bool(weight_mixtures), "weight_mixtures() holds no pass")
    for mixture in [*weight_mixtures, strategy.mixture(), strategy.architecture_mixture()]:
        subject.require(
            len(mixture.choices) == len(supernet.positions),
            "a mixture has not one choice for each position",
        )
        for choice, size in zip(mixture.choices, supernet.sizes, strict=True):
            inside = all(0 <= index < size for index in choice.active)
            subject.require(inside and bool(choice.active), "a choice names no candidate")
            if choice.weights is not None:
                fits = choice.weights.shape == (len(choice.active),)
                subject.require(fits, "a choice has not one weight for each candidate")
                finite = bool(torch.isfinite(choice.weights).all())
                subject.require(finite, "a weight is not finite")
            single = choice.weights is not None or len(choice.active) == 1
            subject.require(single, "a choice of several candidates has no weights")
        edges = mixture.edge_weights
        fits = edges is None or edges.shape == (len(supernet.positions),)
        subject.require(fits, "edge_weights has not one weight for each position")


@SUITE.promise("strengths and probabilities")
def _check_strengths(subject: ArchitectureStrategySubject) -> None:
    supernet, strategy = subject.attached()
    before = global_states()
    strengths, shares = strategy.strengths(), strategy.probabilities()
    subject.require(before == global_states(), "strengths or probabilities are drawn")
    subject.require(
        (strengths is not None) == strategy.learns_strengths,
        f"learns_strengths is {strategy.learns_strengths}, but strengths() says otherwise",
    )
    if strengths is None:
        return
    shape = (len(supernet.positions), max(supernet.sizes))
    subject.require(strengths.shape == shape, f"strengths are not of shape {shape}")
    supernet.space.check(supernet.derive(strengths)[None, :])
    subject.require(shares is not None, "there are strengths, but no probabilities")
    if shares is not None:
        sums = shares.sum(dim=1)
        fits = shares.shape == shape and torch.allclose(sums, torch.ones_like(sums), atol=1e-5)
        subject.require(fits, "probabilities of a position do not sum to 1")
        subject.require(bool((shares >= 0).all()), "a probability is negative")


@SUITE.promise("the seed")
def _check_seed(subject: ArchitectureStrategySubject) -> None:
    found: list[list[Mixture]] = []
    for state in (11, 12):
        seed_global_states(state)
        torch.manual_seed(7)
        _, strategy = subject.attached()
        found.append([strategy.mixture(), strategy.architecture_mixture()])
        found[-1] += strategy.weight_mixtures()
    same = all(_equal(a, b) for a, b in zip(*found, strict=True))
    subject.require(same, "the same seed of torch gives another mixture")
    if strategy.deterministic:
        before = global_states()
        subject.require(_equal(strategy.mixture(), strategy.mixture()), "is deterministic, but not")
        subject.require(before == global_states(), "is deterministic, but draws")


def _equal(first: Mixture, second: Mixture) -> bool:
    def same(a: torch.Tensor | None, b: torch.Tensor | None) -> bool:
        return a is b if a is None or b is None else torch.equal(a, b)

    return same(first.edge_weights, second.edge_weights) and all(
        a.active == b.active and same(a.weights, b.weights)
        for a, b in zip(first.choices, second.choices, strict=True)
    )


@SUITE.promise("gradients")
def _check_gradients(subject: ArchitectureStrategySubject) -> None:
    supernet, strategy = subject.attached()
    parameters = list(strategy.parameters())
    if not parameters:
        return
    batch = subject.data.validation
    logits = supernet(batch.images, strategy.architecture_mixture())
    losses = {"the supernet": cross_entropy(logits, batch.labels)}
    shares = strategy.probabilities()
    if shares is not None:
        losses["its probabilities"] = (shares * torch.rand(shares.shape)).sum()
    for through, loss in losses.items():
        unreached = f"no gradient reaches its parameters through {through}"
        subject.require(loss.requires_grad, unreached)
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        known = [gradient for gradient in gradients if gradient is not None]
        subject.require(any(bool((gradient != 0).any()) for gradient in known), unreached)
        finite = all(bool(torch.isfinite(gradient).all()) for gradient in known)
        subject.require(finite, f"a gradient through {through} is not finite")


@SUITE.promise("training")
def _check_training(subject: ArchitectureStrategySubject) -> None:
    trainer = subject.started()
    strategy = trainer.strategy
    before = [parameter.detach().clone() for parameter in strategy.parameters()]
    for epoch in range(EPOCHS):
        numbers = trainer.train_epoch(epoch, subject.data, Augmentation())
        finite = all(abs(value) < float("inf") for value in numbers.values())
        subject.require(finite, "training gives a number that is not finite")
    changed = any(not torch.equal(a, b) for a, b in zip(before, strategy.parameters(), strict=True))
    learns = any(strategy.learns_in(epoch) for epoch in range(EPOCHS))
    subject.require(changed or not before or not learns, "no parameter changes in training")
    penalty = strategy.penalty()
    sound = penalty is None or (penalty.dim() == 0 and bool(torch.isfinite(penalty)))
    subject.require(sound, "its penalty is no finite scalar")
    strategy.before_epoch(0, 1)  # of a single epoch, which is the first and the last
    finite = all(
        choice.weights is None or bool(torch.isfinite(choice.weights).all())
        for choice in strategy.mixture().choices
    )
    subject.require(finite, "in a single epoch a weight is not finite")


@SUITE.promise("a stop")
def _check_stop(subject: ArchitectureStrategySubject) -> None:
    trainer = subject.started()
    trainer.train_epoch(0, subject.data, Augmentation())
    file = io.BytesIO()
    torch.save([each.state_dict() for each in _parts(trainer)], file)
    structure, random = trainer.supernet.structure, torch.get_rng_state()
    trainer.train_epoch(1, subject.data, Augmentation())
    torch.manual_seed(99)
    other = subject.started()
    other.become(structure)
    other.strategy.before_epoch(0, EPOCHS)  # the last one that was done
    file.seek(0)
    for part, state in zip(_parts(other), torch.load(file, weights_only=True), strict=True):
        part.load_state_dict(state)
    torch.set_rng_state(random)
    other.train_epoch(1, subject.data, Augmentation())
    for mine, others in zip(_parts(trainer)[:2], _parts(other)[:2], strict=True):
        expected, found = mine.state_dict(), others.state_dict()
        same = expected.keys() == found.keys()
        same = same and all(_alike(expected[name], found[name]) for name in expected)
        subject.require(same, "after a stop it goes on differently: a saved state is not all of it")


def _alike(first: Any, second: Any) -> bool:
    """Of two values of a state: tensors, or the extra state of a module."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return torch.equal(first, second)
    return bool(first == second)


def _parts(trainer: Trainer) -> list[Any]:
    return [trainer.strategy, trainer.supernet, trainer]


@SUITE.promise("every supernet")
def _check_supernets(subject: ArchitectureStrategySubject) -> None:
    images = subject.data.train.images[:2]
    refusals = []
    for space in SUPERNETS.built_in:
        try:
            supernet, strategy = subject.attached(space)
        except HwbenchError as error:
            subject.require(len(str(error).splitlines()) == 1, f"refuses {space} in lines: {error}")
            refusals.append(str(error))
            continue
        with torch.no_grad():
            logits = supernet(images, strategy.mixture())
        finite = bool(torch.isfinite(logits).all())
        subject.require(finite, f"the supernet of {space} gives NaN or infinity")
    some = len(refusals) < len(SUPERNETS.built_in)
    subject.require(some, f"it refuses every supernet, the last with: {(refusals or [''])[-1]}")
