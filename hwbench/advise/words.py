"""What was found, in plain words; and what speaks against relying on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwbench.advise.measurements import Measurements
from hwbench.advise.noise import Noise
from hwbench.advise.promise import Estimate, Promise

if TYPE_CHECKING:
    from hwbench.advise.result import Advice
    from hwbench.advise.selection import Selection

WIDE = 0.2
"""An interval of tau wider than this means that the data are too few."""

NOISY = 0.7
"""A ceiling of tau below this means that the measurements are too noisy."""

NEAR_CEILING = 0.03
FEW_VALUES = 0.5
"""A metric of which so many values repeat another takes few values."""

WORTHWHILE = 0.02
"""Doubling the measurements is called worthwhile where it is expected to add so much to tau."""


def between(estimate: Estimate, digits: int = 2) -> str:
    """An estimate with its interval: "0.81 (0.74 to 0.86)"."""
    low, high = estimate.low, estimate.high
    return f"{estimate.value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def find_warnings(
    measurements: Measurements, promised: Promise, noise: Noise | None
) -> tuple[str, ...]:
    """What speaks against relying on the advice; the rules are the module's constants."""
    found = []
    tau = promised.tau
    if tau.low <= 0:
        found.append(
            "No predictor is seen to rank better than guessing: the interval of tau reaches 0. "
            "The data are too few, too noisy, or the metric does not depend on the architecture."
        )
    elif tau.high - tau.low > WIDE:
        found.append(
            f"The data are too few to say how good the model is: the interval of tau is wider than "
            f"{WIDE}. Measure more."
        )
    if noise is not None and noise.tau_ceiling < NOISY:
        found.append(
            f"The measurements are too noisy: repeated ones agree so little that even a perfect "
            f"predictor would score a tau of about {noise.tau_ceiling:.2f} (below {NOISY}). "
            "Measure each architecture longer or more often."
        )
    _, counts = np.unique(measurements.values, return_counts=True)
    if counts[counts > 1].sum() >= FEW_VALUES * len(measurements):
        found.append(
            f"The metric takes few values ({len(counts)} different ones in {len(measurements)} "
            "architectures): architectures of one value cannot be ranked, and tau counts only the "
            "others."
        )
    return tuple(found)


def summary_lines(advice: Advice) -> list[str]:
    """The summary, a line a fact."""
    measured, tau = advice.measurements, advice.promise.tau
    lines = [
        f"To predict {measured.described} use {advice.ranking.chosen.candidate.label}: "
        f"predictor {advice.predictor}, encoding {advice.encoding}; fitted to {len(measured)} "
        "architectures.",
        f"On architectures that were not measured expect Kendall's tau {between(tau)}, 90 % "
        f"interval: {_pairs(tau.value)} pairs in a hundred ordered rightly.",
    ]
    lines += relative_lines(advice)
    lines += [f"Why: {advice.ranking.reason}."]
    lines += [f"Beware: {each}" for each in advice.warnings]
    lines.append(noise_line(advice))
    lines.append(doubling_line(advice))
    lines += selection_lines(advice)
    if advice.ranking.stopped_by_time:
        n = len(advice.ranking.not_tried)
        rest = f"{n} candidate{'s were' if n != 1 else ' was'} not tried" if n else "fewer repeats"
        lines.append(
            f"The time limit of {advice.seconds_limit:g} s was reached: {rest}; --seconds gives "
            "more."
        )
    return lines


def _pairs(tau: float) -> str:
    return f"{50 * (1 + tau):.0f}"


def relative_lines(advice: Advice) -> list[str]:
    """How far predictions are off in % of the measurements, where that is defined."""
    scores = advice.relative_scores
    if not np.isfinite(scores["rmspe"]):
        return []
    return [
        f"Of its predictions {scores['within_5_percent']:.0f} % lie within 5 % and "
        f"{scores['within_10_percent']:.0f} % within 10 % of the measurement (RMSPE "
        f"{scores['rmspe']:.3g} %), cross-validated."
    ]


def noise_line(advice: Advice) -> str:
    """What is known of the noise."""
    noise = advice.noise
    if noise is None:
        return (
            "Nothing is known of the noise: no three measurements are repeats. Measure about ten "
            "architectures twice to learn how good any predictor can look."
        )
    unit = f" {advice.measurements.unit}" if advice.measurements.unit else ""
    ceiling = Estimate(noise.tau_ceiling, noise.low, noise.high)
    near = advice.promise.tau.value >= noise.tau_ceiling - NEAR_CEILING
    told = f"{noise.n_repeats} repeats" if noise.n_repeats else "the file's standard deviations"
    return (
        f"Noise: {noise.deviation:.3g}{unit} a measurement ({told}), with which "
        f"even a perfect predictor would score about {between(ceiling)}"
        f"{'; this one is there, so repeat measurements rather than add some' if near else ''}."
    )


def doubling_line(advice: Advice) -> str:
    """What twice the measurements would bring."""
    promised = advice.promise
    worth = "worthwhile" if promised.gain.value >= WORTHWHILE else "hardly worthwhile"
    return (
        f"Twice the measurements ({2 * promised.size}) would bring tau to about "
        f"{between(promised.doubled)}, a gain of {between(promised.gain, 3)}: {worth}. "
        "This is an extrapolation."
    )


def selection_lines(advice: Advice) -> list[str]:
    """What a search loses, and how many picks to verify."""
    selection = advice.selection
    if selection is None:
        return [
            f"Nothing is said of a search: no accuracies of {advice.measurements.space.name} are "
            "at hand; --accuracy table:column names some."
        ]
    return [
        f"A search by it among {selection.n_candidates} architectures ({selection.accuracy}) loses "
        f"{between(selection.mra_all)} points of accuracy on average (MRA), "
        f"{between(selection.mra_verified)} after measuring its picks, and then "
        f"{between(selection.hypervolume_lost, 1)} % of the hypervolume. {_typical(selection)}",
        _verify_line(selection),
        *(f"Note: {note}" for note in selection.notes),
    ]


def _typical(selection: Selection) -> str:
    """Medians beside the means, which a few hopeless selections may make."""

    def text(name: str, digits: int) -> str:
        least, median, most = selection.ranges[name]
        return f"{median:.{digits}f} (nine in ten {least:.{digits}f} to {most:.{digits}f})"

    return (
        f"Half of such searches lose at most {text('mra_all', 2)} points, after measuring "
        f"{text('mra_verified', 2)}, and {text('hypervolume_lost', 1)} % of the hypervolume."
    )


def _verify_line(selection: Selection) -> str:
    if selection.verify >= selection.n_selected:
        return f"Verify all of its picks (about {selection.n_selected:.0f}) by measuring them."
    return (
        f"Verify the {selection.verify} most accurate of its {selection.n_selected:.0f} picks by "
        "measuring them: the others lower the loss by less than 1 % of the hypervolume."
    )
