"""Simulating selections on tables: every metric, number of candidates and deviation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats
from hwbench.errors import unknown_name, unknown_number
from hwbench.fronts.two import pareto_front
from hwbench.progress import Progress, silent
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import (
    DeviationModel,
    bootstrap_model,
    deviation_model,
    draw_deviations,
)
from hwbench.simulation.fitted import fitted_selections
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.selection import (
    Options,
    as_frame,
    block_length,
    evaluate_selection,
    simulate,
)
from hwbench.simulation.spec import Bootstrap, SimulationSpec
from hwbench.simulation.spread import error_spread
from hwbench.tables.pairs import Pair

REPEATS_OF_A_TASK = 256


@dataclass(frozen=True)
class SimulationResult:
    """What a simulation found.

    Attributes
    ----------
    selections : a row a repeat, see `simulate_selection`, with its accuracy and metric target,
        pairing, predictor and training size (None and 0 for simulated predictors), number of
        candidates and deviation.
    example : one selection in full, a row a candidate.
    notes : what was done to the columns before, see `hwbench.tables.pairs`.
    """

    selections: pd.DataFrame
    example: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Point:
    """Simulated predictors of all deviations on one metric with one number of candidates."""

    pair: Pair
    landscape: Landscape
    options: Options
    n_candidates: int
    seed: tuple[int, int]

    def tasks(self, repeats: int) -> Iterator[tuple[int, int]]:
        """First repeat and number of repeats of each task: whole blocks of random numbers."""
        block = block_length(self.n_candidates, self.options.model)
        length = max(1, REPEATS_OF_A_TASK // block) * block
        for first in range(0, repeats, length):
            yield first, min(length, repeats - first)


def run_simulation(
    spec: SimulationSpec, *, workers: int = 1, progress: Progress = silent
) -> SimulationResult:
    """Simulate all selections of a spec.

    Parameters
    ----------
    spec : what to simulate.
    workers : how many at a time; the results do not depend on it.
    progress : called with (tasks done, tasks in all).

    Raises
    ------
    HwbenchError
        Where a target is unknown, or more candidates are asked for than there are architectures.
    """
    from joblib import Parallel, delayed

    pairs = load_pairs(spec)
    points = list(_points(spec, pairs))
    tasks = [(point, *task) for point in points for task in point.tasks(spec.repeats)]
    n_fitted = len(pairs) * len(spec.predictors) * len(spec.training_sizes) * spec.fits
    progress(0, len(tasks) + n_fitted)
    # Threads: the compiled code runs without the interpreter's lock.
    parallel = Parallel(n_jobs=workers, prefer="threads", return_as="generator")
    results: dict[int, list[Floats]] = {}
    jobs = (delayed(_simulate)(spec, *task) for task in tasks)
    for done, (task, result) in enumerate(zip(tasks, parallel(jobs), strict=True), start=1):
        results.setdefault(id(task[0]), []).append(result)
        progress(done, len(tasks) + n_fitted)
    frames = [_frame(spec, point, np.concatenate(results[id(point)])) for point in points]
    if n_fitted:
        frames.append(
            fitted_selections(
                spec,
                pairs,
                workers=workers,
                progress=lambda done, _: progress(len(tasks) + done, len(tasks) + n_fitted),
            )
        )
    notes = dict.fromkeys(note for pair in pairs for note in pair.notes)
    return SimulationResult(
        pd.concat(frames, ignore_index=True), _example(spec, pairs[0]), tuple(notes)
    )


def load_pairs(spec: SimulationSpec) -> list[Pair]:
    """Accuracy and metric of each metric of a spec.

    Raises
    ------
    HwbenchError
        Where a target is unknown, more candidates are asked for than there are architectures, or
        none of these keeps a limit.
    """
    pairs = [
        Pair.load(accuracy, metric, disconnected=spec.disconnected)
        for accuracy, metric in zip(spec.accuracies, spec.metrics, strict=True)
    ]
    for each in pairs:
        each.check_candidates(max(spec.n_candidates))
        if each.metric_target in spec.limits:
            each.check_limit(spec.limits[each.metric_target])
    return pairs


def options_of(spec: SimulationSpec, pair: Pair, conventions: Conventions) -> Options:
    """What a spec says about selections on one metric."""
    limit = spec.limits.get(pair.metric_target)
    return Options(
        _model(spec, pair),
        conventions,
        deviation_model(spec.deviation_model),
        spec.accuracy_deviation,
        error_spread(pair, spec.error_growth, spec.regions),
        None if limit is None else pair.sign * limit,
        spec.budget,
    )


def _model(spec: SimulationSpec, pair: Pair) -> DeviationModel:
    if spec.bootstrap is None:
        return deviation_model(spec.deviation_model)
    target = spec.bootstrap.target or pair.metric_target
    deviations = deviations_of_run(spec.bootstrap, target)
    if target == pair.metric_target:  # of which the run kept predictions that were not negated
        deviations = pair.sign * deviations
    return bootstrap_model(deviations, scaled=True)


def deviations_of_run(source: Bootstrap, target: str) -> Floats:
    """A predictor's deviations on test architectures, in standard deviations of the truth.

    Raises
    ------
    HwbenchError
        Where the run has no such predictions.
    """
    import pyarrow.compute as pc

    from hwbench.results.study_predictions import read_predictions

    run = Path(source.run)
    done = read_predictions(run, ["target", "predictor", "training_size"], categories=True)
    for column, wanted in (("target", target), ("predictor", source.predictor)):
        if wanted not in set(done[column]):
            raise unknown_name(f"{column} of run {run}", wanted, set(done[column]))
        done = done[done[column] == wanted]
    size = source.training_size or int(done["training_size"].max())
    sizes = {int(each) for each in done["training_size"].unique()}
    if size not in sizes:
        raise unknown_number(
            f"training size of {source.predictor} for {target} in run {run}", size, sizes
        )
    rows = read_predictions(
        run,
        ["seed", "truth", "prediction"],
        filters=(pc.field("target") == target)
        & (pc.field("predictor") == source.predictor)
        & (pc.field("training_size") == size),
    )
    deviations = rows["prediction"] - rows["truth"]
    scale = rows.groupby("seed")["truth"].transform(lambda truth: truth.std(ddof=0))
    return (deviations / scale).to_numpy(dtype=np.float64)


def _points(spec: SimulationSpec, pairs: list[Pair]) -> Iterator[_Point]:
    for number, each in enumerate(pairs):
        for conventions in spec.conventions:
            landscape = Landscape.of(each.accuracy, each.metric, conventions.pairing)
            options = options_of(spec, each, conventions)
            for n_candidates in spec.n_candidates:
                yield _Point(each, landscape, options, n_candidates, (spec.seed, number))


def _simulate(spec: SimulationSpec, point: _Point, first: int, repeats: int) -> Floats:
    return simulate(
        point.landscape,
        point.n_candidates,
        spec.deviations,
        point.options,
        repeats=repeats,
        seed=point.seed,
        first_repeat=first,
    )


def _frame(spec: SimulationSpec, point: _Point, result: Floats) -> pd.DataFrame:
    """Rows by deviation, then repeat."""
    repeats, n_deviations, n_measures = result.shape
    frame = as_frame(result.transpose(1, 0, 2).reshape(-1, n_measures))
    key: dict[str, Any] = {
        "accuracy_target": point.pair.accuracy_target,
        "metric_target": point.pair.metric_target,
        "pairing": point.options.conventions.pairing,
        "predictor": None,
        "training_size": 0,
        "n_candidates": point.n_candidates,
        "deviation": np.repeat(spec.deviations, repeats),
        "repeat": np.tile(np.arange(repeats), n_deviations),
    }
    return pd.concat([pd.DataFrame(key, index=frame.index), frame], axis=1)


def _example(spec: SimulationSpec, pair: Pair) -> pd.DataFrame:
    """One selection to look at: a middling number of candidates and a middling deviation."""
    n_candidates = sorted(spec.n_candidates)[len(spec.n_candidates) // 2]
    deviation = sorted(spec.deviations)[len(spec.deviations) // 2]
    options = options_of(spec, pair, Conventions())
    generator = np.random.default_rng([spec.seed, 0])
    chosen = generator.permutation(len(pair))[:n_candidates]
    accuracy, metric = pair.accuracy[chosen], pair.metric[chosen]
    errors = draw_deviations(options.model, n_candidates, deviation, generator)
    if options.spread is not None:
        relative = np.asarray(options.spread) / np.sqrt(np.mean(np.square(options.spread)))
        errors *= relative[chosen]
    predicted = metric + errors * pair.metric.std()
    shown = accuracy + draw_deviations(
        options.accuracy_model, n_candidates, options.accuracy_deviation, generator
    )
    selected = evaluate_selection(
        accuracy,
        metric,
        predicted,
        predicted_accuracy=shown,
        limit=options.limit,
        budget=options.budget,
    )["selected"]
    frame = pd.DataFrame(
        {
            "arch": pair.space.to_strings(pair.archs[chosen]),
            "accuracy": accuracy,
            "metric": metric,
            "predicted_metric": predicted,
            "selected": False,
            "selected_pareto": False,
            "true_front": False,
        }
    )
    frame.loc[selected, "selected"] = True
    verified = selected[pareto_front(accuracy[selected], metric[selected])]
    frame.loc[verified, "selected_pareto"] = True
    frame.loc[pareto_front(accuracy, metric), "true_front"] = True
    return frame.assign(
        accuracy_target=pair.accuracy_target,
        metric_target=pair.metric_target,
        deviation=deviation,
    )
