"""A structural Gaussian process whose prior mean may be what other devices have measured."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.models.completed_sources import CompletedSources
from hwbench.predictors.models.structural_gaussian_process import (
    AVERAGED_ROWS,
    BELIEFS,
    StructuralGaussianProcess,
    best_of_each_kind,
    probable,
)
from hwbench.predictors.models.structural_process import Belief, StructuralProcess
from hwbench.predictors.transfer import SourceMetrics
from hwbench.spaces import Space
from hwbench.spaces.structure import StructuralFeatures

WEIGHTS = (0.7, 0.95)
"""How much a standardised metric may be expected to grow with that of another device."""

SOURCES_SHARE = 0.5
"""Of a prediction, where other devices help. Evidence of a few measurements is too sure of itself:
averaged with what is believed without other devices, a chance likeness does half the harm."""

WORTHWHILE = 0.95
"""Leave-one-out error with other devices, over that without, below which they help: less is chance.
"""

FEWEST_ROWS = 4
"""Training rows below which other devices are not trusted: nothing tells whether they help."""


class TransferredFeatures(StructuralFeatures):
    """Structural features, and what other devices say of an architecture.

    Parameters
    ----------
    space : the search space.
    sources : what the other devices measured.
    """

    def __init__(self, space: Space, sources: SourceMetrics) -> None:
        super().__init__(space)
        self.completed = CompletedSources(sources)

    def work(self, archs: ArrayLike, kind: str = "live") -> Floats:
        """A kind of work, see `StructuralFeatures.work`, or the metric of the source of that name.

        Returns
        -------
        float64 of shape (n_archs,), standardised.
        """
        if kind not in self.completed.names:
            return super().work(archs, kind)
        return self.completed.standardised(archs)[:, self.completed.names.index(kind)]


class _Choice(NamedTuple):
    """Processes with shares, and how far off they were of each training row without it."""

    shares: Floats
    processes: list[StructuralProcess]

    @property
    def error(self) -> float:
        """Root mean square of the leave-one-out errors."""
        each = [process.leave_one_out_errors() for process in self.processes]
        return float(np.sqrt(((self.shares @ np.array(each)) ** 2).mean()))


class TransferGaussianProcess(StructuralGaussianProcess):
    """A `StructuralGaussianProcess` that may expect of a metric what other devices have measured.

    To what is believed of a metric before anything is measured, see `BELIEFS`, come beliefs that it
    grows with the metric of one other device, by a weight of `WEIGHTS`. Each is a prior mean, and a
    process on structure explains what is left. By their marginal likelihoods these are averaged:
    the mean is a sum of sources with weights that are not negative. Where a source lacks an
    architecture, see `CompletedSources`.

    Other devices take part only where they help: where the most probable belief of all is one of
    theirs, and leaving out each training row errs less with them than without, by a twentieth at
    least (`WORTHWHILE`). Their share of the prediction is then `SOURCES_SHARE`, else there is none,
    and this is the structural process.

    Features are operation indices (encoding "integers").

    Parameters
    ----------
    space : the search space.
    sources : metrics of other devices; without any this is the structural process.
    robust, likelihood_rows, most_rows, max_iterations, random_state : see
        `StructuralGaussianProcess`.

    Attributes
    ----------
    helped_ : whether other devices take part.
    source_weights_ : for each source how much a standardised prediction grows with it, none
        negative; all 0 where they do not take part.
    errors_ : root mean square leave-one-out errors without and with other devices, in units of the
        fitted targets; NaN where there is no choice.
    """

    def __init__(
        self,
        space: Space | None = None,
        sources: SourceMetrics | None = None,
        robust: bool = True,
        likelihood_rows: PositiveInt = 1000,
        most_rows: PositiveInt = 16000,
        max_iterations: NonNegativeInt = 40,
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            space,
            robust=robust,
            likelihood_rows=likelihood_rows,
            most_rows=most_rows,
            max_iterations=max_iterations,
            random_state=random_state,
        )
        self.sources = sources

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        check_parameters(self)
        names = () if self.sources is None else self.sources.names
        self.helped_, self.errors_ = False, (float("nan"), float("nan"))
        self.source_weights_ = dict.fromkeys(names, 0.0)
        return super().fit(X, y)

    @property
    def about_(self) -> dict[str, Any]:
        """What the fit found of the sources, as plain data: `helped`, `weights`, `errors`."""
        without, with_them = self.errors_
        return {
            "helped": self.helped_,
            "weights": {name: round(weight, 4) for name, weight in self.source_weights_.items()},
            "error_without": without,
            "error_with": with_them,
        }

    @property
    def summary_(self) -> str:
        """Whether other devices helped, and which, in a sentence."""
        count = len(self.source_weights_)
        if not count:
            return "no other device was given to learn from"
        noun = f"{count} other device{'s' * (count > 1)}"
        without, with_them = self.errors_
        if not self.helped_:
            why = (
                ""
                if np.isnan(with_them)
                else f" (leave-one-out error {with_them:.3g} of a standard deviation with, "
                f"{without:.3g} without)"
            )
            return f"{noun} did not help{why}: predictions rest on the target's measurements alone"
        used = sorted(self.source_weights_.items(), key=lambda item: -item[1])
        named = ", ".join(f"{name} {weight:.2f}" for name, weight in used if weight >= 0.005)
        return (
            f"{noun} helped: leave-one-out error {with_them:.3g} of a standard deviation instead "
            f"of {without:.3g}; weights {named}"
        )

    def _structure(self, space: Space) -> StructuralFeatures:
        if self.sources is None:
            return super()._structure(space)
        if self.sources.space.name != space.name:
            raise HwbenchError(
                f"{type(self).__name__}: its sources are of the space {self.sources.space.name}, "
                f"not {space.name}"
            )
        return TransferredFeatures(space, self.sources)

    def _of_all_beliefs(self, archs: IntArray, targets: Floats) -> list[StructuralProcess]:
        """Those of the structural process, as they are there, and those of other devices.

        The latter have the outliers of the former.
        """
        found = super()._of_all_beliefs(archs, targets)
        first = next(each for each in found if each.features == "structure")
        return found + [
            self._fitted(
                Belief("structure", name, weight),
                archs,
                targets,
                np.arange(len(archs)),
                robust=False,
                again=first.parameters,
                outlier_noise=first.outlier_noise * first.scale**2,
            )
            for name in self.source_weights_
            for weight in WEIGHTS
        ]

    def _worth_all_rows(self, found: list[StructuralProcess]) -> list[StructuralProcess]:
        without, with_them = self._apart(found)
        return [*best_of_each_kind(without), *with_them[:1]]

    def _believed(
        self, found: list[StructuralProcess], n_rows: int
    ) -> tuple[Floats, list[StructuralProcess]]:
        """With other devices where they help, else without."""
        without, with_them = self._apart(found)
        alone = _Choice(*super()._believed(without, n_rows))
        if not with_them or n_rows < FEWEST_ROWS:
            return alone
        others = probable(with_them[:1] if n_rows > AVERAGED_ROWS else with_them)
        shares = np.concatenate([SOURCES_SHARE * others[0], (1 - SOURCES_SHARE) * alone.shares])
        both = _Choice(shares, [*others[1], *alone.processes])
        self.errors_ = alone.error, both.error
        # One likely belief among many is likely by chance: each kind counts as much as the other.
        kinds = np.log(len(WEIGHTS) * len(self.source_weights_) / len(BELIEFS))
        ahead = with_them[0].log_evidence - without[0].log_evidence - max(float(kinds), 0.0)
        if ahead <= 0 or both.error >= WORTHWHILE * alone.error:
            return alone
        self.helped_ = True
        for share, process in zip(*both, strict=True):
            if process.work in self.source_weights_:
                self.source_weights_[process.work] += float(share * process.weight)
        return both

    def _apart(
        self, found: list[StructuralProcess]
    ) -> tuple[list[StructuralProcess], list[StructuralProcess]]:
        """Those without and those with other devices, each from the most probable on."""
        ordered = sorted(found, key=lambda each: -each.log_evidence)
        of_sources = [each.work in self.source_weights_ for each in ordered]
        return (
            [each for each, theirs in zip(ordered, of_sources, strict=True) if not theirs],
            [each for each, theirs in zip(ordered, of_sources, strict=True) if theirs],
        )
