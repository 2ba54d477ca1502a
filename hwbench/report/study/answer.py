"""The first screen of a study: what to use, what it gives, what it costs, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis.answer import (
    AS_GOOD,
    ENOUGH,
    SizeAnswer,
    answers_by_size,
    enough,
    leaders,
    mean_or_nan,
)
from hwbench.analysis.study import (
    Loss,
    OwnSetScore,
    expected_loss,
    learning_curves,
    overall_curves,
    own_set_scores,
    predictor_titles,
)
from hwbench.pages.blocks import EMPTY, Answers, Block, Cell, Column, DataTable, Row
from hwbench.pages.plotting import Figure
from hwbench.report.study.curves import (
    baseline_scores,
    learning_curves_figure,
    predictor_entries,
    references,
)
from hwbench.results.run import Run
from hwbench.wording import duration

MOST_LINES = 5
"""Predictors of the first chart, where no more are best at some size."""

MOST_NAMED = 4

SHORT = " (short fits)"


def study_answer(run: Run, simulated: pd.DataFrame | None) -> list[Block]:
    """Questions with their answers, a table by number of measurements, and one chart.

    Parameters
    ----------
    run : with a study.
    simulated : curves of its simulation, from which the losses are taken; None: it has none.
    """
    if run.study is None:
        return []
    found = answers_by_size(run.study)
    if not found:
        return []
    targets = sorted(found[0].taus)
    # That fits are short is said once.
    titles = {name: title.replace(SHORT, "") for name, title in predictor_titles(run.study).items()}
    return [
        Answers(
            (
                ("Which predictor?", _which(found, titles)),
                ("How many measurements?", _how_many(run, found, targets)),
                ("What does it cost me?", _cost(found, simulated)),
                ("How sure is this?", _how_sure(run, found, targets)),
                ("What next?", _next(run, targets)),
            )
        ),
        _table(run, found, targets, titles, simulated),
        _chart(run, found, targets, titles),
    ]


def _which(found: Sequence[SizeAnswer], titles: Mapping[str, str]) -> Markup:
    parts = []
    runs = [list(group) for _, group in groupby(found, key=lambda each: each.predictor)]
    for place, own in enumerate(runs):
        name = Markup("<b>{}</b>").format(titles[own[0].predictor])
        first, last = own[0].training_size, own[-1].training_size
        if len(runs) == 1:
            parts.append(name)
        elif place == len(runs) - 1:
            parts.append(name + f" from {first:,} measurements")
        else:
            size = f"{first:,} to {last:,}" if first < last else f"{first:,}"
            parts.append(name + f" with {size}")
    text = Markup("Use ") + Markup(", ").join(parts)
    text += f": of {len(titles)} predictors none is shown to rank better by mean tau."
    last_one = found[-1]
    if last_one.equals:
        named = ", ".join(titles[name] for name in last_one.equals[:MOST_NAMED])
        more = len(last_one.equals) - MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        text += f" With {last_one.training_size:,}, not told apart from it: {named}."
    return text


def _how_many(run: Run, found: Sequence[SizeAnswer], targets: Sequence[str]) -> Markup:
    chosen, last = enough(found), found[-1]
    text = Markup("<b>{}</b> give a tau of <b>{:.2f}</b>").format(
        f"{chosen.training_size:,}", chosen.tau
    )
    if chosen is not last:
        share = f"{100 * ENOUGH:.0f} % or more"
        text += f", {share} of the {last.tau:.2f} that {last.training_size:,} give"
    ceiling = mean_or_nan([run.ceiling(target) for target in targets])
    if np.isfinite(ceiling):
        text += f"; measurement noise leaves about {ceiling:.2f} to the best predictor there can be"
    text += "."
    for own in baseline_scores(run, targets)[:1]:
        text += f" {own.title} alone, without any measurement, has {own.tau:.2f}."
    for own in _own_set(run, targets)[:1]:
        passing = next((each for each in found if each.tau > own.tau), None)
        text += f" {own.title} has {own.tau:.2f} with its {own.training_size:,}"
        if passing is not None:
            already = "already " if passing is found[0] else ""
            text += f" and is passed {already}with {passing.training_size:,}"
        text += "."
    return text


def _cost(found: Sequence[SizeAnswer], simulated: pd.DataFrame | None) -> Markup:
    chosen = enough(found)
    text = Markup("Measuring {} architectures; the fit takes {}.").format(
        f"{chosen.training_size:,}", duration(chosen.fit_seconds)
    )
    losses = selection_losses(chosen, simulated)
    if losses is None:
        return text
    return text + Markup(
        " A search over {} candidates that trusts it loses <b>{:.2f} points</b> of accuracy in the "
        "median and {:.2f} in one of twenty; if what it picks is measured before it is taken, "
        "{:.2f} and {:.2f}."
    ).format(
        f"{losses.n_candidates:,}",
        losses.all_range[1],
        losses.all_range[2],
        losses.pareto_range[1],
        losses.pareto_range[2],
    )


def _how_sure(run: Run, found: Sequence[SizeAnswer], targets: Sequence[str]) -> Markup:
    chosen = enough(found)
    several = len(targets) > 1
    text = Markup("Means over {}{} seed{}").format(
        f"{len(targets)} targets and " if several else "",
        chosen.seeds,
        "s" * (chosen.seeds > 1),
    )
    if np.isfinite(chosen.low):
        text += f"; the {chosen.tau:.2f} is known to \N{PLUS-MINUS SIGN} "
        text += f"{(chosen.high - chosen.low) / 2:.3f} (95 % interval over seeds)"
    text += "."
    if several:
        low = min(chosen.taus, key=lambda target: chosen.taus[target])
        high = max(chosen.taus, key=lambda target: chosen.taus[target])
        text += (
            f" From target to target it varies more: {chosen.taus[low]:.2f} for "
            f"{run.target(low).name}, {chosen.taus[high]:.2f} for {run.target(high).name}."
        )
    titles = predictor_titles(run.study) if run.study is not None else {}
    short = [title.replace(SHORT, "") for title in titles.values() if SHORT in title]
    if short:
        text += f" Fits were kept short of {', '.join(short)}: longer ones may change places."
    return text


def _next(run: Run, targets: Sequence[str]) -> Markup:
    space = run.space(targets[0])
    where = f" --space {space}" if space else ""
    text = Markup(
        "Measure what a search picks before you build it. On your own measurements: "
        "<code>hwbench advise my.csv{}</code>."
    ).format(where)
    if run.info.get("scenario") == "quick":
        text += Markup(" With fits of full length: <code>hwbench benchmark --preset good</code>.")
    return text


def selection_losses(answer: SizeAnswer, simulated: pd.DataFrame | None) -> Loss | None:
    """What searches lose by a predictor: means over the targets of each one's quantiles.

    None where a target has no simulation of its own.
    """
    if simulated is None:
        return None
    losses = [expected_loss(simulated, target, tau) for target, tau in answer.taus.items()]
    known = [loss for loss in losses if loss is not None and loss.own_metric]
    if not known or len(known) < len(losses):
        return None
    least, median, most = np.mean([loss.all_range for loss in known], axis=0).tolist()
    verified = np.mean([loss.pareto_range for loss in known], axis=0).tolist()
    return Loss(
        known[0].n_candidates,
        float(np.mean([loss.mra_all for loss in known])),
        float(np.mean([loss.mra_pareto for loss in known])),
        "",
        own_metric=True,
        all_range=(least, median, most),
        pareto_range=(verified[0], verified[1], verified[2]),
    )


def _own_set(run: Run, targets: Sequence[str]) -> list[OwnSetScore]:
    if run.study is None:
        return []
    return own_set_scores(run.study).get("" if len(targets) > 1 else targets[0], [])


def _table(
    run: Run,
    found: Sequence[SizeAnswer],
    targets: Sequence[str],
    titles: Mapping[str, str],
    simulated: pd.DataFrame | None,
) -> DataTable:
    ceiling = mean_or_nan([run.ceiling(target) for target in targets])
    losses = [selection_losses(each, simulated) for each in found]
    columns = [
        Column("measurements", "training_size", numeric=False),
        Column("Kendall's tau", "kendall_tau"),
    ]
    if np.isfinite(ceiling):
        columns.append(Column(f"of the ceiling {ceiling:.2f}", "share_of_ceiling"))
    if any(loss is not None for loss in losses):
        columns += [
            Column("accuracy lost, points", "accuracy_lost"),
            Column("if verified", "accuracy_lost_verified"),
        ]
    columns += [
        Column("predictor", "predictor", numeric=False),
        Column("a fit takes", "fit_seconds"),
    ]
    rows = []
    for each, loss in zip(found, losses, strict=True):
        known = np.isfinite(each.low)
        half = (each.high - each.low) / 2
        title = titles[each.predictor]
        cells = [
            Cell(
                f"{each.tau:.3f}" + (f" ± {half:.3f}" if known else ""),
                each.tau,
                more={"low_95": each.low, "high_95": each.high} if known else {},
            ),
        ]
        if np.isfinite(ceiling):
            share = each.tau / ceiling
            cells.append(Cell(f"{100 * share:.0f} %", share))
        if any(other is not None for other in losses):
            cells += (
                [EMPTY, EMPTY]
                if loss is None
                else [
                    Cell(f"{value:.2f}", value, more={"most_95": most})
                    for _, value, most in (loss.all_range, loss.pareto_range)
                ]
            )
        cells += [Cell(title, title), Cell(duration(each.fit_seconds), each.fit_seconds)]
        rows.append(Row(f"{each.training_size:,}", tuple(cells)))
    return DataTable(
        "answer",
        "What measurements give",
        tuple(columns),
        tuple(rows),
        note="± half the 95 % interval over seeds. Of predictors that are not told apart and lie "
        f"within {AS_GOOD:g} of the best, the one that is fitted fastest."
        + " Accuracy lost: median search."
        * any(loss is not None for loss in losses),
    )


def _chart(
    run: Run,
    found: Sequence[SizeAnswer],
    targets: Sequence[str],
    titles: Mapping[str, str],
) -> Figure:
    """The learning curves of the best predictors, with what they are held against."""
    if run.study is None:
        raise ValueError("a chart of a study needs one")
    several = len(targets) > 1
    curves = overall_curves(run.study) if several else learning_curves(run.study)
    names = leaders(run.study, found, MOST_LINES)
    entries = predictor_entries(titles)
    shown = {name: entry for name, entry in entries.items() if name in names}
    sizes = [each.training_size for each in found]
    title = f"Mean over the {len(targets)} targets" if several else run.target(targets[0]).title
    return learning_curves_figure(
        "answer-chart",
        f"{title}: the best predictors, and what they are held against",
        curves[curves["training_size"].isin(sizes)],
        shown,
        _own_set(run, targets),
        references(run, targets, sizes),
        height=360,
    )
