"""What a search is for: objectives, their directions, and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arguments import Finite, check_fields
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Objective:
    """A measured value of an architecture, and what is wanted of it.

    Attributes
    ----------
    name : such as "latency".
    direction : "minimize" or "maximize".
    limit : the largest value that is acceptable, the smallest where larger is better; None for any.
    optimised : whether better values are wanted. If not, the value only has to keep its limit.
    """

    name: str
    direction: Direction = "minimize"
    limit: Finite | None = None
    optimised: bool = True

    def __post_init__(self) -> None:
        check_fields(self, f"objective {self.name}")
        if not self.optimised and self.limit is None:
            raise HwbenchError(
                f"objective {self.name}: without a limit, what is not optimised says nothing"
            )


class Objectives:
    """All objectives of a search, and how measured values compare.

    Inside, everything is a cost: values to maximise enter negated, so smaller is better.

    Parameters
    ----------
    objectives : at least one of them optimised, no two of one name.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.all = tuple(objectives)
        names = [objective.name for objective in self.all]
        if len(set(names)) < len(names):
            raise HwbenchError(f"two objectives share a name: {', '.join(names)}")
        if not any(objective.optimised for objective in self.all):
            raise HwbenchError("a search needs at least one objective that is optimised")
        self.signs = np.array(
            [-1.0 if objective.direction == "maximize" else 1.0 for objective in self.all]
        )
        self.optimised = np.array([objective.optimised for objective in self.all])
        limits = [np.nan if each.limit is None else each.limit for each in self.all]
        self.limits: Floats = np.array(limits, dtype=np.float64) * self.signs
        """Largest costs that are acceptable, NaN where all are; float64 (n_objectives,)."""

    def __len__(self) -> int:
        return len(self.all)

    @property
    def limited(self) -> bool:
        """Whether any objective has a limit."""
        return bool(np.isfinite(self.limits).any())

    def costs(self, values: ArrayLike, n_archs: int) -> Floats:
        """Measured values as costs.

        Parameters
        ----------
        values : shape (n_archs, n_objectives), or (n_archs,) for a single objective; NaN where an
            architecture could not be measured.
        n_archs : how many rows there must be.

        Returns
        -------
        float64 of shape (n_archs, n_objectives), smaller is better.

        Raises
        ------
        HwbenchError
            Where the shape is another, or a value is infinite or no number.
        """
        try:
            array = np.array(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise HwbenchError(f"values must be numbers: {error}") from error
        if array.ndim == 1 and len(self) == 1:
            array = array[:, None]
        if array.shape != (n_archs, len(self)):
            raise HwbenchError(
                f"{n_archs} architectures and {len(self)} objectives need values of shape "
                f"({n_archs}, {len(self)}), not {array.shape}"
            )
        wrong = np.argwhere(np.isinf(array))
        if len(wrong):
            row, column = wrong[0]
            raise HwbenchError(
                f"values: row {row}, objective {self.all[column].name}, is infinite; NaN says that "
                "an architecture could not be measured"
            )
        return array * self.signs

    def values(self, costs: Floats) -> Floats:
        """Costs as values in their own directions: the inverse of `costs`."""
        return costs * self.signs

    def violations(self, costs: Floats) -> Floats:
        """How far architectures are beyond the limits.

        Parameters
        ----------
        costs : float64 of shape (n_archs, n_objectives).

        Returns
        -------
        float64 of shape (n_archs,): the sum of what exceeds each limit, as a share of the limit; 0
        where all are kept, infinite where a value is missing.
        """
        limited = np.isfinite(self.limits)
        limits = self.limits[limited]
        scale = np.where(limits == 0, 1.0, np.abs(limits))
        excess = (np.maximum(costs[:, limited] - limits, 0.0) / scale).sum(axis=1)
        return np.where(np.isnan(costs).any(axis=1), np.inf, excess)
