"""The searches of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwbench.search.spec import SearchSpec, StrategyChoice

SearchKey = tuple[str, str, str, float | None, int, int]


@dataclass(frozen=True)
class SearchRun:
    """One search: a pure function of this and the tables.

    Attributes
    ----------
    choice : the strategy.
    metric : "table:column".
    goal : see `SearchSpec`.
    limit : of the metric, for the goal "limits".
    training_size : measured architectures that a predictor of the metric is fitted to; 0 where the
        metric itself is measured.
    seed : of the start, the strategy and the predictor.
    """

    choice: StrategyChoice
    metric: str
    goal: str
    limit: float | None
    training_size: int
    seed: int

    @property
    def key(self) -> SearchKey:
        """What tells it from the other searches of a spec."""
        return (
            self.choice.title,
            self.metric,
            self.goal,
            self.limit,
            self.training_size,
            self.seed,
        )


def planned_runs(spec: SearchSpec) -> list[SearchRun]:
    """Every search of a spec."""
    runs = []
    for metric in spec.metrics:
        for seed in spec.seeds:
            for choice in spec.strategies:
                for goal in spec.goals:
                    limits = spec.limits.get(metric, ()) if goal == "limits" else (None,)
                    runs += [SearchRun(choice, metric, goal, each, 0, seed) for each in limits]
                if spec.predicted_metric is not None:
                    runs += [
                        SearchRun(choice, metric, "front", None, size, seed)
                        for size in spec.predicted_metric.training_sizes
                    ]
    return runs


def one_of_each(runs: Sequence[SearchRun]) -> list[SearchRun]:
    """The first search of every strategy for every goal: strategies are made anew for each."""
    return list({(run.choice.title, run.goal): run for run in reversed(runs)}.values())[::-1]
