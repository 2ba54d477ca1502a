"""What an architecture is: the interface every search space offers.

Architectures travel as one two-dimensional integer array, a row an architecture and a column a
position (an edge of a cell, a layer of a network); an entry is the index of the operation chosen
there. Everything here works on such arrays as a whole.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from hwbench.arguments import check_fields
from hwbench.arrays import FloatArray, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.notebook import panel
from hwbench.spaces.drawing import DrawnAs, Edge
from hwbench.spaces.encodings import ENCODINGS, is_own, list_encodings, own_encoding
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.lacks import SpaceLacksError
from hwbench.spaces.paths import path_feature_names, path_features

if TYPE_CHECKING:
    import torch

    from hwbench.spaces.code import Code
    from hwbench.spaces.structure import StructuralFeatures


GRAPHS_AT_ONCE = 16384
"""Architectures whose graphs are made together for other features, to bound what lies beside."""

OPERATIONS_SHOWN = 12

MOST_ENUMERATED = 10**8  # rows of an array that still fits a common memory


Size = Annotated[int, Field(gt=0, strict=True)]

SkeletonValue = int | float | str
"""What a skeleton's option may be: a size, in most spaces."""


class Measurement(NamedTuple):
    """What networks of a space measure besides their output, see `Space.measured`.

    Attributes
    ----------
    title : what it is, in words.
    unit : of its values, "1" for counts.
    direction : which way is better.
    """

    title: str
    unit: str
    direction: Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Skeleton:
    """The network around the choices of an architecture.

    A space whose networks have more options than these has a subclass of its own.

    Attributes
    ----------
    channels : output channels of the stem; later stages double them.
    depth : how often each choice is repeated in a stage (cells a stage, or layers a choice).
    input_channels : channels of the image, 3 for colour.
    input_size : height and width of the image in pixels.
    classes : outputs of the classifier.
    """

    channels: Size
    depth: Size
    input_channels: Size = 3
    input_size: Size = 32
    classes: Size = 10

    def __post_init__(self) -> None:
        check_fields(self, "skeleton")


def check_further(options: Mapping[str, SkeletonValue], owner: str) -> None:
    """Refuse options of every skeleton among those that only a space's own has.

    Raises
    ------
    HwbenchError
        Naming the first; `owner` says whose they are.
    """
    for each in fields(Skeleton):
        if each.name in options:
            raise HwbenchError(
                f"{owner}: {each.name} is no further option of a network; channels and depth have "
                "their own, sizes of images and classes are those of the data"
            )


class Space(ABC):
    """A finite search space: `len(choices)` positions, position i offering `choices[i]` operations.

    A space may be a part of that product: then it overrides `_refusal` to say which combinations
    it leaves out, and how its architectures are counted.

    `load_space` makes a space once in a process, without arguments, and gives the same object to
    all who ask; a worker process makes its own, by name. So nothing of it may change once it is
    made: every method is a function of its arguments, and what is costly is a `cached_property`.

    What a subclass says is in hooks with a leading underscore. They are called as often as their
    public counterpart, which has checked the architectures: int64 of shape (n_archs, n_positions),
    all of the space, n_archs from 0 up, the caller's own and not to be written to. For each of
    `encodings` there are two: `_encode_NAME(archs)` gives float32 of shape (n_archs, n_features),
    a row of which depends on that architecture alone, and `_NAME_names()` the n_features names;
    "onehot", "counts", "integers", "structure" and, by graphs, "paths" and "graph" are there
    already.

    Attributes
    ----------
    name : the name under which `load_space` finds it.
    title : what people call it.
    choices : for each position the names of its operations, in index order.
    positions : for each position its name, such as the edge "0->1".
    encodings : those of `ENCODINGS` that make sense here.
    default_skeleton : the official network around the choices.
    measured : what its networks measure in a pass besides their output, by name; where there is
        something, they have a method `measurements` like that of supernets.
    takes_events : whether its networks, and its supernets, can be shown events of shape
        (batch, T, channels, size, size) in place of images.
    drawn_as : which drawing shows an architecture; by default "vertices" in a space with graphs,
        else "chain".
    larger_space : name of the space of which every architecture here is one too, under another
        code; None where there is none. What was measured there holds here, see `in_larger_space`.
    one_graph_shape : whether all graphs have the same edges, so that one order of the vertices
        holds for all, and `from_graphs` takes them in no other.
    lookup : `get_space`, set by `hwbench.spaces.registry`: a pickled space is its name.
    named_by_position : whether the names of the operations, in the order of the positions, tell an
        architecture, whoever writes them.
    has_official_index : whether the benchmark's publication numbers the architectures, see
        `official_index`.
    """

    name: str
    title: str
    choices: tuple[tuple[str, ...], ...]
    positions: tuple[str, ...]
    encodings: tuple[str, ...] = ("onehot", "counts", "integers", "structure")
    default_skeleton: Skeleton
    measured: ClassVar[Mapping[str, Measurement]] = {}
    takes_events: ClassVar[bool] = False
    larger_space: ClassVar[str | None] = None
    one_graph_shape: ClassVar[bool] = False
    named_by_position: ClassVar[bool] = False
    has_official_index: ClassVar[bool] = False
    lookup: ClassVar[Callable[[str], Space]]

    # ------------------------------------------------------------------ size and enumeration

    @property
    def n_positions(self) -> int:
        """Number of positions, the second dimension of every architecture array."""
        return len(self.choices)

    @cached_property
    def n_choices(self) -> IntArray:
        """Operations at each position, int64 of shape (n_positions,)."""
        return np.array([len(choice) for choice in self.choices], dtype=np.int64)

    @property
    def n_architectures(self) -> int:
        """How many architectures there are; may be more than fit 64 bits."""
        return math.prod(len(choice) for choice in self.choices)

    @property
    def indexed(self) -> bool:
        """Whether the place of every architecture in the space's order fits an int64."""
        return self.n_architectures < 2**63

    @property
    def definition(self) -> dict[str, Any]:
        """What an architecture of the space is, its code aside, as plain data.

        It is part of the identity of every result on the space. A space of one's own that is made
        of more than name and choices overrides it.
        """
        return {"name": self.name, "choices": self.choices}

    def __len__(self) -> int:
        return self.n_architectures

    def __repr__(self) -> str:
        size = f"{self.n_architectures} architectures"
        return f"<Space {self.name}: {size}, {self.n_positions} positions>"

    def _repr_html_(self) -> str:
        offered = ", ".join(self.operations[:OPERATIONS_SHOWN])
        more = ", ..." if len(self.operations) > OPERATIONS_SHOWN else ""
        return panel(
            f"{self.title} ({self.name})",
            [
                ("architectures", f"{self.n_architectures:,}" if self.indexed else _many(self)),
                ("positions", f"{self.n_positions}: {', '.join(self.positions[:8])}"),
                ("operations", offered + more),
                ("encodings", ", ".join(self.encodings)),
                ("such as", self.to_string(self.baseline)),
            ],
        )

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Space.lookup, (self.name,)

    def all_architectures(self) -> IntArray:
        """Every architecture in the space's order.

        Returns
        -------
        int64 array of shape (n_architectures, n_positions).

        Raises
        ------
        HwbenchError
            Where the space is too large to enumerate.
        """
        if self.n_architectures > MOST_ENUMERATED:
            raise HwbenchError(
                f"{self.name} has {self.n_architectures:.3g} architectures, too many to enumerate; "
                "draw some with sample()"
            )
        return self.architectures_at(np.arange(self.n_architectures))

    def architectures_at(self, indices: ArrayLike) -> IntArray:
        """The architectures at the given places of the space's order.

        The order is the lexicographic one of the operation indices.

        Parameters
        ----------
        indices : integers of shape (n_archs,), each in 0 .. n_architectures - 1.

        Returns
        -------
        int64 array of shape (n_archs, n_positions).

        Raises
        ------
        HwbenchError
            Where an index lies outside, or the space is too large to be indexed.
        """
        flat = self._check_indices(indices)
        return np.stack(np.unravel_index(flat, tuple(self.n_choices)), axis=-1).astype(np.int64)

    def indices_of(self, archs: ArrayLike) -> IntArray:
        """The place of each architecture in the space's order, int64 of shape (n_archs,).

        Raises
        ------
        HwbenchError
            As `check`, and where the space is too large to be indexed.
        """
        valid = self.check(archs)
        self._require_index()
        return np.ravel_multi_index(tuple(valid.T), tuple(self.n_choices)).astype(np.int64)

    def keys_of(self, archs: ArrayLike) -> NDArray[Any]:
        """What tells architectures apart in a table, of shape (n_archs,).

        Returns
        -------
        The places of `indices_of`, int64; in a space too large to be indexed the strings.
        """
        if self.indexed:
            return self.indices_of(archs)
        return np.array(self.to_strings(archs), dtype=object)

    def archs_of(self, keys: ArrayLike) -> IntArray:
        """The architectures of keys, the inverse of `keys_of`.

        Parameters
        ----------
        keys : of shape (n_archs,): places in the space's order, in a space too large to be indexed
            strings.

        Returns
        -------
        int64 array of shape (n_archs, n_positions).

        Raises
        ------
        HwbenchError
            Where a key is that of no architecture.
        """
        if self.indexed:
            return self.architectures_at(keys)
        return self.from_strings(np.asarray(keys, dtype=object).tolist())

    def rows_among(self, archs: ArrayLike, keys: ArrayLike) -> IntArray:
        """Where architectures stand in a list of keys, such as a table's.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        keys : of shape (n,), as `keys_of` gives them, each once.

        Returns
        -------
        int64 array of shape (n_archs,); -1 where the list does not hold one.
        """
        import pandas as pd

        return np.asarray(pd.Index(keys).get_indexer(self.keys_of(archs)), dtype=np.int64)

    def _check_indices(self, indices: ArrayLike) -> IntArray:
        self._require_index()
        flat = np.asarray(indices, dtype=np.int64)
        if flat.size and (flat.min() < 0 or flat.max() >= self.n_architectures):
            raise HwbenchError(
                f"{self.name}: an architecture index lies outside 0 .. {self.n_architectures - 1}"
            )
        return flat

    def _require_index(self) -> None:
        if not self.indexed:
            raise HwbenchError(
                f"{self.name} has {self.n_architectures:.3g} architectures: their places do not "
                "fit 64 bits; tell architectures apart by their strings"
            )

    def check(self, archs: ArrayLike) -> IntArray:
        """Return `archs` as an int64 array of shape (n_archs, n_positions) after checking it.

        Every method that takes architectures begins with this, so that they may be given as texts
        wherever they are asked for.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions); or texts, in the space's own strings or
            any unmistakable code: one, a list, an array or a pandas Series of them, or a frame with
            a column "arch".

        Raises
        ------
        HwbenchError
            Where the shape is wrong, a value is no integer, an index names no operation, or a text
            is no architecture; the message says which row and position.
        """
        array = archs if isinstance(archs, np.ndarray) and archs.dtype.kind in "iuf" else None
        if array is None:
            from hwbench.spaces.given import given_architectures

            try:
                array = given_architectures(self, archs)
            except HwbenchError:
                raise
            except ValueError as error:  # rows of different length
                raise HwbenchError(
                    f"{self.name}: architectures must be an array of shape "
                    f"(n_archs, {self.n_positions}): {error}"
                ) from error
        if array.ndim != 2 or array.shape[1] != self.n_positions:
            hint = "; one alone is [arch]" if array.shape == (self.n_positions,) else ""
            raise HwbenchError(
                f"{self.name}: architectures must be an array of shape "
                f"(n_archs, {self.n_positions}), or texts, not of shape {array.shape}{hint}"
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
        archs = array.astype(np.int64, copy=False)
        refusal = self._refusal(archs)
        if refusal is not None:
            row, reason = refusal
            raise HwbenchError(f"{self.name}: row {row} {archs[row].tolist()} {reason}")
        return archs

    def check_one(self, arch: ArrayLike) -> IntArray:
        """Return one architecture as int64 of shape (n_positions,) after checking it.

        Parameters
        ----------
        arch : integers of shape (n_positions,), or a text.

        Raises
        ------
        HwbenchError
            As `check`.
        """
        return self.check(arch if isinstance(arch, str) else np.asarray(arch)[None])[0]

    def _refusal(self, archs: IntArray) -> tuple[int, str] | None:  # noqa: ARG002
        """The first row that is no architecture of the space, and why; None where all are.

        Called whenever architectures are checked, which every method begins with, and once for each
        architecture that `neighbours` tries: it must be fast. By default nothing is refused.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions), each entry an operation of its position.
        """
        return None

    @cached_property
    def baseline(self) -> IntArray:
        """The architecture from whose neighbours a lookup table is measured.

        By default the first operation everywhere, which is what the published scores were made
        with. int64 of shape (n_positions,). Progressive search begins there too, and graph models
        ask its graph how large graphs are.
        """
        return np.zeros(self.n_positions, dtype=np.int64)

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
        if not replace and n_archs > self.n_architectures:
            raise HwbenchError(
                f"{self.name} has {self.n_architectures} architectures; {n_archs} different ones "
                "were asked for"
            )
        generator = np.random.default_rng(seed)
        if not self.indexed:
            return self._sample_by_position(n_archs, generator, replace=replace)
        drawn = generator.choice(self.n_architectures, size=n_archs, replace=replace)
        return self.architectures_at(drawn)

    def _sample_by_position(
        self, n_archs: int, generator: np.random.Generator, *, replace: bool
    ) -> IntArray:
        archs = generator.integers(0, self.n_choices, size=(n_archs, self.n_positions))
        while not replace and len(archs) > len(np.unique(archs, axis=0)):
            _, first = np.unique(archs, axis=0, return_index=True)
            again = np.setdiff1d(np.arange(n_archs), first)
            archs[again] = generator.integers(
                0, self.n_choices, size=(len(again), self.n_positions)
            )
        return archs

    def neighbours(self, arch: ArrayLike) -> IntArray:
        """All architectures of the space that differ from `arch` at exactly one position.

        Called by searches, once for each architecture whose surroundings they explore. A space in
        which a step is something else (nasbench101) overrides it; then too a neighbour's neighbours
        hold the architecture.

        Parameters
        ----------
        arch : integers of shape (n_positions,).

        Returns
        -------
        int64 array of shape (n_neighbours, n_positions), by position, then by operation; in a
        full product there are sum(n_choices - 1).
        """
        row = self.check_one(arch)
        position = np.repeat(np.arange(self.n_positions), self.n_choices)
        operation = np.concatenate([np.arange(n) for n in self.n_choices])
        changed = operation != row[position]
        result = np.repeat(row[None, :], int(changed.sum()), axis=0)
        result[np.arange(len(result)), position[changed]] = operation[changed]
        return result[[self._refusal(row[None, :]) is None for row in result]]

    # ------------------------------------------------------------------ strings

    @abstractmethod
    def to_string(self, arch: ArrayLike) -> str:
        """The official string of one architecture, integers of shape (n_positions,).

        Called for every architecture of results and files: no two share a string, and none has
        white space around it.
        """

    @abstractmethod
    def from_string(self, text: str) -> IntArray:
        """Parse an official string into int64 of shape (n_positions,).

        Called on what users and files say, so on anything.

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

    # ------------------------------------------------------------------ codes of others

    def other_codes(self) -> list[Code]:
        """Codes of architectures beside the strings, for `--arch-format`; none by default.

        Those of lists of indices, in which libraries differ, and the official index.
        """
        return []

    def from_other_code(self, value: Any) -> IntArray | None:  # noqa: ARG002
        """An architecture that is written in an unmistakable code beside the strings.

        Called on whatever files hold: texts, lists, tuples, dictionaries, numbers.

        Returns
        -------
        int64 array of shape (n_positions,); None where the value is of no such code.

        Raises
        ------
        HwbenchError
            Where it is of such a code, but malformed; an `AmbiguousCodeError` where it can be of
            several.
        """
        return None

    def official_index(self, archs: ArrayLike) -> IntArray:
        """The numbers that the benchmark's publication gives architectures.

        They are those of NAS-Bench-201's files, and of what was made from these (NATS-Bench,
        HW-NAS-Bench, HELP); hwbench's own order, of `indices_of`, is another one.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        int64 array of shape (n_archs,).

        Raises
        ------
        HwbenchError
            Where the space has no official index.
        """
        places = self.indices_of(archs)
        official = np.empty(self.n_architectures, dtype=np.int64)
        official[self._official_order] = np.arange(self.n_architectures)
        return official[places]

    def from_official_index(self, indices: ArrayLike) -> IntArray:
        """The architectures of official numbers, the inverse of `official_index`.

        Parameters
        ----------
        indices : integers of shape (n_archs,).

        Returns
        -------
        int64 array of shape (n_archs, n_positions).

        Raises
        ------
        HwbenchError
            Where a number is none, or the space has no official index.
        """
        order = self._official_order
        return self.architectures_at(order[self._check_indices(indices)])

    @property
    def _official_order(self) -> IntArray:
        """The place, in the space's order, of each official number; int64 (n_architectures,)."""
        raise HwbenchError(f"{self.name} has no official index; its architectures have strings")

    # ------------------------------------------------------------------ encodings

    def encode(self, archs: ArrayLike, encoding: str = "onehot") -> FloatArray:
        """Encode a whole batch of architectures as features.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        encoding : one of the space's `encodings`:
            "onehot", a column for each position and operation (LAUBE A.1, adjacency one-hot);
            "counts", a column an operation: how many positions hold it;
            "integers", the operation indices as they are;
            "live", one-hot after dead branches are removed, in the same columns;
            "path", a column for each sequence of operations from input to output (BANANAS);
            "paths", how many paths there are, and what lies on the longest, the shortest and all of
            them, see `hwbench.spaces.paths.path_features`;
            "structure", all groups of `hwbench.spaces.structure.StructuralFeatures`, each centred
            and of unit mean square length in the space;
            "graph", the arrays of `graphs` side by side in one row;
            or a `hwbench.spaces.encodings.Encoding` of a package by its name, or "module:Class".

        Returns
        -------
        float32 array of shape (n_archs, len(feature_names(encoding))).

        Raises
        ------
        HwbenchError
            Where the encoding is unknown here or an architecture is not of this space.
        """
        self._require_encoding(encoding)
        if encoding not in self.encodings:
            own = own_encoding(encoding).encode(self, self.check(archs))
            return np.asarray(own, dtype=np.float32)
        features: FloatArray = getattr(self, f"_encode_{encoding}")(self.check(archs))
        return features

    def feature_names(self, encoding: str = "onehot") -> list[str]:
        """Names of the columns that `encode` returns, such as "0->1=skip_connect"."""
        self._require_encoding(encoding)
        if encoding not in self.encodings:
            return own_encoding(encoding).names(self)
        names: list[str] = getattr(self, f"_{encoding}_names")()
        return names

    def offers(self, encoding: str) -> bool:
        """Whether `encode` takes an encoding here: one of `encodings`, or another that suits.

        Raises
        ------
        HwbenchError
            Where the encoding is a package's or one's own, and cannot be imported.
        """
        if encoding in self.encodings or not is_own(encoding):
            return encoding in self.encodings
        return own_encoding(encoding).suits(self)

    def _require_encoding(self, encoding: str) -> None:
        if self.offers(encoding):
            return
        if encoding in ENCODINGS or is_own(encoding):
            offered = ", ".join(self.encodings)
            raise HwbenchError(f"{self.name} has no encoding '{encoding}'; it has {offered}")
        others = [name for name in list_encodings() if name not in ENCODINGS]
        raise unknown_name("encoding", encoding, [*self.encodings, *others])

    def graphs(self, archs: ArrayLike) -> Graphs:
        """The op-on-node graphs of architectures (LAUBE A.1).

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Raises
        ------
        HwbenchError
            Where the space has no encoding "graph".
        """
        self._require_encoding("graph")
        return self._build_graphs(self.check(archs))

    def _build_graphs(self, archs: IntArray) -> Graphs:
        """The graphs of architectures, where "graph" is one of `encodings`.

        Vertices stand in a topological order, padded behind to as many as the largest graph of the
        space has, whatever the architectures.
        """
        raise NotImplementedError

    def from_graphs(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:
        """The architectures of op-on-node graphs, whatever made them: the inverse of `graphs`.

        Parameters
        ----------
        graphs : with the vertices in the order that `graphs` gives them; in a space whose cells may
            stand in any order of their vertices (nasbench101), in any topological order.

        Returns
        -------
        int64 of shape (n_archs, n_positions), and bool of shape (n_archs,): whether a graph is one
        of an architecture. Rows of graphs that are not hold zeros.

        Raises
        ------
        HwbenchError
            Where the space has no encoding "graph", or cannot tell architectures from graphs.
        """
        self._require_encoding("graph")
        archs, valid = self._architectures_of(graphs)
        return np.where(valid[:, None], archs, 0), valid

    def _architectures_of(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:  # noqa: ARG002
        """Architectures and whether there is one, as `from_graphs`; rows without may hold anything.

        Called on what models decode, so on graphs of any edges. A space need not have it.
        """
        raise HwbenchError(f"{self.name} cannot tell the architecture of a graph")

    def _encode_integers(self, archs: IntArray) -> FloatArray:
        return archs.astype(np.float32)

    def _integers_names(self) -> list[str]:
        return list(self.positions)

    def _onehot_names(self) -> list[str]:
        return [
            f"{position}={operation}"
            for position, operations in zip(self.positions, self.choices, strict=True)
            for operation in operations
        ]

    def _counts_names(self) -> list[str]:
        return [f"n({operation})" for operation in self.operations]

    def _encode_graph(self, archs: IntArray) -> FloatArray:
        return self._build_graphs(archs).features()

    def _graph_names(self) -> list[str]:
        return self._build_graphs(self.sample(1)).feature_names()

    def _encode_paths(self, archs: IntArray) -> FloatArray:
        parts = [
            path_features(self._build_graphs(archs[start : start + GRAPHS_AT_ONCE]))
            for start in range(0, len(archs) or 1, GRAPHS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _paths_names(self) -> list[str]:
        return path_feature_names(self._build_graphs(self.sample(1)).operation_names)

    @cached_property
    def structure(self) -> StructuralFeatures:
        """What architectures' structure says of their cost, in groups of features."""
        from hwbench.spaces.structure import StructuralFeatures

        return StructuralFeatures(self)

    def _encode_structure(self, archs: IntArray) -> FloatArray:
        groups = self.structure.groups(archs).values()  # none where nothing varies
        return np.concatenate([np.empty((len(archs), 0)), *groups], axis=1).astype(np.float32)

    def _structure_names(self) -> list[str]:
        return self.structure.columns

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

    # ------------------------------------------------------------------ drawings

    @property
    def drawn_as(self) -> DrawnAs:
        """Which drawing shows an architecture of this space, see `DrawnAs`."""
        return "vertices" if "graph" in self.encodings else "chain"

    def edges_of(self, arch: ArrayLike) -> list[Edge]:
        """The operations of an architecture as the edges of graphs.

        By default those of layers in sequence. Asked for by drawings and by readers of results,
        once an architecture.

        Parameters
        ----------
        arch : integers of shape (n_positions,).
        """
        row = self.check_one(arch)
        return [
            Edge("network", str(place), str(place + 1), self.choices[place][choice])
            for place, choice in enumerate(row)
        ]

    # ------------------------------------------------------------------ functions and twins

    def function_classes(self, archs: ArrayLike) -> IntArray:
        """For each architecture the index of the first one that computes the same function.

        Spaces in which no two architectures are known to be equal return `indices_of(archs)`.
        Called once for all architectures that are to be trained: one training stands for a class.

        Returns
        -------
        int64 array of shape (n_archs,), places in the space's order.
        """
        return self.indices_of(archs)

    def twins(self, archs: ArrayLike) -> IntArray:
        """For each architecture another that is the same network, dead operations included.

        What is measured on twins differs by noise alone. An architecture without one is returned
        itself, and the twin of a twin is the architecture. Called once for all rows of a table, to
        estimate its noise and to keep twins out of training rows.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        int64 array of shape (n_archs, n_positions).
        """
        return self.check(archs).copy()

    def in_larger_space(self, archs: ArrayLike) -> IntArray:
        """The same networks as architectures of `larger_space`.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        int64 of shape (n_archs, positions there); several architectures may be one there.

        Raises
        ------
        HwbenchError
            Where there is no larger space.
        """
        del archs
        raise HwbenchError(f"the space {self.name} is a part of no other")

    def connected(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Whether a path of operations leads from an architecture's input to its output.

        One without is a network that ignores its input: nobody would choose it, and measuring it
        tells of no cost. Spaces that have such architectures override this.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        bool of shape (n_archs,).
        """
        return np.ones(len(self.check(archs)), dtype=np.bool_)

    # ------------------------------------------------------------------ cost and network

    def skeleton(self, **changes: SkeletonValue) -> Skeleton:
        """The official skeleton with some of its values changed.

        Raises
        ------
        HwbenchError
            Where a name is none of the skeleton's, or a value is out of range.
        """
        if not hasattr(self, "default_skeleton"):
            raise self._without("networks")
        known = vars(self.default_skeleton)
        for name in changes:
            if name not in known:
                raise unknown_name("skeleton option", name, known)
        return replace(self.default_skeleton, **cast("dict[str, Any]", changes))

    def _parameter_cost(
        self,
        skeleton: Skeleton,  # noqa: ARG002
    ) -> tuple[int, Sequence[Sequence[int]]]:
        """Parameters outside the choices, and those of each operation at each position.

        What `parameters` sums up; a space whose operations depend on one another overrides
        `_count_parameters` instead.
        """
        raise self._without("parameter counts")

    def _flop_cost(
        self,
        skeleton: Skeleton,  # noqa: ARG002
    ) -> tuple[int, Sequence[Sequence[int]]]:
        """FLOPs outside the choices, and those of each operation at each position.

        What `flops` sums up; a space whose operations depend on one another overrides
        `_count_flops` instead.
        """
        raise self._without("FLOP counts")

    def _without(self, what: str) -> SpaceLacksError:
        return SpaceLacksError(
            f"the space {self.name} has no {what}: nothing says what it is made of"
        )

    def parameters(self, archs: ArrayLike, **skeleton: SkeletonValue) -> IntArray:
        """Trainable parameters of each network, by formula.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        **skeleton : changes to the official skeleton, see `Skeleton`.

        Returns
        -------
        int64 array of shape (n_archs,).
        """
        return self._count_parameters(self.check(archs), self.skeleton(**skeleton))

    def flops(self, archs: ArrayLike, **skeleton: SkeletonValue) -> IntArray:
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
        return self._count_flops(self.check(archs), self.skeleton(**skeleton))

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        """Parameters of each network, int64 of shape (n_archs,)."""
        return _sum_cost(archs, *self._parameter_cost(skeleton))

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        """FLOPs of each network, int64 of shape (n_archs,)."""
        return _sum_cost(archs, *self._flop_cost(skeleton))

    def network(
        self, arch: ArrayLike, *, seed: int = 0, **skeleton: SkeletonValue
    ) -> torch.nn.Module:
        """The real PyTorch network of one architecture.

        Parameters
        ----------
        arch : integers of shape (n_positions,).
        seed : seeds the initial weights; the global generator is left as it was.
        **skeleton : changes to the official skeleton, see `Skeleton`.

        Returns
        -------
        A module from images of shape (batch, input_channels, input_size, input_size) to logits
        of shape (batch, classes). What it gives need not be logits, as long as the largest is that
        of the class it says: then it has a method `loss` like that of supernets.
        """
        import torch

        row = self.check_one(arch)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._build_network(row, self.skeleton(**skeleton))

    def _build_network(
        self,
        arch: IntArray,  # noqa: ARG002
        skeleton: Skeleton,  # noqa: ARG002
    ) -> torch.nn.Module:
        """The network of one architecture, int64 of shape (n_positions,).

        Called once for each network that is measured or trained, with torch's default generator
        seeded: initial weights come from there and from nowhere else.
        """
        raise self._without("networks")


def _many(space: Space) -> str:
    return f"about 10^{math.log10(space.n_architectures):.0f}"


def _sum_cost(archs: IntArray, base: int, by_position: Sequence[Sequence[int]]) -> IntArray:
    total = np.full(len(archs), base, dtype=np.int64)
    for position, values in enumerate(by_position):
        total += np.asarray(values, dtype=np.int64)[archs[:, position]]
    return total
