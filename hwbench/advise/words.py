"""What was found, in plain words; and what speaks against relying on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwbench.advise.noise import Noise
from hwbench.advise.promise import Estimate
from hwbench.advise.verdict import FEW, FREE, GUESSING, LOW_CEILING, NOISY, WIDE
from hwbench.predictors.left_out import lacking_in_words
from hwbench.tables.own.column_words import quantity_of

if TYPE_CHECKING:
    from hwbench.advise.comparison import Comparison
    from hwbench.advise.result import Advice
    from hwbench.advise.selection import Selection

WORTHWHILE = 0.02
"""What more measurements must add to tau to be worthwhile."""

NAMED = 6
"""Names of a list that are printed; the page has all."""


def between(estimate: Estimate, digits: int = 2) -> str:
    """An estimate with its interval: "0.81 (0.74 to 0.86)"."""
    low, high = estimate.low, estimate.high
    return f"{estimate.value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def summary_lines(advice: Advice) -> list[str]:
    """The summary, a line a fact: what decides first."""
    lines = [lead_line(advice)]
    if advice.verdict.kind in (GUESSING, NOISY):
        lines.append(noise_line(advice))
    lines += model_lines(advice)
    lines += relative_lines(advice)
    lines += [f"Why: {advice.ranking.reason}."]
    lines += [f"Beware: {each}" for each in advice.warnings if each != lines[0]]
    if advice.verdict.kind not in (GUESSING, NOISY):
        lines.append(noise_line(advice))
    lines.append(doubling_line(advice))
    lines += selection_lines(advice)
    lines += work_lines(advice)
    lines += left_out_lines(advice)
    return lines


def left_out_lines(advice: Advice) -> list[str]:
    """Which predictors were not tried for want of a library; empty where all are installed."""
    lacking = lacking_in_words(advice.left_out)
    return [f"Not tried: {lacking}."] if lacking else []


def lead_line(advice: Comparison) -> str:
    """What the advice comes to."""
    measured, tau, verdict = advice.measurements, advice.promise.tau, advice.verdict
    named = f"{advice.ranking.chosen.candidate.label}"
    if verdict.kind == GUESSING:
        n = len(advice.ranking.trials)
        return (
            f"No model here: of {n} that were tried none is seen to rank {measured.described} "
            f"better than guessing. The best, {named}, has Kendall's tau {between(tau)}, 90 % "
            f"interval. {_why_none(advice)}"
        )
    if verdict.kind == FREE and verdict.against is not None:
        against = verdict.against
        return (
            f"No model here: {against.title} alone, which need no measurement, rank "
            f"{measured.described} no worse (Kendall's tau {against.tau:.2f}) than the best model "
            f"({named}: {between(against.gain, 3)} more, 90 % interval)."
        )
    if verdict.kind == NOISY and advice.noise is not None:
        return (
            f"Noise first: the measurements of {measured.described} are too noisy. Repeated ones "
            "agree so little that even a perfect predictor would score a tau of about "
            f"{advice.noise.tau_ceiling:.2f} (below {LOW_CEILING}); measure each architecture "
            "longer or more often before anything else."
        )
    return (
        f"To predict {measured.described} use {named}: predictor {advice.predictor}, encoding "
        f"{advice.encoding}; fitted to {len(measured)} architectures."
    )


def _why_none(advice: Comparison) -> str:
    """What may be the reason that nothing is learned."""
    noise = advice.noise
    if noise is None:
        return (
            "The measurements are too few or too noisy, or the metric does not depend on the "
            "architecture; repeats of ten would tell which."
        )
    if noise.tau_ceiling < LOW_CEILING:
        return (
            "The measurements are too noisy: even a perfect predictor would score a tau of about "
            f"{noise.tau_ceiling:.2f}. Measure each architecture longer or more often."
        )
    return (
        "Noise is not the reason: the measurements are too few, or the metric does not depend on "
        "what predictors see of the architecture."
    )


def model_lines(advice: Advice) -> list[str]:
    """The model and how well it ranks."""
    measured, tau, verdict = advice.measurements, advice.promise.tau, advice.verdict
    lines = []
    if verdict.kind in (GUESSING, FREE, NOISY):
        lines.append(
            f"What was fitted to all {len(measured)} architectures nevertheless: "
            f"{advice.ranking.chosen.candidate.label}, predictor {advice.predictor}, encoding "
            f"{advice.encoding}."
        )
    if verdict.kind != GUESSING:
        text = (
            f"On architectures that were not measured expect Kendall's tau {between(tau)}, 90 % "
            f"interval: {_pairs(tau.value)} pairs in a hundred ordered rightly"
        )
        if verdict.against is not None and verdict.kind != FREE:
            against = verdict.against
            text += (
                f"; that is {between(against.gain, 3)} above {against.title} alone, which need no "
                "measurement"
            )
        lines.append(f"{text}.")
    return lines


def _pairs(tau: float) -> str:
    return f"{50 * (1 + tau):.0f}"


def warnings_of(advice: Comparison, n_looked_at: int, n_bent: int) -> tuple[str, ...]:
    """What speaks against relying on the choice; what leads, if it does, is the first.

    Parameters
    ----------
    advice : the choice.
    n_looked_at, n_bent : of its predictions, see `bent_predictions`.
    """
    verdict = advice.verdict
    found = [lead_line(advice)] if verdict.kind in (GUESSING, FREE, NOISY) else []
    if verdict.kind == FEW:
        found.append(
            "The data are too few to say how good the model is: the interval of tau is wider than "
            f"{WIDE}."
        )
    if verdict.has_model:
        against = verdict.against
        if against is not None and against.gain.low <= 0:
            found.append(
                f"The model is not seen to rank better than {against.title} alone: the interval of "
                "the difference reaches 0."
            )
    if verdict.few_values:
        found.append(
            f"The metric takes few values ({verdict.few_values} different ones in "
            f"{len(advice.measurements)} architectures): architectures of one value cannot be "
            "ranked, and tau counts only the others."
        )
    if n_bent:
        found.append(
            f"Of {n_looked_at:,} predictions {n_bent:,} would not be above 0, which "
            f"no {_quantity(advice)} is: those below the smallest measurement are bent to stay "
            "above 0, in their order; trust their order, not their size."
        )
    return tuple(found)


def _quantity(advice: Comparison) -> str:
    measured = advice.measurements
    return quantity_of(measured.unit, measured.metric) or measured.metric


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
    return (
        f"Noise: {_deviation(advice, noise)}, with which even a perfect predictor would score "
        f"about {between(Estimate(noise.tau_ceiling, noise.low, noise.high))}"
        f"{'; this one is there' if advice.verdict.at_ceiling else ''}."
    )


def _deviation(advice: Advice, noise: Noise) -> str:
    unit = f" {advice.measurements.unit}" if advice.measurements.unit else ""
    told = f"{noise.n_repeats} repeats" if noise.n_repeats else "the file's standard deviations"
    return f"{noise.deviation:.3g}{unit} a measurement ({told})"


def doubling_line(advice: Advice) -> str:
    """What twice the measurements would bring."""
    promised = advice.promise
    return (
        f"Twice the measurements ({2 * promised.size}) would bring tau to about "
        f"{between(promised.doubled)}, an extrapolation, and a gain of "
        f"{between(promised.gain, 3)}: {_worth(advice)}."
    )


def _worth(advice: Advice) -> str:
    """Whether more measurements are worthwhile, by the interval of what they gain."""
    gain, verdict = advice.promise.gain, advice.verdict
    if verdict.at_ceiling or verdict.kind == NOISY:
        return "noise is in the way, so repeat measurements rather than add architectures"
    if verdict.kind == GUESSING:
        return "whether there is anything to learn, more measurements or repeats would tell"
    if gain.low >= WORTHWHILE:
        said = f"worthwhile, since even the lower end is {WORTHWHILE} or more"
    elif gain.high < WORTHWHILE:
        said = f"hardly worthwhile, since even the upper end is below {WORTHWHILE}"
    else:
        said = f"perhaps worthwhile, since the interval reaches from below {WORTHWHILE} to above"
    if verdict.kind == FEW:
        said += "; they would tell in any case how good the model is"
    return said


def selection_lines(advice: Advice) -> list[str]:
    """What a search loses, and how many picks to verify."""
    selection = advice.selection
    if selection is None:
        return [f"Nothing is said of a search: {advice.no_selection}."]
    return [
        f"A search by it among {selection.n_candidates:,} architectures ({selection.accuracy}) "
        f"loses {between(selection.mra_all)} points of accuracy (MRA; the median, and what nine in "
        f"ten searches lie between), after measuring {_of_its_picks(selection)} "
        f"{between(selection.mra_verified)}, and then {between(selection.hypervolume_lost, 1)} % "
        "of the hypervolume.",
        _verify_line(selection),
        *(f"Note: {note}" for note in selection.notes),
    ]


def _of_its_picks(selection: Selection) -> str:
    if selection.all_picks:
        return f"all of its picks (about {selection.n_selected})"
    return f"{selection.verify} of its {selection.n_selected} picks"


def _verify_line(selection: Selection) -> str:
    if selection.all_picks:
        return f"Verify all of its picks (about {selection.n_selected}) by measuring them."
    return (
        f"Verify the {selection.verify} most accurate of its {selection.n_selected} picks by "
        "measuring them: the others lower the loss by less than 1 % of the hypervolume."
    )


def work_lines(advice: Advice) -> list[str]:
    """What was left out for lack of work, and with how much it would not be."""
    ranking, done = advice.ranking, advice.done
    if done.complete:
        return []
    left = []
    if ranking.not_tried:
        left.append(f"{_named([each.label for each in ranking.not_tried])} not tried")
    if ranking.not_repeated:
        left.append(
            f"{_named([each.label for each in ranking.not_repeated])} not repeated ten times"
        )
    said = "; ".join(left) or "nothing but repeats"
    return [
        f"Left out for lack of work: {said}. {done.work:,} units of work were done; --work "
        f"{done.all_of_it} would do all."
    ]


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown
