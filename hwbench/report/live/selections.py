"""The section of the report on what was selected from supernets again, in words and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Finding,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import Entry, nth_entry
from hwbench.report.live.measured import (
    measured_figure,
    measured_names,
    measured_sentences,
    measured_words,
)
from hwbench.report.live.selection_answers import answers, costless, selection_titles
from hwbench.report.live.selection_figures import Shown, evaluated_figure, true_figure
from hwbench.results.live import LiveRun
from hwbench.results.names import SELECTION_EVALUATIONS, SELECTION_RESULT, SELECTIONS, TRUE_FRONT
from hwbench.results.selections import FrontBaseline, Metric, Selected, SingleBaseline
from hwbench.results.true_value import TrueValue
from hwbench.wording import duration

COLUMNS = (
    Column("selection", "selection", numeric=False),
    Column("selected", "selected"),
    Column("true accuracy, %", "true_accuracy"),
    Column("true metric", "true_metric"),
    Column("share of the true front", "hypervolume_share"),
    Column("IGD+", "igd_plus"),
    Column("additive epsilon", "epsilon_additive"),
    Column("validation images, supernet's weights, %", "supernet_validation_accuracy"),
    Column("test images, supernet's weights, %", "supernet_test_accuracy"),
    Column("measured on test images", "measured", numeric=False),
    Column("evaluations", "evaluations"),
    Column("took", "seconds"),
    Column("metric from", "metric_from", numeric=False),
    Column("architecture", "architecture", numeric=False),
)
"""All columns of the table; those in which no row has anything are left out."""


def selections_summary(runs: Sequence[LiveRun], titles: Sequence[str]) -> list[Block]:
    """What selecting again found in each run, and how good that truly is."""
    return [
        Finding(f"{title}: selected again", _answers(run))
        for run, title in zip(runs, titles, strict=True)
        if run.selections
    ]


def _answers(run: LiveRun) -> tuple[Markup, ...]:
    """What selections found, how good that truly is, and what else was measured of it."""
    titled = list(zip(run.selections, selection_titles(run.selections), strict=True))
    return (*answers(run.selections), *measured_sentences(_space(run), titled))


def _space(run: LiveRun) -> str:
    return str(run.config["space"]["name"])


def selections_section(runs: Sequence[LiveRun], titles: Sequence[str]) -> list[Section]:
    """Answer, table and figures of every run's selections; none where nothing was selected."""
    own = [
        (place, run, title)
        for place, (run, title) in enumerate(zip(runs, titles, strict=True))
        if run.selections
    ]
    if not own:
        return []
    blocks: list[Block] = []
    lead: Markup | str = ""
    for place, run, title in own:
        found = _answers(run)
        if len(own) > 1:
            lead = f"What was selected from {len(own)} supernets again."
            blocks.append(Finding(title, found))
        else:
            lead, *rest = found
            blocks += [Finding("", tuple(rest))] if rest else []
        name = f"selections-{place}"
        entries = [
            nth_entry(i, f"{name}:{i}", words)
            for i, words in enumerate(selection_titles(run.selections))
        ]
        blocks.append(_table(name, run, entries, title if len(own) > 1 else ""))
        shown = list(zip(run.selections, entries, strict=True))
        blocks += _figures(name, shown)
        for number, measurement in enumerate(measured_names(run.selections)):
            figure = measured_figure(f"{name}-measured-{number}", _space(run), measurement, shown)
            blocks += [figure] if figure is not None else []
    sources = _sources([each for _, run, _ in own for each in run.selections])
    return [Section(SELECTIONS, "Selections", blocks, sources, lead)]


def _sources(chosen: Sequence[Selected]) -> tuple[str, ...]:
    """The kinds of files that the section shows."""
    there = {
        SELECTION_RESULT: True,
        SELECTION_EVALUATIONS: any(len(each.evaluations) for each in chosen),
        TRUE_FRONT: any(len(each.true_front) for each in chosen),
    }
    return tuple(f"{SELECTIONS}/*/{name}" for name, is_there in there.items() if is_there)


def _table(name: str, run: LiveRun, entries: Sequence[Entry], title: str) -> DataTable:
    """A row a selection; below, what the search itself derived and what costs no search."""
    space = _space(run)
    rows = [
        _row(space, each, entry.title) for each, entry in zip(run.selections, entries, strict=True)
    ]
    foot = [*_derived(run), *_baselines(run.selections)]
    used = [
        place
        for place in range(len(COLUMNS) - 1)
        if any(row.cells[place].value is not None for row in (*rows, *foot))
    ]

    def kept(row: Row) -> Row:
        return Row(row.title, tuple(row.cells[place] for place in used), row.small)

    return DataTable(
        f"{name}-table",
        f"What was selected{f', {title}' * bool(title)}",
        (COLUMNS[0], *(COLUMNS[place + 1] for place in used)),
        tuple(map(kept, rows)),
        small_key="label",
        foot=tuple(map(kept, foot)),
        note=_note(run.selections),
    )


def _note(chosen: Sequence[Selected]) -> str:
    words = [
        f"True accuracies are those of {truth.target}: {truth.title}, among {truth.of:,} "
        f"architectures; the table's SHA-256 begins with {truth.sha256[:12]}."
        for truth in _tables(chosen)
    ]
    if not words and not any(_any_truth(each) for each in chosen):
        words.append("No true values are known; accuracies are the supernet's own.")
    if any(each.result.front is not None for each in chosen):
        words.append(
            "Share of the true front: of its hypervolume, normalised, by the true values of all "
            "that was selected; IGD+ and additive epsilon are distances from it, 0 is the true "
            "front."
        )
    if any(each.result.selected > 1 for each in chosen):
        words.append("Of a front, the accuracies are those of the architecture in the last column.")
    words.append("Evaluations are of the supernet; those of what costs no search are of the table.")
    return " ".join(words)


def _tables(chosen: Sequence[Selected]) -> list[TrueValue]:
    """A true value of each table that judges selections."""
    truths = (each.result.truth for each in chosen)
    return list({(each.target, each.sha256): each for each in truths if each}.values())


def _any_truth(each: Selected) -> bool:
    return each.true_accuracy is not None or each.result.front is not None


def _cells(**known: Cell | None) -> tuple[Cell, ...]:
    """A cell for each column, empty where there is none."""
    return tuple(known.get(column.key) or EMPTY for column in COLUMNS[1:])


def _number(value: float | None, digits: int) -> Cell | None:
    return None if value is None else Cell(f"{value:,.{digits}f}", float(value))


def _word(text: str) -> Cell | None:
    return Cell(text, text) if text else None


def _row(space: str, each: Selected, title: str) -> Row:
    result, truth, front = each.result, each.result.truth, each.result.front
    return Row(
        title,
        _cells(
            selected=_number(result.selected, 0),
            true_accuracy=_accuracy(each.true_accuracy, None if truth is None else truth.rank),
            true_metric=_metric_cell(each),
            hypervolume_share=None if front is None else _number(front.hypervolume_share, 3),
            igd_plus=None if front is None else _number(front.igd_plus, 3),
            epsilon_additive=None if front is None else _number(front.epsilon_additive, 3),
            supernet_validation_accuracy=_number(result.search_accuracy, 2),
            supernet_test_accuracy=_number(result.test_accuracy, 2),
            measured=_word(measured_words(space, result.measured)),
            evaluations=_number(result.evaluations, 0),
            seconds=Cell(duration(result.seconds), result.seconds),
            metric_from=None if result.metric is None else _word(_source(result.metric)),
            architecture=_word(result.architecture),
        ),
        each.folder.name,
    )


def _accuracy(value: float | None, rank: int | None) -> Cell | None:
    """A true accuracy in %, and its rank in the table where that is known."""
    if value is None or rank is None:
        return _number(value, 2)
    return Cell(f"{value:.2f}", value, f"rank {rank:,}", more={"rank": float(rank)})


def _metric_cell(each: Selected) -> Cell | None:
    """The true metric of one architecture, with its limit and whether it breaks it."""
    metric, single = each.result.metric, each.result.single
    if metric is None or single is None or single.true_metric is None:
        return None
    small = "" if metric.limit is None else f"limit {metric.amount(metric.limit)}"
    small += ", broken" * (not each.keeps_limit)
    return Cell(metric.amount(single.true_metric), single.true_metric, small)


def _source(metric: Metric) -> str:
    """Where a selection had the metric from, in words."""
    if metric.source == "formula":
        return f"{metric.title}, counted"
    if metric.source == "table":
        return f"{metric.title}, looked up in the table"
    fitted = "" if metric.samples is None else f", fitted to {metric.samples:,} architectures"
    return f"{metric.title}, predicted by {metric.predictor or 'a predictor'}{fitted}"


def _derived(run: LiveRun) -> Iterator[Row]:
    """What the search itself derived, beside which selecting again stands."""
    if not run.result:
        return
    truth = run.truth
    yield Row(
        "what the search itself derived",
        _cells(
            selected=_number(1, 0),
            true_accuracy=None if truth is None else _accuracy(truth.value, truth.rank),
            supernet_validation_accuracy=_number(run.result["search_accuracy"], 2),
            supernet_test_accuracy=_number(run.result["test_accuracy"], 2),
            measured=_word(measured_words(_space(run), run.result.get("measured") or {})),
            architecture=_word(str(run.result.get("architecture") or "")),
        ),
    )


def _baselines(chosen: Sequence[Selected]) -> Iterator[Row]:
    """What costs no search, each once, and for which selections it was computed."""
    beside: dict[SingleBaseline | FrontBaseline, list[Selected]] = {}
    for each in chosen:
        for part in (each.result.single, each.result.front):
            for baseline in () if part is None else part.baselines:
                beside.setdefault(baseline, []).append(each)
    for baseline, own in beside.items():
        small = f"beside {', '.join(each.folder.name for each in own)}"
        yield Row(baseline.words, _of_baseline(baseline, own[0]), small if len(chosen) > 1 else "")
    yield from _of_tables(chosen)


def _of_baseline(baseline: SingleBaseline | FrontBaseline, each: Selected) -> tuple[Cell, ...]:
    if isinstance(baseline, FrontBaseline):
        return _cells(
            hypervolume_share=_number(baseline.hypervolume_share, 3),
            igd_plus=_number(baseline.igd_plus, 3),
            epsilon_additive=_number(baseline.epsilon_additive, 3),
            evaluations=_number(baseline.evaluations, 0),
        )
    value, metric = baseline.true_metric, each.result.metric
    shown = None if value is None or metric is None else Cell(metric.amount(value), value)
    return _cells(true_accuracy=_number(baseline.true_accuracy, 2), true_metric=shown)


def _of_tables(chosen: Sequence[Selected]) -> Iterator[Row]:
    """What costs no search by a table alone, unless a selection says it, and the best there is."""
    told = any(each.result.single and each.result.single.baselines for each in chosen)
    tables = _tables(chosen)
    for truth in tables:
        small = truth.words if len(tables) > 1 else ""
        free = () if told else costless(truth)
        for words, value, rank in (*free, ("best there is", truth.best, 1)):
            yield Row(words, _cells(true_accuracy=_accuracy(value, rank)), small)


def _figures(name: str, shown: Shown) -> list[Block]:
    """For each metric what is true, and what was evaluated; folded where the former is known."""
    by_metric: dict[tuple[str, str, str], list[tuple[Selected, Entry]]] = {}
    for each, entry in shown:
        metric = each.result.metric
        if metric is not None:
            key = metric.name, metric.unit, metric.direction
            by_metric.setdefault(key, []).append((each, entry))
    blocks: list[Block] = []
    for place, own in enumerate(by_metric.values()):
        metric = own[0][0].result.metric
        if metric is None:
            continue
        true = true_figure(f"{name}-true-{place}", metric, own)
        evaluated = evaluated_figure(
            f"{name}-evaluated-{place}", metric, own, folded=true is not None
        )
        if true is None:
            blocks.append(
                Text(
                    f"True accuracy and {metric.title} of what was selected are not both known"
                    + (": the figure shows the supernet's own numbers." if evaluated else ".")
                )
            )
        blocks += [figure for figure in (true, evaluated) if figure is not None]
    return blocks
