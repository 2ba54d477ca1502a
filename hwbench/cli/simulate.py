"""`hwbench simulate`: what a predictor's errors cost a selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.output import (
    AsJson,
    RunFolder,
    ScenarioName,
    Seed,
    Workers,
    print_json,
    print_listing,
    print_notes,
    run_part,
    tell,
    working,
)

if TYPE_CHECKING:
    import pandas as pd

    from hwbench.tables.pairs import Pair

app = typer.Typer(
    help="Simulate what a predictor's errors cost.\n\nhwbench simulate expect --tau 0.8",
    no_args_is_help=True,
)

ACCURACY = "hw-nas-bench:cifar10.test_accuracy"
METRIC = "hw-nas-bench:cifar10.edgegpu_latency"
SIMULATING = "simulating selections"

Accuracy = Annotated[
    str,
    typer.Option(
        metavar="TABLE:COLUMN",
        help="The column of the true accuracy.",
        autocompletion=completion.columns,
    ),
]
Metric = Annotated[
    str,
    typer.Option(
        metavar="TABLE:COLUMN",
        help="The column of the hardware metric.",
        autocompletion=completion.columns,
    ),
]
Metrics = Annotated[
    list[str],
    typer.Option(
        "--metric",
        metavar="TABLE:COLUMN",
        help="The column of the hardware metric; repeatable, several select jointly.",
        autocompletion=completion.columns,
    ),
]
Candidates = Annotated[
    int, typer.Option(min=2, metavar="N", help="How many architectures there are to select from.")
]
Disconnected = Annotated[
    bool,
    typer.Option(
        "--disconnected", help="Take architectures whose output no path reaches as candidates too."
    ),
]
Repeats = Annotated[int, typer.Option(min=1, metavar="N", help="How many selections to simulate.")]
Deviations = Annotated[
    str,
    typer.Option(
        metavar="SHAPE", help="How the predictor errs: mixed, normal, uniform or student."
    ),
]
Pairing = Annotated[
    str,
    typer.Option(
        metavar="WAY",
        help="How errors are paired with candidates: true, or as_published, with the published "
        "code's error.",
    ),
]
ReferenceFront = Annotated[
    str,
    typer.Option(
        metavar="OF",
        help="The front that losses are counted from: that of the candidates or of the space.",
    ),
]
HypervolumeReference = Annotated[
    str,
    typer.Option(
        metavar="OF",
        help="What the largest metric of hypervolume is taken from: the candidates or the front.",
    ),
]
Limit = Annotated[
    float | None,
    typer.Option(
        metavar="VALUE",
        help="The largest feasible metric, in the unit of its column, such as 5 for 5 ms; by "
        "default no limit.",
    ),
]
Budget = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Measure only so many of the selected architectures, the most accurate; by default "
        "all.",
    ),
]
AccuracyDeviation = Annotated[
    float,
    typer.Option(
        metavar="POINTS", help="The deviation of errors on accuracy, in percentage points."
    ),
]
ErrorGrowth = Annotated[
    float,
    typer.Option(
        metavar="POWER", help="Errors grow with this power of the metric; 1 is in proportion to it."
    ),
]


@app.command()
def run(
    scenario: ScenarioName,
    output: RunFolder = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Run the simulation of a scenario and write its results into a run folder.

    hwbench simulate run quick -o runs/quick
    """
    from hwbench.cli.run_results import run_results
    from hwbench.cli.summary import print_simulation
    from hwbench.results.record import notes_of, read_record

    folder = run_part("simulation", scenario, output, workers)
    if as_json:
        print_json(run_results(folder, "simulation"))
        return
    print_simulation(folder)
    print_notes(notes_of(read_record(folder)))
    tell(f"results: {folder}")


@app.command()
def estimate(scenario: ScenarioName, workers: Workers = None, as_json: AsJson = False) -> None:
    """Say what the simulation of a scenario will cost, from a few selections and fits timed now.

    hwbench simulate estimate quick
    """
    from hwbench.cli.estimated import totals
    from hwbench.cli.output import progress_bar, worker_count
    from hwbench.errors import HwbenchError
    from hwbench.runs.scenario import load_scenario
    from hwbench.simulation.estimate import estimate_simulation
    from hwbench.wording import counted, duration, shared_work

    spec = load_scenario(scenario).simulation
    if spec is None:
        raise HwbenchError(f"scenario {scenario} has no section [simulation]")
    with progress_bar("timing selections and fits") as progress:
        found = estimate_simulation(spec, progress=progress)
    fitted = found["predictor"].notna()
    total = {
        "selections": int(found.loc[~fitted, "number"].sum()),
        "fits": int(found.loc[fitted, "number"].sum()),
        **totals(
            float(found["seconds"].sum()), worker_count(workers), float(found["slowest"].max())
        ),
    }
    if as_json:
        print_json({**total, "work": found.to_dict("records")})
        return
    rows = [
        {
            "what": f"selections from {row.size:,} candidates"
            if row.predictor is None
            else f"{row.predictor} fitted to {row.size:,}",
            "number": f"{row.number:,}",
            "in all": duration(row.seconds),
        }
        for row in found.itertuples()
    ]
    print_listing(rows, list(rows[0]), as_json=False, wrap=False)
    fits = f", {counted(total['fits'], 'fit')} of predictors" if total["fits"] else ""
    tell(f"{counted(total['selections'], 'selection')}{fits}, {shared_work(total)}")


@app.command()
def select(
    accuracy: Accuracy,
    metric: Metrics,
    candidates: Candidates = 1000,
    deviation: Annotated[
        float,
        typer.Option(
            metavar="D", help="The deviation of the errors, in standard deviations of the metric."
        ),
    ] = 0.2,
    repeats: Repeats = 100,
    seed: Seed = 0,
    deviations: Deviations = "mixed",
    pairing: Pairing = "true",
    reference_front: ReferenceFront = "candidates",
    hypervolume_reference: HypervolumeReference = "candidates",
    limit: Limit = None,
    budget: Budget = None,
    disconnected: Disconnected = False,
    accuracy_deviation: AccuracyDeviation = 0.0,
    error_growth: ErrorGrowth = 0.0,
    as_json: AsJson = False,
) -> None:
    """Simulate selections by predictors of one deviation and print the mean of every measure.

    hwbench simulate select --accuracy nb201-digits:test_accuracy --metric nb201-digits:latency
    """
    from hwbench.simulation.expect import expect_selection, summarise
    from hwbench.tables.pairs import Pair

    pairs = Pair.load_several(accuracy, metric, disconnected=disconnected)
    if len(pairs) > 1:
        chosen = {
            "--pairing": pairing != "true",
            "--reference-front": reference_front != "candidates",
            "--hypervolume-reference": hypervolume_reference != "candidates",
            "--limit": limit is not None,
            "--accuracy-deviation": accuracy_deviation != 0,
            "--error-growth": error_growth != 0,
        }
        with working(SIMULATING):
            selections = _joint(
                pairs, chosen, candidates, deviation, repeats, seed, deviations, budget
            )
    else:
        options = _options(
            pairs[0],
            deviations,
            pairing,
            reference_front,
            hypervolume_reference,
            limit,
            budget,
            accuracy_deviation,
            error_growth,
        )
        with working(SIMULATING):
            _, selections = expect_selection(
                pairs[0], candidates, options, deviation=deviation, repeats=repeats, seed=seed
            )
    summary, notes = summarise(selections), _notes(pairs)
    if as_json:
        print_json({**summary.to_dict(orient="index"), "notes": notes})
        return
    _print_summary(summary)
    print_notes(notes)


@app.command()
def expect(
    tau: Annotated[
        float | None,
        typer.Option(
            metavar="TAU",
            help="Kendall's tau of the predictor on unseen architectures; by default one of the "
            "next two options says how good it is.",
        ),
    ] = None,
    deviation: Annotated[
        float | None,
        typer.Option(
            metavar="D",
            help="The deviation of its errors, in standard deviations of the metric, in place of "
            "--tau; by default --tau says it.",
        ),
    ] = None,
    predictor: Annotated[
        str | None,
        typer.Option(
            metavar="PREDICTOR",
            help="A predictor of the zoo that is fitted anew for every selection, in place of "
            "--tau; by default none.",
            autocompletion=completion.predictors,
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(min=2, metavar="N", help="How many architectures --predictor is fitted to."),
    ] = 124,
    candidates: Candidates = 1000,
    accuracy: Accuracy = ACCURACY,
    metric: Metric = METRIC,
    repeats: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many selections to simulate; by default 1000, with --predictor 20.",
        ),
    ] = None,
    seed: Seed = 0,
    deviations: Deviations = "mixed",
    pairing: Pairing = "true",
    reference_front: ReferenceFront = "candidates",
    hypervolume_reference: HypervolumeReference = "candidates",
    limit: Limit = None,
    budget: Budget = None,
    disconnected: Disconnected = False,
    accuracy_deviation: AccuracyDeviation = 0.0,
    error_growth: ErrorGrowth = 0.0,
    as_json: AsJson = False,
) -> None:
    """Say what selecting by a predictor loses, given its tau, its deviation, or its name.

    hwbench simulate expect --tau 0.8

    hwbench simulate expect --predictor ridge --samples 124 --repeats 5
    """
    from hwbench.errors import HwbenchError
    from hwbench.simulation.expect import expect_selection, summarise
    from hwbench.tables.pairs import Pair

    if sum(given is not None for given in (tau, deviation, predictor)) != 1:
        raise HwbenchError("give one of --tau, --deviation and --predictor")
    pair = Pair.load(accuracy, metric, disconnected=disconnected)
    options = _options(
        pair,
        deviations,
        pairing,
        reference_front,
        hypervolume_reference,
        limit,
        budget,
        accuracy_deviation,
        error_growth,
    )
    if predictor is not None:
        if accuracy_deviation or error_growth or pairing != "true":
            raise HwbenchError(
                "a fitted predictor errs as it does: --predictor goes without "
                "--accuracy-deviation, --error-growth and --pairing"
            )
        selections = _fitted(pair, predictor, samples, candidates, options, repeats, seed)
        size = float(selections.pop("deviation").mean())
    else:
        with working(SIMULATING):
            size, selections = expect_selection(
                pair,
                candidates,
                options,
                tau=tau,
                deviation=deviation,
                repeats=repeats or 1000,
                seed=seed,
            )
    summary, notes = summarise(selections), _notes([pair])
    if as_json:
        measures = summary.to_dict(orient="index")
        print_json({"deviation": size, "measures": measures, "notes": notes})
        return
    tell(
        f"{candidates} candidates, {accuracy} against {metric}; deviation {size:.3f}, "
        f"{len(selections)} selections"
    )
    _print_summary(summary)
    print_notes(notes)


@app.command()
def equivalent(
    measured: Annotated[
        int,
        typer.Option(min=2, metavar="N", help="How many candidates have their metric measured."),
    ] = 5000,
    candidates: Annotated[
        int | None,
        typer.Option(
            min=3,
            metavar="N",
            help="How many candidates have their metric predicted; by default all.",
        ),
    ] = None,
    accuracy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help=f"The column of the true accuracy; by default {ACCURACY}; repeatable.",
            autocompletion=completion.columns,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="The column of the metric, one for each --accuracy, to average over; by default "
            f"{METRIC}; repeatable.",
            autocompletion=completion.columns,
        ),
    ] = None,
    repeats: Repeats = 200,
    seed: Seed = 0,
    deviations: Deviations = "mixed",
    pairing: Pairing = "true",
    disconnected: Disconnected = False,
    measure: Annotated[
        str,
        typer.Option(
            metavar="MEASURE",
            help="The measure: hypervolume_space, or hypervolume with the published, moving "
            "reference.",
        ),
    ] = "hypervolume_space",
    as_json: AsJson = False,
) -> None:
    """Say how good a predictor must be for more candidates to make up for measuring fewer.

    hwbench simulate equivalent --measured 1000 --candidates 5000
    """
    from dataclasses import asdict

    from hwbench.errors import HwbenchError
    from hwbench.simulation.conventions import Conventions
    from hwbench.simulation.expect import equivalent_predictor
    from hwbench.tables.pairs import Pair

    accuracies, metrics = accuracy or [ACCURACY], metric or [METRIC]
    if len(accuracies) == 1:
        accuracies = accuracies * len(metrics)
    if len(accuracies) != len(metrics):
        raise HwbenchError(
            f"{len(accuracies)} --accuracy for {len(metrics)} --metric: give one, or one for each"
        )
    pairs = [
        Pair.load(*each, disconnected=disconnected)
        for each in zip(accuracies, metrics, strict=True)
    ]
    predicted = candidates or min(len(pair) for pair in pairs)
    with working(SIMULATING):
        found = equivalent_predictor(
            pairs,
            measured,
            predicted,
            Conventions(pairing=pairing),
            measure=measure,
            model=deviations,
            repeats=repeats,
            seed=seed,
        )
    notes = _notes(pairs)
    if as_json:
        print_json({**asdict(found), "notes": notes})
        return
    print_notes(notes)
    if found.tau is None:
        tell(
            f"even guesses over {predicted} candidates select better than measuring {measured}: "
            f"more than a mean hypervolume of {found.hypervolume:.3f}"
        )
        return
    tell(
        f"measuring {measured} candidates and predicting {predicted} with a Kendall's tau of "
        f"{found.tau:.2f} (deviation {found.deviation:.2f}) select equally well: mean hypervolume "
        f"{found.hypervolume:.3f}"
    )


def _notes(pairs: Sequence[Pair]) -> list[str]:
    """What was done to the columns of pairs, each said once."""
    return list(dict.fromkeys(note for pair in pairs for note in pair.notes))


def _options(
    pair: Pair,
    deviations: str,
    pairing: str,
    reference_front: str,
    hypervolume_reference: str,
    limit: float | None,
    budget: int | None,
    accuracy_deviation: float,
    error_growth: float,
) -> Any:
    from hwbench.simulation.conventions import Conventions
    from hwbench.simulation.deviations import deviation_model
    from hwbench.simulation.selection import Options
    from hwbench.simulation.spread import error_spread

    model = deviation_model(deviations)
    options = Options(
        model,
        Conventions(reference_front, hypervolume_reference, pairing),
        model,
        accuracy_deviation,
        error_spread(pair, error_growth, ()),
        None if limit is None else pair.sign * limit,
        budget,
    )
    if limit is not None:
        pair.check_limit(limit)
    return options


def _fitted(
    pair: Pair,
    predictor: str,
    samples: int,
    candidates: int,
    options: Any,
    repeats: int | None,
    seed: int,
) -> pd.DataFrame:
    import pandas as pd

    from hwbench.cli.output import progress_bar
    from hwbench.simulation.fitted import select_by_fitted
    from hwbench.simulation.measures import MEASURES

    rows = []
    count = repeats or 20
    with progress_bar(f"fitting {predictor}") as progress:
        for repeat in range(count):
            rows += select_by_fitted(
                pair,
                predictor,
                samples,
                [candidates],
                repeat=repeat,
                seed=[seed],
                conventions=options.conventions,
                limit=None if options.limit is None else pair.sign * options.limit,
                budget=options.budget,
            )
            progress(repeat + 1, count)
    return pd.DataFrame(rows)[["deviation", *MEASURES]]


def _joint(
    pairs: Sequence[Pair],
    chosen: dict[str, bool],
    candidates: int,
    deviation: float,
    repeats: int,
    seed: int,
    deviations: str,
    budget: int | None,
) -> pd.DataFrame:
    import numpy as np

    from hwbench.errors import HwbenchError
    from hwbench.simulation.joint import simulate_joint_selection

    for option, given in chosen.items():
        if given:
            raise HwbenchError(f"{option} goes with one --metric, not with {len(pairs)}")
    return simulate_joint_selection(
        pairs[0].accuracy,
        np.column_stack([pair.metric for pair in pairs]),
        n_candidates=candidates,
        deviation=deviation,
        repeats=repeats,
        seed=seed,
        deviations=deviations,
        budget=budget,
    )


def _print_summary(summary: pd.DataFrame) -> None:
    rows = [
        {
            "measure": row.Index,
            "median": f"{row.median:.3f}",
            "nine in ten": f"{row.least:.3f} .. {row.most:.3f}",
            "mean": f"{row.mean:.3f}",
            "95 % interval": f"{row.low:.3f} .. {row.high:.3f}",
        }
        for row in summary.itertuples()
    ]
    shown = ["measure", "median", "nine in ten", "mean", "95 % interval"]
    print_listing(rows, shown, as_json=False)
