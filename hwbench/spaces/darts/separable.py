"""Stacked separable convolutions, and what makes one of another (LAUBE 4.3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from hwbench.errors import unknown_name

_NAME = re.compile(r"sep_conv_k([1-9]\d?)_d([1-9]\d?)_w([1-9]\d{0,2}(?:x[1-9]\d{0,2})*)")


class SeparableConvolutions(NamedTuple):
    """Stages of a ReLU, a depthwise and a pointwise convolution, and batch normalisation.

    Its name is such as "sep_conv_k5_d1_w2x1": kernels of 5, two stages, the first twice as wide as
    the edge. DARTS' sep_conv_3x3 is "sep_conv_k3_d1_w1x1", its dil_conv_5x5 "sep_conv_k5_d2_w1".

    Attributes
    ----------
    kernel_size, dilation : of all depthwise convolutions.
    widths : output channels of each stage, times those of the edge; the last is 1.
    """

    kernel_size: int
    dilation: int
    widths: tuple[int, ...]

    @property
    def depth(self) -> int:
        """How many stages there are."""
        return len(self.widths)

    def __str__(self) -> str:
        widths = "x".join(map(str, self.widths))
        return f"sep_conv_k{self.kernel_size}_d{self.dilation}_w{widths}"

    @classmethod
    def read(cls, name: str) -> Self | None:
        """The convolutions that a name stands for; None where it is the name of something else."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        widths = tuple(map(int, found[3].split("x")))
        if int(found[1]) % 2 == 0 or widths[-1] != 1:
            return None
        return cls(int(found[1]), int(found[2]), widths)


@dataclass(frozen=True)
class Limits:
    """What transformations may lead to (LAUBE Table 4.3).

    Attributes
    ----------
    smallest_kernel, largest_kernel, largest_dilation : of the depthwise convolutions.
    most_stages, widest : None for no limit.
    """

    smallest_kernel: int = 1
    largest_kernel: int = 7
    largest_dilation: int = 2
    most_stages: int | None = None
    widest: int | None = None

    def allow(self, convolutions: SeparableConvolutions) -> bool:
        """Whether they are within the limits; kernels of 1 are not dilated."""
        kernel_size, dilation, widths = convolutions
        return (
            self.smallest_kernel <= kernel_size <= self.largest_kernel
            and 1 <= dilation <= (self.largest_dilation if kernel_size > 1 else 1)
            and (self.most_stages is None or len(widths) <= self.most_stages)
            and (self.widest is None or max(widths) <= self.widest)
        )


LIMITS: Mapping[str, Limits] = {
    "darts_like": Limits(smallest_kernel=3, most_stages=2, widest=1),
    "depth_restricted": Limits(most_stages=2, widest=5),
    "unrestricted": Limits(),
}
"""The three of LAUBE Table 4.3: DL, DR and UR."""


def _grown(by: int) -> Callable[[SeparableConvolutions], SeparableConvolutions | None]:
    return lambda parent: parent._replace(kernel_size=parent.kernel_size + by)


def _dilated(by: int) -> Callable[[SeparableConvolutions], SeparableConvolutions | None]:
    return lambda parent: parent._replace(dilation=parent.dilation + by)


def _inserted(parent: SeparableConvolutions) -> SeparableConvolutions:
    return parent._replace(widths=(*parent.widths, 1))


def _widened(parent: SeparableConvolutions) -> SeparableConvolutions | None:
    """The first of the narrowest stages but the last, whose width is the edge's, by 1."""
    inner = list(parent.widths[:-1])
    if not inner:
        return None
    inner[inner.index(min(inner))] += 1
    return parent._replace(widths=(*inner, 1))


TRANSFORMATIONS: Mapping[str, Callable[[SeparableConvolutions], SeparableConvolutions | None]] = {
    "grow_kernel": _grown(2),
    "shrink_kernel": _grown(-2),
    "dilate": _dilated(1),
    "contract": _dilated(-1),
    "insert": _inserted,
    "widen": _widened,
}
"""The six of LAUBE 801-813 by name; a width is told apart from an inserted stage by its place."""


def transformed(
    parent: SeparableConvolutions, transformation: str, limits: Limits
) -> SeparableConvolutions | None:
    """What a transformation makes of convolutions; None where that is impossible or not allowed.

    Raises
    ------
    HwbenchError
        Where there is no such transformation.
    """
    if transformation not in TRANSFORMATIONS:
        raise unknown_name("transformation", transformation, TRANSFORMATIONS)
    child = TRANSFORMATIONS[transformation](parent)
    return child if child is not None and limits.allow(child) else None


FIRST = SeparableConvolutions(3, 1, (1,))
"""The convolution that pools begin with."""


def reachable(limits: Limits, steps: int) -> list[SeparableConvolutions]:
    """What so many transformations or fewer make of the first convolution, itself included.

    In the order in which they are reached. Within five steps 12 are darts_like, 32 depth_restricted
    and 73 unrestricted; LAUBE Table 4.3 prints 12, 36 and 80.
    """
    found = {FIRST: None}
    latest = [FIRST]
    for _ in range(steps):
        made = [transformed(parent, name, limits) for parent in latest for name in TRANSFORMATIONS]
        latest = [
            child for child in dict.fromkeys(made) if child is not None and child not in found
        ]
        found.update(dict.fromkeys(latest))
    return list(found)
