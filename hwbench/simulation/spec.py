"""What a simulation simulates."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from hwbench.arguments import Finite, NotNegative
from hwbench.simulation.conventions import PAIRINGS, Conventions
from hwbench.simulation.deviations import deviation_model
from hwbench.simulation.spread import Region
from hwbench.toml import FrozenModel, refuse_repeats
from hwbench.wording import counted

TrainingSize = Annotated[int, Field(ge=2)]


class Bootstrap(FrozenModel):
    """Whose deviations to draw from: a predictor's of an earlier run.

    Attributes
    ----------
    run : folder of a run with a study.
    predictor : of that study.
    training_size : the largest one stored by default.
    target : "table:column" of that study; by default the metric that is simulated.
    """

    run: str
    predictor: str
    training_size: PositiveInt | None = None
    target: str | None = None


class SimulationSpec(FrozenModel):
    """Which selections to simulate.

    Attributes
    ----------
    accuracy : "table:column" of the true accuracy, in % or in fractions, for all metrics or one for
        each.
    metrics : "table:column" of each hardware metric, of the same space as its accuracy.
    n_candidates : numbers of architectures to select from.
    deviations : standard deviations of the predictor's errors, in those of the metric.
    repeats : selections for each combination.
    seed : of all randomness.
    deviation_model : see `simulate_selection`.
    bootstrap : draw deviations from those of a real predictor, scaled to `deviations`, instead.
    predictors, training_sizes, fits : real predictors besides the simulated ones, each fitted so
        many times on so many random architectures.
    accuracy_deviation : deviation of errors on accuracy, in percentage points.
    error_growth : errors grow with this power of the metric; 1: in proportion to it.
    regions : where errors are larger or smaller.
    limits : the largest feasible value of a metric, in its unit, by target; the smallest one where
        larger is better.
    budget : only so many of the selected are measured, the most accurate.
    disconnected : whether architectures whose output no path reaches are candidates too.
    reference_front, hypervolume_reference, pairing : see `Conventions`; several pairings are
        simulated side by side.
    """

    accuracy: str | tuple[str, ...]
    metrics: tuple[str, ...] = Field(min_length=1)
    n_candidates: tuple[PositiveInt, ...] = Field(min_length=1)
    deviations: tuple[NotNegative, ...] = Field(min_length=1)
    repeats: PositiveInt = 1000
    seed: NonNegativeInt = 0
    deviation_model: str = "mixed"
    bootstrap: Bootstrap | None = None
    predictors: tuple[str, ...] = ()
    training_sizes: tuple[TrainingSize, ...] = ()
    fits: PositiveInt = 20
    accuracy_deviation: NotNegative = 0.0
    error_growth: Finite = 0.0
    regions: tuple[Region, ...] = ()
    limits: dict[str, Finite] = Field(default_factory=dict)
    budget: PositiveInt | None = None
    disconnected: bool = False
    reference_front: str = "candidates"
    hypervolume_reference: str = "candidates"
    pairing: str | Annotated[tuple[str, ...], Field(min_length=1)] = "true"

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        deviation_model(self.deviation_model)
        for conventions in self.conventions:
            if conventions.pairing == "as_published" and self.predictors:
                raise ValueError(
                    "predictors cannot be fitted to metrics that belong to other architectures: "
                    "drop predictors or the pairing 'as_published'"
                )
        if len(self.accuracies) != len(self.metrics):
            raise ValueError(
                f"accuracy names {counted(len(self.accuracies), 'column')} for "
                f"{counted(len(self.metrics), 'metric')}; name one, or one for each metric"
            )
        if bool(self.predictors) != bool(self.training_sizes):
            raise ValueError("predictors need training_sizes, and the other way round")
        for target in self.limits:
            if target not in self.metrics:
                raise ValueError(f"limits: '{target}' is not one of the metrics")
        names = ("metrics", "n_candidates", "deviations", "predictors", "training_sizes", "regions")
        refuse_repeats({name: getattr(self, name) for name in names})
        if not isinstance(self.pairing, str):
            refuse_repeats({"pairing": self.pairing})
        return self

    @property
    def accuracies(self) -> tuple[str, ...]:
        """The accuracy of each metric."""
        if isinstance(self.accuracy, str):
            return (self.accuracy,) * len(self.metrics)
        return self.accuracy

    @property
    def conventions(self) -> tuple[Conventions, ...]:
        """The conventions of each pairing, "true" first."""
        pairings = (self.pairing,) if isinstance(self.pairing, str) else self.pairing
        return tuple(
            Conventions(self.reference_front, self.hypervolume_reference, pairing)
            for pairing in sorted(set(pairings), key=[*PAIRINGS, *pairings].index)
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(dict.fromkeys([*self.accuracies, *self.metrics]))
