"""Simulating selections on tables: every metric, number of candidates and deviation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.simulation.deviations import check_deviation, deviation_model
from hwbench.simulation.pareto import pareto_front
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.selection import simulate_selection
from hwbench.tables import Table, load_target
from hwbench.tables.library import split_target


class SimulationSpec(BaseModel):
    """Which selections to simulate.

    Attributes
    ----------
    accuracy : "table:column" of the true accuracy in %.
    metrics : "table:column" of each hardware metric, of the same space.
    n_candidates : numbers of architectures to select from.
    deviations : standard deviations of the predictor's errors, in those of the metric.
    repeats : selections for each combination.
    seed : of all randomness.
    deviation_model, reference_front, hypervolume_reference, pairing : see `simulate_selection`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: str
    metrics: tuple[str, ...] = Field(min_length=1)
    n_candidates: tuple[PositiveInt, ...] = Field(min_length=1)
    deviations: tuple[float, ...] = Field(min_length=1)
    repeats: PositiveInt = 1000
    seed: NonNegativeInt = 0
    deviation_model: str = "mixed"
    reference_front: str = "candidates"
    hypervolume_reference: str = "candidates"
    pairing: str = "true"

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        deviation_model(self.deviation_model)
        Conventions(self.reference_front, self.hypervolume_reference, self.pairing)
        for deviation in self.deviations:
            check_deviation(deviation)
        return self


@dataclass(frozen=True)
class SimulationResult:
    """What a simulation found.

    Attributes
    ----------
    selections : a row a repeat, see `simulate_selection`, with its accuracy and metric target,
        number of candidates and deviation.
    example : one selection in full, a row a candidate.
    """

    selections: pd.DataFrame
    example: pd.DataFrame


@dataclass(frozen=True)
class Objectives:
    """Accuracy and metric of the architectures that both tables hold, in the space's order."""

    metric_target: str
    table: Table
    index: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    metric: NDArray[np.float64]


def load_objectives(accuracy: str, metric: str) -> Objectives:
    """Pair the accuracy and the metric of each architecture.

    A metric whose card says that larger is better enters negated.

    Raises
    ------
    HwbenchError
        Where a target is unknown, the spaces differ, or no architecture is common.
    """
    accuracy_table, accuracies = load_target(accuracy)
    metric_table, metrics = load_target(metric)
    if accuracy_table.card.space != metric_table.card.space:
        raise HwbenchError(
            f"{accuracy} is of space {accuracy_table.card.space}, {metric} of "
            f"{metric_table.card.space}; accuracy and metric must describe the same architectures"
        )
    if metric_table.card.columns[split_target(metric)[1]].direction == "maximize":
        metrics = -metrics
    paired = pd.merge(
        pd.DataFrame({"key": accuracy_table.keys, "accuracy": accuracies}),
        pd.DataFrame({"key": metric_table.keys, "metric": metrics}),
        on="key",
    ).sort_values("key")
    if len(paired) < 2:
        raise HwbenchError(f"{accuracy} and {metric} have no architectures in common")
    return Objectives(
        metric,
        metric_table,
        paired["key"].to_numpy(),
        paired["accuracy"].to_numpy(),
        paired["metric"].to_numpy(),
    )


def run_simulation(
    spec: SimulationSpec, *, workers: int = 1, progress: Progress = silent
) -> SimulationResult:
    """Simulate all selections of a spec.

    Parameters
    ----------
    spec : what to simulate.
    workers : processes; the results do not depend on it.
    progress : called with (combinations done, combinations in all).

    Raises
    ------
    HwbenchError
        Where a target is unknown, or more candidates are asked for than there are architectures.
    """
    from joblib import Parallel, delayed

    objectives = [load_objectives(spec.accuracy, metric) for metric in spec.metrics]
    for objective in objectives:
        if max(spec.n_candidates) > len(objective.index):
            raise HwbenchError(
                f"simulation: {max(spec.n_candidates)} candidates asked for, but {spec.accuracy} "
                f"and {objective.metric_target} share {len(objective.index)} architectures"
            )
    grid = list(product(objectives, spec.n_candidates, spec.deviations))
    progress(0, len(grid))
    parallel = Parallel(n_jobs=workers, return_as="generator")
    frames: list[pd.DataFrame] = []
    for frame in parallel(delayed(_simulate)(spec, *point) for point in grid):
        frames.append(frame)
        progress(len(frames), len(grid))
    selections = pd.concat(frames, ignore_index=True)
    return SimulationResult(selections, _example(spec, objectives[0]))


def _simulate(
    spec: SimulationSpec, objectives: Objectives, n_candidates: int, deviation: float
) -> pd.DataFrame:
    frame = simulate_selection(
        objectives.accuracy,
        objectives.metric,
        n_candidates=n_candidates,
        deviation=deviation,
        repeats=spec.repeats,
        seed=spec.seed,
        deviations=spec.deviation_model,
        reference_front=spec.reference_front,
        hypervolume_reference=spec.hypervolume_reference,
        pairing=spec.pairing,
    )
    key: dict[str, Any] = {
        "accuracy_target": spec.accuracy,
        "metric_target": objectives.metric_target,
        "n_candidates": n_candidates,
        "deviation": deviation,
        "repeat": np.arange(len(frame)),
    }
    return pd.concat([pd.DataFrame(key, index=frame.index), frame], axis=1)


def _example(spec: SimulationSpec, objectives: Objectives) -> pd.DataFrame:
    """One selection to look at: a middling number of candidates and a middling deviation."""
    n_candidates = sorted(spec.n_candidates)[len(spec.n_candidates) // 2]
    deviation = sorted(spec.deviations)[len(spec.deviations) // 2]
    generator = np.random.default_rng([spec.seed, 0])
    chosen = generator.permutation(len(objectives.index))[:n_candidates]
    accuracy, metric = objectives.accuracy[chosen], objectives.metric[chosen]
    errors = deviation_model(spec.deviation_model)(n_candidates, deviation, generator)
    predicted = metric + errors * objectives.metric.std()
    selected = pareto_front(accuracy, predicted)
    frame = pd.DataFrame(
        {
            "arch": objectives.table.space.to_strings(
                objectives.table.space.architectures_at(objectives.index[chosen])
            ),
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
        accuracy_target=spec.accuracy, metric_target=objectives.metric_target, deviation=deviation
    )
