"""What every architecture strategy must keep to, for one's own tests."""

from __future__ import annotations

import io
from collections.abc import Callable

import torch

from hwbench.images.augmentation import Augmentation
from hwbench.images.parts import Part, SearchData
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Supernet, make_supernet
from hwbench.live.trainers.base import SingleLevel, Trainer
from hwbench.live.trainers.bilevel import Bilevel


def check_architecture_strategy(make: Callable[[], ArchitectureStrategy]) -> None:
    """Hold a strategy against what the live engine relies on.

    Parameters
    ----------
    make : makes the strategy, not yet attached.

    Raises
    ------
    AssertionError
        Saying what does not hold.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _check_mixtures(make)
        _check_same_seed(make)
        _check_training(make)
        _check_state(make)


def _attached(make: Callable[[], ArchitectureStrategy]) -> tuple[Supernet, ArchitectureStrategy]:
    strategy = make()
    supernet = make_supernet(
        "nasbench201",
        options=strategy.network_options(),
        channels=8,
        depth=1,
        input_channels=1,
        input_size=8,
        classes=3,
    )
    strategy.attach(supernet)
    strategy.begin_epoch(0, 2)
    return supernet, strategy


def _require(condition: bool, strategy: ArchitectureStrategy, message: str) -> None:
    if not condition:
        raise AssertionError(f"{type(strategy).__name__}: {message}")


def _check_mixtures(make: Callable[[], ArchitectureStrategy]) -> None:
    supernet, strategy = _attached(make)
    mixtures = [*strategy.weight_mixtures(), strategy.mixture(), strategy.architecture_mixture()]
    for mixture in mixtures:
        _require(
            len(mixture.choices) == len(supernet.positions),
            strategy,
            "a mixture has not one choice for each position",
        )
        for choice, size in zip(mixture.choices, supernet.sizes, strict=True):
            inside = all(0 <= index < size for index in choice.active)
            _require(inside and bool(choice.active), strategy, "a choice names no candidate")
            if choice.weights is not None:
                fits = choice.weights.shape == (len(choice.active),)
                _require(fits, strategy, "a choice has not one weight for each candidate")
                _require(
                    bool(torch.isfinite(choice.weights).all()), strategy, "a weight is not finite"
                )
    strengths = strategy.strengths()
    if strengths is not None:
        shape = (len(supernet.positions), max(supernet.sizes))
        _require(strengths.shape == shape, strategy, f"strengths are not of shape {shape}")
        supernet.space.check(supernet.derive(strengths)[None, :])
        shares = strategy.probabilities()
        rows = torch.ones(len(supernet.positions)) if shares is None else shares.sum(dim=1)
        _require(
            torch.allclose(rows, torch.ones_like(rows), atol=1e-5),
            strategy,
            "probabilities of a position do not sum to 1",
        )


def _check_same_seed(make: Callable[[], ArchitectureStrategy]) -> None:
    found: list[list[tuple[int, ...]]] = []
    for _ in range(2):
        torch.manual_seed(7)
        _, strategy = _attached(make)
        found.append([choice.active for choice in strategy.mixture().choices])
    _require(found[0] == found[1], strategy, "the same seed gives another mixture")
    if strategy.deterministic:
        first, second = strategy.mixture(), strategy.mixture()
        _require(_equal(first, second), strategy, "is deterministic, but draws")


def _equal(first: Mixture, second: Mixture) -> bool:
    return all(
        a.active == b.active
        and (a.weights is None or b.weights is None or torch.equal(a.weights, b.weights))
        for a, b in zip(first.choices, second.choices, strict=True)
    )


def _check_training(make: Callable[[], ArchitectureStrategy]) -> None:
    supernet, strategy = _attached(make)
    before = [parameter.detach().clone() for parameter in strategy.parameters()]
    trainer: Trainer = (Bilevel if before else SingleLevel)(epochs=2, batch_size=8)
    trainer.start(supernet, strategy)
    data = _random_data()
    for epoch in range(2):
        numbers = trainer.train_epoch(epoch, data, Augmentation())
        finite = all(abs(value) < float("inf") for value in numbers.values())
        _require(finite, strategy, "training gives a number that is not finite")
    changed = any(not torch.equal(a, b) for a, b in zip(before, strategy.parameters(), strict=True))
    _require(changed or not before, strategy, "no parameter changes in training")


def _check_state(make: Callable[[], ArchitectureStrategy]) -> None:
    _, strategy = _attached(make)
    with torch.no_grad():
        for parameter in strategy.parameters():
            parameter.add_(torch.randn_like(parameter))
    file = io.BytesIO()
    torch.save(strategy.state_dict(), file)
    file.seek(0)
    _, other = _attached(make)
    other.load_state_dict(torch.load(file, weights_only=True))
    strengths, restored = strategy.strengths(), other.strengths()
    if strengths is not None and restored is not None:
        _require(torch.equal(strengths, restored), strategy, "a saved state is not all of it")


def _random_data() -> SearchData:
    def part(size: int) -> Part:
        return Part(torch.randn(size, 1, 8, 8), torch.arange(size) % 3)

    return SearchData(part(16), part(16), part(8))
