"""What an architecture is: the interface every search space offers.

Architectures travel as one two-dimensional integer array, a row an architecture and a column a
position (an edge of a cell, a layer of a network); an entry is the index of the operation chosen
there. Everything here works on such arrays as a whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.errors import HwbenchError, unknown_name

if TYPE_CHECKING:
    import torch

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]

ENCODINGS = ("onehot", "counts", "integers")


@dataclass(frozen=True)
class Skeleton:
    """The network around the choices of an architecture.

    Attributes
    ----------
    channels : output channels of the stem; later stages double them.
    depth : how often each choice is repeated in a stage (cells a stage, or layers a choice).
    input_channels : channels of the image, 3 for colour.
    input_size : height and width of the image in pixels.
    classes : outputs of the classifier.
    """

    channels: int
    depth: int
    input_channels: int = 3
    input_size: int = 32
    classes: int = 10

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise HwbenchError(f"skeleton: {name} must be a positive integer, not {value!r}")


class Space(ABC):
    """A finite search space: `len(choices)` positions, position i offering `choices[i]` operations.

    Attributes
    ----------
    name : the name under which `get_space` finds it.
    title : what people call it.
    choices : for each position the names of its operations, in index order.
    positions : for each position its name, such as the edge "0->1".
    default_skeleton : the official network around the choices.
    """

    name: str
    title: str
    choices: tuple[tuple[str, ...], ...]
    positions: tuple[str, ...]
    default_skeleton: Skeleton

    # ------------------------------------------------------------------ size and enumeration

    @property
    def n_positions(self) -> int:
        """Number of positions, the second dimension of every architecture array."""
        return len(self.choices)

    @cached_property
    def n_choices(self) -> IntArray:
        """Operations at each position, int64 of shape (n_positions,)."""
        return np.array([len(choice) for choice in self.choices], dtype=np.int64)

    def __len__(self) -> int:
        return int(np.prod(self.n_choices))

    def __repr__(self) -> str:
        return f"<Space {self.name}: {len(self)} architectures, {self.n_positions} positions>"

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        from hwbench.spaces import get_space

        return get_space, (self.name,)

    def all_architectures(self) -> IntArray:
        """Every architecture in lexicographic order of the operation indices.

        Returns
        -------
        int64 array of shape (len(space), n_positions).
        """
        return self.architectures_at(np.arange(len(self)))

    def architectures_at(self, indices: ArrayLike) -> IntArray:
        """The architectures at the given places of the lexicographic order.

        Parameters
        ----------
        indices : integers of shape (n_archs,), each in 0 .. len(space) - 1.

        Returns
        -------
        int64 array of shape (n_archs, n_positions).
        """
        flat = np.asarray(indices, dtype=np.int64)
        if flat.size and (flat.min() < 0 or flat.max() >= len(self)):
            raise HwbenchError(
                f"{self.name}: an architecture index lies outside 0 .. {len(self) - 1}"
            )
        return np.stack(np.unravel_index(flat, tuple(self.n_choices)), axis=-1).astype(np.int64)

    def indices_of(self, archs: ArrayLike) -> IntArray:
        """The place of each architecture in the lexicographic order, int64 of shape (n_archs,)."""
        valid = self.check(archs)
        return np.ravel_multi_index(tuple(valid.T), tuple(self.n_choices)).astype(np.int64)

    def check(self, archs: ArrayLike) -> IntArray:
        """Return `archs` as an int64 array of shape (n_archs, n_positions) after checking it.

        Raises
        ------
        HwbenchError
            Where the shape is wrong, a value is no integer, or an index names no operation; the
            message says which row and position.
        """
        try:
            array = np.asarray(archs)
        except ValueError as error:  # rows of different length
            raise HwbenchError(
                f"{self.name}: architectures must be an array of shape "
                f"(n_archs, {self.n_positions}): {error}"
            ) from error
        if array.ndim != 2 or array.shape[1] != self.n_positions:
            raise HwbenchError(
                f"{self.name}: architectures must be an array of shape "
                f"(n_archs, {self.n_positions}), not {array.shape}"
            )
        if array.dtype.kind not in "iu":
            whole = array.dtype.kind == "f" and np.isfinite(array) & (array == np.floor(array))
            if not np.all(whole):
                raise HwbenchError(
                    f"{self.name}: architectures must be integers, not {array.dtype}"
                )
        wrong = (array < 0) | (array >= self.n_choices)
        if wrong.any():
            row, position = np.argwhere(wrong)[0]
            raise HwbenchError(
                f"{self.name}: row {row}, position {position} ({self.positions[position]}) holds "
                f"{array[row, position]}; valid are 0 .. {self.n_choices[position] - 1}"
            )
        return array.astype(np.int64, copy=False)

    def sample(
        self, n_archs: int, seed: int | np.random.Generator = 0, *, replace: bool = False
    ) -> IntArray:
        """Draw architectures uniformly.

        Parameters
        ----------
        n_archs : how many.
        seed : a seed, or a generator that is advanced.
        replace : whether an architecture may be drawn twice.

        Returns
        -------
        int64 array of shape (n_archs, n_positions).
        """
        if not replace and n_archs > len(self):
            raise HwbenchError(
                f"{self.name} has {len(self)} architectures; {n_archs} different ones "
                "were asked for"
            )
        generator = np.random.default_rng(seed)
        return self.architectures_at(generator.choice(len(self), size=n_archs, replace=replace))

    def neighbours(self, arch: ArrayLike) -> IntArray:
        """All architectures that differ from `arch` at exactly one position.

        Parameters
        ----------
        arch : integers of shape (n_positions,).

        Returns
        -------
        int64 array of shape (sum(n_choices - 1), n_positions), by position, then by operation.
        """
        row = self.check(np.asarray(arch)[None, :])[0]
        position = np.repeat(np.arange(self.n_positions), self.n_choices)
        operation = np.concatenate([np.arange(n) for n in self.n_choices])
        changed = operation != row[position]
        result = np.repeat(row[None, :], int(changed.sum()), axis=0)
        result[np.arange(len(result)), position[changed]] = operation[changed]
        return result

    # ------------------------------------------------------------------ strings

    @abstractmethod
    def to_string(self, arch: ArrayLike) -> str:
        """The official string of one architecture, integers of shape (n_positions,)."""

    @abstractmethod
    def from_string(self, text: str) -> IntArray:
        """Parse an official string into int64 of shape (n_positions,).

        Raises
        ------
        HwbenchError
            Where the string is malformed, with the place and the nearest valid name.
        """

    def to_strings(self, archs: ArrayLike) -> list[str]:
        """The official string of every row of `archs`, integers of shape (n_archs, n_positions)."""
        return [self.to_string(arch) for arch in self.check(archs)]

    def from_strings(self, texts: Iterable[str]) -> IntArray:
        """Parse official strings into an int64 array of shape (n_archs, n_positions)."""
        rows = [self.from_string(text) for text in texts]
        return np.array(rows, dtype=np.int64).reshape(-1, self.n_positions)

    # ------------------------------------------------------------------ encodings

    def encode(self, archs: ArrayLike, encoding: str = "onehot") -> FloatArray:
        """Encode a whole batch of architectures as features.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        encoding : "onehot" (one column for each position and operation; LAUBE A.1, adjacency
            one-hot), "counts" (one column an operation: how many positions hold it) or
            "integers" (the operation indices as they are).

        Returns
        -------
        float32 array of shape (n_archs, len(feature_names(encoding))).

        Raises
        ------
        HwbenchError
            Where the encoding is unknown or an architecture is not of this space.
        """
        valid = self.check(archs)
        if encoding == "onehot":
            return self._encode_onehot(valid)
        if encoding == "counts":
            return self._encode_counts(valid)
        if encoding == "integers":
            return valid.astype(np.float32)
        raise unknown_name("encoding", encoding, ENCODINGS)

    def feature_names(self, encoding: str = "onehot") -> list[str]:
        """Names of the columns that `encode` returns, such as "0->1=skip_connect"."""
        if encoding == "onehot":
            return [
                f"{position}={operation}"
                for position, operations in zip(self.positions, self.choices, strict=True)
                for operation in operations
            ]
        if encoding == "counts":
            return [f"n({operation})" for operation in self.operations]
        if encoding == "integers":
            return list(self.positions)
        raise unknown_name("encoding", encoding, ENCODINGS)

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """All different operation names, in order of first appearance."""
        return tuple(dict.fromkeys(name for choice in self.choices for name in choice))

    @cached_property
    def _onehot_offsets(self) -> IntArray:
        return np.concatenate([[0], np.cumsum(self.n_choices)[:-1]]).astype(np.int64)

    def _encode_onehot(self, archs: IntArray) -> FloatArray:
        features = np.zeros((len(archs), int(self.n_choices.sum())), dtype=np.float32)
        features[np.arange(len(archs))[:, None], archs + self._onehot_offsets] = 1.0
        return features

    @cached_property
    def _operation_of_column(self) -> FloatArray:
        """Which operation a one-hot column stands for, float32 (n_columns, n_operations)."""
        names = [name for choice in self.choices for name in choice]
        return np.array(
            [[name == operation for operation in self.operations] for name in names],
            dtype=np.float32,
        )

    def _encode_counts(self, archs: IntArray) -> FloatArray:
        return self._encode_onehot(archs) @ self._operation_of_column

    # ------------------------------------------------------------------ functions and twins

    def function_classes(self, archs: ArrayLike) -> IntArray:
        """For each architecture the index of the first one that computes the same function.

        Spaces in which no two architectures are known to be equal return `indices_of(archs)`.

        Returns
        -------
        int64 array of shape (n_archs,), indices into the lexicographic order.
        """
        return self.indices_of(archs)

    # ------------------------------------------------------------------ cost and network

    def skeleton(self, **changes: int) -> Skeleton:
        """The official skeleton with some of its values changed.

        Raises
        ------
        HwbenchError
            Where a name is none of `Skeleton`'s, or a value is no positive integer.
        """
        known = vars(self.default_skeleton)
        for name in changes:
            if name not in known:
                raise unknown_name("skeleton option", name, known)
        return replace(self.default_skeleton, **changes)

    @abstractmethod
    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, Sequence[Sequence[int]]]:
        """Parameters outside the choices, and those of each operation at each position."""

    @abstractmethod
    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, Sequence[Sequence[int]]]:
        """FLOPs outside the choices, and those of each operation at each position."""

    def parameters(self, archs: ArrayLike, **skeleton: int) -> IntArray:
        """Trainable parameters of each network, by formula.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        **skeleton : changes to the official skeleton, see `Skeleton`.

        Returns
        -------
        int64 array of shape (n_archs,).
        """
        return self._sum_cost(archs, self._parameter_cost(self.skeleton(**skeleton)))

    def flops(self, archs: ArrayLike, **skeleton: int) -> IntArray:
        """Floating-point operations of one forward pass of one image, by formula.

        Counted as the benchmark's own publication counts them; the space's page says how.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        **skeleton : changes to the official skeleton, see `Skeleton`.

        Returns
        -------
        int64 array of shape (n_archs,).
        """
        return self._sum_cost(archs, self._flop_cost(self.skeleton(**skeleton)))

    def _sum_cost(self, archs: ArrayLike, cost: tuple[int, Sequence[Sequence[int]]]) -> IntArray:
        base, by_position = cost
        valid = self.check(archs)
        total = np.full(len(valid), base, dtype=np.int64)
        for position, values in enumerate(by_position):
            total += np.asarray(values, dtype=np.int64)[valid[:, position]]
        return total

    def network(self, arch: ArrayLike, *, seed: int = 0, **skeleton: int) -> torch.nn.Module:
        """The real PyTorch network of one architecture.

        Parameters
        ----------
        arch : integers of shape (n_positions,).
        seed : seeds the initial weights; the global generator is left as it was.
        **skeleton : changes to the official skeleton, see `Skeleton`.

        Returns
        -------
        A module from images of shape (batch, input_channels, input_size, input_size) to logits
        of shape (batch, classes).
        """
        import torch

        row = self.check(np.asarray(arch)[None, :])[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._build_network(row, self.skeleton(**skeleton))

    @abstractmethod
    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module: ...
