"""Cross-validations of candidates: what is done, a unit at a time, and what is kept of it."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field

import numpy as np

from hwbench.advise.candidates import Candidate
from hwbench.advise.crossvalidation import PairSums, folds_of, networks_of, out_of_fold, pair_sums
from hwbench.arrays import Floats, IntArray
from hwbench.errors import one_line
from hwbench.spaces import Space

FOLDS = 5
REPEATS = 10

SHARES = (0.25, 0.5)
"""Of the training rows of a fold, for the learning curve."""

CURVE_REPEATS = 5
FEWEST_TRAINED = 4


@dataclass(frozen=True, eq=False)
class Data:
    """What is cross-validated.

    Attributes
    ----------
    space, archs, values : what was measured.
    networks : which rows are the same network.
    seed : of folds and models.
    positive : whether the metric is always above 0, so that predictions of it are kept there.
    """

    space: Space
    archs: IntArray
    values: Floats
    networks: IntArray
    seed: int
    positive: bool = False

    @classmethod
    def of(
        cls, space: Space, archs: IntArray, values: Floats, seed: int, *, positive: bool = False
    ) -> Data:
        """With the networks of the architectures."""
        return cls(space, archs, values, networks_of(space, archs), seed, positive)

    def folds(self, repeat: int) -> IntArray:
        """The folds of a repeat, the same for every candidate."""
        return folds_of(self.networks, FOLDS, (self.seed, repeat))

    @property
    def n_trained(self) -> float:
        """Rows that a fold's model is fitted to."""
        return len(self.values) * (FOLDS - 1) / FOLDS

    @property
    def shares(self) -> tuple[float, ...]:
        """Of `SHARES` those that leave enough rows to fit to."""
        return tuple(each for each in SHARES if each * self.n_trained >= FEWEST_TRAINED)


@dataclass(frozen=True)
class Unit:
    """One cross-validation: the least that is begun or left out.

    Attributes
    ----------
    candidate : of what.
    repeat : on which folds.
    share : of the training rows of each fold that models are fitted to.
    """

    candidate: Candidate
    repeat: int
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class Found:
    """What a unit gave.

    Attributes
    ----------
    predictions : out of fold, float64 of shape (n_archs,); None where there are none.
    error : why not.
    seconds : that it took.
    """

    predictions: Floats | None
    error: str = ""
    seconds: float = float("nan")


def cross_validate(data: Data, unit: Unit) -> Found:
    """Out-of-fold predictions of a candidate, or why there are none."""
    start = time.monotonic()
    error = ""
    found: Floats | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of optimisers that end early: the score tells
            model = unit.candidate.make(data.space, data.seed + unit.repeat, positive=data.positive)
            found = out_of_fold(
                model,
                data.archs,
                data.values,
                data.folds(unit.repeat),
                share=unit.share,
                seed=(data.seed, unit.repeat),
            )
        if not np.isfinite(found).all():
            found, error = None, "predicted numbers that are not finite"
    except Exception as raised:  # noqa: BLE001  whatever a model raises, others may still do
        error = one_line(f"{type(raised).__name__}: {raised}", 300)
    return Found(found, error, time.monotonic() - start)


@dataclass(eq=False)
class Trial:
    """What cross-validating a candidate found.

    Attributes
    ----------
    candidate : which.
    sums : for each repeat the comparisons of pairs.
    predictions : for each repeat the out-of-fold predictions, float64 of shape (n_archs,).
    curve : by share of the training rows, for each repeat the comparisons of pairs.
    seconds : of one cross-validation.
    error : why it failed, if it did.
    """

    candidate: Candidate
    sums: list[PairSums] = field(default_factory=list)
    predictions: list[Floats] = field(default_factory=list)
    curve: dict[float, list[PairSums]] = field(default_factory=dict)
    seconds: float = float("nan")
    error: str = ""

    def keep(self, data: Data, unit: Unit, found: Found) -> None:
        """Keep what a unit gave; after a failure nothing more."""
        if self.error:
            return
        if found.predictions is None:
            self.error = found.error
            return
        sums = pair_sums(data.values, found.predictions, data.folds(unit.repeat))
        if unit.share < 1.0:
            self.curve.setdefault(unit.share, []).append(sums)
            return
        self.sums.append(sums)
        self.predictions.append(found.predictions)
        if np.isnan(self.seconds):
            self.seconds = found.seconds

    @property
    def confirmed(self) -> bool:
        """Whether all its repeats are there."""
        return len(self.sums) >= REPEATS

    def pooled(self, repeats: int | None = None) -> PairSums:
        """The comparisons of the first repeats together; of all by default."""
        return pooled(self.sums[:repeats])

    @property
    def tau(self) -> float:
        """Kendall's tau out of fold, over all repeats."""
        return self.pooled().tau

    def behind(self, other: Trial, networks: IntArray) -> tuple[float, float]:
        """How far its tau is below the other's on the same folds, and its standard error."""
        common = min(len(self.sums), len(other.sums))
        mine, others = self.pooled(common), other.pooled(common)
        apart = others.influences(networks) - mine.influences(networks)
        return others.tau - mine.tau, float(np.sqrt((apart**2).sum()))


def pooled(sums: list[PairSums]) -> PairSums:
    """Comparisons of several repeats together."""
    total = sums[0]
    for each in sums[1:]:
        total = total + each
    return total
