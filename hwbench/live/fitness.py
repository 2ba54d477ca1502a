"""Fitness of architectures: accuracy, and how much less than others they need of something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.arguments import Finite, Positive, check_fields
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError, unknown_name
from hwbench.live.supernets.supernet import Supernet
from hwbench.spaces import Space


@dataclass(frozen=True, kw_only=True)
class Fitness:
    """Accuracy x (N / N_avg)^lambda (NA eq. 5.1): what a search on a trained supernet maximises.

    Attributes
    ----------
    measurement : N, what the supernet measures in a pass, see `Space.measured`.
    exponent : lambda; below 0 where less is better, 0 for the accuracy alone.
    average : N_avg; by default that of the architectures which the last epoch of training drew, on
        its images.
    """

    measurement: str
    exponent: Finite = -0.08
    average: Positive | None = None

    def __post_init__(self) -> None:
        check_fields(self, "fitness")

    def check(self, space: Space) -> None:
        """Refuse a measurement that the networks of a space do not make.

        Raises
        ------
        HwbenchError
            With the nearest that they do.
        """
        if self.measurement in space.measured:
            return
        if not space.measured:
            raise HwbenchError(
                f"fitness: networks of {space.name} measure nothing besides their accuracy"
            )
        raise unknown_name(f"measurement of {space.name}", self.measurement, space.measured)

    def with_average(self, supernet: Supernet) -> Fitness:
        """The same with the average of a trained supernet where none was given.

        Raises
        ------
        HwbenchError
            Where the supernet knows none, or nothing was measured.
        """
        if self.average is not None:
            return self
        average = supernet.averages().get(self.measurement, 0.0)
        if average <= 0:
            raise HwbenchError(
                f"fitness: the supernet knows no average of {self.measurement} from its training; "
                "give one, such as fitness = { measurement = "
                f"'{self.measurement}', average = 1000.0 }}"
            )
        return Fitness(measurement=self.measurement, exponent=self.exponent, average=average)

    def values(self, found: pd.DataFrame) -> Floats:
        """The fitness of architectures, float64 (n_archs,), in % as the accuracy.

        An architecture that needs nothing at all computes nothing: its fitness is 0.

        Parameters
        ----------
        found : with `accuracy` in % and the measurement, as `Judge.evaluate` gives it.
        """
        if self.average is None:
            raise ValueError("fitness without an average; see with_average")
        accuracy = found["accuracy"].to_numpy(dtype=np.float64)
        measured = found[self.measurement].to_numpy(dtype=np.float64)
        share = np.where(measured > 0, measured / self.average, 1.0)
        return np.where(measured > 0, accuracy * share**self.exponent, 0.0)

    def title(self) -> str:
        """In words."""
        return f"accuracy x {self.measurement}^{self.exponent:g}"
