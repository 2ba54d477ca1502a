"""`hwbench study scores`, `samples-needed`, `ranks` and `deviations`: what a study found.

For people each command shows first what most ask for, target by target; options and JSON have all.
"""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli.by_size import size_lines
from hwbench.cli.output import AsJson, print_json, print_listing, tell

if TYPE_CHECKING:
    import pandas as pd

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="The run folder of a study.")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="TABLE:COLUMN",
        help="Only this target; may be repeated; by default all of the study.",
    ),
]
ENTRY = ("target", "predictor", "encoding")
NO_SCORE = "no predictor has a score"
UNLIMITED = 10**6
"""Characters of a line that no terminal shows: a file or a pipe has all numbers."""


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group `hwbench study`."""
    app.command()(scores)
    app.command(name="samples-needed")(samples_needed)
    app.command()(ranks)
    app.command()(deviations)


def scores(
    folder: Folder,
    target: Targets = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Show every score at this training size, in architectures, with deviations and "
            "intervals; by default one score at all sizes.",
        ),
    ] = None,
    score: Annotated[
        str, typer.Option(metavar="NAME", help="Which score to show at all training sizes.")
    ] = "kendall_tau",
    as_json: AsJson = False,
) -> None:
    """Show mean scores of every predictor on every target, over seeds.

    By default one score at all training sizes; with --size every score at one, with 95 % bootstrap
    intervals of tau and deviations over seeds of the others. --json has them all at all sizes.

    hwbench study scores runs/quick

    hwbench study scores runs/quick --size 124
    """
    from hwbench.analysis.free_baselines import scores_of_run
    from hwbench.errors import unknown_name
    from hwbench.results.study_columns import SCORES

    found = scores_of_run(folder)
    known = [name for name in SCORES if name in found]
    if len(found) and score not in known:
        raise unknown_name("score of the study", score, known)
    found = _of_targets(found, target)
    if size is not None:
        found = _of_size(found, size)
    if as_json:
        print_json(found.to_dict("records"))
    elif found.empty:
        tell(NO_SCORE)
    elif size is None:
        _print_by_size(found, score, folder)
    else:
        names = [name for name in known if name != "kendall_tau" and found[name].notna().any()]
        tell("means over seeds; in brackets the 95 % bootstrap interval, ± one deviation")
        _print_by_target([_score_row(row, names) for row in _ordered(found).to_dict("records")])


def _ordered(found: pd.DataFrame) -> pd.DataFrame:
    """Summarised scores with names, the highest mean tau of a target first.

    Behind those that have a score at every training size stand those that lack one, and then what
    needs no measurement.
    """
    entries = found.groupby(list(ENTRY))
    order = {
        "_free": found["training_size"] == 0,
        "_sizes": -entries["training_size"].transform("size"),
        "_tau": -entries["kendall_tau"].transform("mean"),
    }
    by = ["target", "_free", "_sizes", "_tau", "name", "training_size"]
    return _named(found).assign(**order).sort_values(by)


def _named(found: pd.DataFrame) -> pd.DataFrame:
    """Rows with a column `name`: the predictor, with its encoding where the study has several.

    What needs no measurement has its title.
    """
    from hwbench.analysis.free_baselines import NO_ENCODING

    learned = found[found["encoding"] != NO_ENCODING]
    encodings = learned.groupby("predictor", observed=True)["encoding"].nunique()
    several = set(encodings[encodings > 1].index)
    names = [
        _free_title(predictor)
        if encoding == NO_ENCODING
        else f"{predictor}, {encoding}"
        if predictor in several
        else str(predictor)
        for predictor, encoding in zip(found["predictor"], found["encoding"], strict=True)
    ]
    return found.assign(name=names)


def _print_by_size(found: pd.DataFrame, score: str, folder: Path) -> None:
    """One score of every predictor by training size, target by target."""
    known = _ordered(found[found[score].notna()])
    if known.empty:
        tell(f"no predictor has a {score}")
        return
    sizes = sorted({int(size) for size in found["training_size"] if size})
    seeds = int(found["seeds"].max())
    what, digits = ("Kendall's tau", ".3f") if score == "kendall_tau" else (score, ".3g")
    width = shutil.get_terminal_size((UNLIMITED, 0)).columns
    tell(f"{what} by number of measurements, mean over {seeds} seed{'s' * (seeds != 1)}")
    for target, own in known.groupby("target", sort=True):
        rows: dict[str, dict[int, str]] = {}
        for row in own.to_dict("records"):
            at = [int(row["training_size"])] if row["training_size"] else sizes
            rows.setdefault(row["name"], {}).update(dict.fromkeys(at, format(row[score], digits)))
        tell(str(target))
        for line in size_lines(list(rows.items()), sizes, width):
            tell(line)
    tell(f"every score, with deviations: hwbench study scores {folder} --size {sizes[-1]}")


def _score_row(row: Mapping[Hashable, Any], names: Sequence[str]) -> dict[str, Any]:
    """Scores of a predictor at one training size, in words: tau, and those of names."""
    return {
        "target": row["target"],
        "predictor": row["name"],
        "tau": f"{row['kendall_tau']:.3f}"
        + _in_brackets(row["kendall_tau_low"], row["kendall_tau_high"]),
        **{name: _with_deviation(row[name], row[f"{name}_std"]) for name in names},
        "seeds": row["seeds"] or "",
    }


def _of_targets(found: pd.DataFrame, targets: list[str] | None) -> pd.DataFrame:
    """Rows of these targets, of all where none is given.

    Raises
    ------
    HwbenchError
        If the study has no such target.
    """
    from hwbench.errors import unknown_name

    known = found["target"].unique() if len(found) else []
    for target in targets or ():
        if target not in known:
            raise unknown_name("target of the study", target, map(str, known))
    return found[found["target"].isin(targets)] if targets else found


def _of_size(found: pd.DataFrame, size: int) -> pd.DataFrame:
    """Rows of a training size, and of what needs no measurement.

    Raises
    ------
    HwbenchError
        If no predictor of the study has a score at that size.
    """
    from hwbench.errors import unknown_number

    sizes = {int(each) for each in found["training_size"] if each} if len(found) else set()
    if size not in sizes:
        raise unknown_number("training size of the study", size, sizes)
    return found[found["training_size"].isin([0, size])]


def _free_title(name: str) -> str:
    from hwbench.report.study.curves import BASELINES

    return f"{BASELINES.get(name, name)}, not measured"


def _in_brackets(low: float, high: float) -> str:
    return "" if low != low else f" ({low:.3f} to {high:.3f})"


def _with_deviation(mean: float, deviation: float) -> str:
    if mean != mean:
        return ""
    return f"{mean:.3g}" + ("" if deviation != deviation else f" ± {deviation:.2g}")


def samples_needed(
    folder: Folder,
    target: Targets = None,
    tau: Annotated[
        float, typer.Option(metavar="TAU", help="The Kendall's tau that is to be reached.")
    ] = 0.8,
    as_json: AsJson = False,
) -> None:
    """Say how many measured architectures predictors need to reach a Kendall's tau.

    hwbench study samples-needed runs/quick --tau 0.8
    """
    from hwbench.analysis.comparison import samples_needed as needed
    from hwbench.analysis.free_baselines import beside, free_samples, free_taus
    from hwbench.results.study_reading import read_trials

    found = needed(read_trials(folder), tau)
    if len(found):
        free = free_samples(free_taus(folder, found["target"].unique()), tau)
        found = beside(found, free).sort_values(["target", "samples"], kind="stable")
    found = _of_targets(found, target)
    if as_json:
        print_json(found.to_dict("records"))
        return
    rows = [
        {
            "target": row["target"],
            "predictor": row["name"],
            "samples": ("at most " if row["bounded"] else "") + _count(row["samples"]),
            "95 % interval": _interval(row["low"], row["high"]),
        }
        for row in _named(found).to_dict("records")
    ]
    if rows:
        tell(f"measured architectures needed for a Kendall's tau of {tau:g}")
    _print_by_target(rows)


def _count(value: float) -> str:
    return "not reached" if value == float("inf") else f"{value:,.0f}"


def _interval(low: float, high: float) -> str:
    if low != low:  # NaN: one seed has no interval
        return ""
    return _count(low) if low == high else f"{_count(low)} to {_count(high)}"


def ranks(
    folder: Folder,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The training size, in architectures; by default the largest common one.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank predictors by the average over targets, and say which ones cannot be told apart.

    hwbench study ranks runs/quick

    The latter from five independent measurements on: statistics of the same runs, and columns that
    order architectures the same, count once.
    """
    from hwbench.analysis.comparison import (
        rank_predictors,
        scores_by_measurement,
        scores_on_targets,
    )
    from hwbench.analysis.free_baselines import free_ranks, free_taus
    from hwbench.analysis.measurements import measurements_of
    from hwbench.results.study_reading import read_trials

    same = measurements_of(folder)
    trials = read_trials(folder)
    found = rank_predictors(trials, size, measurements=same)
    taus = scores_on_targets(trials, size)
    free = free_ranks(
        scores_by_measurement(taus, same), free_taus(folder, map(str, taus.index)), same
    )
    names = list(found.ranks)
    groups = [names[first : last + 1] for first, last in found.groups]
    if as_json:
        claimed = {
            "critical_difference": found.difference,
            "p_value": found.p_value,
            "not_told_apart": groups,
        }
        print_json(
            {
                "ranks": found.ranks,
                "not_measured": free,
                **(claimed if found.claim else dict.fromkeys(claimed)),
                "targets": len(same),
                "measurements": found.n_blocks,
                "why_not": found.why_not,
            }
        )
        return
    would_have = {_free_title(name): rank for name, rank in free.items()}
    ranked = sorted({**found.ranks, **would_have}.items(), key=lambda each: each[1])
    rows = [{"predictor": name, "average rank": f"{rank:.2f}"} for name, rank in ranked]
    over = f"{found.n_blocks} independent measurements"
    title = f"average ranks over {len(same)} targets ({over}), 1 is best"
    print_listing(rows, ["predictor", "average rank"], as_json=False, title=title)
    if free:
        tell("what is not measured: the rank that each would have as the only one of these")
    if not found.claim:
        tell(f"no claim is made of differences: {found.why_not}")
        return
    tell(
        f"Friedman test that all are equal: p = {found.p_value:.3g}; "
        f"critical difference (Nemenyi, 5 %): {found.difference:.2f}"
    )
    for group in groups:
        tell(f"not told apart: {', '.join(group)}")


def deviations(
    folder: Folder,
    target: Targets = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Only this training size, in architectures; by default the largest of each "
            "target, and with --json all.",
        ),
    ] = None,
    single: Annotated[
        bool, typer.Option("--single", help="Test single distributions too, as Table A.4 does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how the predictors err: the shape of their deviations from the truth.

    hwbench study deviations runs/quick --single
    """
    from hwbench.analysis.deviations import SINGLE, deviation_statistics
    from hwbench.results.study_columns import KEY
    from hwbench.results.study_predictions import read_predictions

    columns = [*KEY, "truth", "prediction"]
    predictions = read_predictions(folder, columns, categories=True)
    found = deviation_statistics(predictions, single_distributions=single)
    found = _of_targets(found, target)
    if size is not None:
        found = _of_size(found, size)
    if as_json:
        print_json(found.to_dict("records"))
        return
    if size is None and len(found):
        largest = found.groupby("target", observed=True)["training_size"].transform("max")
        found = found[found["training_size"] == largest]
    rows = []
    for row in _named(found).to_dict("records"):
        weights = (row["weight_narrow"], row["weight_wide"], row["weight_uniform"])
        rows.append(
            {
                "target": f"{row['target']}, {row['training_size']} measurements",
                "predictor": row["name"],
                "mean": f"{row['mean']:z.2f}",
                "spread": f"{row['spread']:.3f}",
                "skewness": f"{row['skewness']:z.2f}",
                "kurtosis": f"{row['kurtosis']:z.1f}",
                "beyond 2": f"{100 * row['beyond_2']:.1f} %",
                "mixture weights": " / ".join(f"{100 * weight:.0f}" for weight in weights) + " %",
                "shift": f"{row['shift']:z.2f}",
                **({f"p {name}": f"{row[f'p_{name}']:.3f}" for name in SINGLE} if single else {}),
            }
        )
    if rows:
        tell("deviations of predictions in standard deviations of the truth")
    _print_by_target(rows)


def _print_by_target(rows: list[dict[str, Any]]) -> None:
    """A table a target, with the target as its title."""
    if not rows:
        tell(NO_SCORE)
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        columns = [name for name in own[0] if name != "target"]
        print_listing(own, columns, as_json=False, title=str(target), wrap=False)
