"""`hwbench fit` and `hwbench predict`: fitted predictors as files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.output import AsJson, print_json, print_listing, progress_bar, working
from hwbench.errors import HwbenchError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from hwbench.arrays import IntArray
    from hwbench.predictors.model_file import ModelCard
    from hwbench.predictors.regressor import ArchitectureRegressor
    from hwbench.predictors.tuning import Tuning
    from hwbench.spaces import Space
    from hwbench.tables import Table, Target

MOST_HELD_OUT = 625
MOST_PRINTED = 1000
PREDICTED_AT_ONCE = 10_000

ArchitecturesFile = Annotated[
    Path | None,
    typer.Option(
        "--architectures",
        help="A .txt file with an architecture's string on each line, or a .csv or .parquet file.",
    ),
]
ArchColumn = Annotated[
    str | None, typer.Option(help="The column of strings in that file, where it is not 'arch'.")
]


def fit(
    target: Annotated[
        str,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="The measurements to learn from.",
            autocompletion=completion.columns,
        ),
    ],
    predictor: Annotated[
        str,
        typer.Option(
            help="A predictor's name, or the path of its card.",
            autocompletion=completion.predictors,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .hwb file to write.")],
    samples: Annotated[
        int | None, typer.Option(min=2, help="Fit to so many random architectures; all by default.")
    ] = None,
    architectures: ArchitecturesFile = None,
    arch_column: ArchColumn = None,
    encoding: Annotated[
        str | None, typer.Option(help="Features of an architecture; the predictor's by default.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Search hyper-parameters: so many configurations.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Search hyper-parameters: for so long at most.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="Another device's measurements, for predictors that learn from them; repeatable.",
            autocompletion=completion.columns,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of samples, search and model.")] = 0,
    description: Annotated[str, typer.Option(help="What a user of the model should know.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fit a predictor to measurements and save it.

    hwbench fit --target nb201-digits:latency --predictor xgboost --samples 500 -o latency.hwb

    Architectures that it was not fitted to, 625 at most, tell how well it ranks.
    """
    from hwbench.predictors import make_predictor
    from hwbench.predictors.model_file import save_model
    from hwbench.tables import load_target

    if output.suffix != ".hwb":
        raise HwbenchError(f"{output}: the name of a model's file must end in .hwb")
    if samples is not None and architectures is not None:
        raise HwbenchError("fit: give either --samples or --architectures")
    found = load_target(target)
    table, values = found.table, found.values
    model = make_predictor(
        predictor,
        space=table.space,
        seed=seed,
        encoding=encoding,
        tuning=_tuning(trials, seconds),
        **_sources(predictor, found, source or []),
    )
    if architectures is not None:
        chosen = read_architectures(table.space, architectures, arch_column)
        training = _rows_of(table, chosen, str(architectures))
    else:
        training = _training_rows(table, predictor, samples, seed)
    start = time.monotonic()
    with working(f"fitting {predictor} to {len(training)} architectures"):
        model.fit(table.archs[training], values[training])
    taken = time.monotonic() - start
    save_model(
        model,
        output,
        description=description,
        predictor=predictor,
        target=target,
        unit=found.unit,
        training_size=len(training),
    )
    told = {
        "predictor": predictor,
        "target": target,
        "unit": found.unit,
        "training_size": len(training),
        "seconds": round(taken, 3),
        **_searched(model),
        **_held_out_score(model, table, values, training, seed),
        "model": str(output),
    }
    if as_json:
        print_json(told)
    else:
        _say_fitted(told)


def predict(
    model: Annotated[Path, typer.Argument(help="A file that `hwbench fit` wrote.")],
    archs: Annotated[
        list[str] | None, typer.Argument(metavar="[ARCH]...", help="Architectures' strings.")
    ] = None,
    architectures: ArchitecturesFile = None,
    arch_column: ArchColumn = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Predict every architecture of the search space.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv or .parquet file to write.")
    ] = None,
    std: Annotated[
        bool, typer.Option("--std", help="Also the standard deviation of a new measurement.")
    ] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE", help="A module of yours that the model needs; repeatable."),
    ] = None,
    any_version: Annotated[
        bool, typer.Option("--any-version", help="Whatever library versions it was fitted with.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Predict architectures with a saved predictor.

    hwbench predict latency.hwb --all -o predictions.csv
    """
    from hwbench.predictors.model_file import load_model, read_model_card

    if sum((bool(archs), architectures is not None, everything)) != 1:
        raise HwbenchError("predict: give architectures, or --architectures FILE, or --all")
    if output is not None and output.suffix not in (".csv", ".parquet"):
        raise HwbenchError(f"{output}: the name must end in .csv or .parquet")
    card = read_model_card(model)
    if std and not card.uncertainty:
        raise HwbenchError(f"{model}: {card.estimator} predicts no standard deviations")
    fitted = load_model(model, trust or (), any_version=any_version)
    space = fitted.space
    if everything:
        wanted = space.all_architectures()
    elif architectures is not None:
        wanted = read_architectures(space, architectures, arch_column)
    else:
        wanted = space.from_strings(archs or ())
    if output is None and not as_json and len(wanted) > MOST_PRINTED:
        raise HwbenchError(
            f"predict: {len(wanted)} predictions are too many to be shown; give -o FILE or --json"
        )
    frame = _predictions(fitted, wanted, std=std)
    if output is not None:
        _write(frame, output)
        typer.echo(f"{len(frame)} predictions: {output}")
    else:
        _show(frame, card, as_json=as_json)


def _sources(predictor: str, target: Target, given: list[str]) -> dict[str, Any]:
    """The argument of a predictor that learns from other devices; none for others."""
    from hwbench.predictors import predictor_card
    from hwbench.study.sources import sources_for

    if not predictor_card(predictor).needs_sources:
        if given:
            raise HwbenchError(
                f"predictor {predictor} learns from no other device; --source is for those whose "
                "card says needs_sources, such as transfer_gaussian_process"
            )
        return {}
    if not given:
        raise HwbenchError(
            f"predictor {predictor} learns from other devices: name their columns with --source"
        )
    return {"sources": sources_for(target, given)}


# ---------------------------------------------------------------------- architectures


def read_architectures(space: Space, path: Path, column: str | None = None) -> IntArray:
    """The architectures whose strings a file lists.

    Parameters
    ----------
    space : that they are of.
    path : a `.txt` file with a string on each line, or a `.csv`, `.tsv` or `.parquet` file.
    column : that holds the strings; by default "arch", or the only one there is.

    Returns
    -------
    int64 array of shape (n_archs, n_positions).

    Raises
    ------
    HwbenchError
        Where the file cannot be read, has no such column, or a string is no architecture; the
        message says the line.
    """
    bare = path.suffix.lower() == ".txt"
    texts = _lines(path) if bare else _cells(space, path, column)
    rows = []
    for place, text in texts:
        try:
            rows.append(space.from_string(text))
        except HwbenchError as error:
            raise HwbenchError(f"{path}: {place}: {error}") from error
    if not rows:
        raise HwbenchError(f"{path}: holds no architecture")
    return space.check(rows)


def _lines(path: Path) -> list[tuple[str, str]]:
    """The lines that are not empty, each after its number."""
    try:
        if path.exists() and not path.is_file():
            raise HwbenchError(f"{path}: is no regular file")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise HwbenchError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise HwbenchError(f"{path}: cannot be read ({error})") from error
    numbered = ((f"line {number}", line.strip()) for number, line in enumerate(lines, start=1))
    return [(place, text) for place, text in numbered if text]


def _cells(space: Space, path: Path, column: str | None) -> list[tuple[str, str]]:
    """The cells of the column of strings, each after its row."""
    from hwbench.tables.own.files import read_rows

    rows = read_rows(path)
    columns = list(rows.frame)
    named = [name for name in columns if name.lower() == "arch"]
    found = column or (named[0] if len(named) == 1 else columns[0])
    if found not in columns:
        raise unknown_name(f"column of {path}", found, columns)
    if column is None and not named:
        if len(columns) > 1:
            raise HwbenchError(
                f"{path}: which column holds the architectures' strings? name it with --arch-column"
            )
        _refuse_header_that_is_an_architecture(space, path, found)
    if rows.faults:
        place, fault = next(iter(rows.faults.items()))
        raise HwbenchError(f"{path}: row {rows.numbers[place]}: {fault}")
    return [
        (f"row {number}", str(cell))
        for number, cell in zip(rows.numbers, rows.frame[found], strict=True)
    ]


def _refuse_header_that_is_an_architecture(space: Space, path: Path, header: str) -> None:
    try:
        space.from_string(header)
    except HwbenchError:
        return
    raise HwbenchError(
        f"{path}: has no header; a file of bare strings must have a name that ends in .txt"
    )


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


def _training_rows(
    table: Table, predictor: str, samples: int | None, seed: int
) -> NDArray[np.int64]:
    """Rows of a table to fit to: those drawn, or those that the predictor is made for."""
    import numpy as np

    from hwbench.predictors import predictor_card
    from hwbench.predictors.training_set import training_set

    own = training_set(predictor_card(predictor), table.space) if samples is None else None
    if own is not None:
        return _rows_of(table, own, f"what {predictor} is fitted to")
    if samples is not None and samples > len(table):
        raise HwbenchError(
            f"table {table.card.name} has {len(table)} architectures; {samples} were asked for"
        )
    order = np.random.default_rng([seed, len(table)]).permutation(len(table))
    return np.sort(order[:samples])


def _rows_of(table: Table, archs: IntArray, label: str) -> NDArray[np.int64]:
    """The rows of architectures in a table, each once, in the table's order."""
    import numpy as np
    import pandas as pd

    rows = pd.Index(table.keys).get_indexer(table.space.keys_of(archs))
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        raise HwbenchError(
            f"{label}: {len(missing)} architectures are not in table {table.card.name}, the first "
            f"is {table.space.to_string(archs[missing[0]])}"
        )
    return np.unique(rows).astype(np.int64)


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


def _held_out_score(
    model: ArchitectureRegressor,
    table: Table,
    values: NDArray[np.float64],
    training: NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    """Kendall's tau on architectures that the model was not fitted to, where there are two."""
    import numpy as np
    from scipy.stats import kendalltau

    others = np.setdiff1d(np.arange(len(table)), training)
    drawn = np.random.default_rng([seed, len(table), 1]).permutation(others)[:MOST_HELD_OUT]
    if len(drawn) < 2:
        return {}
    truth, prediction = values[drawn], model.predict(table.archs[drawn])
    constant = np.ptp(truth) == 0 or np.ptp(prediction) == 0
    tau = 0.0 if constant else float(kendalltau(truth, prediction).statistic)
    return {"held_out": len(drawn), "kendall_tau": tau}


def _say_fitted(told: dict[str, Any]) -> None:
    typer.echo(
        f"{told['predictor']} fitted to {told['training_size']} architectures of "
        f"{told['target']} [{told['unit']}] in {told['seconds']:.3g} s"
    )
    if "configurations" in told:
        chosen = ", ".join(f"{key}={value}" for key, value in told["chosen"].items())
        failed = told["configurations_failed"]
        typer.echo(
            f"best of {told['configurations']} configurations: {chosen or 'the defaults'}"
            f"{f'; {failed} failed' if failed else ''}"
            f"{'; ended by the time limit' if told['search_stopped_by_time'] else ''}"
        )
    if "held_out" in told:
        typer.echo(
            f"Kendall's tau on {told['held_out']} other architectures: {told['kendall_tau']:.3f}"
        )
    typer.echo(f"model: {told['model']}")


# ---------------------------------------------------------------------- predicting


def _predictions(fitted: ArchitectureRegressor, archs: IntArray, *, std: bool) -> pd.DataFrame:
    """A frame with the columns arch, prediction and, if asked for, deviation."""
    import numpy as np
    import pandas as pd

    parts = []
    with progress_bar("predicting") as update:
        for start in range(0, len(archs), PREDICTED_AT_ONCE):
            part = archs[start : start + PREDICTED_AT_ONCE]
            numbers = fitted.predict(part, return_std=True) if std else (fitted.predict(part),)
            parts.append(np.stack(numbers, axis=1))
            update(start + len(part), len(archs))
    names = ["prediction", "deviation"] if std else ["prediction"]
    frame = pd.DataFrame(np.concatenate(parts), columns=names)
    frame.insert(0, "arch", fitted.space.to_strings(archs))
    return frame


def _write(frame: pd.DataFrame, path: Path) -> None:
    from hwbench.files import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            frame.to_csv(temporary, index=False)
        else:
            frame.to_parquet(temporary, index=False)


def _show(frame: pd.DataFrame, card: ModelCard, *, as_json: bool) -> None:
    from rich.markup import escape

    rows: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()} for row in frame.to_dict("records")
    ]
    if not as_json:
        rows = [
            {key: value if key == "arch" else f"{value:.6g}" for key, value in row.items()}
            for row in rows
        ]
    unit = f" [{card.unit}]" if card.unit else ""
    title = escape(f"{card.target or card.predictor or card.estimator}{unit}")
    print_listing(rows, list(frame), as_json=as_json, title=title, wrap=False)
