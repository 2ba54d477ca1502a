"""What a selection weighs beside the accuracy: a cost of architectures, known before they are run.

By formula (FLOPs and parameters of the space's official network), by the column of a table, or by a
predictor that is fitted to some of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces import Space
from hwbench.tables import Target, load_target

FORMULAS = {"flops": "FLOPs", "parameters": "Parameters"}
"""Metrics that a space computes, with their titles."""

Source = Literal["formula", "table", "predictor"]


@dataclass(eq=False)
class Metric:
    """A cost of architectures.

    Attributes
    ----------
    name : "flops", "parameters" or "table:column".
    space : of the architectures.
    predictor, samples : name of the predictor and how many architectures it is fitted to; None and
        0 where it is no predictor's.
    target : the column; None of a formula.
    model : the fitted predictor.
    """

    name: str
    space: Space
    predictor: str | None = None
    samples: int = 0
    target: Target | None = None
    model: Any = None

    @property
    def source(self) -> Source:
        """Where its values come from."""
        if self.target is None:
            return "formula"
        return "table" if self.predictor is None else "predictor"

    @property
    def title(self) -> str:
        """What it is, in words."""
        return FORMULAS[self.name] if self.target is None else self.target.title

    @property
    def unit(self) -> str:
        """Of its values."""
        return "1" if self.target is None else self.target.unit

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Which way is better."""
        return "minimize" if self.target is None else self.target.direction

    def values_of(self, archs: IntArray) -> Floats:
        """What is taken for the metric, float64 of shape (n_archs,); NaN where a table has none."""
        if self.model is not None:
            return np.asarray(self.model.predict(archs), dtype=np.float64)
        return self.true_values_of(archs)

    def true_values_of(self, archs: IntArray) -> Floats:
        """What it truly is, as a formula or the table says; NaN where that is not known."""
        if self.target is None:
            count = self.space.flops if self.name == "flops" else self.space.parameters
            return np.asarray(count(archs), dtype=np.float64)
        return self.target.values_of(archs)

    def within(self, values: Floats, limit: float) -> NDArray[np.bool_]:
        """Which values keep a limit, bool of shape (n_archs,); unknown ones do not."""
        return values <= limit if self.direction == "minimize" else values >= limit


def check_metric(name: str, predictor: str | None, space: Space) -> None:
    """Refuse what `make_metric` cannot make; tables are looked up, nothing is fitted.

    Raises
    ------
    HwbenchError
        Where metric or predictor is unknown, or of another space.
    """
    if ":" in name:
        _column(name, space)
        if predictor is not None:
            from hwbench.predictors import predictor_card

            predictor_card(predictor)
    elif name not in FORMULAS:
        raise unknown_name("metric", name, [*FORMULAS, "TABLE:COLUMN"])
    elif predictor is not None:
        raise HwbenchError(f"selection: {name} is counted; it needs no predictor")
    else:  # a space without such a formula says so
        Metric(name, space).true_values_of(space.sample(1, seed=0))


def make_metric(
    name: str, space: Space, *, predictor: str | None = None, samples: int = 124, seed: int = 0
) -> Metric:
    """A metric, its predictor fitted.

    Parameters
    ----------
    name : "flops", "parameters" or "table:column".
    space : of the architectures.
    predictor : of the zoo, fitted to some rows of the table; None for the table itself.
    samples : how many rows, drawn at random; a predictor with a training set of its own, such as
        the lookup table, is fitted to that.
    seed : of the draw and the fit.

    Raises
    ------
    HwbenchError
        As for `check_metric`.
    """
    check_metric(name, predictor, space)
    if ":" not in name:
        return Metric(name, space)
    target = _column(name, space)
    if predictor is None:
        return Metric(name, space, target=target)
    archs, values = training_rows(predictor, target, samples, seed)
    from hwbench.predictors import make_predictor

    model = make_predictor(predictor, space=space, seed=seed)
    model.fit(archs, values)
    return Metric(name, space, predictor, len(archs), target, model)


def _column(name: str, space: Space) -> Target:
    """The column of a table, as of the architectures of a space."""
    return load_target(name, missing="keep").check_space(space.name, "selection")


def training_rows(name: str, target: Target, samples: int, seed: int) -> tuple[IntArray, Floats]:
    """Architectures of a table that a predictor is fitted to, and their values.

    Parameters
    ----------
    name : of the predictor; one with a training set of its own is given that.
    target : the column.
    samples : how many rows are drawn for others.
    seed : of the draw.

    Raises
    ------
    HwbenchError
        Where the table lacks architectures of the predictor's own training set.
    """
    from hwbench.predictors import predictor_card
    from hwbench.predictors.training_set import training_set

    own = training_set(predictor_card(name), target.space)
    if own is None:
        known = np.flatnonzero(np.isfinite(target.values))
        generator = np.random.default_rng(seed)
        rows = generator.choice(known, size=min(samples, len(known)), replace=False)
        return target.table.archs[rows], target.values[rows]
    values = target.values_of(own)
    if not np.isfinite(values).all():
        raise HwbenchError(
            f"cost: {target.key} lacks architectures that {name} is fitted to; choose another "
            "predictor"
        )
    return own, values
