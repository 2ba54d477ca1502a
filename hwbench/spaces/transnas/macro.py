"""The macro space of TransNAS-Bench-101 (LAUBE 1167-1180): how a residual network grows.

A network has four to six modules of two residual blocks. Each module keeps what it is given,
doubles the channels, halves the size, or does both. Channels are doubled one to three times in
all, sizes halved one to four times.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import Skeleton
from hwbench.spaces.code_values import whole_numbers
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

MODULES = ("plain", "double_channels", "halve_size", "double_and_halve")  # digits 1 .. 4
N_ALWAYS = 4  # modules that every network has
N_MODULES = 6
DOUBLINGS = (1, 3)  # least and most
HALVINGS = (1, 4)

_STRING = re.compile(r"(?:64-)?([1-4]{4,6})(?:-basic)?")


def residual_costs(
    in_channels: IntArray, out_channels: IntArray, size: IntArray, out_size: IntArray, depth: int
) -> tuple[IntArray, IntArray]:
    """Parameters and multiply-adds of a module of `depth` residual blocks, elementwise.

    Parameters
    ----------
    in_channels, out_channels, size, out_size : int64 of shape (n_archs,); sizes are heights.
    depth : blocks of the module; the first changes channels and size.
    """
    pixels = out_size * out_size
    first = 9 * in_channels * out_channels
    other = 9 * out_channels * out_channels
    parameters = first + (2 * depth - 1) * other + 2 * depth * 2 * out_channels
    flops = (first + (2 * depth - 1) * other) * pixels
    changed = (in_channels != out_channels) | (size != out_size)
    shortcut = np.where(changed, in_channels * out_channels, 0)
    return parameters + shortcut + np.where(changed, 2 * out_channels, 0), flops + shortcut * pixels


class TransNASMacro(PieceStrings):
    """3,256 sequential residual networks; strings such as "64-41414-basic".

    The digits are the modules: 1 keeps, 2 doubles the channels, 3 halves the size, 4 does both.
    The networks are those of the classification tasks; the benchmark puts a decoder for images in
    the classifier's place for its other tasks. FLOPs count the multiply-adds of convolutions and of
    the classifier without its bias.
    """

    name = "transnas_macro"
    title = "TransNAS-Bench-101 macro"
    choices = (MODULES,) * N_ALWAYS + (("absent", *MODULES),) * (N_MODULES - N_ALWAYS)
    positions = tuple(f"module{module}" for module in range(1, N_MODULES + 1))
    default_skeleton = Skeleton(channels=64, depth=2, input_size=256, classes=75)

    @property
    def n_architectures(self) -> int:
        return len(self._places)

    @cached_property
    def _places(self) -> IntArray:
        """Places of the architectures in the product of all choices, ascending."""
        sizes = tuple(self.n_choices)
        every = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=-1)
        return np.flatnonzero(_is_valid(self._digits(every)))

    def architectures_at(self, indices: ArrayLike) -> IntArray:
        places = self._places[self._check_indices(indices)]
        return np.stack(np.unravel_index(places, tuple(self.n_choices)), axis=-1).astype(np.int64)

    def indices_of(self, archs: ArrayLike) -> IntArray:
        valid = self.check(archs)
        places = np.ravel_multi_index(tuple(valid.T), tuple(self.n_choices))
        return np.searchsorted(self._places, places).astype(np.int64)

    def _digits(self, archs: IntArray) -> IntArray:
        """The benchmark's own digits, 0 for an absent module, int64 of shape (n_archs, 6)."""
        return archs + np.array([1] * N_ALWAYS + [0] * (N_MODULES - N_ALWAYS))

    def _refusal(self, archs: IntArray) -> tuple[int, str] | None:
        wrong = np.flatnonzero(~_is_valid(self._digits(archs)))
        if not len(wrong):
            return None
        row = int(wrong[0])
        digits = self._digits(archs[row : row + 1])
        if digits[0, 4] == 0 and digits[0, 5] > 0:
            return row, "has a sixth module without a fifth"
        doublings, halvings = (int(count[0]) for count in _changes(digits))
        return row, (
            f"doubles the channels {doublings} and halves the size {halvings} times; "
            f"{DOUBLINGS[0]} to {DOUBLINGS[1]} and {HALVINGS[0]} to {HALVINGS[1]} are allowed"
        )

    @cached_property
    def baseline(self) -> IntArray:
        # The first of five modules that keeps within the limits whatever one module becomes.
        return self.from_string("64-11144-basic")

    @cached_property
    def _pieces(self) -> list[list[str]]:
        digits = [str(digit) for digit in range(1, len(MODULES) + 1)]
        always = [digits] * (N_ALWAYS - 1)
        optional = [["", *digits]] * (N_MODULES - N_ALWAYS - 1)
        first = [f"64-{digit}" for digit in digits]
        last = [f"{digit}-basic" for digit in ("", *digits)]
        return [first, *always, *optional, last]

    def from_string(self, text: str) -> IntArray:
        match = _STRING.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; expected 64-, "
                "four to six digits 1 .. 4, -basic, such as 64-41414-basic"
            )
        digits = [int(digit) for digit in match[1].ljust(N_MODULES, "0")]
        arch = np.array(digits) - self._digits(np.zeros((1, N_MODULES), dtype=np.int64))[0]
        try:
            return self.check(arch[None, :])[0]
        except HwbenchError as error:
            reason = str(error).partition("] ")[2]
            raise HwbenchError(f"architecture {text!r} {reason}") from error

    def from_other_code(self, value: Any) -> IntArray | None:
        """The benchmark's digits as a list of four or five; of six they could be indices."""
        digits = whole_numbers(value)
        if digits is None or len(digits) not in (N_ALWAYS, N_ALWAYS + 1):
            return None
        return self.from_string("".join(str(digit) for digit in digits))

    # ------------------------------------------------------------------ cost and network

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton)[0]

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton)[1]

    def _count(self, archs: IntArray, skeleton: Skeleton) -> tuple[IntArray, IntArray]:
        digits = self._digits(archs)
        channels = np.full(len(archs), skeleton.channels)
        size = np.full(len(archs), stem_size(skeleton))
        parameters, flops = (np.full(len(archs), cost) for cost in stem_costs(skeleton))
        for module in digits.T:
            there = module > 0
            out_channels = np.where((module == 2) | (module == 4), 2 * channels, channels)
            out_size = np.where(module >= 3, -(-size // 2), size)
            costs = residual_costs(channels, out_channels, size, out_size, skeleton.depth)
            # Two modules of equal size differ where a stride of 2 leaves one pixel one pixel.
            strided = there & (module == 3) & (size == out_size)
            parameters += np.where(there, costs[0], 0)
            parameters += np.where(strided, out_channels * out_channels + 2 * out_channels, 0)
            flops += np.where(there, costs[1], 0)
            flops += np.where(strided, out_channels * out_channels * out_size * out_size, 0)
            channels, size = out_channels, out_size
        parameters += channels * skeleton.classes + skeleton.classes
        return parameters, flops + channels * skeleton.classes

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.transnas.network import TransNASNetwork

        modules = [int(digit) for digit in self._digits(arch[None, :])[0] if digit]
        return TransNASNetwork(modules, None, skeleton)


def stem_size(skeleton: Skeleton) -> int:
    """Height and width after the two strided convolutions of the stem."""
    half = -(-skeleton.input_size // 2)
    return -(-half // 2)


def stem_costs(skeleton: Skeleton) -> tuple[int, int]:
    """Parameters and multiply-adds of the stem: two strided 3x3 convolutions."""
    half, channels = skeleton.channels // 2, skeleton.channels
    first, second = 9 * skeleton.input_channels * half, 9 * half * channels
    pixels = (-(-skeleton.input_size // 2)) ** 2
    parameters = first + 2 * half + second + 2 * channels
    return parameters, first * pixels + second * stem_size(skeleton) ** 2


def _changes(digits: IntArray) -> tuple[IntArray, IntArray]:
    doublings = ((digits == 2) | (digits == 4)).sum(axis=1)
    halvings = ((digits == 3) | (digits == 4)).sum(axis=1)
    return doublings, halvings


def _is_valid(digits: IntArray) -> np.ndarray:
    doublings, halvings = _changes(digits)
    in_order = (digits[:, 4] > 0) | (digits[:, 5] == 0)
    allowed = (doublings >= DOUBLINGS[0]) & (doublings <= DOUBLINGS[1])
    return in_order & allowed & (halvings >= HALVINGS[0]) & (halvings <= HALVINGS[1])
