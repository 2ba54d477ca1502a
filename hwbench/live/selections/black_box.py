"""Selection by a black-box search that asks the trained supernet (LAUBE 1303-1307).

The second step of SPOS, evolution under a limit of FLOPs, and of FairNAS, NSGA-II on accuracy and
latency; any strategy of `hwbench.search` will do, in spaces that cannot be enumerated too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from hwbench.arguments import Finite, complete_arguments
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.live.fitness import Fitness
from hwbench.live.metric import FORMULAS, Metric, check_metric, make_metric
from hwbench.live.selections.base import Selection
from hwbench.live.supernets.part import SupernetPart
from hwbench.progress import StageProgress
from hwbench.search.candidates import MOST_LISTED
from hwbench.search.objectives import Objective
from hwbench.search.registry import make_strategy, strategy_class
from hwbench.search.spec import N_INITIAL
from hwbench.spaces import Space

if TYPE_CHECKING:
    from hwbench.live.search import Search
    from hwbench.live.supernets.structure import Structure
    from hwbench.live.supernets.supernet import Supernet
    from hwbench.search.strategies.base import Strategy

EVALUATIONS = 1000
"""Evaluations where nothing is said of them; a config that was completed holds them too."""

SCORES = {"accuracy": "maximize", "loss": "minimize"}


class BlackBox(Selection):
    """The best that a search strategy finds, each architecture evaluated by the supernet.

    With a metric and no limit, accuracy and metric are both objectives and what is selected is
    their front, the most accurate first. With a limit the metric only has to keep it, unless it is
    to be optimised too; what does not keep it is never evaluated, by no strategy.

    Parameters
    ----------
    strategy : its name in `hwbench.search`, or a node with the name and its parameters.
    evaluations : architectures that the supernet evaluates; by default 1,000, or all where the
        space has fewer.
    n_initial : of them drawn at random at the start, the same for every strategy by seed; by
        default 50, at most half of the evaluations.
    score : what the supernet says of an architecture: accuracy, or loss.
    fitness : a node of `hwbench.live.fitness.Fitness`, maximised in place of the accuracy; then
        what is selected is the fittest.
    metric : "flops", "parameters", or "table:column" of the supernet's space.
    predictor : of the metric; by default the table itself is read.
    samples : architectures of the table that the predictor is fitted to.
    limit : the largest acceptable value of the metric, the smallest where larger is better.
    optimise : whether better values of the metric are wanted; by default where there is no limit.
    seed : of the strategy and the predictor; by default that of the run.
    """

    def __init__(
        self,
        *,
        strategy: str | dict[str, Any] = "regularised_evolution",
        evaluations: Annotated[int, Field(ge=2)] = EVALUATIONS,
        n_initial: PositiveInt = N_INITIAL,
        score: Literal["accuracy", "loss"] = "accuracy",
        fitness: dict[str, Any] | None = None,
        metric: str | None = None,
        predictor: str | None = None,
        samples: PositiveInt = 124,
        limit: Finite | None = None,
        optimise: bool | None = None,
        seed: int | None = None,
    ) -> None:
        node = {"name": strategy} if isinstance(strategy, str) else dict(strategy)
        name = node.pop("name", None)
        if not isinstance(name, str):
            raise HwbenchError("selection black_box: strategy: the key 'name' is missing")
        self.strategy, self.parameters = name, node
        self.evaluations = evaluations
        self.n_initial = n_initial
        if n_initial == N_INITIAL:  # as a config holds it in which nothing was said
            self.n_initial = min(n_initial, evaluations // 2)
        if self.n_initial >= evaluations:
            raise HwbenchError(
                f"selection black_box: n_initial = {n_initial} makes all {evaluations} evaluations "
                "random, so that the strategy chooses none; give fewer, such as --set "
                f"n_initial={evaluations // 2}"
            )
        self.score = score
        self.fitness = None if fitness is None else _fitness(fitness)
        self.wanted = metric
        self.predictor = predictor
        self.samples = samples
        self.limit = limit
        self.optimise = optimise
        self.seed = seed
        if fitness is not None and score != "accuracy":
            raise HwbenchError(
                "selection black_box: fitness is made of the accuracy; leave score = 'loss' out"
            )
        if metric is None and (predictor, limit, optimise) != (None, None, None):
            raise HwbenchError(
                "selection black_box: predictor, limit and optimise are of a metric; name it, such "
                "as metric = 'flops'"
            )
        if optimise is False and limit is None:
            raise HwbenchError(
                "selection black_box: a metric without a limit that is not optimised says nothing"
            )

    @property
    def optimises_metric(self) -> bool:
        """Whether better values of the metric are wanted."""
        return self.wanted is not None and (
            self.limit is None if self.optimise is None else self.optimise
        )

    @property
    def planned_evaluations(self) -> int:
        return self.evaluations

    def check(self, space: Space, structure: Structure) -> None:
        del structure
        if EVALUATIONS != self.evaluations > space.n_architectures:
            raise HwbenchError(
                f"selection black_box: {self.evaluations} evaluations asked for, but the space "
                f"{space.name} has {space.n_architectures:,} architectures; give no more, such as "
                f"--set evaluations={min(EVALUATIONS, space.n_architectures)}"
            )
        metric = None
        if self.fitness is not None:
            self.fitness.check(space)
        if self.wanted is not None:
            check_metric(self.wanted, self.predictor, space)
            if self.predictor is None:
                metric = make_metric(self.wanted, space)
        if metric is not None and self.limit is not None and space.n_architectures <= MOST_LISTED:
            archs, keeps = space.all_architectures(), Limit(metric, self.limit)
            if not keeps(archs).any():
                raise keeps.unkept(archs)
        make_strategy(  # which refuses parameters out of range
            self.strategy,
            space=space,
            objectives=self._objectives(metric),
            n_initial=1,
            **self.parameters,
        )

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        supernet = search.supernet
        seed = search.config.seed if self.seed is None else self.seed
        if self.wanted is not None:
            self.metric = make_metric(
                self.wanted,
                supernet.space,
                predictor=self.predictor,
                samples=self.samples,
                seed=seed,
            )
        fitness = None if self.fitness is None else self.fitness.with_average(supernet)
        strategy = self._strategy(supernet, self.metric, seed)
        self._evaluate(search, strategy, fitness, stage)
        best = strategy.best()
        if not len(best):
            raise HwbenchError(
                "selection black_box: nothing that was evaluated could be measured; the metric "
                "lacks values of every architecture that was asked for"
            )
        order = np.argsort(strategy.costs[best][:, 0], kind="stable")
        found = strategy.archs[best[order]]
        return found if self.optimises_metric else found[:1]

    def _evaluate(
        self, search: Search, strategy: Strategy, fitness: Fitness | None, stage: StageProgress
    ) -> None:
        """Ask and tell until the evaluations are used up, or nothing is left to ask for."""
        judge = search.judge()
        progress = stage(f"searching on the supernet: {strategy_class(self.strategy).title}")
        rows: list[dict[str, Any]] = []
        while len(rows) < self.evaluations:
            progress(len(rows), self.evaluations)
            archs = strategy.ask(1)
            if not len(archs):
                break
            found = judge.evaluate(archs)
            if fitness is not None:
                found["fitness"] = fitness.values(found)
            metric = np.full(1, np.nan) if self.metric is None else self.metric.values_of(archs)
            strategy.tell(archs, self._values(found, metric))
            text = search.supernet.space.to_strings(archs)[0]
            rows.append({"architecture": text, **found.iloc[0].to_dict(), "metric": metric[0]})
        progress(len(rows), len(rows))
        self.found = pd.DataFrame(rows)

    def _values(self, found: pd.DataFrame, metric: Floats) -> Floats:
        score = found[self._scored].to_numpy(dtype=np.float64)
        return score[:, None] if self.metric is None else np.stack([score, metric], axis=1)

    def _strategy(self, supernet: Supernet, metric: Metric | None, seed: int) -> Strategy:
        return make_strategy(
            self.strategy,
            space=supernet.space,
            objectives=self._objectives(metric),
            candidates=candidates_of(supernet, metric, self.limit),
            seed=seed,
            n_initial=self.n_initial,
            **self.parameters,
        )

    def _objectives(self, metric: Metric | None) -> list[Objective]:
        direction: Any = SCORES[self.score]
        objectives = [Objective(self._scored, direction)]
        if metric is not None:
            optimised = self.optimises_metric
            objectives.append(
                Objective(metric.name, metric.direction, self.limit, optimised=optimised)
            )
        return objectives

    @property
    def _scored(self) -> str:
        """The column of evaluations that the strategy is told."""
        return self.score if self.fitness is None else "fitness"

    def title(self) -> str:
        title = strategy_class(self.strategy).title
        if self.fitness is not None:
            title = f"{title} of {self.fitness.title()}"
        if self.wanted is None:
            return title
        name = FORMULAS.get(self.wanted, self.wanted.rpartition(":")[2])
        said = f"{title} on {self._scored} and {name}" if self.optimises_metric else title
        if self.limit is not None:
            said += f", {name} within {self.limit:g}"
        return said if self.predictor is None else f"{said} (by {self.predictor})"


def _fitness(node: dict[str, Any]) -> Fitness:
    where = "selection black_box, fitness"
    return Fitness(**complete_arguments(Fitness, node, where=where))


def candidates_of(
    supernet: Supernet, metric: Metric | None = None, limit: float | None = None
) -> IntArray | SupernetPart | None:
    """The architectures of a supernet that keep a limit, for a search; None for the whole space.

    Raises
    ------
    HwbenchError
        Where there is none.
    """
    if metric is None or limit is None:
        if supernet.holds_everything:
            return None
        keeps = None
    else:
        keeps = Limit(metric, limit)
    try:
        archs = supernet.architectures()
    except HwbenchError:  # too many to enumerate
        return SupernetPart(supernet, keeps)
    if keeps is None:
        return archs
    kept = archs[keeps(archs)]
    if not len(kept):
        raise keeps.unkept(archs)
    return kept


class Limit:
    """Which architectures keep a limit of a metric.

    Parameters
    ----------
    metric : the metric.
    limit : the largest acceptable value, the smallest where larger is better.
    """

    def __init__(self, metric: Metric, limit: float) -> None:
        self.metric = metric
        self.limit = limit

    def __call__(self, archs: IntArray) -> np.ndarray:
        """Of each architecture whether it does; not where its metric is unknown."""
        return self.metric.within(self.metric.values_of(archs), self.limit)

    def unkept(self, archs: IntArray) -> HwbenchError:
        """That none of some architectures keeps it, with the value that is nearest."""
        values = self.metric.values_of(archs)
        least = self.metric.direction == "minimize"
        nearest = np.nanmin(values) if least else np.nanmax(values)
        return HwbenchError(
            f"selection black_box: no architecture has a {self.metric.name} within the limit "
            f"{self.limit:g}; the {'least' if least else 'most'} is {nearest:g}"
        )
