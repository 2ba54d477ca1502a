"""What an architecture's structure says of its cost: groups of features that share a kernel."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.spaces.lacks import SpaceLacksError
from hwbench.spaces.operation_names import EMPTY, IDLE

if TYPE_CHECKING:
    from hwbench.spaces.base import Space

Work = Literal["live", "all", "flops"]
"""What is counted as work: operations on a path from input to output, all, or FLOPs alone."""

WORK: tuple[Work, ...] = get_args(Work)

REFERENCE_SIZE = 2000
"""Architectures of a space that say what is usual in it."""


class StructuralFeatures:
    """Groups of features of a space's architectures, each centred and of unit mean square length.

    Architectures that are the same network (`Space.twins`) have the same features, so whatever is
    learned on these obeys that symmetry. The groups, where a space has them:

    - `operations`: which operation stands where (one-hot);
    - `live`: the same for the parts that lie on a path from input to output;
    - `counts`, `live_counts`: how often each operation is used, in all and in live parts;
    - `present`: where there is any operation, in all and in live parts;
    - `paths`: how many ways lead from input to output, and what lies on them;
    - `cost`: FLOPs and parameters.

    Parameters
    ----------
    space : the search space.
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def groups(self, archs: ArrayLike) -> dict[str, Floats]:
        """Features of architectures, integers of shape (n_archs, n_positions).

        Returns
        -------
        For each group float64 of shape (n_archs, n_features of the group).
        """
        raw = self._raw(self.space.check(archs))
        return {
            name: (raw[name][:, varies] - mean) / length
            for name, (mean, length, varies) in self._usual.items()
        }

    def all_counts(self, archs: ArrayLike) -> Floats:
        """How often each operation is used, dead or alive: of some devices all that counts.

        Unlike the groups, these differ between architectures that are the same network: a device
        that runs an operation whose output nobody uses pays for it.

        Returns
        -------
        float64 of shape (n_archs, n_operations that vary), centred and of unit mean square length.
        """
        mean, length, varies = self._usual_counts
        return (self._raw_counts(self.space.check(archs))[:, varies] - mean) / length

    def work(self, archs: ArrayLike, kind: str = "live") -> Floats:
        """How much architectures have to do; metrics of cost usually grow with it.

        Standardised FLOPs plus the standardised number of operations that compute, and that sum
        standardised.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        kind : one of `WORK`, which operations: those on a path from input to output, all, or none
            of them, so that FLOPs alone are left. Where a space counts no FLOPs, the last is the
            first.

        Returns
        -------
        float64 of shape (n_archs,).
        """
        mean, scale, total = self._usual_work[kind]
        parts = (self._raw_work(self.space.check(archs), kind) - mean) / scale
        return np.asarray(parts.sum(axis=1) / total)

    def computing(self, archs: ArrayLike, *, dead: bool = False) -> Floats:
        """How many operations compute, on a path from input to output where the space tells.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        dead : whether those on no such path count too.

        Returns
        -------
        float64 of shape (n_archs,).
        """
        checked = self.space.check(archs)
        computing = np.array([name not in IDLE for name in self._columns[1]], dtype=np.float64)
        if dead:
            return np.asarray(self.space.encode(checked, "onehot").astype(np.float64) @ computing)
        live = "live" if "live" in self.space.encodings else "onehot"
        return np.asarray(self._over_twins(checked, live) @ computing)

    @property
    def names(self) -> tuple[str, ...]:
        """The groups that this space has."""
        return tuple(self._usual)

    @cached_property
    def columns(self) -> list[str]:
        """Names of all features, group after group: "counts n(skip)", "cost FLOPs"."""
        operations = self._columns[1]
        kinds = list(dict.fromkeys(operations))
        places = list(dict.fromkeys(self._columns[0]))
        onehot, counts = self.space.feature_names("onehot"), [f"n({kind})" for kind in kinds]
        names = {
            "operations": onehot,
            "counts": counts,
            "live": onehot,
            "live_counts": counts,
            "present": [*places, *[f"live {place}" for place in places]],
            "cost": ["FLOPs", "parameters"],
        }
        if "paths" in self.space.encodings:
            names["paths"] = self.space.feature_names("paths")
        return [
            f"{group} {names[group][column]}"
            for group, (_, _, varies) in self._usual.items()
            for column in np.flatnonzero(varies)
        ]

    @cached_property
    def _reference(self) -> IntArray:
        if self.space.indexed and len(self.space) <= REFERENCE_SIZE:
            return self.space.all_architectures()
        return self.space.sample(REFERENCE_SIZE, seed=0)

    @cached_property
    def _usual(self) -> dict[str, tuple[Floats, float, NDArray[np.bool_]]]:
        """Mean, length and varying columns of every group that varies at all."""
        usual = {}
        for name, values in self._raw(self._reference).items():
            if np.ptp(values, axis=0).any():
                usual[name] = _usual_of(values)
        return usual

    @cached_property
    def _usual_counts(self) -> tuple[Floats, float, NDArray[np.bool_]]:
        """Mean, length and varying columns of `all_counts`."""
        return _usual_of(self._raw_counts(self._reference))

    @cached_property
    def _usual_work(self) -> dict[str, tuple[Floats, Floats, float]]:
        """Means and scales of what work is made of, and the scale of their sum, by its kind."""
        usual: dict[str, tuple[Floats, Floats, float]] = {}
        for kind in WORK:
            work = self._raw_work(self._reference, kind)
            scale = work.std(axis=0)
            scale[scale == 0] = 1.0
            parts = (work - work.mean(axis=0)) / scale
            usual[kind] = work.mean(axis=0), scale, float(parts.sum(axis=1).std()) or 1.0
        return usual

    def _raw_counts(self, archs: IntArray) -> Floats:
        onehot = self.space.encode(archs, "onehot").astype(np.float64)
        return np.asarray(onehot @ self._operation_of_column)

    def _raw(self, archs: IntArray) -> dict[str, Floats]:
        operations = self._over_twins(archs, "onehot")
        groups = {"operations": operations, "counts": operations @ self._operation_of_column}
        present = [operations @ self._filled_of_column]
        if "live" in self.space.encodings:
            live = self._over_twins(archs, "live")
            groups |= {"live": live, "live_counts": live @ self._operation_of_column}
            present.append(live @ self._filled_of_column)
        groups["present"] = np.concatenate(present, axis=1)
        if "paths" in self.space.encodings:
            groups["paths"] = self._over_twins(archs, "paths")
        with suppress(SpaceLacksError):
            # In millions; parameters are few beside operations, and tell little that these do not.
            cost = [self.space.flops(archs), self.space.parameters(archs)]
            groups["cost"] = np.stack(cost, axis=1) / 1e6
        return groups

    def _raw_work(self, archs: IntArray, kind: str) -> Floats:
        parts = [] if kind == "flops" else [self.computing(archs, dead=kind == "all")]
        with suppress(SpaceLacksError):
            parts.append(self.space.flops(archs).astype(np.float64))
        return np.stack(parts or [self.computing(archs)], axis=1)

    def _over_twins(self, archs: IntArray, encoding: str) -> Floats:
        """An encoding's mean over the architectures that are the same network."""
        twins = self.space.twins(archs)
        features = self.space.encode(archs, encoding).astype(np.float64)
        if np.array_equal(twins, archs):
            return features
        return np.asarray((features + self.space.encode(twins, encoding)) / 2)

    @cached_property
    def _columns(self) -> tuple[list[str], list[str]]:
        """Position and operation of every one-hot column; those of "live" stand alike."""
        parts = [name.rpartition("=") for name in self.space.feature_names("onehot")]
        return [part[0] for part in parts], [part[2] for part in parts]

    @cached_property
    def _operation_of_column(self) -> Floats:
        operations = self._columns[1]
        names = list(dict.fromkeys(operations))
        return np.array([[name == each for name in names] for each in operations], dtype=np.float64)

    @cached_property
    def _filled_of_column(self) -> Floats:
        """One column a position: 1 for the operations that put something there."""
        positions, operations = self._columns
        empty = EMPTY if EMPTY & set(operations) else IDLE
        names = list(dict.fromkeys(positions))
        return np.array(
            [
                [position == name and operation not in empty for name in names]
                for position, operation in zip(positions, operations, strict=True)
            ],
            dtype=np.float64,
        )


def _usual_of(values: Floats) -> tuple[Floats, float, NDArray[np.bool_]]:
    """Mean, root mean square length, and which columns of features vary, some at least."""
    varies = np.ptp(values, axis=0) > 0
    mean = values[:, varies].mean(axis=0)
    length = float(np.sqrt(((values[:, varies] - mean) ** 2).sum(axis=1).mean()))
    return mean, length or 1.0, varies
