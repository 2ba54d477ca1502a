"""`hwbench study`: compare predictors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli.estimated import totals
from hwbench.cli.output import (
    AsJson,
    Fresh,
    RunFolder,
    ScenarioName,
    Workers,
    interruptible,
    planned_seconds,
    print_json,
    print_listing,
    run_folder,
    same_command,
    say,
    stage_bars,
    tell,
    worker_count,
)
from hwbench.errors import HwbenchError
from hwbench.wording import duration, shared_work

app = typer.Typer(
    help="Compare predictors at every training size.\n\nhwbench study run quick",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="The run folder of a study.")]
Encodings = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME,NAME",
        help="Compare predictors on these features: onehot, counts, live, path, paths, structure, "
        "graph; by default each has its card's.",
    ),
]
TargetTransform = Annotated[
    str | None,
    typer.Option(
        "--target-transform",
        metavar="KIND",
        help="Every predictor learns the target as it is (raw), its log, its rank, or what of "
        "these ranks held-out rows best (auto); by default what each card says.",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        "--trials",
        min=1,
        metavar="N",
        help="Search hyper-parameters in every fit: try so many configurations; by default none.",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        min=0.001,
        metavar="SECONDS",
        help="Search hyper-parameters for so many seconds a fit at most; by default not at all.",
    ),
]
Search = Annotated[
    str,
    typer.Option(
        "--search",
        metavar="METHOD",
        help="How to search hyper-parameters: random, or tpe (extra hwbench[tpe]).",
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        metavar="BACKEND",
        help="Where trials run: local, dask (extra hwbench[cluster-dask]) or ray (extra "
        "hwbench[cluster-ray]).",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="The cluster: tcp://HOST:8786 of Dask, HOST:6379 or auto of Ray; by default one is "
        "started here.",
    ),
]
TrialSeconds = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        metavar="SECONDS",
        help="End a trial after so many seconds; by default as the scenario says.",
    ),
]
TrialMemory = Annotated[
    float | None,
    typer.Option(
        min=1,
        metavar="MIB",
        help="End a trial that takes more memory, in MiB; by default as the scenario says.",
    ),
]


def _changes(
    encoding: str | None,
    target_transform: str | None,
    trials: int | None,
    seconds: float | None,
    search: str,
) -> dict[str, Any]:
    """Fields of the study's spec that options replace."""
    changes: dict[str, Any] = {}
    if target_transform is not None:
        changes["target_transform"] = target_transform
    if encoding is not None:
        changes["encodings"] = [name.strip() for name in encoding.split(",") if name.strip()]
    if trials is not None or seconds is not None:
        tuning = {"trials": trials, "seconds": seconds, "method": search}
        changes["tuning"] = {name: value for name, value in tuning.items() if value is not None}
    elif search != "random":
        raise HwbenchError(
            "study: --search needs --trials or --seconds beside it, such as --trials 20"
        )
    return changes


def _limits(seconds: float | None, memory: float | None) -> dict[str, float]:
    given = {"seconds": seconds, "memory_mb": memory}
    return {name: value for name, value in given.items() if value is not None}


@app.command()
def run(
    scenario: ScenarioName,
    output: RunFolder = None,
    workers: Workers = None,
    backend: Backend = "local",
    address: Address = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="Run only the I-th of N parts, into a folder of its own, for hwbench study merge.",
        ),
    ] = "1/1",
    fresh: Fresh = False,
    encoding: Encodings = None,
    target_transform: TargetTransform = None,
    trials: Trials = None,
    seconds: Seconds = None,
    search: Search = "random",
    trial_seconds: TrialSeconds = None,
    trial_memory: TrialMemory = None,
    as_json: AsJson = False,
) -> None:
    """Run the study of a scenario; stopped at any moment, the same command goes on.

    hwbench study run quick -o runs/quick

    hwbench study run mine.toml --shard 1/4
    """
    from hwbench.cli.run_results import run_results
    from hwbench.cli.summary import print_study
    from hwbench.runs.run import run_scenario

    changes = _changes(encoding, target_transform, trials, seconds, search)
    if limits := _limits(trial_seconds, trial_memory):
        changes["limits"] = limits
    place, count = _shard(shard)
    folder = run_folder(scenario, output)
    if count > 1 and output is None:
        folder = folder.with_name(f"{folder.name}.{place}-of-{count}")
    planned = planned_seconds(scenario, workers)
    with interruptible(same_command()), stage_bars(seconds=planned) as stage:
        run_scenario(
            scenario,
            folder,
            parts=("study",),
            workers=worker_count(workers),
            backend=backend,
            address=address,
            shard=(place, count),
            fresh=fresh,
            study_changes=changes,
            stage=stage,
            note=say,
        )
    if as_json:
        print_json(run_results(folder, "study"))
        return
    print_study(folder)
    tell(f"results: {folder}")


def _shard(text: str) -> tuple[int, int]:
    place, _, count = text.partition("/")
    if not (place.isdigit() and count.isdigit() and 1 <= int(place) <= int(count)):
        raise HwbenchError(f"--shard {text}: must have the form I/N with I from 1 to N, like 3/8")
    return int(place), int(count)


@app.command()
def estimate(
    scenario: ScenarioName,
    workers: Workers = None,
    encoding: Encodings = None,
    target_transform: TargetTransform = None,
    trials: Trials = None,
    seconds: Seconds = None,
    search: Search = "random",
    as_json: AsJson = False,
) -> None:
    """Say what a study will cost, from a few fits that are timed now.

    hwbench study estimate quick
    """
    from hwbench.cli.output import progress_bar
    from hwbench.runs.run import with_changes
    from hwbench.runs.scenario import is_shipped, load_scenario
    from hwbench.study.estimate import estimate_cost
    from hwbench.study.plan import make_plan

    loaded = with_changes(
        load_scenario(scenario), _changes(encoding, target_transform, trials, seconds, search)
    )
    if loaded.study is None:
        raise HwbenchError(f"scenario {scenario} has no section [study]")
    with progress_bar("timing fits") as progress:
        plan = make_plan(loaded.study, without_missing=is_shipped(scenario))
        for sentence in plan.missing:
            say(sentence)
        found = estimate_cost(plan, progress=progress)
    total = {
        "trials": int(found["trials"].sum()),
        **totals(float(found["seconds"].sum()), worker_count(workers)),
        "disk_mb": float(found["disk_mb"].sum()),
    }
    if as_json:
        print_json({**total, "predictors": found.to_dict("records")})
        return
    rows = [
        {
            "predictor": row.predictor,
            "encoding": row.encoding,
            "trials": f"{row.trials:,}",
            "a trial at least": duration(row.fastest),
            "at most": duration(row.slowest),
            "in all": duration(row.seconds),
        }
        for row in found.itertuples()
    ]
    print_listing(rows, list(rows[0]), as_json=False, wrap=False)
    tell(f"{total['trials']:,} trials, {shared_work(total)}; {total['disk_mb']:,.0f} MB on disk")


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Say which trials of a run folder are done, missing and failed.

    hwbench study status runs/quick
    """
    from hwbench.runs.status import study_status

    found = study_status(folder)
    if as_json:
        print_json(found)
        return
    rows = found["predictors"]
    print_listing(rows, list(rows[0]), as_json=False, title=f"{folder}: {found['title']}")
    done, total = found["done"], found["trials"]
    tell(f"{done:,} of {total:,} trials are done, {found['failed']:,} of them failed")
    if found["seconds_left"] is not None and done < total:
        tell(f"about {duration(found['seconds_left'])} of one core left")
    for each in found["failures"]:
        tell(f"  {each['count']:,} x {each['predictor']}: {each['reason']}")
    for note in found["notes"]:
        tell(note)
    if done < total:
        tell(f"go on with: hwbench study resume {folder}")
    elif found["failed"]:
        tell(f"try them again with: hwbench study retry-failed {folder}")


@app.command()
def resume(
    folder: Folder,
    workers: Workers = None,
    backend: Backend = "local",
    address: Address = None,
    trial_seconds: TrialSeconds = None,
    trial_memory: TrialMemory = None,
    as_json: AsJson = False,
) -> None:
    """Run the trials that a run folder lacks.

    hwbench study resume runs/quick
    """
    limits = _limits(trial_seconds, trial_memory)
    _resume(folder, workers, backend, address, limits, retry_failed=False, as_json=as_json)


@app.command(name="retry-failed")
def retry_failed(
    folder: Folder,
    workers: Workers = None,
    backend: Backend = "local",
    address: Address = None,
    trial_seconds: TrialSeconds = None,
    trial_memory: TrialMemory = None,
    as_json: AsJson = False,
) -> None:
    """Run those trials again that failed, and those that a run folder lacks.

    hwbench study retry-failed runs/quick
    """
    limits = _limits(trial_seconds, trial_memory)
    _resume(folder, workers, backend, address, limits, retry_failed=True, as_json=as_json)


def _resume(
    folder: Path,
    workers: int | None,
    backend: str,
    address: str | None,
    limits: dict[str, float],
    *,
    retry_failed: bool,
    as_json: bool,
) -> None:
    from hwbench.runs.run import resume_study
    from hwbench.runs.status import study_status
    from hwbench.study.run import Resources
    from hwbench.study.spec import Limits

    with interruptible(same_command()), stage_bars() as stage:
        count = resume_study(
            folder,
            resources=Resources(worker_count(workers), backend, address),
            retry_failed=retry_failed,
            limits=Limits.model_validate(limits) if limits else None,
            stage=stage,
            note=say,
        )
    if as_json:
        print_json({"trials_run": count, "folder": str(folder), **study_status(folder)})
        return
    tell(f"{count:,} trials were run")
    status(folder)


@app.command()
def merge(
    folder: Folder,
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="Run folders of the same study, which stay."),
    ],
    as_json: AsJson = False,
) -> None:
    """Put the trials of several folders of one study, such as its shards, into one.

    hwbench study merge runs/whole runs/mine.1-of-2 runs/mine.2-of-2
    """
    from hwbench.results.record import read_record
    from hwbench.runs.continuing import older_writer
    from hwbench.runs.merging import merge_studies
    from hwbench.runs.status import study_status

    added = merge_studies(folder, sources)
    ours = not older_writer(read_record(folder) or {})
    if as_json:
        known = study_status(folder) if ours else {}
        print_json({"trials_added": added, "folder": str(folder), **known})
        return
    tell(f"{added:,} trials were added to {folder}")
    if ours:
        status(folder)


@app.command()
def compact(folder: Folder, as_json: AsJson = False) -> None:
    """Make study.parquet and predictions.parquet of the parts of a study that was stopped.

    hwbench study compact runs/quick
    """
    from hwbench.runs.merging import compact_study

    trials = compact_study(folder)
    path = folder / "study.parquet"
    if as_json:
        print_json({"trials": trials, "file": str(path)})
        return
    tell(f"{trials:,} trials in {path}")
