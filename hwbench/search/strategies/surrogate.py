"""What all strategies share that predict architectures before they measure them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from hwbench.arguments import NotNegative
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.card import DEFAULT_PREDICTOR, list_predictors, predictor_card
from hwbench.predictors.posterior import Posterior
from hwbench.search.strategies.base import Strategy

Pool = Literal["mixed", "mutants"]

MOST_ROWS = 4000
"""Architectures whose uncertainty is predicted together."""


@dataclass(frozen=True)
class FittedObjective:
    """A predictor of one objective's cost, and the transformation of the cost it was fitted to.

    Attributes
    ----------
    model : a fitted predictor.
    warp : the transformation, see `Warp`.
    """

    model: Any
    warp: Warp

    def predict(self, archs: IntArray) -> Floats:
        """Predicted warped costs, float64 of shape (n_archs,)."""
        if len(archs) == 0:
            return np.empty(0)
        return np.asarray(self.model.predict(archs), dtype=np.float64)

    def predict_with_deviation(self, archs: IntArray) -> tuple[Floats, Floats]:
        """Predicted warped costs and their standard deviations, float64 (n_archs,) each."""
        means, deviations = [np.empty(0)], [np.empty(0)]
        for start in range(0, len(archs), MOST_ROWS):
            mean, deviation = self.model.predict(archs[start : start + MOST_ROWS], return_std=True)
            means.append(mean)
            deviations.append(deviation)
        return np.concatenate(means), np.maximum(np.concatenate(deviations), 1e-12)

    def posterior(self, archs: IntArray) -> Posterior:
        """What is believed of the warped costs of architectures together, n_archs above 0."""
        if hasattr(self.model, "posterior"):
            found: Posterior = self.model.posterior(archs)
            return found
        return Posterior.independent(*self.predict_with_deviation(archs))


@dataclass(frozen=True)
class Warp:
    """A rising transformation of costs that spreads the good ones and draws in the bad.

    log(cost - least + width): architectures that failed to train lie far off, and a model of plain
    costs spends itself on them. A width of 0 leaves costs as they are.
    """

    least: float
    width: float

    @classmethod
    def of(cls, costs: Floats, strength: float) -> Warp:
        """The warp for measured costs, float64 (n,): the width is their middle half's, divided."""
        spread = float(np.subtract(*np.quantile(costs, [0.75, 0.25])))
        if strength == 0 or spread == 0:
            return cls(0.0, 0.0)
        return cls(float(costs.min()), spread / strength)

    def __call__(self, costs: Floats) -> Floats:
        """Warped costs; what is below the least measured one goes on in a straight line."""
        if self.width == 0:
            return costs
        above = (costs - self.least) / self.width
        return np.where(above > 0, np.log1p(np.maximum(above, 0.0)), above)


class SurrogateSearch(Strategy):
    """Base of the strategies with a predictor for every objective.

    What is not the identity of a strategy is a parameter of all, with one default for all: which
    predictor, how often it is fitted, what is warped, and which candidates it is asked about.

    The predictors are fitted once a round: after each `round_size` measurements, whatever the
    number of architectures that are asked for at once. A round begins when the architectures of the
    last one have all been asked for, even if not all of them were told: two that could be measured
    suffice.

    Parameters
    ----------
    predictor : name of a zoo entry, or the path of a card.
    predictor_parameters : hyper-parameters of it, beside those that its card has for models
        that are fitted often.
    round_size : measurements between two fits.
    pool : which candidates are predicted in a round, none of them known: "mixed", all where they
        are no more than `pool_size`, else mutants of the best for up to half and random ones for
        the rest; or "mutants" alone.
    pool_size : candidates that are predicted in a round, at most.
    n_parents : how many of the best that was told are mutated.
    warp : how strongly costs of the first objective are warped before they are fitted (see
        `Warp`): the middle half of the measured costs is so many times as wide as the part where
        the warp is about linear. 0 fits plain costs.
    """

    renamed: ClassVar[dict[str, str]] = {"n_mutants": "pool_size"}
    round_parameter = "round_size"
    default_predictor = DEFAULT_PREDICTOR
    predictor_fixed = False
    """Whether the strategy is made for that predictor and takes no other."""
    default_pool: Pool = "mixed"

    def __init__(
        self,
        *args: Any,
        predictor: str | None = None,
        predictor_parameters: Mapping[str, Any] | None = None,
        round_size: PositiveInt = 15,
        pool: Pool | None = None,
        pool_size: PositiveInt = 2_000,
        n_parents: PositiveInt = 50,
        warp: NotNegative = 3.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.predictor = self.default_predictor if predictor is None else predictor
        if self.predictor_fixed and self.predictor != self.default_predictor:
            raise HwbenchError(
                f"strategy {self.name}: it is made for the predictor {self.default_predictor} and "
                f"takes no other, such as {predictor}"
            )
        self._card = predictor_card(self.predictor)
        self._given = dict(predictor_parameters or {})
        self.predictor_parameters = {**self._card.fit_often, **self._given}
        self.round_size = round_size
        self.pool = self.default_pool if pool is None else pool
        self.pool_size = pool_size
        self.n_parents = n_parents
        self.warp = warp
        self._learned: dict[int, tuple[float, ...]] = {}
        self._picked: list[IntArray] = []
        self._round = 0
        self._make_model()  # an unknown predictor is said now, not after the first round

    def _need_deviations(self, option: str = "") -> None:
        """Refuse a predictor that does not say how uncertain it is: for constructors.

        Parameters
        ----------
        option : by which alone the strategy asks how uncertain predictions are, if there is one.

        Raises
        ------
        HwbenchError
            Naming predictors that do.
        """
        if _tells_deviations(self._make_model()):
            return
        cards = {name: predictor_card(name) for name in list_predictors()}
        telling = [DEFAULT_PREDICTOR] + [
            name
            for name, card in cards.items()
            if card.uncertainty and not card.needs_sources and name != DEFAULT_PREDICTOR
        ]
        asks = f"with {option} above 0 it asks" if option else "it asks"
        way_out = f", or {option} = 0" if option else ""
        raise HwbenchError(
            f"strategy {self.name}: {asks} how uncertain predictions are, which the predictor "
            f"{self.predictor} does not say; these do: {', '.join(telling)}; give one of them as "
            f"predictor{way_out}"
        )

    def _propose(self, n_archs: int) -> list[IntArray]:
        if not self._picked:
            fitted = self._fit()
            if fitted is None:
                return []
            self._round += 1
            self._picked = list(self._select(fitted, max(self.round_size, n_archs)))
        proposed, self._picked = self._picked[:n_archs], self._picked[n_archs:]
        return proposed

    @abstractmethod
    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        """The architectures of the next round, the most wanted first.

        Called once a round, right after the fits, with nothing told in between; what it returns is
        asked for before it is called again. It must be candidates, and unknown ones, as those of
        `_candidates` are: what is known is dropped without another in its place.

        Parameters
        ----------
        fitted : a predictor for each objective, fitted to all that could be measured.
        n_archs : how many, about; more if more are asked for at once than a round holds.
        """

    def _make_model(self) -> Any:
        """An unfitted predictor of one objective.

        Called once by the constructor, to say what is unknown, and once for each objective of each
        round. What it returns needs `fit(archs, costs)`, which returns itself, and
        `predict(archs)`; `predict(archs, return_std=True)` too where `_select` asks for deviations.
        """
        from hwbench.predictors import make_predictor

        return make_predictor(
            self.predictor,
            space=self.space,
            seed=self.seed,
            target_transform="raw",  # the search warps what it is told, see `warp`
            **self.predictor_parameters,
        )

    def _fit(self) -> list[FittedObjective] | None:
        """A fitted predictor for each objective; None where too little was measured."""
        archs, costs = self._measured()
        if len(archs) < 2:
            return None
        fitted = []
        first = int(np.flatnonzero(self.objectives.optimised)[0])
        for place, column in enumerate(costs.T):
            warp = Warp.of(column, self.warp if place == first else 0.0)
            model = self._make_model()
            self._go_on(model, place)
            fitted.append(FittedObjective(model.fit(archs, warp(column)), warp))
            self._keep_learned(model, place)
        return fitted

    def _go_on(self, model: Any, place: int) -> None:
        """Let a fit begin where the last one of the objective ended, if the predictor can."""
        if place in self._learned:
            again = {**self._card.fit_again, **self._given}
            model.estimator.set_params(**again, **{self._card.goes_on: self._learned[place]})

    def _keep_learned(self, model: Any, place: int) -> None:
        from hwbench.predictors.regressor import ArchitectureRegressor

        if self._card.goes_on and isinstance(model, ArchitectureRegressor):
            learned = getattr(model.estimator_, "parameters_", None)  # equal targets teach nothing
            if learned is not None:
                self._learned[place] = tuple(learned.tolist())

    def _measured(self) -> tuple[IntArray, Floats]:
        """What was told and could be measured: architectures, and the costs of all objectives."""
        costs = self._costs[: self._n_told]
        known = np.isfinite(costs).all(axis=1)
        return self._archs[: self._n_told][known], costs[known]

    def _candidates(self) -> IntArray:
        """The candidates that a round predicts, none of them seen and no two alike (see `pool`).

        Returns
        -------
        int64 of shape (n, n_positions), n at most `pool_size`.
        """
        if self.pool == "mixed" and len(self.candidates) <= self.pool_size:
            return self.candidates.unseen(self.pool_size, self.generator, self._seen)
        n_mutants = self.pool_size if self.pool == "mutants" else self.pool_size // 2
        mutants = self._mutants(self.n_parents, n_mutants)
        if self.pool == "mutants":
            return mutants
        drawn = self.candidates.sample(self.pool_size - len(mutants), self.generator, self._seen)
        return self._different(np.concatenate([mutants, drawn]))

    def _mutants(self, n_parents: int, n_archs: int) -> IntArray:
        """Unseen mutants of the best that was told, no two alike; int64 (about n_archs, ...)."""
        parents = self._archs[self._best_first()[:n_parents]]
        drawn = parents[self.generator.integers(len(parents), size=n_archs)]
        mutants = self.candidates.mutate(drawn, self.generator)
        # Around parents whose neighbours are known, a second change leads on.
        known = ~self._unknown(mutants)
        mutants[known] = self.candidates.mutate(mutants[known], self.generator)
        return self._different(mutants[self._unknown(mutants)])

    def _different(self, archs: IntArray) -> IntArray:
        """Each of the architectures once, in the order of its first row."""
        first = {key: row for row, key in reversed(list(enumerate(self.candidates.keys(archs))))}
        return archs[sorted(first.values())]

    def _limits(self, fitted: Sequence[FittedObjective]) -> Floats:
        """The limits, warped as the predictions are; NaN where there is none."""
        return np.array(
            [
                np.nan if np.isnan(limit) else float(each.warp(np.array(limit)))
                for each, limit in zip(fitted, self.objectives.limits, strict=True)
            ]
        )

    def _predict(self, fitted: Sequence[FittedObjective], archs: IntArray) -> Floats:
        """Predicted warped costs, float64 of shape (n_archs, n_objectives)."""
        return np.stack([each.predict(archs) for each in fitted], axis=1)

    def _moments(self, fitted: Sequence[FittedObjective], archs: IntArray) -> tuple[Floats, Floats]:
        """Predicted warped costs and standard deviations, float64 (n_archs, n_objectives) each."""
        pairs = [each.predict_with_deviation(archs) for each in fitted]
        means, deviations = zip(*pairs, strict=True)
        return np.stack(means, axis=1), np.stack(deviations, axis=1)

    def _warped(self, fitted: Sequence[FittedObjective]) -> Floats:
        """Measured costs, warped as the predictions are; float64 (n_measured, n_objectives)."""
        costs = self._measured()[1]
        warped = [each.warp(column) for each, column in zip(fitted, costs.T, strict=True)]
        return np.stack(warped, axis=1)

    def _scales(self, fitted: Sequence[FittedObjective]) -> Floats:
        """Standard deviation of every objective's measured warped costs, 1 where all are equal."""
        deviations = self._warped(fitted).std(axis=0)
        return np.where(deviations > 0, deviations, 1.0)

    def _violations_of(self, predicted: Floats, limits: Floats) -> Floats:
        """How far predictions (n, n_objectives) are beyond the limits; float64 (n,)."""
        return np.nan_to_num(np.maximum(predicted - limits, 0.0)).sum(axis=1)


def _tells_deviations(model: Any) -> bool:
    """Whether an unfitted model will say how uncertain its predictions are."""
    from hwbench.predictors.regressor import ArchitectureRegressor

    if isinstance(model, ArchitectureRegressor):  # takes it, whatever its estimator does
        return "return_std" in signature(model.estimator.predict).parameters
    parameters = signature(model.predict).parameters
    return "return_std" in parameters or any(
        each.kind is Parameter.VAR_KEYWORD for each in parameters.values()
    )


class ExploringSearch(SurrogateSearch):
    """Base of the strategies that order candidates by what is predicted of them.

    Parameters
    ----------
    exploration : by how many standard deviations a candidate may be better than is predicted of
        it; above 0 the predictor must know its uncertainty.
    predictor, predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for
        `SurrogateSearch`.
    """

    def __init__(self, *args: Any, exploration: NotNegative | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.exploration = self.default_exploration if exploration is None else exploration
        if self.exploration > 0 and self.always_explores:
            self._need_deviations("exploration")

    default_exploration: float = 0.0
    always_explores: ClassVar[bool] = True
    """Whether `exploration` above 0 alone makes the strategy ask how uncertain predictions are."""

    def _hoped(self, fitted: Sequence[FittedObjective], archs: IntArray) -> Floats:
        """Warped costs that may be hoped for, float64 of shape (n_archs, n_objectives)."""
        if self.exploration == 0:
            return self._predict(fitted, archs)
        means, deviations = self._moments(fitted, archs)
        return means - self.exploration * deviations
