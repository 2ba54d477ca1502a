"""`hwbench study scores`, `samples-needed`, `ranks` and `deviations`: what a study found."""

from __future__ import annotations

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
    from hwbench.analysis.comparison import score_summary
    from hwbench.results.study_columns import RELATIVE_SCORES
    from hwbench.results.study_reading import read_trials

    found = score_summary(read_trials(folder))
    if as_json:
        print_json(found.to_dict("records"))
        return
    names = ["kendall_tau", "spearman", "pearson", "mae", "precision_at_10", "precision_at_50"]
    names += [name for name in RELATIVE_SCORES if name in found]
    rows = [
        {
            **{name: row[name] for name in (*ENTRY, "training_size", "seeds")},
            "tau": f"{row['kendall_tau']:.3f} ({row['kendall_tau_low']:.3f} to "
            f"{row['kendall_tau_high']:.3f})",
            **{name: f"{row[name]:.3g} ± {row[f'{name}_std']:.2g}" for name in names[1:]},
        }
        for row in found.to_dict("records")
    ]
    _print(rows, "means over seeds; in brackets the 95 % bootstrap interval, ± one deviation")


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
    from hwbench.analysis.comparison import samples_needed as needed
    from hwbench.results.study_reading import read_trials

    found = needed(read_trials(folder), tau)
    if as_json:
        print_json(found.to_dict("records"))
        return
    rows = [
        {
            **{name: row[name] for name in ENTRY},
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
    from hwbench.analysis.comparison import rank_predictors
    from hwbench.analysis.measurements import measurements_of
    from hwbench.results.study_reading import read_trials

    same = measurements_of(folder)
    found = rank_predictors(read_trials(folder), size, measurements=same)
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
                **(claimed if found.claim else dict.fromkeys(claimed)),
                "targets": len(same),
                "measurements": found.n_blocks,
                "why_not": found.why_not,
            }
        )
        return
    rows = [
        {"predictor": name, "average rank": f"{rank:.2f}"} for name, rank in found.ranks.items()
    ]
    over = f"{found.n_blocks} independent measurements"
    _print(rows, f"average ranks over {len(same)} targets ({over}), 1 is best")
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
