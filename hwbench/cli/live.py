"""`hwbench live`: architecture searches that train real networks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion, live_compare, live_diagnostics, live_estimate, live_retrain
from hwbench.cli.live_options import Recipe, SearchName
from hwbench.cli.output import (
    NEEDS,
    AsJson,
    Fresh,
    interruptible,
    listed,
    print_json,
    print_listing,
    print_notes,
    progress_bar,
    same_command,
    stage_bars,
    tell,
)
from hwbench.cli.output_paths import FRAME, output_file, output_folder, usable_folder
from hwbench.cli.torch_options import Deterministic, Device, Threads
from hwbench.registry import Registry
from hwbench.results.record import notes_of, read_record
from hwbench.wording import short_number

if TYPE_CHECKING:
    from hwbench.results.true_value import TrueValue

app = typer.Typer(
    help="Search architectures by training supernets (PyTorch); experimental.\n\n"
    "hwbench live run darts --recipe small",
    no_args_is_help=True,
)

Seed = Annotated[
    int | None,
    typer.Option(min=0, metavar="SEED", help="The seed; by default the search's own."),
]
Output = Annotated[Path | None, output_folder("The run folder; by default runs/live-SEARCH.")]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="The run folder of a finished search.")
]


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List all searches, and what each recipe trains.

    hwbench live list
    """
    from hwbench.assets import live_content
    from hwbench.live.recipes import RECIPES, recipe_files

    def row(name: str, recipe: str) -> dict[str, Any]:
        from hwbench.live.config import load_config

        config = load_config(name, recipe)
        return {
            "name": name,
            "recipe": recipe,
            "strategy": config.strategy["name"],
            "space": config.space.name,
            "data": config.data.name,
            "epochs": config.trainer["epochs"],
            "title": config.title,
        }

    rows = []
    for recipe in RECIPES:
        hidden = live_content(recipe).hidden()
        rows += listed(
            recipe_files(recipe),
            partial(row, recipe=recipe),
            known={"recipe": recipe},
            hidden=hidden,
        )
    if as_json:
        print_json(rows)
    else:
        print_listing(_searches(rows), ["search", "trains"], as_json=False)


def _searches(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a search for people, with a line for what each of its recipes trains."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        search = found.setdefault(row["name"], {"search": row["name"], "trains": None})
        if NEEDS in row:
            search[NEEDS] = row[NEEDS]
            continue
        line = f"{row['recipe']}: {row['space']}, {row['epochs']} epochs"
        search["trains"] = f"{search['trains']}\n{line}" if search["trains"] else line
    return sorted(found.values(), key=lambda search: str(search["search"]))


@app.command()
def sweeps(as_json: AsJson = False) -> None:
    """List the sweeps that can be run by name, and what each varies.

    hwbench live sweeps
    """
    from hwbench.assets import live_content
    from hwbench.live.sweep import Sweep
    from hwbench.toml import read_toml

    content = live_content("sweeps")
    files = content.files()

    def row(name: str) -> dict[str, Any]:
        found = read_toml(files[name], Sweep)
        return {
            "name": name,
            "search": found.search,
            "recipe": found.recipe,
            "argument": found.argument,
            "values": list(found.values),
            "seeds": list(found.seeds),
            "runs": len(found.combinations) * len(found.seeds),
            "title": found.title,
        }

    rows = listed(files, row, hidden=content.hidden())
    print_listing(rows, ["name", "runs", "title"], as_json=as_json)


@app.command()
def parts(as_json: AsJson = False) -> None:
    """List what searches are put together from, by the names that a config tree gives them.

    hwbench live parts
    """
    from hwbench.images.sets import IMAGE_SETS
    from hwbench.images.subsets import SUBSETS
    from hwbench.live.schedules import SCHEDULES
    from hwbench.live.selections import SELECTIONS
    from hwbench.live.strategies import STRATEGIES
    from hwbench.live.supernets import SUPERNETS
    from hwbench.live.trainers import OPTIMISERS, TRAINERS

    def row(name: str, registry: Registry) -> dict[str, Any]:
        registry.load(name)
        from_ = registry.origin(name)
        return {"part": registry.kind, "name": name, "from": from_, "path": registry[name]}

    rows = []
    registries = (STRATEGIES, TRAINERS, OPTIMISERS, SCHEDULES, SELECTIONS, SUPERNETS)
    for registry in (*registries, IMAGE_SETS, SUBSETS):
        rows += listed(
            registry,
            partial(row, registry=registry),
            known={"part": registry.kind},
            hidden=registry.hidden(),
        )
    print_listing(rows, ["name", "part", "from", "path"], as_json=as_json)


@app.command()
def show(name: SearchName, recipe: Recipe = "published", as_json: AsJson = False) -> None:
    """Print a search's complete config tree, to copy and change.

    hwbench live show darts --recipe small
    """
    from hwbench.live.config import load_config
    from hwbench.toml import to_toml

    tree = load_config(name, recipe).model_dump(mode="json")
    if as_json:
        print_json(tree)
        return
    typer.echo(to_toml(tree), nl=False)


@app.command()
def run(
    name: SearchName,
    recipe: Recipe = "published",
    output: Output = None,
    seed: Seed = None,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    fresh: Fresh = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write epochs for TensorBoard too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a search; stopped at any moment, the same command goes on.

    hwbench live run darts --recipe small -o runs/darts

    Experimental: no published recipe has been run to its end by the authors.
    """
    from hwbench.live.config import load_config, with_change
    from hwbench.live.run import run_live

    config = load_config(name, recipe)
    if seed is not None:
        config = with_change(config, "seed", seed)
    folder = output or usable_folder(Path("runs") / f"live-{Path(name).stem}")
    with interruptible(same_command()), stage_bars() as stage:
        result = run_live(
            config,
            folder,
            device=device,
            threads=threads,
            deterministic=deterministic,
            fresh=fresh,
            tensorboard=tensorboard,
            stage=stage,
        )
    _print_result(result, folder, as_json)


app.command()(live_estimate.estimate)


@app.command()
def rank(
    folder: RunFolder,
    architectures: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="How many architectures to draw; by default all."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="True values to hold the ranking against; by default none.",
            autocompletion=completion.columns,
        ),
    ] = None,
    by: Annotated[
        str, typer.Option(metavar="SCORE", help="What to rank by: accuracy or loss.")
    ] = "accuracy",
    passes: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Passes that calibrate batch normalisation."),
    ] = 20,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Images of a pass.")] = 256,
    momentum: Annotated[
        float, typer.Option(metavar="SHARE", help="The share of a pass in the statistics.")
    ] = 0.1,
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many architectures to print.")
    ] = 10,
    output: Annotated[
        Path | None,
        output_file(
            "A .csv or .parquet file for the whole ranking; by default none is written.",
            suffixes=FRAME,
        ),
    ] = None,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    as_json: AsJson = False,
) -> None:
    """Rank architectures by the supernet of a finished search; its folder keeps the ranking.

    hwbench live rank runs/live-spos --architectures 100 --target nb201-digits:test_accuracy
    """
    from hwbench.live.config import RankingNode
    from hwbench.live.run import rank_run
    from hwbench.results.frames import write_frame
    from hwbench.results.ranking_measures import measures_of, unmeasured
    from hwbench.toml import validated

    calibration = {"passes": passes, "batch_size": batch_size, "momentum": momentum}
    given = {
        "architectures": architectures,
        "target": target,
        "score": by,
        "calibration": calibration,
    }
    node = validated(given, RankingNode, where="ranking")
    with progress_bar("ranking architectures") as progress:
        frame = rank_run(
            folder,
            node,
            device=device,
            threads=threads,
            deterministic=deterministic,
            progress=progress,
        )
    if output is not None:
        write_frame(output, frame)
    measures = measures_of(frame)
    notes = notes_of(read_record(folder))
    reason = unmeasured(frame, str(target))
    if reason:
        notes.append(reason)
    best = frame.head(top).to_dict("records")
    if as_json:
        print_json({"ranked": len(frame), "measures": measures, "best": best, "notes": notes})
        return
    names = {column: "target value" if column == "true" else column for column in frame.columns}
    print_listing(
        [{names[key]: _number(value) for key, value in row.items()} for row in best],
        list(names.values()),
        as_json=False,
        wrap=False,
    )
    if measures:
        _print_numbers(_by_the_target(measures))
    print_notes(notes)


@app.command()
def select(
    folder: RunFolder,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="A selection's name (hwbench live parts), or module:Class."
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="An argument of the selection, as in [selection] of the config tree, such as "
            "limit=110e6; by default each is the method's own; repeatable.",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The name of its folder in RUN/selections; by default it is made up.",
        ),
    ] = None,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Replace another selection that has the same label."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Select again from the supernet of a search, by any method; its run folder keeps the result.

    For instance the front of accuracy and latency, by NSGA-II. Stopped at any moment, the same
    command goes on; what the supernet has been asked for is never computed again. Experimental, as
    `hwbench live run` is.

    hwbench live select runs/live-spos --method black_box --set strategy=nsga2 --set
    metric=nb201-digits:latency
    """
    from hwbench.live.selecting import select_run
    from hwbench.toml import set_in

    node: dict[str, Any] = {"name": method}
    for each in arguments or []:
        set_in(node, each, option="--set")
    with interruptible(same_command()), stage_bars() as stage:
        result = select_run(
            folder,
            node,
            label=label,
            device=device,
            threads=threads,
            deterministic=deterministic,
            fresh=fresh,
            stage=stage,
        )
    if as_json:
        print_json(result)
        return
    _print_selection(result, folder)


@app.command()
def truth(
    folder: RunFolder,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="True values to hold it against; by default the ranking's, or those of a public "
            "benchmark.",
            autocompletion=completion.columns,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how good what a search found truly is: held against a table of trained architectures.

    Searches do so at their end where a table of their space comes with hwbench; this is for runs of
    older versions, and for a table of one's own. The run folder keeps it.

    hwbench live truth runs/live-darts --target nb201-digits:test_accuracy
    """
    from hwbench.live.run import truth_run
    from hwbench.results.live import read_live_run

    result = truth_run(folder, target)
    if as_json:
        print_json(result["truth"])
        return
    _print_truth(read_live_run(folder).truth, folder)


app.command()(live_retrain.retrain)
app.command()(live_compare.compare)
app.command()(live_diagnostics.discretise)
app.command()(live_diagnostics.landscape)


@app.command()
def sweep(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SWEEP",
            help="A sweep's name (hwbench live sweeps), or the path of its TOML file.",
            autocompletion=completion.sweeps,
        ),
    ],
    output: Annotated[
        Path | None, output_folder("The folder of all runs; by default runs/live-SWEEP.")
    ] = None,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Run a search for every value of an argument and every seed, such as `window`.

    Experimental, as `hwbench live run` is.

    hwbench live sweep window -o runs/window
    """
    from hwbench.live.config import sweep_path
    from hwbench.live.sweep import run_sweep
    from hwbench.results.live import is_live_run, read_live_run, summary, sweep_title
    from hwbench.results.true_value import baselines, unknown

    path = sweep_path(name)
    folder = output or usable_folder(Path("runs") / f"live-{path.stem}")
    with interruptible(same_command()), stage_bars() as stage:
        frame = run_sweep(
            path,
            folder,
            device=device,
            threads=threads,
            deterministic=deterministic,
            fresh=fresh,
            stage=stage,
        )
    rows = summary(frame).to_dict("records")
    if as_json:
        print_json(rows)
        return
    shown = ["value", "seeds", "true_value", "true_better_than", "weight_sets"]
    shown += ["search_accuracy", "test_accuracy"]
    shown += ["kendall_tau", "kendall_tau_top50", "improvement_top1", "improvement_top5"]
    shown += ["improvement_top10"]
    columns = [column for column in shown if rows and column in rows[0]]
    print_listing(
        [{sweep_title(name): _with_deviation(row, name) for name in columns} for row in rows],
        [sweep_title(name) for name in columns],
        as_json=False,
        title="mean ± deviation over the seeds",
        wrap=False,
    )
    truths = [read_live_run(path).truth for path in sorted(folder.iterdir()) if is_live_run(path)]
    known = next((each for each in truths if each is not None), None)
    tell(f"True values: {known.words}." if known else unknown("FOLDER"))
    for sentence in baselines(known) if known else ():
        tell(sentence)
    records = [read_record(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    print_notes(dict.fromkeys(note for record in records for note in notes_of(record)))
    tell(f"written: {folder}")


def _print_result(result: dict[str, Any], folder: Path, as_json: bool) -> None:
    from hwbench.results.live import read_live_run
    from hwbench.results.live_runs import over_epochs
    from hwbench.results.ranking_measures import unmeasured

    notes = notes_of(read_record(folder))
    if as_json:
        print_json({**result, "notes": notes})
        return
    kept = read_live_run(folder)
    _print_truth(kept.truth, folder)
    over = over_epochs(kept)
    if over:
        tell(over)
    ranking = result.get("ranking") or {}
    rest = {key: value for key, value in result.items() if key not in ("ranking", "truth")}
    _print_numbers({**_by_the_supernet(rest), **_by_the_target(ranking)})
    reason = unmeasured(kept.ranking, str(kept.config.get("ranking", {}).get("target")))
    print_notes([*notes, reason] if reason else notes)
    tell(f"written: {folder}")


def _print_selection(result: dict[str, Any], folder: Path) -> None:
    """How good what was selected truly is, then what it is."""
    from hwbench.results.selections import Selected, read_selections
    from hwbench.results.true_value import headline, unknown

    found: Selected = next(
        each for each in read_selections(folder) if each.folder.name == result["label"]
    )
    kept = found.result
    if kept.truth is None:
        tell(unknown(str(folder)))
    elif kept.front is None:
        tell(headline(kept.truth))
    front, single = kept.front, kept.single
    if front is not None:
        best = max(front.baselines, key=lambda each: each.hypervolume_share, default=None)
        beside = "" if best is None else f"; {best.words}: {100 * best.hypervolume_share:.1f} %"
        tell(
            f"The {kept.selected} selected truly cover {100 * front.hypervolume_share:.1f} % of "
            f"the true front's hypervolume{beside}."
        )
        rows = [{"what": f"the {kept.selected} selected", **_qualities(front)}]
        rows += [{"what": each.words, **_qualities(each)} for each in front.baselines]
        columns = ["what", "share %", "IGD+", "epsilon"]
        print_listing(rows, columns, as_json=False, wrap=False)
    elif single is not None:
        rows = [
            {"what": each.words, "true accuracy": _number(each.true_accuracy)}
            for each in single.baselines
        ]
        print_listing(
            rows,
            ["what", "true accuracy"],
            as_json=False,
            title="what costs no search",
        )
    numbers = {
        "selection": kept.title,
        "architecture": kept.architecture,
        "selected": kept.selected,
        "evaluations": "-" if kept.evaluations is None else kept.evaluations,
        "search_accuracy": kept.search_accuracy,
        "test_accuracy": kept.test_accuracy,
        "measured": kept.measured,
    }
    _print_numbers(_by_the_supernet(numbers))
    tell(f"written: {found.folder}")


def _qualities(front: Any) -> dict[str, str]:
    return {
        "share %": f"{100 * front.hypervolume_share:.1f}",
        "IGD+": f"{front.igd_plus:.4f}",
        "epsilon": f"{front.epsilon_additive:.4f}",
    }


def _print_truth(found: TrueValue | None, folder: Path) -> None:
    """How good what was found truly is, before all else."""
    from hwbench.results.true_value import beside_it, headline, unknown

    if found is None:
        tell(unknown(str(folder)))
        return
    for sentence in (headline(found), *beside_it(found)):
        tell(sentence)


def _by_the_supernet(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """A result's numbers, its accuracies named as what they are; what was measured one by one."""
    names = {
        "search_accuracy": "validation accuracy, supernet's weights",
        "test_accuracy": "test accuracy, supernet's weights",
    }
    shown = {key: value for key, value in numbers.items() if key != "measured"}
    shown |= numbers.get("measured") or {}
    return {names.get(key, key): value for key, value in shown.items()}


def _by_the_target(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Measures of a ranking, named after the target, which may be no truth."""
    return {key.replace("true", "target value"): value for key, value in measures.items()}


def _print_numbers(numbers: Mapping[str, Any]) -> None:
    rows = [
        {"what": key.replace("_", " "), "value": _number(value)} for key, value in numbers.items()
    ]
    print_listing(rows, ["what", "value"], as_json=False, wrap=False)


def _with_deviation(row: Mapping[str, Any], column: str) -> str:
    deviation = row.get(f"{column}_deviation")
    if not deviation or deviation != deviation:  # none, as for a single seed
        return _number(row[column])
    return f"{short_number(row[column])} ± {short_number(deviation, 2)}"


def _number(value: Any) -> str:
    return short_number(value) if isinstance(value, float) else str(value)
