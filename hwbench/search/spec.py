"""What a search experiment is: the section [search] of a scenario."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from hwbench.arguments import Finite
from hwbench.errors import HwbenchError
from hwbench.extras import MissingExtraError
from hwbench.predictors.card import DEFAULT_PREDICTOR
from hwbench.search.objectives import Objective
from hwbench.search.registry import (
    check_parameter_names,
    make_strategy,
    strategy_class,
    strategy_parameters,
)
from hwbench.toml import FrozenModel, refuse_repeats

GOALS = ("front", "accuracy", "limits")

N_INITIAL = 50
"""Random architectures at the start of a search where nothing is said of them, at most."""

TrainingSize = Annotated[int, Field(ge=2)]
"""Of measured architectures: no predictor is fitted to fewer."""


class StrategyChoice(FrozenModel):
    """A strategy with parameters, under a label that tells it from others of its name.

    Attributes
    ----------
    name : of the strategy.
    label : in results; the strategy's title by default.
    parameters : that replace the strategy's defaults.
    """

    name: str
    label: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Self:
        check_parameter_names(self.name, self.parameters)
        return self

    @property
    def lacks(self) -> MissingExtraError | None:
        """What the strategy cannot be used here for want of; None where nothing is."""
        goal = [Objective("metric")]
        try:
            make_strategy(self.name, space="nasbench_macro", objectives=goal, **self.parameters)
        except MissingExtraError as error:
            return error.of(f"search strategy {self.title}")
        except HwbenchError:  # of this space or these objectives, not of the strategy
            return None
        return None

    @property
    def title(self) -> str:
        """The label, else the strategy's title."""
        return self.label or strategy_class(self.name).title


class PredictedMetric(FrozenModel):
    """Searches that predict the metric of an architecture in place of measuring it.

    Attributes
    ----------
    predictor : name of a zoo entry.
    training_sizes : numbers of random architectures whose metric is measured for it.
    repeats : simulated selections by which the expected loss at that quality is found.
    """

    predictor: str = DEFAULT_PREDICTOR
    training_sizes: tuple[TrainingSize, ...] = Field(min_length=1)
    repeats: PositiveInt = 200

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        refuse_repeats({"training_sizes": self.training_sizes})
        return self


class PublishedResult(FrozenModel):
    """A result of the literature to set beside one's own: the best accuracy under a limit.

    Attributes
    ----------
    metric : "table:column" of the hardware metric.
    limit : largest acceptable value of it; the smallest one where larger is better.
    method, accuracy, value : who found what accuracy (in %) at which value of the metric.
    source : where it stands.
    """

    metric: str
    limit: Finite
    method: str
    accuracy: Finite
    value: Finite | None = None
    source: str = ""


class SearchSpec(FrozenModel):
    """Which searches to run.

    Attributes
    ----------
    accuracy : "table:column" of the accuracy, in % or in fractions, to be maximised.
    metrics : "table:column" of each hardware metric, of the same space.
    strategies : names, or tables with `name`, `label` and `parameters`.
    evaluations : architectures that a search measures.
    checkpoints : numbers of evaluations at which fronts are compared.
    n_initial : of them random, the same for every strategy by seed, and fewer than all; by default
        `N_INITIAL`, at most half of the evaluations.
    seeds : one search each.
    goals : "front", accuracy and metric are both objectives; "accuracy", accuracy alone; "limits",
        accuracy under each of the metric's limits, a search each.
    limits : by metric the values it should not exceed; where larger is better, not fall below.
    disconnected : whether architectures whose output no path reaches are candidates too.
    predicted_metric : also search with a predictor of the metric in place of measuring it.
    published : results of the literature.
    """

    accuracy: str
    metrics: tuple[str, ...] = Field(min_length=1)
    strategies: tuple[StrategyChoice, ...] = Field(min_length=1)
    evaluations: PositiveInt = 550
    checkpoints: tuple[PositiveInt, ...] = Field(default=(150, 350, 550), min_length=1)
    n_initial: PositiveInt = N_INITIAL
    seeds: tuple[NonNegativeInt, ...] = Field(min_length=1)
    goals: tuple[Literal["front", "accuracy", "limits"], ...] = Field(
        default=("front",), min_length=1
    )
    limits: dict[str, Annotated[tuple[Finite, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    disconnected: bool = False
    predicted_metric: PredictedMetric | None = None
    published: tuple[PublishedResult, ...] = ()

    @field_validator("strategies", mode="before")
    @classmethod
    def _names_alone(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            return given
        return [{"name": each} if isinstance(each, str) else each for each in given]

    @model_validator(mode="before")
    @classmethod
    def _start_within(cls, given: Any) -> Any:
        """Half of the evaluations are random where the default would leave less to choose."""
        if not isinstance(given, dict) or "n_initial" in given:
            return given
        evaluations = given.get("evaluations")
        if not isinstance(evaluations, int) or not 1 < evaluations < 2 * N_INITIAL:
            return given
        return {**given, "n_initial": evaluations // 2}

    def installed(self, *, without_missing: bool) -> tuple[SearchSpec, tuple[str, ...]]:
        """The spec with those of its strategies whose libraries are here.

        Parameters
        ----------
        without_missing : whether the others are left out; else they are refused.

        Returns
        -------
        The spec, and a sentence on each strategy that is left out.

        Raises
        ------
        MissingExtraError
            Where a strategy's library is not installed, and it may not be left out.
        """
        lacking = {choice.title: found for choice in self.strategies if (found := choice.lacks)}
        if not lacking:
            return self, ()
        left = tuple(each for each in self.strategies if each.title not in lacking)
        if not without_missing or not left:
            raise next(iter(lacking.values()))
        sentences = tuple(f"Left out: {error}." for error in lacking.values())
        return self.model_copy(update={"strategies": left}), sentences

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        titles = [choice.title for choice in self.strategies]
        for title in titles:
            if titles.count(title) > 1:
                raise ValueError(f"two strategies are called '{title}'; give one a label")
        names = ("metrics", "checkpoints", "seeds", "goals")
        refuse_repeats({name: getattr(self, name) for name in names})
        refuse_repeats({f"limits of {metric}": each for metric, each in self.limits.items()})
        if max(self.checkpoints) > self.evaluations:
            raise ValueError(
                f"checkpoint {max(self.checkpoints)} lies beyond the {self.evaluations} "
                f"evaluations; give none above, such as checkpoints = [{self.evaluations}]"
            )
        for metric in [*self.limits, *(each.metric for each in self.published)]:
            if metric not in self.metrics:
                raise ValueError(f"'{metric}' has limits or published results, but is no metric")
        if "limits" in self.goals and not self.limits:
            raise ValueError("the goal 'limits' needs a section [search.limits]")
        self._leave_a_choice()
        return self

    @property
    def n_guided(self) -> int:
        """Evaluations behind the random start, which a strategy chooses."""
        return self.evaluations - self.n_initial

    def _leave_a_choice(self) -> None:
        """Refuse what would make all strategies alike, or of one a strategy that never learns."""
        if self.n_guided < 1:
            way_out = "give 2 evaluations at least"
            if self.evaluations > 1:
                way_out = f"give fewer, such as n_initial = {self.evaluations // 2}"
            raise ValueError(
                f"n_initial = {self.n_initial} makes all {self.evaluations} evaluations random, so "
                f"that no strategy chooses any; {way_out}"
            )
        for choice in self.strategies:
            name = strategy_class(choice.name).round_parameter
            size = choice.parameters.get(name)
            if isinstance(size, int) and size > self.n_guided:
                raise ValueError(
                    f"strategy {choice.title}: {name} = {size} is more than the {self.n_guided} "
                    f"evaluations behind the {self.n_initial} random ones, so that it would never "
                    f"learn from what it chose; give {name} = {self.n_guided} at most"
                )

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on each strategy whose default is made for more evaluations than these."""
        found = []
        for choice in self.strategies:
            name = strategy_class(choice.name).round_parameter
            size = strategy_parameters(choice.name).get(name)
            if name not in choice.parameters and isinstance(size, int) and size > self.n_guided:
                found.append(
                    f"{choice.title}: {name} = {size}, the default, is more than the "
                    f"{self.n_guided} evaluations behind the {self.n_initial} random ones, so that "
                    "it does not learn from what it chooses."
                )
        return tuple(found)
