"""The sections of the report on live searches and sweeps of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis.statistics import mean_interval
from hwbench.pages.architectures import drawing
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Finding,
    Group,
    Lines,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import Entry, Figure
from hwbench.report.live import figures
from hwbench.report.live.choices import choices_figures
from hwbench.report.live.diagnostics import diagnostics_section
from hwbench.report.live.evidence import (
    best_figure,
    evidence_blocks,
    evidence_groups,
    method_entries,
)
from hwbench.report.live.measured import measured_words, measurement_of
from hwbench.report.live.pools import pools_section
from hwbench.report.live.retrainings import (
    retrained_sentence,
    retraining_section,
    retraining_summary,
)
from hwbench.report.live.selections import selections_section, selections_summary
from hwbench.report.live.truth import (
    Method,
    costless,
    found_by_one,
    found_by_several,
    methods,
    truth_section,
)
from hwbench.results.live import RANKING_COLUMNS, LiveRun, LiveSweep, sweep_title
from hwbench.results.live_runs import cpu_seconds, over_epochs, tidy
from hwbench.results.names import EPOCHS, LIVE_RESULT, RANKING, STRENGTHS, SWEEP_RESULTS
from hwbench.results.ranking_measures import unmeasured
from hwbench.results.run import Run, TargetWords
from hwbench.results.true_value import headline
from hwbench.wording import counted, duration, short_number

TOP_SHOWN = 10
MOST_UNFOLDED = 3
MEASURES = {
    "kendall_tau": "Kendall's tau",
    "kendall_tau_top50": "tau of the 50 best by the target",
    "mean_true": "mean target value",
    "mean_true_top1": "of the best ranked",
    "mean_true_top5": "mean of the 5 best ranked",
    "mean_true_top10": "mean of the 10 best ranked",
    "best_true": "best target value",
}
SWEPT = {
    "true_value": "true value of what was found",
    "kendall_tau": "Kendall's tau of the ranking with its target",
    "mean_true_top10": "mean target value of the 10 best ranked",
    "test_accuracy": "accuracy with the supernet's weights, %",
}


def live_summary(run: Run) -> list[Block]:
    """What each live search found, and how far its ranking is to be trusted."""
    blocks: list[Block] = []
    swept = {sweep.folder for sweep in run.sweeps}
    alone = [live for live in run.live if live.folder.parent not in swept]
    evidence = evidence_blocks(tidy(run.live)) if run.live else []
    findings = [_finding(run, method) for method in methods(alone)]
    if len(run.live) > 1 and evidence:  # which says it all, method beside method
        blocks += evidence
        if findings:
            blocks.append(Lines(tuple(map(_line, findings)), "Method by method"))
    else:
        blocks += [*findings, *evidence, *costless(alone)]
    blocks += selections_summary(alone, figures.run_titles(alone))
    for sweep in run.sweeps:
        sentence = Markup("{} over {} of {}.").format(
            counted(len(sweep.searches), "search", "searches"),
            counted(sweep.searches["value"].nunique(), "value"),
            sweep.config.get("argument"),
        )
        title = str(sweep.config.get("title") or sweep.folder.name)
        blocks.append(Finding(title, (*_best_of_sweep(sweep), sentence)))
        if not evidence:
            own = [live for live in run.live if live.folder.parent == sweep.folder]
            blocks += costless(own)
    return [*blocks, *retraining_summary(run.retrainings)]


def _finding(run: Run, method: Method) -> Finding:
    """What a method truly found, and what its supernets say."""
    several = len(method.runs) > 1
    first = found_by_several(method) if several else found_by_one(method)
    rest = _about_supernets(run, method) if several else _about_supernet(run, method.runs[0])
    return Finding(method.title, (*first, *rest))


def _line(finding: Finding) -> Markup:
    return Markup("{}: {}").format(finding.title, Markup(" ").join(finding.sentences))


def _about_supernet(run: Run, live: LiveRun) -> Iterator[Markup]:
    """How far a search came, and what its supernet says, which is no true value."""
    space = live.config["space"]["name"]
    images = (live.config.get("data") or {}).get("name", "")
    done = len(live.epochs)
    trainer = live.config["trainer"]
    planned = trainer.get("stop_after") or trainer.get("epochs", done)
    if not live.result:
        yield Markup("<b>{} of {} epochs</b> on {} so far: nothing is derived yet.").format(
            done, planned, images
        )
        return
    yield Markup(
        "{} epochs on {} found it in {}. With the supernet's weights it has {:.2f} % on validation "
        "and {:.2f} % on test images, which says little of it."
    ).format(done, images, space, live.result["search_accuracy"], live.result["test_accuracy"])
    measured = measured_words(space, live.result.get("measured") or {})
    if measured:
        yield Markup("Its passes on test images measured {}.").format(measured)
    over = over_epochs(live)
    if over:
        yield Markup("{}").format(over)
    yield from _about_policy(live)
    spent = cpu_seconds(live)
    if spent is not None:
        yield Markup("It took {} of CPU time.").format(duration(spent))
    yield from _about_ranking(run, live)
    if live.retrained is not None:
        yield retrained_sentence(live.retrained)


def _about_policy(live: LiveRun) -> Iterator[Markup]:
    """What a policy's samples came to, beside architectures drawn uniformly on the same weights."""
    rewards = live.epochs.get("reward_mean", pd.Series(dtype=float)).dropna()
    if rewards.empty:
        return
    beside = Markup("")
    if len(live.ranking):
        beside = Markup("; {} drawn uniformly have {:.2f} % there").format(
            counted(len(live.ranking), "architecture"), live.ranking["accuracy"].mean()
        )
    yield Markup(
        "What its policy samples has {:.2f} % on validation images on average by the supernet's "
        "weights, after {:.2f} % in the first epoch{}."
    ).format(rewards.iloc[-1], rewards.iloc[0], beside)


def _about_ranking(run: Run, live: LiveRun) -> Iterator[Markup]:
    target = _target(run, live)
    truth = live.truth
    said_below = live.measures and truth is not None and truth.target == target.key
    if truth is not None and truth.kendall_tau is not None and not said_below:
        yield Markup(
            "Its ranking agrees with the true values at a Kendall's tau of {:.2f}."
        ).format(truth.kendall_tau)
    if not live.measures:
        reason = unmeasured(live.ranking, target.title)
        if reason:
            yield Markup("{}.").format(reason)
        return
    yield Markup(
        "Its ranking of {} architectures agrees with {} at a Kendall's tau of <b>{:.2f}</b>."
    ).format(f"{len(live.ranking):,}", target.title, live.measures["kendall_tau"])
    if live.truth is None and len(live.ranking) > TOP_SHOWN:
        names = ("mean_true_top10", "mean_true", "best_true")
        values = (target.amount(f"{live.measures[name]:.2f}") for name in names)
        yield Markup(
            "By it the 10 best ranked have {} on average, all have {}, and the best of all has {}."
        ).format(*values)


def _about_supernets(run: Run, method: Method) -> Iterator[Markup]:
    """What the supernets of several searches say."""
    ended = [live for live in method.runs if live.result]
    if not ended:
        return
    accuracy, _, _ = mean_interval([live.result["test_accuracy"] for live in ended])
    yield Markup(
        "With the supernets' weights they have {:.2f} % on test images on average, which says "
        "little of them."
    ).format(accuracy)
    true = [
        live.truth.kendall_tau
        for live in ended
        if live.truth and live.truth.kendall_tau is not None
    ]
    if true:
        yield Markup(
            "Their rankings agree with the true values at a Kendall's tau of {:.2f} on average."
        ).format(mean_interval(true)[0])
    taus = [live.measures["kendall_tau"] for live in ended if live.measures]
    if taus:
        yield Markup(
            "Their rankings agree with {} at a Kendall's tau of <b>{:.2f}</b> on average."
        ).format(_target(run, ended[0]).title, mean_interval(taus)[0])


def _best_of_sweep(sweep: LiveSweep) -> Iterator[Markup]:
    column = next((name for name in SWEPT if name in sweep.summary), None)
    if column is None or sweep.summary[column].isna().all():
        return
    rows = sweep.summary
    title = SWEPT[column].removesuffix(", %")
    words = title[:1].upper() + title[1:]
    best = rows.loc[rows[column].idxmax()]
    values = sweep.searches.loc[sweep.searches["value"] == best["value"], column]
    mean, _, high = mean_interval(values)
    amount = f"{mean:.3f}" if column == "kendall_tau" else f"{mean:.2f} %"
    spread = "" if pd.isna(high) else f" ± {high - mean:.2g}, the mean and its 95 % interval"
    if len(rows) > 1 and rows[column].max() == rows[column].min():
        yield Markup("<b>{} is the same at every value</b>: {}").format(words, amount)
    else:
        yield Markup("{} is highest at <b>{}</b>: {}").format(words, best["value"], amount)
    yield Markup("{} ({}).").format(spread, counted(int(values.notna().sum()), "seed"))


def _target(run: Run, live: LiveRun) -> TargetWords:
    """What a ranking is held against; an accuracy in % where the record does not say."""
    key = str((live.config.get("ranking") or {}).get("target") or "true value")
    known = run.target(key)
    return known if known.unit or "accuracy" not in key else TargetWords(key, key, "%")


def live_sections(run: Run) -> list[Section]:
    """Training, rankings, architectures found, and sweeps; none where there were no searches."""
    if not run.live and not run.sweeps and not run.retrainings:
        return []
    entries = figures.run_entries(run.live)
    sections = [*truth_section(run.live, entries), *_choices_section(run.live, entries)]
    sections += selections_section(run.live, [entry.title for entry in entries])
    sections += [_sweep_section(run, i, sweep) for i, sweep in enumerate(run.sweeps)]
    sections += _training_section(run.live, entries)
    sections += _strengths_section(run.live, entries)
    sections += pools_section(run.live, [entry.title for entry in entries])
    sections += diagnostics_section(run.live, [entry.title for entry in entries])
    sections += _ranking_section(run, entries)
    sections += _found_section(run, entries)
    sections += retraining_section(run, entries)
    return sections


def _choices_section(runs: Sequence[LiveRun], entries: Sequence[Entry]) -> list[Section]:
    """What would have been chosen after each epoch: how good, and made of what."""
    blocks: list[Block] = []
    for place, own in enumerate(evidence_groups(tidy(runs))):
        name = f"choices-{place}"
        best = best_figure(own, f"{name}-best")
        looks = method_entries(own[0], name)
        made = choices_figures(name, own, looks)
        if best is not None:
            blocks.append(best)
        if made:
            blocks.append(Group("", made, tuple(looks.values()), dense=True))
    tau = figures.epochs_figure(
        "live-tau",
        "Kendall's tau after each epoch",
        "Kendall's tau with true values",
        runs,
        entries,
        (("kendall_tau", "of the architectures that are ranked after each epoch"),),
    )
    if tau is not None:
        blocks.append(Group("", [tau], tuple(entries)))
    if not blocks:
        return []
    text = (
        "What each method would have chosen if it had stopped after an epoch: the strongest "
        "candidates, or the best of the architectures that it ranks after each. Counts are means "
        "over seeds."
    )
    return [Section("choices", "Choices over the epochs", [Text(text), *blocks], (EPOCHS,))]


def _training_section(runs: Sequence[LiveRun], entries: Sequence[Entry]) -> list[Section]:
    made = (
        figures.epochs_figure(
            "live-loss",
            "Loss",
            "cross-entropy",
            runs,
            entries,
            (("train_loss", "training images"), ("validation_loss", "validation images")),
        ),
        figures.epochs_figure(
            "live-accuracy",
            "Accuracy",
            "accuracy, %",
            runs,
            entries,
            (("train_accuracy", "training images"), ("validation_accuracy", "validation images")),
        ),
        figures.epochs_figure(
            "live-reward",
            "What the policy samples",
            "accuracy on validation images, %",
            runs,
            entries,
            (("reward_mean", "mean of the samples"), ("reward_best", "best of the samples")),
        ),
        figures.epochs_figure(
            "live-policy",
            "How undecided the policy is",
            "entropy of an architecture's choices, nats",
            runs,
            entries,
            (("policy_entropy", "of what was sampled"),),
        ),
        figures.epochs_figure(
            "live-variance",
            "Variance ratio of mixed operations",
            "variance of output over input (log scale)",
            runs,
            entries,
            (("variance_ratio", "median over the mixed operations"),),
            log=True,
        ),
        figures.epochs_figure(
            "live-rate",
            "Learning rate",
            "learning rate of the weights",
            runs,
            entries,
            (("learning_rate", "of the last step"),),
        ),
    )
    text = (
        "The supernet, epoch by epoch. Validation images are seen with the supernet's own "
        "statistics and the mixture of operations that the strategy holds at that time, so a "
        "strategy that samples one path has a noisy curve."
    )
    shown = [figure for figure in made if figure is not None]
    if not shown:  # no epoch has ended yet
        return []
    blocks: list[Block] = [Text(text), Group("", shown, tuple(entries))]
    return [Section("supernet", "Supernet", blocks, (EPOCHS,))]


def _strengths_section(runs: Sequence[LiveRun], entries: Sequence[Entry]) -> list[Section]:
    blocks: list[Block] = []
    for i, (live, entry) in enumerate(zip(runs, entries, strict=True)):
        if len(live.strengths):
            made, legend = figures.strengths_figures(f"strengths-{i}", live)
            blocks.append(Group(entry.title, made, legend, dense=True))
    if not blocks:
        return []
    text = (
        "How the strategy's shares of the candidates move at each position, or its strengths where "
        "each has but one. What is derived takes the strongest, under the rules of the space."
    )
    return [
        Section(
            "architecture-weights",
            "Architecture weights",
            [Text(text), *blocks],
            (STRENGTHS,),
        )
    ]


def _ranking_section(run: Run, entries: Sequence[Entry]) -> list[Section]:
    ranked = [
        (i, live, entry)
        for i, (live, entry) in enumerate(zip(run.live, entries, strict=True))
        if len(live.ranking)
    ]
    if not ranked:
        return []
    made: list[Figure] = []
    for i, live, entry in ranked:
        figure = figures.ranking_figure(f"live-ranking-{i}", live, entry, _target(run, live))
        if figure is not None:
            made.append(figure)
    text = (
        "Architectures ranked by the supernet, each with statistics of batch normalisation "
        "estimated anew. Against its target a good ranking rises from left to right; a target that "
        "is a stand-in says nothing of true values."
    )
    blocks: list[Block] = [Text(text)]
    if made:
        blocks.append(Group("", made))
        blocks.append(_measures_table([(live, entry) for _, live, entry in ranked]))
    blocks += [
        _top_table(
            f"live-top-{i}",
            f"{entry.title}: best ranked",
            live,
            folded=len(ranked) > MOST_UNFOLDED,
        )
        for i, live, entry in ranked
    ]
    return [Section("supernet-ranking", "Ranking by the supernet", blocks, (RANKING,))]


def _measures_table(ranked: Sequence[tuple[LiveRun, Entry]]) -> DataTable:
    rows = tuple(
        Row(entry.title, tuple(_number(live.measures.get(name)) for name in MEASURES))
        for live, entry in ranked
        if live.measures
    )
    columns = (
        Column("search", "search", numeric=False),
        *(Column(title, name) for name, title in MEASURES.items()),
    )
    return DataTable(
        "live-measures",
        "How good the rankings are",
        columns,
        rows,
        note="Values are those of each ranking's target.",
    )


def _number(value: float | None, digits: int = 3) -> Cell:
    if value is None or not np.isfinite(value):
        return EMPTY
    return Cell(f"{value:.{digits}f}", float(value))


def _top_table(name: str, title: str, live: LiveRun, *, folded: bool) -> DataTable:
    """The best ranked architectures with their scores, and their true rank where it is known."""
    frame = live.ranking.head(TOP_SHOWN)
    columns = [
        Column("architecture", "architecture", numeric=False),
        Column("accuracy, %", "accuracy"),
        Column("loss", "loss"),
    ]
    has_truth = "true" in frame
    if has_truth:
        columns += [
            Column("target value", "target"),
            Column("rank by the target", "rank_by_target"),
        ]
        rank = live.ranking["true"].rank(ascending=False, method="min")
    space = live.config["space"]["name"]
    measured = [name for name in live.ranking if name not in RANKING_COLUMNS]
    columns += [Column(measurement_of(space, name).title, name) for name in measured]
    rows = []
    for row in frame.itertuples():
        cells = [_number(row.accuracy, 2), _number(row.loss, 4)]
        if has_truth:
            place = rank[row.Index]
            cells += [_number(row.true, 2), _number(place, 0)]
        cells += [_number(getattr(row, name), 1) for name in measured]
        rows.append(Row(str(row.architecture), tuple(cells)))
    note = f"The first {len(frame)} of {len(live.ranking):,}."
    return DataTable(name, title, tuple(columns), tuple(rows), note=note, folded=folded)


def _found_section(run: Run, entries: Sequence[Entry]) -> list[Section]:
    drawings: list[Block] = []
    for live, entry in zip(run.live, entries, strict=True):
        if not live.result:
            continue
        drawn = drawing(
            live.config["space"]["name"],
            live.result["architecture"],
            entry.title,
            "" if live.truth is None else headline(live.truth),
        )
        if drawn is not None:
            drawings.append(drawn)
    if not drawings:
        return []
    blocks: list[Block] = [
        Text("What each search derived; faint parts reach no output."),
        Group("", drawings),
    ]
    return [Section("found", "Architectures found", blocks, (LIVE_RESULT,))]


def _sweep_section(run: Run, place: int, sweep: LiveSweep) -> Section:
    own = [live.truth for live in run.live if live.folder.parent == sweep.folder]
    drawn = next((truth.random for truth in own if truth is not None), None)
    levels = {} if drawn is None else {"true_value": drawn.mean}
    made = [
        figure
        for column, axis in SWEPT.items()
        if (
            figure := figures.sweep_figure(
                f"sweep-{place}-{column}", sweep, column, axis, random=levels.get(column)
            )
        )
    ]
    blocks: list[Block] = []
    description = str(sweep.config.get("description") or "")
    if description:
        blocks.append(Text(description))
    blocks += [Group("", made), _sweep_table(f"sweep-{place}", sweep)]
    title = str(sweep.config.get("title") or "Sweep")
    return Section(f"sweep-section-{place}", title, blocks, (SWEEP_RESULTS,))


def _sweep_table(name: str, sweep: LiveSweep) -> DataTable:
    numbers = [
        column
        for column in sweep.summary.columns
        if column != "value" and not column.endswith("_deviation")
    ]
    rows = []
    for _, row in sweep.summary.iterrows():
        cells = []
        for column in numbers:
            deviation = row.get(f"{column}_deviation")
            known = pd.notna(deviation)
            cells.append(
                EMPTY
                if pd.isna(row[column])
                else Cell(
                    short_number(row[column]),
                    float(row[column]),
                    f"± {short_number(deviation, 2)}" if known else "",
                    more={"deviation": float(deviation)} if known else {},
                )
            )
        rows.append(Row(str(row["value"]), tuple(cells)))
    argument = str(sweep.config.get("argument") or "value")
    columns = (
        Column(argument, argument, numeric=False),
        *(Column(sweep_title(number), number) for number in numbers),
    )
    return DataTable(
        name,
        "Mean over seeds",
        columns,
        tuple(rows),
        note="± the standard deviation over seeds.",
    )
