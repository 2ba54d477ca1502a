"""Selecting by real predictors, fitted on measured architectures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.fronts.two import pareto_front
from hwbench.progress import Progress, silent
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.selection import evaluate_selection
from hwbench.simulation.spec import SimulationSpec
from hwbench.tables.pairs import Pair
from hwbench.workers.pool import run_in_order


def fitted_selections(
    spec: SimulationSpec,
    pairs: Sequence[Pair],
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Simulate the selections by a spec's real predictors.

    Returns
    -------
    Rows as in `SimulationResult.selections`; `deviation` is the measured one of the predictor's
    errors on the candidates.

    Raises
    ------
    HwbenchError
        Where a predictor is unknown or cannot be fitted to so many architectures.
    """
    units = [
        _Fit(number, predictor, size, fit)
        for number in range(len(pairs))
        for predictor in spec.predictors
        for size in spec.training_sizes
        for fit in range(spec.fits)
    ]
    rows: list[dict[str, Any]] = []
    with closing(run_in_order(_Fitting(spec, pairs), units, workers=workers)) as stream:
        for done, ended in enumerate(stream, start=1):
            if ended.lost is not None:
                unit = ended.unit
                raise HwbenchError(
                    f"simulation: fitting {unit.predictor} to {unit.training_size} architectures "
                    f"of {pairs[unit.pair].metric_target} has no result ({ended.lost.reason})"
                )
            rows += ended.result
            progress(done, len(units))
    return pd.DataFrame(rows)


class _Fit(NamedTuple):
    """One predictor fitted once; `pair` is a place among the pairs."""

    pair: int
    predictor: str
    training_size: int
    repeat: int


@dataclass(frozen=True)
class _Fitting:
    """What each fit needs besides itself."""

    spec: SimulationSpec
    pairs: Sequence[Pair]

    def __call__(self, unit: _Fit) -> list[dict[str, Any]]:
        spec, pair = self.spec, self.pairs[unit.pair]
        return select_by_fitted(
            pair,
            unit.predictor,
            unit.training_size,
            spec.n_candidates,
            repeat=unit.repeat,
            seed=(spec.seed, unit.pair),
            conventions=spec.conventions[0],
            limit=spec.limits.get(pair.metric_target),
            budget=spec.budget,
        )


def select_by_fitted(
    pair: Pair,
    predictor: str,
    training_size: int,
    n_candidates: Sequence[int],
    *,
    repeat: int,
    seed: Sequence[int],
    conventions: Conventions,
    limit: float | None = None,
    budget: int | None = None,
) -> list[dict[str, Any]]:
    """Fit a zoo entry to random architectures and select by what it predicts.

    Parameters
    ----------
    pair : accuracy and metric of a table.
    predictor : name of a zoo entry.
    training_size : architectures that are measured to fit it; a predictor with a training set of
        its own (the lookup table) takes that.
    n_candidates : numbers of candidates; drawn from the whole table, what was measured included.
    repeat, seed : the fit is a function of (seed, training_size, repeat).
    conventions, limit, budget : see `simulate_selection`; the limit in the metric's unit.

    Returns
    -------
    A row for each number of candidates.
    """
    from hwbench.predictors import make_predictor, predictor_card
    from hwbench.predictors.training_set import training_set

    card = predictor_card(predictor)
    if card.needs_sources:
        raise HwbenchError(
            f"predictor {predictor} learns from other devices; a simulation fits it to one metric"
        )
    if training_size > len(pair):
        raise HwbenchError(
            f"{training_size} architectures to fit {predictor} to, but {pair.metric_target} "
            f"has {len(pair)}"
        )
    generator = np.random.default_rng([*seed, training_size, repeat])
    archs = pair.archs
    training = generator.permutation(len(pair))[:training_size]
    own = training_set(card, pair.space)
    if own is not None:
        training = _rows_of(pair, own, predictor)
    model = make_predictor(predictor, space=pair.space, seed=repeat)
    model.fit(archs[training], pair.metric[training])
    mean, scale = pair.metric.mean(), pair.metric.std()
    metric = (pair.metric - mean) / scale
    predicted = (np.asarray(model.predict(archs), dtype=np.float64) - mean) / scale
    reference = None
    if conventions.reference_front == "space":
        front = pareto_front(pair.accuracy, metric)
        reference = pair.accuracy[front], metric[front]
    rows = []
    for n in n_candidates:
        chosen = generator.permutation(len(pair))[:n]
        measures = evaluate_selection(
            pair.accuracy[chosen],
            metric[chosen],
            predicted[chosen],
            reference=reference,
            hypervolume_reference=conventions.hypervolume_reference,
            hypervolume_limit=1.1 * float(metric.max()),
            limit=None if limit is None else (pair.sign * limit - mean) / scale,
            budget=budget,
        )
        del measures["selected"]
        key = {
            "accuracy_target": pair.accuracy_target,
            "metric_target": pair.metric_target,
            "pairing": conventions.pairing,
            "predictor": predictor,
            "training_size": len(training),
            "n_candidates": n,
            "deviation": float(np.std(predicted[chosen] - metric[chosen])),
            "repeat": repeat,
        }
        rows.append(key | measures)
    return rows


def _rows_of(pair: Pair, archs: IntArray, predictor: str) -> IntArray:
    """The rows of the architectures that a predictor is fitted to by its own choice."""
    rows = pair.space.rows_among(archs, pair.keys)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        raise HwbenchError(
            f"{pair.metric_target} lacks architectures that {predictor} is fitted to, such as "
            f"{pair.space.to_string(archs[missing[0]])}"
        )
    return rows
