"""Schedules of the weights' learning rate as nodes of a config."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import accumulate
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from hwbench.arguments import NotNegative, check_constructor
from hwbench.errors import HwbenchError
from hwbench.optimisation import check_warm_up, half_cosine, warmed_up
from hwbench.registry import Registry


class LearningRateSchedule(ABC):
    """The learning rate over the epochs of a training. One of one's own is named "module:Class".

    A constructor takes arguments by keyword, which are checked by their annotations, and stores
    them.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_constructor(cls, lambda part: f"schedule {type(part).__name__}")

    @abstractmethod
    def rate(self, start: float, epoch: float, epochs: int) -> float:
        """The learning rate at a moment; called before each step.

        Parameters
        ----------
        start : the optimiser's learning rate.
        epoch : the moment, from 0 up to but not including `epochs`; a fraction within an epoch.
        epochs : of the training.
        """

    def check(self, start: float, epochs: int) -> None:  # noqa: B027
        """Refuse a training that the schedule does not suit; called when a config is read.

        Raises
        ------
        HwbenchError
            Saying why.
        """


class Constant(LearningRateSchedule):
    """The same rate all the time, after a linear rise.

    Parameters
    ----------
    warm_up_epochs : in which the rate rises from zero.
    """

    def __init__(self, *, warm_up_epochs: NotNegative = 0.0) -> None:
        self.warm_up_epochs = warm_up_epochs

    def rate(self, start: float, epoch: float, epochs: int) -> float:
        return warmed_up(lambda _epoch, _epochs: start, start, self.warm_up_epochs)(epoch, epochs)

    def check(self, start: float, epochs: int) -> None:
        del start
        check_warm_up(self.warm_up_epochs, epochs, "schedule")


class Cosine(LearningRateSchedule):
    """A half cosine over the epochs, after a linear rise.

    Parameters
    ----------
    final_learning_rate : that it falls to.
    warm_up_epochs : in which the rate rises from zero.
    """

    def __init__(
        self, *, final_learning_rate: NotNegative = 0.0, warm_up_epochs: NotNegative = 0.0
    ) -> None:
        self.final_learning_rate = final_learning_rate
        self.warm_up_epochs = warm_up_epochs

    def rate(self, start: float, epoch: float, epochs: int) -> float:
        falling = half_cosine(start, self.final_learning_rate)
        return warmed_up(falling, start, self.warm_up_epochs)(epoch, epochs)

    def check(self, start: float, epochs: int) -> None:
        check_warm_up(self.warm_up_epochs, epochs, "schedule")
        _check_final(self.final_learning_rate, start)


class Restarts(LearningRateSchedule):
    """A half cosine in each of several periods (Loshchilov and Hutter 2017).

    Parameters
    ----------
    periods : epochs of each period. Where they end before the training does, the last one is
        repeated, each time `factor` times as long.
    factor : 1 for periods of the same length.
    final_learning_rate : at the end of each period.
    """

    def __init__(
        self,
        *,
        periods: Annotated[list[PositiveInt], Field(min_length=1)],
        factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0,
        final_learning_rate: NotNegative = 0.0,
    ) -> None:
        self.periods = periods
        self.factor = factor
        self.final_learning_rate = final_learning_rate

    def rate(self, start: float, epoch: float, epochs: int) -> float:
        del epochs
        ends = list(accumulate(map(float, self.periods)))
        length = float(self.periods[-1])
        while epoch >= ends[-1]:
            length *= self.factor
            ends.append(ends[-1] + length)
        place = next(place for place, end in enumerate(ends) if epoch < end)
        begin = ends[place - 1] if place else 0.0
        falling = half_cosine(start, self.final_learning_rate)
        return falling(epoch - begin, ends[place] - begin)

    def check(self, start: float, epochs: int) -> None:
        del epochs
        _check_final(self.final_learning_rate, start)


def _check_final(final: float, start: float) -> None:
    if final > start:
        raise HwbenchError(
            f"schedule: final_learning_rate {final:g} is above the learning rate {start:g}"
        )


SCHEDULES = Registry(
    "schedule",
    {
        "constant": "hwbench.live.schedules:Constant",
        "cosine": "hwbench.live.schedules:Cosine",
        "restarts": "hwbench.live.schedules:Restarts",
    },
    "hwbench.learning_rate_schedules",
    base="hwbench.live.schedules:LearningRateSchedule",
)
"""Subclasses of `LearningRateSchedule`."""
