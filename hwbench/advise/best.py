"""From measurements to the predictor that ranks them best, fitted, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from hwbench.advise.comparison import bent_predictions, check_enough, compare
from hwbench.advise.data import Measured, read_data
from hwbench.advise.measurements import Measurements
from hwbench.advise.presets import DEFAULT, PRESETS
from hwbench.advise.words import warnings_of
from hwbench.advise.work import WorkBudget
from hwbench.arguments import checks_arguments
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.predictors.fitted_model import FittedModel
from hwbench.predictors.fitting import fit_and_test, rows_to_test
from hwbench.progress import StageProgress, silent_stage
from hwbench.spaces import Space
from hwbench.tables import Table, Target
from hwbench.tables.own.options import Reading
from hwbench.threads import one_thread


@checks_arguments("fit_best")
def fit_best(
    data: Path | str | pd.DataFrame | Table | Target | Measurements,
    space: Space | str | None = None,
    *,
    target: str | None = None,
    preset: str = DEFAULT,
    unit: str | None = None,
    direction: str | None = None,
    arch_column: str | None = None,
    duplicates: str = "auto",
    on_bad_rows: str = "refuse",
    missing_values: str = "refuse",
    reading: Reading | None = None,
    samples: PositiveInt | None = None,
    predictors: Sequence[str] | None = None,
    workers: PositiveInt = 1,
    seed: int = 0,
    description: str = "",
    stage: StageProgress = silent_stage,
) -> FittedModel:
    """Cross-validate predictors on measurements, and fit the best of them.

    The rules are those of `advise_on`, which says more of the same choice: what twice the
    measurements would bring, and what a search by the model loses.

    Parameters
    ----------
    data : a file or a frame with a column of architectures and one of numbers; a table, the name of
        one, or a column of one as "table:column"; or what `read_measurements` has read.
    space : the search space of the architectures; a table's is known.
    target : the column of numbers, where there are several.
    preset : how much is cross-validated, an amount of work that is the same on every machine:
        "fast", the predictors that are usually best, once each; "good", the zoo, and the best of it
        ten times; "best", all there is. See `hwbench.advise.presets.PRESETS`.
    unit, direction, arch_column : of a file or frame, where it does not tell, see
        `hwbench.advise.measurements.read_measurements`.
    duplicates, on_bad_rows, missing_values, reading : likewise; of a table `missing_values="keep"`
        leaves out the architectures that were not measured.
    samples : fit to so many random architectures, and test on others, 625 at most; all by default.
    predictors : names to choose from, "name:encoding" for one encoding; the whole zoo by default.
    workers : processes; no number depends on them.
    seed : of samples, folds and models: the same data, preset and seed give the same model.
    description : what a user of the model should know, kept in its card.
    stage : given a title, what is told of the progress of that stage.

    Returns
    -------
    The model: `leaderboard()` says what it was chosen among and why, `expected_tau` how well it
    ranks other architectures, with a 90 % interval, `card.warnings` what speaks against relying on
    it; `predict` takes architectures as texts, and `save` writes it.

    Raises
    ------
    HwbenchError
        Where the data cannot be read, or several columns could be meant; there are fewer than 10
        architectures, or all values are equal; or a name is unknown.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    chosen = PRESETS[preset]
    found = read_data(
        data,
        space,
        target=target,
        unit=unit,
        direction=direction,
        arch_column=arch_column,
        duplicates=duplicates,
        on_bad_rows=on_bad_rows,
        missing_values=missing_values,
        reading=reading,
    )
    training = _drawn(np.arange(len(found.measurements)), samples, seed, found)
    compared_on = found.measurements.taken(_drawn(training, chosen.rows, seed))
    check_enough(
        compared_on,
        to_begin="hwbench.suggest_architectures, or hwbench advise --suggest, proposes which to "
        "measure",
    )
    compared = compare(
        compared_on,
        WorkBudget(chosen.work, len(compared_on)),
        predictors=predictors,
        workers=workers,
        seed=seed,
        progress=stage("cross-validating"),
    )
    own = found.target
    with one_thread():
        fitted = fit_and_test(
            compared.unfitted(),
            own,
            training,
            rows_to_test(own.table, training, seed),
            description=description,
            **compared.card,
        )
        bent = bent_predictions(compared_on, fitted.regressor, seed)
    return fitted.with_card(warnings=warnings_of(compared, *bent))


def _drawn(rows: IntArray, most: int | None, seed: int, found: Measured | None = None) -> IntArray:
    """So many of some rows, at random, in their order; all where there are no more."""
    if found is not None and most is not None and most > len(rows):
        raise HwbenchError(
            f"{found.measurements.label} has {len(rows)} architectures; {most} samples were asked "
            "for"
        )
    order = np.random.default_rng([seed, len(rows)]).permutation(rows)
    return np.sort(order[:most])
