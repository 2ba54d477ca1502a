"""What the advice comes to: whether there is a model at all, and what speaks against relying on it.

One place decides, so that what leads, what warns and what is said of more measurements agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwbench.advise.measurements import Measurements
from hwbench.advise.noise import Noise
from hwbench.advise.promise import QUANTILE, Estimate, Promise
from hwbench.advise.trials import Data, Trial

GUESSING, FREE, NOISY, FEW, GOOD = "guessing", "free", "noisy", "few", "good"

WIDE = 0.2
"""An interval of tau wider than this means that the data are too few."""

LOW_CEILING = 0.7
"""A ceiling of tau below this means that the measurements are too noisy."""

NEAR_CEILING = 0.03

FEW_VALUES = 0.5
"""A metric of which so many values repeat another takes few values."""


@dataclass(frozen=True)
class Against:
    """The model beside a ranking that needs no measurement.

    Attributes
    ----------
    title : of that ranking.
    tau : of it, on the measured architectures.
    gain : what the model's tau is above it, with its 90 % interval, on the same architectures.
    """

    title: str
    tau: float
    gain: Estimate


@dataclass(frozen=True)
class Verdict:
    """What the advice comes to.

    Attributes
    ----------
    kind : "guessing", nothing is seen to rank better than by chance; "free", a ranking that needs
        no measurement does as well; "noisy", measurements agree too little with each other; "few",
        too little is known of how good the model is; "good".
    against : the best ranking without measurements; None where the space has none.
    at_ceiling : whether the model is as good as noise lets any look.
    few_values : how many different values there are, where they are few; else 0.
    """

    kind: str
    against: Against | None
    at_ceiling: bool
    few_values: int

    @property
    def has_model(self) -> bool:
        """Whether there is a model to use."""
        return self.kind not in (GUESSING, FREE)


def judge(
    measurements: Measurements,
    promised: Promise,
    noise: Noise | None,
    chosen: Trial,
    free: list[Trial],
    data: Data,
) -> Verdict:
    """What the advice comes to; the rules are the module's constants.

    Parameters
    ----------
    measurements, data : what was measured.
    promised : of the model's tau.
    noise : where it is known.
    chosen : the model's trial.
    free : rankings that need no measurement, the best first.
    """
    against = _against(chosen, free[0], data) if free else None
    tau = promised.tau
    kind = GOOD
    if tau.low <= 0:
        kind = GUESSING
    elif against is not None and against.gain.value <= 0:
        kind = FREE
    elif noise is not None and noise.tau_ceiling < LOW_CEILING:
        kind = NOISY
    elif tau.high - tau.low > WIDE:
        kind = FEW
    _, counts = np.unique(measurements.values, return_counts=True)
    few = counts[counts > 1].sum() >= FEW_VALUES * len(measurements)
    return Verdict(
        kind,
        against,
        noise is not None and tau.value >= noise.tau_ceiling - NEAR_CEILING,
        len(counts) if few else 0,
    )


def _against(chosen: Trial, free: Trial, data: Data) -> Against:
    gain, error = free.behind(chosen, data.networks)
    reach = QUANTILE * error
    return Against(free.candidate.title, free.tau, Estimate(gain, gain - reach, gain + reach))
