"""`hwbench study scores`, `samples-needed`, `ranks` and `deviations`: what a study found."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli.output import AsJson, print_json, print_listing, tell

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="The run folder of a study.")]
ENTRY = ("target", "predictor", "encoding")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group `hwbench study`."""
    app.command()(scores)
    app.command(name="samples-needed")(samples_needed)
    app.command()(ranks)
    app.command()(deviations)


def scores(folder: Folder, as_json: AsJson = False) -> None:
    """Show the mean, deviation and 95 % bootstrap interval over seeds of every score.

    hwbench study scores runs/quick
    """
    from hwbench.analysis.free_baselines import scores_of_run
    from hwbench.results.study_columns import RELATIVE_SCORES

    found = scores_of_run(folder)
    if as_json:
        print_json(found.to_dict("records"))
        return
    names = ["kendall_tau", "spearman", "pearson", "mae", "precision_at_10", "precision_at_50"]
    names += [name for name in RELATIVE_SCORES if name in found]
    rows = [
        {
            **_entry(row),
            **{name: row[name] for name in ("training_size", "seeds")},
            "tau": f"{row['kendall_tau']:.3f}"
            + _in_brackets(row["kendall_tau_low"], row["kendall_tau_high"]),
            **{name: _with_deviation(row[name], row[f"{name}_std"]) for name in names[1:]},
        }
        for row in found.to_dict("records")
    ]
    _print(rows, "means over seeds; in brackets the 95 % bootstrap interval, ± one deviation")


def _entry(row: Mapping[Hashable, Any]) -> dict[str, str]:
    """What a row is of; what needs no measurement by its title."""
    from hwbench.analysis.free_baselines import NO_ENCODING

    found = {name: str(row[name]) for name in ENTRY}
    if found["encoding"] == NO_ENCODING:
        found |= {"predictor": _free_title(found["predictor"]), "encoding": ""}
    return found


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
    tau: Annotated[
        float, typer.Option(metavar="TAU", help="The Kendall's tau that is to be reached.")
    ] = 0.8,
    as_json: AsJson = False,
) -> None:
    """Say how many measured architectures predictors need to reach a Kendall's tau.

    hwbench study samples-needed runs/quick --tau 0.8
    """
    import pandas as pd

    from hwbench.analysis.comparison import samples_needed as needed
    from hwbench.analysis.free_baselines import free_samples, free_taus
    from hwbench.results.study_reading import read_trials

    found = needed(read_trials(folder), tau)
    if len(found):
        free = free_samples(free_taus(folder, found["target"].unique()), tau)
        found = pd.concat([found, free]).sort_values(["target", "samples"], kind="stable")
    if as_json:
        print_json(found.to_dict("records"))
        return
    rows = [
        {
            **_entry(row),
            "samples": ("at most " if row["bounded"] else "") + _count(row["samples"]),
            "95 % interval": _interval(row["low"], row["high"]),
        }
        for row in found.to_dict("records")
    ]
    _print(rows, f"measured architectures needed for a Kendall's tau of {tau:g}")


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
    _print(rows, f"average ranks over {len(same)} targets ({over}), 1 is best")
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
    if as_json:
        print_json(found.to_dict("records"))
        return
    rows = []
    for row in found.to_dict("records"):
        weights = (row["weight_narrow"], row["weight_wide"], row["weight_uniform"])
        rows.append(
            {
                **{name: row[name] for name in (*ENTRY, "training_size")},
                "mean": f"{row['mean']:.2f}",
                "spread": f"{row['spread']:.3f}",
                "skewness": f"{row['skewness']:.2f}",
                "kurtosis": f"{row['kurtosis']:.1f}",
                "beyond 2": f"{100 * row['beyond_2']:.1f} %",
                "mixture weights": " / ".join(f"{100 * weight:.0f}" for weight in weights) + " %",
                "shift": f"{row['shift']:.2f}",
                **({f"p {name}": f"{row[f'p_{name}']:.3f}" for name in SINGLE} if single else {}),
            }
        )
    _print(rows, "deviations of predictions in standard deviations of the truth")


def _print(rows: list[dict[str, Any]], title: str) -> None:
    if not rows:
        tell("no predictor has a score")
        return
    print_listing(rows, list(rows[0]), as_json=False, title=title, wrap=False)
