"""Fitting a predictor of the zoo to a column of a table, and testing it on what it did not see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.fit_quality import quality_of
from hwbench.predictors.fitted_model import FittedModel, data_digest
from hwbench.predictors.make import make_predictor
from hwbench.predictors.regressor import ArchitectureRegressor, Transform
from hwbench.predictors.sources import sources_for
from hwbench.predictors.training_set import training_set
from hwbench.predictors.transfer import SourceMetrics
from hwbench.predictors.tuning import Tuning, rank_agreement
from hwbench.results.relative_scores import relative_scores
from hwbench.tables import Table, Target, load_target

MOST_HELD_OUT = 625
"""Architectures that a fitted model is tested on at most."""


def fit_model(
    target: str | Target,
    predictor: str,
    *,
    samples: int | None = None,
    archs: ArrayLike | None = None,
    encoding: str | None = None,
    tuning: Tuning | None = None,
    sources: Sequence[str] = (),
    source_samples: int | None = None,
    seed: int = 0,
    description: str = "",
    target_transform: Transform | None = None,
) -> FittedModel:
    """Fit a predictor to measurements, and test it on architectures that it was not fitted to.

    Parameters
    ----------
    target : "table:column", the measurements to learn from; or a column of a table at hand, such as
        `Target.of(own_table("my.csv", space="nasbench201", name="mine")[0], "latency")`.
    predictor : its name, or the path of its card.
    samples : fit to so many random architectures of the table; all by default. A predictor with a
        training set of its own (the lookup table) takes that where neither `samples` nor `archs` is
        given.
    archs : fit to these instead, integers of shape (n_archs, n_positions), or texts.
    encoding : features of an architecture; the predictor's by default.
    tuning : how much the fit searches hyper-parameters; by default it does not.
    sources : "table:column" each, other devices' measurements, for predictors that learn from them.
    source_samples : architectures of each source that are learned from, at most: those that are
        fitted to first, then others at random, none of those that the model is tested on. By
        default all that a source has, those tested on too: the model is then tested as it is used,
        on architectures that other devices have measured.
    seed : of samples, search, model, and the architectures that it is tested on.
    description : what a user of the model should know, kept in its card.
    target_transform : what is learned of the target, "raw", "log", "rank" or "auto"; by default
        what the predictor's card says.

    Returns
    -------
    The model with its card: target, unit, training architectures, and Kendall's tau on 625 others
    at most (none where fewer than two are left; then that of a cross-validation, where the
    predictor is quick to fit), beside what costs no measurement, and in `card.warnings` what is
    wrong with the fit.

    Warns
    -----
    WeakFitWarning
        For each of `card.warnings`: it ranks poorly, or worse than the number of FLOPs, or lacks
        the architectures that its model is made for.

    Raises
    ------
    HwbenchError
        Where a name is unknown, the table lacks an architecture or has too few, or sources are
        given to a predictor that learns from none, or none to one that needs them.
    """
    if samples is not None and archs is not None:
        raise HwbenchError("fit: give either samples or architectures")
    if source_samples is not None and source_samples < 2:
        raise HwbenchError(f"fit: source_samples must be at least 2, not {source_samples}")
    found = load_target(target) if isinstance(target, str) else target
    table = found.table
    card = predictor_card(predictor)
    training = _training_rows(table, predictor, card, samples, archs, seed)
    tested = rows_to_test(table, training, seed)
    learned_from = _sources(card, predictor, found, sources)
    if learned_from is not None and source_samples is not None:
        learned_from = learned_from.sampled(
            source_samples, first=table.archs[training], never=table.archs[tested], seed=seed
        )
    given: dict[str, Any] = {} if learned_from is None else {"sources": learned_from}
    model = make_predictor(
        predictor,
        space=table.space,
        seed=seed,
        encoding=encoding,
        tuning=tuning,
        card=card,
        target_transform=target_transform,
        **given,
    )
    fitted = fit_and_test(
        model, found, training, tested, description=description, predictor=predictor
    )
    quality = quality_of(
        predictor, model, table.archs, found.values, training, tested, fitted.card.kendall_tau
    )
    return replace(fitted, card=fitted.card.model_copy(update=quality))


def fit_and_test(
    model: ArchitectureRegressor,
    target: Target,
    training: IntArray,
    tested: IntArray,
    **said: Any,
) -> FittedModel:
    """Fit a regressor to rows of a target, test it on others, and give it its card.

    Parameters
    ----------
    model : unfitted; it is fitted.
    target : the measurements.
    training, tested : rows of its table, int64 of shape (n_rows,).
    **said : what its card says besides, see `FittedModel.of`.
    """
    table, values = target.table, target.values
    start = time.monotonic()
    model.fit(table.archs[training], values[training])
    seconds = time.monotonic() - start
    held_out, tau, relative = _tested(model, table, values, tested)
    archs = table.archs[training]
    return FittedModel.of(
        model,
        target=target.key,
        unit=target.unit,
        direction=target.direction,
        training_archs=archs,
        data_sha256=data_digest(table.space.to_strings(archs), values[training]),
        held_out=held_out,
        kendall_tau=tau,
        relative_scores=relative,
        fit_seconds=seconds,
        **said,
    )


def _sources(
    card: PredictorCard, predictor: str, target: Target, given: Sequence[str]
) -> SourceMetrics | None:
    """What a predictor learns from that learns from other devices; None for others."""
    if not card.needs_sources:
        if given:
            raise HwbenchError(
                f"predictor {predictor} learns from no other device; sources are for those whose "
                "card says needs_sources, such as transfer_gaussian_process"
            )
        return None
    if not given:
        raise HwbenchError(
            f"predictor {predictor} learns from other devices: name their columns as sources "
            "(--source)"
        )
    return sources_for(target, given)


def _training_rows(
    table: Table,
    predictor: str,
    card: PredictorCard,
    samples: int | None,
    archs: ArrayLike | None,
    seed: int,
) -> IntArray:
    """Rows of a table to fit to: those asked for, drawn, or that the predictor is made for."""
    if archs is not None:
        return _rows_of(table, table.space.check(archs), "fit")
    own = training_set(card, table.space) if samples is None else None
    if own is not None:
        return _rows_of(table, own, f"what {predictor} is fitted to")
    if samples is not None and not 2 <= samples <= len(table):
        raise HwbenchError(
            f"table {table.card.name} has {len(table)} architectures, and a fit needs 2 at least; "
            f"{samples} were asked for"
        )
    order = np.random.default_rng([seed, len(table)]).permutation(len(table))
    return np.sort(order[:samples])


def _rows_of(table: Table, archs: IntArray, label: str) -> IntArray:
    """The rows of architectures in a table, each once, in the table's order."""
    rows = table.space.rows_among(archs, table.keys)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        raise HwbenchError(
            f"{label}: {len(missing)} architectures are not in table {table.card.name}, the first "
            f"is {table.space.to_string(archs[missing[0]])}"
        )
    return np.unique(rows)


def rows_to_test(table: Table, training: IntArray, seed: int) -> IntArray:
    """Rows of a table, not fitted to, that a model is tested on."""
    others = np.setdiff1d(np.arange(len(table)), training)
    return np.random.default_rng([seed, len(table), 1]).permutation(others)[:MOST_HELD_OUT]


def _tested(
    model: ArchitectureRegressor, table: Table, values: Floats, drawn: IntArray
) -> tuple[int | None, float | None, dict[str, float]]:
    """How many other architectures a model was tested on, Kendall's tau and errors in % there."""
    if len(drawn) < 2:
        return None, None, {}
    predicted = np.asarray(model.predict(table.archs[drawn]), dtype=np.float64)
    relative = relative_scores(values[drawn], predicted)
    known = {name: value for name, value in relative.items() if np.isfinite(value)}
    return len(drawn), rank_agreement(values[drawn], predicted), known
