"""The page of advice: one HTML file that works offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from hwbench.advise.figures import (
    budget_figure,
    curve_figure,
    predicted_figure,
    ranking_figure,
    selection_figure,
)
from hwbench.files import today
from hwbench.pages.blocks import (
    Block,
    Cell,
    Column,
    DataTable,
    Facts,
    Finding,
    Group,
    Lines,
    Notice,
    Row,
    Section,
    Terms,
    Text,
)
from hwbench.pages.rendering import render_page
from hwbench.pages.terms import KENDALL_TAU
from hwbench.wording import duration

if TYPE_CHECKING:
    from hwbench.advise.result import Advice
    from hwbench.advise.selection import Selection

TERMS = (
    ("Kendall's tau", KENDALL_TAU),
    (
        "Cross-validated, out of fold",
        "Every architecture is predicted by a model that was fitted without it, so that the score "
        "holds for architectures that were not measured, as long as those that were are like them.",
    ),
    (
        "90 % interval",
        "The tau on architectures that were not measured lies in it nine times in ten. It joins "
        "the luck of which architectures were measured, of the training set, and of the learning "
        "curve's slope.",
    ),
    (
        "Ceiling that noise sets",
        "Nothing can predict noise. From repeated measurements follows the tau that a perfect "
        "predictor would score against one measurement of each architecture.",
    ),
    (
        "MRA, mean reduction of accuracy",
        "For each architecture picked, how much better the best candidate at no larger metric is, "
        "averaged over the picks; in percentage points. Medians over simulated searches, with what "
        "nine in ten of these lie between.",
    ),
    (
        "Hypervolume",
        "The area of accuracy and metric that the picks dominate; what is lost is in % of that of "
        "the true front.",
    ),
)


def render(advice: Advice, numbers: dict[str, Any], run: dict[str, Any]) -> str:
    """The whole page as HTML text.

    Parameters
    ----------
    advice : what was found.
    numbers : its `to_dict()`.
    run : its `run_facts()`.
    """
    source = numbers["source"]
    sections = [_summary(advice), _predictors(advice, numbers, run), _quality(advice)]
    if advice.selection is not None:
        sections.append(_search(advice, advice.selection))
    sections.append(Section("how-to-read", "How to read this", [Terms(TERMS)]))
    sections.append(_provenance(advice, numbers, run))
    return render_page(
        f"Advice on {advice.measurements.metric}",
        sections,
        brand="hwbench advise",
        meta=[
            source["label"],
            f"space {source['space']}",
            today(),
            f"took {duration(advice.seconds)}",
        ],
        tiles=_tiles(advice),
    )


def _tiles(advice: Advice) -> list[tuple[str, str]]:
    tau = advice.promise.tau
    tiles = [] if advice.verdict.has_model else [("none", "model here: see the summary")]
    tiles += [
        (f"{tau.value:.2f}", f"Kendall's tau to expect ({tau.low:.2f} to {tau.high:.2f})"),
        (f"{advice.promise.doubled.value:.2f}", "with twice the measurements, extrapolated"),
        (f"{len(advice.measurements):,}", "measured architectures"),
    ]
    if advice.noise is not None:
        tiles.append((f"{advice.noise.tau_ceiling:.2f}", "ceiling that noise sets"))
    if advice.selection is not None:
        tiles.append((f"{advice.selection.verify}", "picks to verify"))
    return tiles


def _summary(advice: Advice) -> Section:
    lead, *lines = [line for line in advice.lines() if not line.startswith("Beware: ")]
    blocks: list[Block] = [Notice(warning) for warning in advice.warnings if warning != lead]
    blocks += [Finding("", (Markup("<strong>{}</strong>").format(lead),)), Lines(tuple(lines))]
    if advice.measurements.notes:
        blocks.append(Lines(advice.measurements.notes, "What was taken for granted"))
    return Section("summary", "Summary", blocks)


def _predictors(advice: Advice, numbers: dict[str, Any], run: dict[str, Any]) -> Section:
    blocks: list[Block] = [
        Text(
            "Each predictor on each encoding was fitted to four fifths of the measured "
            "architectures and ranked the rest, in turn; those that may be the best up to ten "
            "times with other fifths."
        ),
        ranking_figure(advice),
        _tried(advice, numbers["ranking"], run["cross_validations"]),
    ]
    lines: list[str | Markup] = []
    if advice.ranking.not_tried:
        names = "; ".join(each.label for each in advice.ranking.not_tried)
        lines.append(f"For lack of work: {names}.")
    if advice.ranking.not_repeated:
        names = "; ".join(each.label for each in advice.ranking.not_repeated)
        lines.append(f"Not repeated for lack of work, so that they could not be chosen: {names}.")
    lines += [
        Markup("{} failed: <code>{}</code>").format(each.candidate.label, each.error)
        for each in advice.ranking.failed
    ]
    lines += [f"{each.predictor} {each.reason}." for each in advice.left_out]
    if lines:
        blocks.append(Lines(tuple(lines), "What was not tried, and why"))
    return Section("predictors", "Predictors", blocks)


def _tried(advice: Advice, ranking: list[dict[str, Any]], timed: list[dict[str, Any]]) -> DataTable:
    """All that were tried, by falling tau; the one that was chosen says so."""
    columns = (
        Column("predictor", "predictor", numeric=False),
        Column("encoding", "encoding", numeric=False),
        Column("tau", "kendall_tau"),
        Column("90 % interval", "interval"),
        Column("repeats", "repeats"),
        Column("seconds", "seconds"),
    )
    chosen = advice.ranking.trials.index(advice.ranking.chosen)
    rows = tuple(
        Row(
            f"{row['title']}{', tuned' if row['tuned'] else ''}",
            (
                Cell(row["encoding"], row["encoding"]),
                Cell(f"{row['kendall_tau']:.3f}", row["kendall_tau"], best=place == chosen),
                Cell(
                    f"{row['low']:.3f} to {row['high']:.3f}",
                    row["low"],
                    more={"low": row["low"], "high": row["high"]},
                ),
                Cell(f"{row['repeats']}", row["repeats"]),
                Cell(f"{took['seconds']:.2g}", took["seconds"]),
            ),
            small="chosen" if place == chosen else "",
        )
        for place, (row, took) in enumerate(zip(ranking, timed, strict=True))
    )
    return DataTable(
        "tried",
        f"All {len(rows)} that were tried",
        columns,
        rows,
        small_key="choice",
        sorted_by=(2, True),
        folded=True,
    )


def _quality(advice: Advice) -> Section:
    figures = [predicted_figure(advice), curve_figure(advice)]
    text = "Of the predictor that was chosen."
    return Section("quality", "How good it is", [Text(text), Group("", figures)])


def _search(advice: Advice, selection: Selection) -> Section:
    text = Markup(
        "{:,} candidates with accuracies of {} are drawn {:,} times. Their metric is "
        "what the model predicts, or what was measured; a search sees it with errors like those "
        "the model made out of fold, of such a size that it ranks as well as is believed, and "
        "picks what looks Pareto-optimal."
    ).format(selection.n_candidates, selection.accuracy, selection.repeats)
    figures = [selection_figure(advice, selection), budget_figure(selection)]
    return Section("search", "What a search loses", [Text(text), Group("", figures)])


def _provenance(advice: Advice, numbers: dict[str, Any], run: dict[str, Any]) -> Section:
    source = numbers["source"]
    better = "smaller" if source["direction"] == "minimize" else "larger"
    measured = {
        "source": source["label"],
        "SHA-256": source["sha256"],
        "rows": f"{source['rows']:,}",
        "architectures": f"{source['architectures']:,} of the space {source['space']}",
        "metric": f"{source['metric']}, {better} is better",
        "unit": source["unit"],
        "seed": advice.seed,
        "work": f"{advice.done.work:,} units; --work {advice.done.limit} does the same anywhere",
    }
    facts = [
        Facts(
            "Measurements",
            {key: value for key, value in measured.items() if value not in ("", None)},
        ),
        Facts("Machine", run["machine"]),
        Facts("Versions", run["versions"]),
    ]
    text = Markup(
        "Every number is in <code>advice.json</code>, the fitted model in <code>model.hwb</code>, "
        "what hangs on the machine in <code>run.json</code>."
    )
    return Section("provenance", "Provenance", [Text(text), Group("", facts)])
