"""Pools of candidates: which go, and what comes of those that stay (LAUBE 4.3.1, 4.3.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch

from hwbench.spaces.darts.separable import (
    TRANSFORMATIONS,
    Limits,
    SeparableConvolutions,
    transformed,
)

TRIES, TRIES_FOR_NEW = 250, 200
"""Draws for a child, and those of them in which it may be nothing that the pool has dropped."""


class Child(NamedTuple):
    """A candidate that is made of another.

    Attributes
    ----------
    operation, parent : names.
    transformation : one of `hwbench.spaces.darts.separable.TRANSFORMATIONS`.
    """

    operation: str
    parent: str
    transformation: str


def survivors(
    names: Sequence[str], strengths: Sequence[float], prune: int, *, keep_convolution: bool
) -> list[str]:
    """The candidates that stay in a pool, in their order.

    Parameters
    ----------
    names, strengths : of the pool.
    prune : how many go, the weakest first; one stays in any case.
    keep_convolution : whether the strongest separable convolution stays, however weak.
    """
    order = sorted(range(len(names)), key=lambda place: strengths[place])
    if keep_convolution:
        convolutions = [place for place in order if SeparableConvolutions.read(names[place])]
        order = [place for place in order if place not in convolutions[-1:]]
    dropped = set(order[: max(0, min(prune, len(names) - 1))])
    return [name for place, name in enumerate(names) if place not in dropped]


def draw_child(
    pool: Collection[str],
    parents: Sequence[str],
    strengths: Sequence[float],
    limits: Limits,
    *,
    dropped: Collection[str],
    known: Collection[str],
) -> Child | None:
    """Draw a parent by its strength, and one of the transformations that are possible for it.

    From torch's default generator. What the pool has dropped before is accepted again only after
    many draws in vain.

    Parameters
    ----------
    pool : what it holds, children of the round included.
    parents, strengths : those that may have children; only separable convolutions do.
    limits : of children.
    dropped : what the pool has dropped, ever.
    known : names of operations that the space has.

    Returns
    -------
    The child; None where nothing was found.
    """
    children, weights = [], []
    for parent, strength in zip(parents, strengths, strict=True):
        convolutions = SeparableConvolutions.read(parent)
        if convolutions is None:
            continue
        possible = [
            Child(str(made), parent, name)
            for name in TRANSFORMATIONS
            if (made := transformed(convolutions, name, limits)) is not None and str(made) in known
        ]
        if possible:
            children.append(possible)
            weights.append(strength)
    if not children:
        return None
    shares = torch.tensor(weights, dtype=torch.float64)
    for trial in range(TRIES):
        possible = children[int(torch.multinomial(shares, 1))]
        child = possible[int(torch.randint(len(possible), ()))]
        if child.operation in pool:
            continue
        if child.operation not in dropped or trial >= TRIES_FOR_NEW:
            return child
    return None
