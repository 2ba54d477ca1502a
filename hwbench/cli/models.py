"""`hwbench fit` and `hwbench predict`: fitted predictors as files."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.best import best_of, check_goes_with, show_leaderboard
from hwbench.cli.fit_target import better_fit, fit_source
from hwbench.cli.measurement_files import (
    ArchColumn,
    ArchFormat,
    BadRows,
    Decimal,
    Direction,
    Duplicates,
    HeaderLine,
    MeasuredValues,
    Metric,
    Missing,
    MissingCells,
    NoHeader,
    Pool,
    Repeats,
    Sheet,
    Thousands,
    Unit,
    Where,
    complete_commands,
    reading_of,
)
from hwbench.cli.output import (
    AsJson,
    Seed,
    Workers,
    left_out_said,
    print_json,
    print_listing,
    progress_bar,
    tell,
    warn,
    working,
)
from hwbench.cli.output_paths import FRAME, output_file
from hwbench.errors import HwbenchError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from hwbench.advise.measurements import Measurements
    from hwbench.arrays import IntArray
    from hwbench.predictors.fitted_model import FittedModel
    from hwbench.predictors.model_card import ModelCard
    from hwbench.predictors.regressor import ArchitectureRegressor, Transform
    from hwbench.predictors.tuning import Tuning
    from hwbench.spaces import Space
    from hwbench.tables import Target

MOST_PRINTED = 1000

ArchitecturesFile = Annotated[
    Path | None,
    typer.Option(
        "--architectures",
        metavar="FILE",
        help="A .txt file with an architecture on each line, or a file as measurements are in; by "
        "default none.",
    ),
]


def fit(
    target: Annotated[
        str,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="The measurements to learn from; with --space a file of your own, as `hwbench "
            "advise` reads it.",
            autocompletion=completion.columns,
        ),
    ],
    output: Annotated[Path, output_file("The .hwb file to write.", suffixes=(".hwb",))],
    predictor: Annotated[
        str | None,
        typer.Option(
            metavar="PREDICTOR",
            help="A predictor's name (hwbench predictors list), or the path of its card; by "
            "default the best is looked for.",
            autocompletion=completion.predictors,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How much is cross-validated to find the best predictor: fast, good or best; good "
            "by default. Of each the work is the same on every machine.",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="N", help="Fit to so many random architectures; by default to all."
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="The search space of the measurements in your own file; by default that of the "
            "table.",
            autocompletion=completion.spaces,
        ),
    ] = None,
    metric: Metric = None,
    unit: Unit = None,
    direction: Direction = None,
    duplicates: Duplicates = None,
    bad_rows: BadRows = None,
    missing_values: MissingCells = None,
    where: Where = None,
    pool: Pool = None,
    repeats: Repeats = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    missing: Missing = None,
    measured: MeasuredValues = None,
    no_header: NoHeader = False,
    header_line: HeaderLine = None,
    sheet: Sheet = None,
    architectures: ArchitecturesFile = None,
    arch_column: ArchColumn = None,
    arch_format: ArchFormat = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The features of an architecture; by default the predictor's."
        ),
    ] = None,
    target_transform: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Learn the target as it is (raw), its log, its rank, or what of these ranks "
            "held-out rows best (auto); by default what the predictor's card says.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Search hyper-parameters: try so many configurations; by default none.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Search hyper-parameters for so many seconds at most; by default not at all.",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="Another device's measurements, for predictors that learn from them; by default "
            "none; repeatable.",
            autocompletion=completion.columns,
        ),
    ] = None,
    source_samples: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Architectures of each --source to learn from, at most, none of them those "
            "that the model is tested on; by default all that it has.",
        ),
    ] = None,
    seed: Seed = 0,
    description: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What a user of the model should know; by default nothing."
        ),
    ] = "",
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Fit a predictor to measurements, the best or a named one, and save it.

    hwbench fit --target my.csv --space nasbench201 -o my.hwb

    hwbench fit --target nb201-digits:latency --predictor xgboost --samples 500 -o latency.hwb

    Without --predictor the zoo is cross-validated, as `hwbench advise` does it, and what ranks best
    is fitted. Architectures that it was not fitted to, 625 at most, tell how well it ranks.
    """
    from hwbench.predictors.model_archive import checked_model_path

    checked_model_path(output)
    check_goes_with(
        predictor,
        preset,
        architectures=architectures,
        encoding=encoding,
        target_transform=target_transform,
        trials=trials,
        seconds=seconds,
        source=source,
    )
    found = fit_source(
        target,
        space,
        reading={
            "decimal": decimal,
            "thousands": thousands,
            "where": where,
            "pool": pool,
            "repeats": repeats,
            "missing": missing,
            "measured": measured,
            "no_header": no_header,
            "header_line": header_line,
            "sheet": sheet,
        },
        arch_format=arch_format,
        metric=metric,
        unit=unit,
        direction=direction,
        arch_column=arch_column,
        duplicates=duplicates,
        bad_rows=bad_rows,
        missing_values=missing_values,
    )
    if samples is not None and architectures is not None:
        raise HwbenchError("fit: give either --samples or --architectures")
    if source_samples is not None and not source:
        raise HwbenchError("fit: --source-samples says how much of each --source; give one")
    if predictor is None:
        fitted = best_of(found, preset, samples, workers, seed, description)
    else:
        fitted = _fit_named(
            found,
            predictor,
            target,
            architectures=(architectures, arch_column, arch_format),
            samples=samples,
            encoding=encoding,
            tuning=_tuning(trials, seconds),
            sources=source or (),
            source_samples=source_samples,
            seed=seed,
            description=description,
            target_transform=_transform(target_transform),
        )
    fitted.save(output)
    card = fitted.card
    told = {
        **card.model_dump(include={"predictor", "target", "unit", "training_size"}),
        "seconds": round(fitted.fit_seconds or 0.0, 3),
        **_searched(fitted.regressor),
        **card.model_dump(include={"held_out", "kendall_tau"}, exclude_none=True),
        **card.relative_scores,
        **card.model_dump(include={"cross_validated_tau"}, exclude_none=True),
        "baselines": card.baselines,
        "warnings": list(card.warnings),
        **card.model_dump(include={"summary", "expected_tau"}, exclude_defaults=True),
        "model": str(output),
        **({"needs_trust": list(fitted.needs_trust)} if fitted.needs_trust else {}),
    }
    if as_json:
        board = [row.model_dump() for row in card.leaderboard]
        print_json({**told, **({"leaderboard": board} if board else {})})
    else:
        if card.leaderboard:
            show_leaderboard(card)
        _say_fitted(told)
    if card.warnings and predictor is not None:
        better = better_fit(sys.argv[1:], card, target, samples)
        warn("; ".join([*card.warnings, better]))


def _fit_named(
    found: Target | Measurements,
    predictor: str,
    target: str,
    *,
    architectures: tuple[Path | None, str | None, str | None],
    **options: Any,
) -> FittedModel:
    """Fit a named predictor; the architectures of a file, its column and their code, if given."""
    from hwbench.advise.measured_target import measured_target
    from hwbench.predictors.fit_quality import WeakFitWarning
    from hwbench.predictors.fitting import fit_model
    from hwbench.tables import Target

    archs = None
    file, arch_column, arch_format = architectures
    if file is not None:
        from hwbench.tables.own.archs import read_archs

        with complete_commands():
            reading = reading_of(arch_format=arch_format)
            archs = read_archs(found.space, file, arch_column, reading)
    own = found if isinstance(found, Target) else measured_target(found)
    seconds = options["tuning"].seconds if options["tuning"] is not None else None
    with (
        working(f"fitting {predictor} to {target}", seconds=seconds),
        left_out_said(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", WeakFitWarning)  # it is said with the command
        return fit_model(own, predictor, archs=archs, **options)


def _transform(kind: str | None) -> Transform | None:
    from hwbench.predictors.regressor import TRANSFORMS

    if kind is None:
        return None
    for each in TRANSFORMS:
        if each == kind:
            return each
    raise unknown_name("target transform", kind, TRANSFORMS)


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A file that `hwbench fit` wrote.")
    ],
    archs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARCH",
            help="Architectures: the space's strings, or another code; by default those of "
            "--architectures or --all.",
        ),
    ] = None,
    architectures: ArchitecturesFile = None,
    arch_column: ArchColumn = None,
    arch_format: ArchFormat = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Predict every architecture of the search space.")
    ] = False,
    output: Annotated[
        Path | None,
        output_file(
            "A .csv or .parquet file to write; by default predictions are printed.", suffixes=FRAME
        ),
    ] = None,
    std: Annotated[
        bool, typer.Option("--std", help="Give the standard deviation of a new measurement too.")
    ] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="A package whose classes the model is made of, where it is of no predictor of "
            "hwbench; by default none, for the file may run anything in it; repeatable.",
        ),
    ] = None,
    any_version: Annotated[
        bool,
        typer.Option(
            "--any-version", help="Predict whatever versions of libraries it was fitted with."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Predict architectures with a saved predictor.

    hwbench predict latency.hwb --all -o predictions.csv

    hwbench predict latency.hwb --architectures mine.txt --std --json
    """
    from hwbench.predictors.model_file import load_model, read_model_card
    from hwbench.tables.own.archs import read_archs

    if sum((bool(archs), architectures is not None, everything)) != 1:
        raise HwbenchError("predict: give architectures, or --architectures FILE, or --all")
    card = read_model_card(model)
    if std and not card.uncertainty:
        raise HwbenchError(f"{model}: {card.estimator} predicts no standard deviations")
    fitted = load_model(model, trust or (), any_version=any_version)
    space = fitted.space
    if everything:
        wanted = space.all_architectures()
    elif architectures is not None:
        with complete_commands():
            reading = reading_of(arch_format=arch_format)
            wanted = read_archs(space, architectures, arch_column, reading)
    else:
        wanted = _archs_of(space, archs or [], arch_format)
    if output is None and not as_json and len(wanted) > MOST_PRINTED:
        raise HwbenchError(
            f"predict: {len(wanted)} predictions are too many to be shown; give -o FILE or --json"
        )
    frame = _predictions(fitted, wanted, std=std)
    if output is not None:
        from hwbench.results.frames import write_frame

        write_frame(output, frame)
        if as_json:
            print_json({"predictions": len(frame), "unit": card.unit, "file": str(output)})
        else:
            tell(f"{len(frame)} predictions: {output}")
    else:
        _show(frame, card, as_json=as_json)


def _archs_of(space: Space, texts: list[str], arch_format: str | None) -> IntArray:
    """Architectures that the command line names, in whatever code."""
    from hwbench.tables.own.archs import archs_of_texts

    with complete_commands():
        return archs_of_texts(space, texts, "predict", arch_format)


# ---------------------------------------------------------------------- fitting


def _tuning(trials: int | None, seconds: float | None) -> Tuning | None:
    if trials is None and seconds is None:
        return None
    from hwbench.predictors.tuning import Tuning
    from hwbench.toml import validated

    given = {"trials": trials, "seconds": seconds}
    return validated(
        {key: value for key, value in given.items() if value is not None}, Tuning, where="fit"
    )


def _searched(model: ArchitectureRegressor) -> dict[str, Any]:
    record = model.tuning_
    if record is None:
        return {}
    return {
        "configurations": len(record.scores),
        "configurations_failed": len(record.errors),
        "search_stopped_by_time": record.stopped_by_time,
        "chosen": record.best,
    }


def _say_fitted(told: dict[str, Any]) -> None:
    tell(
        f"{told['predictor']} fitted to {told['training_size']} architectures of "
        f"{told['target']} [{told['unit']}] in {told['seconds']:.3g} s"
    )
    if "configurations" in told:
        chosen = ", ".join(f"{key}={value}" for key, value in told["chosen"].items())
        failed = told["configurations_failed"]
        tell(
            f"best of {told['configurations']} configurations: {chosen or 'the defaults'}"
            f"{f'; {failed} failed' if failed else ''}"
            f"{'; ended by the time limit' if told['search_stopped_by_time'] else ''}"
        )
    if "summary" in told:
        tell(told["summary"])
    if "expected_tau" in told:
        tau = told["expected_tau"]
        of = "" if tau["rows"] == told["training_size"] else f", by {tau['rows']} of these"
        tell(
            f"Kendall's tau to expect on other architectures: {tau['value']:.2f} "
            f"({tau['low']:.2f} to {tau['high']:.2f}, 90 % interval{of})"
        )
    if "expected_tau" in told:
        for warning in told["warnings"]:
            tell(f"Beware: {warning}")
    if "held_out" in told:
        tell(f"Kendall's tau on {told['held_out']} other architectures: {told['kendall_tau']:.3f}")
    if "cross_validated_tau" in told:
        tell(f"Kendall's tau in a cross-validation: {told['cross_validated_tau']:.3f}")
    if told["baselines"]:
        free = ", ".join(f"{title} {tau:.3f}" for title, tau in told["baselines"].items())
        tell(f"For comparison, on the same architectures: {free}")
    if "rmspe" in told:
        tell(
            f"{told['within_5_percent']:.0f} % of predictions there are within 5 %, "
            f"{told['within_10_percent']:.0f} % within 10 % of the measurement; "
            f"RMSPE {told['rmspe']:.3g} %"
        )
    trust = "".join(f" --trust {package}" for package in told.get("needs_trust", ()))
    tell(
        f"model: {told['model']}"
        + (f"; who reads it must trust it: hwbench predict {told['model']}{trust}" if trust else "")
    )


# ---------------------------------------------------------------------- predicting


def _predictions(fitted: FittedModel, archs: IntArray, *, std: bool) -> pd.DataFrame:
    """A frame with the columns arch, prediction and, if asked for, deviation."""
    from hwbench.predictors.impossible import ImpossiblePredictionWarning

    with progress_bar("predicting") as update, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ImpossiblePredictionWarning)
        frame = fitted.predict_frame(archs, return_std=std, progress=update)
    for each in caught:
        warn(str(each.message))
    return frame


def _show(frame: pd.DataFrame, card: ModelCard, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()} for row in frame.to_dict("records")
    ]
    if not as_json:
        rows = [
            {key: value if key == "arch" else f"{value:.6g}" for key, value in row.items()}
            for row in rows
        ]
    unit = f" [{card.unit}]" if card.unit else ""
    title = f"{card.target or card.predictor or card.estimator}{unit}"
    print_listing(rows, list(frame), as_json=as_json, title=title, wrap=False)
