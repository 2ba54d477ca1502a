"""`hwbench leaderboard`: who predicts best, with how many measurements, at what cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli.output import AsJson, print_json, print_listing, tell, warn, working
from hwbench.cli.output_paths import HTML, output_file

if TYPE_CHECKING:
    import pandas as pd

    from hwbench.leaderboard.standings import Standings

app = typer.Typer(
    help="Show who predicts best, with how many measurements, from stored results.\n\n"
    "By default on the hardware metrics of HW-NAS-Bench that the published study selected.\n\n"
    "hwbench leaderboard\n\nhwbench leaderboard --size 25 --space nasbench201",
    invoke_without_command=True,
    no_args_is_help=False,
)

Space = Annotated[
    str | None,
    typer.Option(
        "--space", metavar="NAME", help="Only targets of a search space; by default of all."
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--target-kind",
        metavar="KIND",
        help="Only targets of a kind: latency, energy, intensity, time or accuracy; by default the "
        "hardware metrics that the published study selected.",
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="TABLE:COLUMN",
        help="Only this target; may be repeated; by default those of a kind and a space.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option("--size", metavar="N", help="Measured architectures; about 124 by default."),
]
Score = Annotated[
    str,
    typer.Option(
        "--score",
        metavar="NAME",
        help="What to rank by: kendall_tau, spearman, pearson, precision_at_10, precision_at_50, "
        "within_5_percent, rmspe, mae, deviation or crps.",
    ),
]
OnlyOwn = Annotated[bool, typer.Option("--own", help="Without what others have contributed.")]
Most = Annotated[
    int,
    typer.Option(
        "--most",
        metavar="N",
        min=1,
        help="How many predictors to print, beside what needs no measurement.",
    ),
]


@app.callback()
def leaderboard(
    context: typer.Context,
    space: Space = None,
    target_kind: Kind = None,
    target: Targets = None,
    size: Size = None,
    score: Score = "kendall_tau",
    own: OnlyOwn = False,
    most: Most = 100,
    listed: Annotated[
        bool, typer.Option("--list", help="List targets, sizes and runs instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rank predictors at one number of measurements, with what ranks for nothing beside them.

    By default on the hardware metrics of HW-NAS-Bench that the published study selected.
    """
    if context.invoked_subcommand is not None:
        return
    from hwbench.leaderboard.standings import chosen_size, chosen_targets, standings
    from hwbench.results.leaderboard import read_board

    board = read_board(contributed=not own)
    for fault in board.faults:
        warn(fault)
    if listed:
        _print_targets(board, as_json=as_json)
        return
    targets = chosen_targets(board, space=space, kind=target_kind, targets=target or ())
    found = standings(board, targets, chosen_size(board.scores, targets, size), score=score)
    if as_json:
        print_json(_plain(found))
        return
    _print_standings(found, most)


def _print_standings(found: Standings, most: int) -> None:
    import numpy as np

    from hwbench.leaderboard.standings import SCORES_SHOWN
    from hwbench.wording import counted

    name = SCORES_SHOWN[found.score][0]
    free = found.table["samples"] == 0
    learned = np.cumsum(~free)  # what ranks for nothing is in every table
    shown = found.table[free | (learned <= most)]
    rows = [
        {
            "#": "" if row["rank"] != row["rank"] else f"{row['rank']:.0f}",
            "predictor": _title(row),
            name: _with_half(row),
            "Elo": f"{row['elo']:.0f}{_between(row['elo_low'], row['elo_high'])}",
            "wins": f"{100 * row['win_rate']:.0f} %",
            "fit": _seconds(row),
        }
        for row in shown.to_dict("records")
    ]
    where = (
        found.targets[0]
        if len(found.targets) == 1
        else f"{len(found.targets)} targets ({', '.join(_spaces(found.targets))})"
    )
    title = f"{where}, {found.size:,} measurements, {counted(int(found.table['of'].max()), 'fit')}"
    print_listing(rows, list(rows[0]), as_json=False, title=title)
    if len(shown) < len(found.table):
        hidden, all_of_them = len(found.table) - len(shown), int((~free).sum())
        typer.echo(f"{hidden} more; --most {all_of_them} prints all")
    several = any("±" in row[name] for row in rows)
    seeds = "± half its 95 % interval over seeds" if several else "of one seed, without an interval"
    tell(
        f"{name}: mean over targets, {seeds}. Elo, with 95 % interval, and wins: against all "
        "others, fit by fit. fit: processor time."
    )
    typer.echo("Other numbers of measurements: --size N; curves: hwbench leaderboard page")


def _spaces(targets: tuple[str, ...]) -> list[str]:
    return sorted({target.partition(":")[0] for target in targets})


def _title(row: dict[str, Any]) -> str:
    marks = ["tuned"] * bool(row["tuning"]) + [f"by {row['origin']}"] * (row["origin"] != "hwbench")
    marks += [row["note"]] * bool(row["note"])
    return f"{row['title']} ({', '.join(marks)})" if marks else str(row["title"])


def _with_half(row: dict[str, Any]) -> str:
    half = (row["high"] - row["low"]) / 2
    return f"{row['mean']:.3f}" + ("" if half != half else f" ± {half:.3f}")


def _between(low: float, high: float) -> str:
    return "" if low != low else f" ({low:.0f}-{high:.0f})"


def _seconds(row: dict[str, Any]) -> str:
    from hwbench.wording import duration

    value = row["fit_cpu_seconds"]
    if row["samples"] == 0:
        return "none"
    return "" if value != value else duration(float(value))


def _plain(found: Standings) -> dict[str, Any]:
    rows = found.table.astype(object).where(found.table.notna(), None).to_dict("records")
    for row in rows:
        row["rank"] = None if row["rank"] is None else int(row["rank"])
    return {
        "targets": list(found.targets),
        "size": found.size,
        "score": found.score,
        "entries": rows,
    }


def _print_targets(board: Any, *, as_json: bool) -> None:
    from hwbench.leaderboard.standings import target_kind

    scores: pd.DataFrame = board.scores
    rows = []
    for target, about in board.targets().items():
        own = scores[(scores["target"] == target) & ~scores["own_training_set"]]
        rows.append(
            {
                "kind": target_kind(about),
                "target": target,
                "space": about["space"],
                "sizes": " ".join(str(size) for size in sorted(own["training_size"].unique())),
                "seeds": int(own["seed"].nunique()),
            }
        )
    print_listing(rows, list(rows[0]), as_json=as_json)
    if as_json:
        return
    from hwbench.leaderboard.contributing import outdated_entries
    from hwbench.wording import counted

    if outdated := outdated_entries(board):
        typer.echo(
            f"{counted(len(outdated), 'predictor')} had other code when they were run: "
            f"{', '.join(outdated)}"
        )


@app.command()
def add(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of hwbench study run.")],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What to call it; the folder's by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a study of yours: it is checked, and stands beside hwbench's own, marked as contributed.

    To hand it in, put the folder that is printed below reports/results/contributed in a pull
    request.

    hwbench leaderboard add runs/my-study --name my-name
    """
    from hwbench.leaderboard.contributing import add_run
    from hwbench.results.leaderboard import read_board

    with working("checking the run"):
        added = add_run(run, read_board(contributed=False), name=name)
    if as_json:
        found = {"fits": added.fits, "shared": added.shared, "agreeing": added.agreeing}
        print_json({"folder": str(added.folder), **found})
        return
    typer.echo(f"added: {added.fits:,} fits, kept in {added.folder}")
    if added.shared:
        typer.echo(f"{added.agreeing:,} of the {added.shared:,} that hwbench has too are alike")
    typer.echo(
        "to hand them in, copy that folder into reports/results/contributed of a clone, and open "
        "a pull request"
    )


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A contribution of yours.")],
    as_json: AsJson = False,
) -> None:
    """Take a contribution of yours off the leaderboard.

    hwbench leaderboard remove my-name
    """
    from hwbench.leaderboard.contributing import remove_contribution

    removed = str(remove_contribution(name))
    if as_json:
        print_json({"removed": removed})
        return
    typer.echo(f"removed: {removed}")


@app.command()
def page(
    output: Annotated[Path, output_file("The HTML page to write.", suffixes=HTML)] = Path(
        "leaderboard.html"
    ),
    own: OnlyOwn = False,
    as_json: AsJson = False,
) -> None:
    """Write the leaderboard as one HTML page that needs nothing else.

    hwbench leaderboard page -o leaderboard.html
    """
    from hwbench.leaderboard.page import write_page
    from hwbench.results.leaderboard import read_board

    with working("writing the page"):
        board = read_board(contributed=not own)
        for fault in board.faults:
            warn(fault)
        write_page(board, output)
    if as_json:
        print_json({"report": str(output)})
        return
    typer.echo(f"leaderboard: {output}")
