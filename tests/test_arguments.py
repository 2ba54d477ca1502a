"""Arguments are checked by the annotations of their parameters, whoever takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field, PositiveInt
from sklearn.base import BaseEstimator

from hwbench.arguments import (
    Finite,
    NotNegative,
    Positive,
    Share,
    check_constructor,
    check_fields,
    check_parameters,
    checks_arguments,
    complete_arguments,
    one_of,
    parameters_of,
)
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    import torch


class Base:
    name = "base"

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        check_constructor(cls, lambda part: f"strategy {part.name}")

    @checks_arguments(lambda part: f"strategy {part.name}")
    def __init__(self, space: Any, *, candidates: np.ndarray | None = None, rows: PositiveInt = 3):
        self.space, self.candidates, self.rows = space, candidates, rows


class Part(Base):
    name = "part"

    def __init__(
        self,
        *args: Any,
        share: Share = 0.5,
        rates: Literal["published", "wide"] | Sequence[NotNegative] = "wide",
        order: Literal[1, 2] = 1,
        betas: tuple[float, float] = (0.5, 0.9),
        warp: Positive | None = None,
        parameters: Mapping[str, Any] | None = None,
        kind: Annotated[str, one_of({"cpu": 1, "cuda": 2})] = "cpu",
        multivariate: bool = True,
        names: Annotated[Sequence[str], Field(min_length=1)] = ("a",),
        device: torch.device | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.given = {"share": share, "rates": rates, "warp": warp, "betas": betas}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": -3}, "strategy part: rows must be above 0, not -3"),
        ({"rows": 2.5}, "strategy part: rows must be a whole number, not 2.5"),
        ({"rows": None}, "strategy part: rows must be a whole number, not None"),
        ({"share": 1.5}, "strategy part: share must be at most 1, not 1.5"),
        ({"share": "much"}, "strategy part: share must be a number, not 'much'"),
        ({"share": float("nan")}, "strategy part: share must be a finite number, not nan"),
        ({"warp": 0}, "strategy part: warp must be above 0, not 0"),
        ({"warp": np.float64("inf")}, "strategy part: warp must be a finite number, not inf"),
        ({"rates": "wider"}, "strategy part: unknown rates 'wider'; did you mean 'wide'?"),
        ({"rates": [1.0, -1.0]}, "strategy part: rates[1] must be at least 0, not -1.0"),
        ({"rates": 3}, "strategy part: rates must be 'published' or 'wide' or a list, not 3"),
        ({"order": 3}, "strategy part: order must be 1 or 2, not 3"),
        ({"betas": (1.0,)}, "strategy part: betas must be a longer list, not (1.0,)"),
        ({"betas": (1, 2, 3)}, "strategy part: betas must be a list of at most 2, not (1, 2, 3)"),
        ({"betas": (1, "x")}, "strategy part: betas[1] must be a number, not 'x'"),
        ({"parameters": 3}, "strategy part: parameters must be a table of names and values, not 3"),
        ({"kind": "cudo"}, "strategy part: unknown kind 'cudo'; did you mean 'cuda'?"),
        ({"kind": 3}, "strategy part: kind must be a text, not 3"),
        ({"multivariate": "perhaps"}, "strategy part: multivariate must be true or false, not"),
        ({"names": []}, "strategy part: names must be a list of at least 1, not []"),
        ({"names": "abc"}, "strategy part: names must be a list, not 'abc'"),
        ({"shares": 0.2}, "unknown parameter of strategy part 'shares'; did you mean 'share'?"),
        ({"row": 2}, "unknown parameter of strategy part 'row'; did you mean 'rows'?"),
    ],
)
def test_what_a_constructor_is_given_wrongly_is_one_line(arguments, message):
    with pytest.raises(HwbenchError) as caught:
        Part("space", **arguments)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_right_is_passed_on():
    array = np.arange(3)
    part = Part(
        "space",
        candidates=array,
        rows=np.int64(7),
        rates=np.array([0.5, 2.0]),
        betas=[0, 1],
        device="of a type that is not there at run time",
    )
    assert part.candidates is array  # no type of pydantic's: nothing is checked
    assert (part.rows, type(part.rows)) == (7, int)
    assert part.given == {"share": 0.5, "rates": [0.5, 2.0], "warp": None, "betas": (0.0, 1.0)}


def test_a_constructor_keeps_its_signature():
    assert list(signature(Part).parameters) == list(signature(Part.__init__).parameters)[1:]
    assert {"share", "rows", "space"} <= set(parameters_of(Part))
    assert parameters_of(Part)["rows"].default == 3


def test_python_still_says_what_is_missing_or_given_twice():
    with pytest.raises(TypeError, match="missing a required argument: 'space'"):
        Part()
    with pytest.raises(TypeError, match="multiple values for argument 'space'"):
        Part("space", space="other")


@checks_arguments("simulation")
def simulate(sizes: Any, repeats: PositiveInt = 1, limit: Finite | None = None) -> tuple:
    return sizes, repeats, limit


def test_functions():
    assert simulate("any", np.int32(2)) == ("any", 2, None)
    with pytest.raises(HwbenchError, match=r"^simulation: repeats must be above 0, not 0$"):
        simulate("any", 0)
    with pytest.raises(HwbenchError, match=r"^simulation: limit must be a finite number, not inf$"):
        simulate("any", limit=np.inf)
    with pytest.raises(TypeError, match="unexpected keyword argument 'repeat'"):
        simulate("any", repeat=2)


@dataclass(frozen=True)
class Recipe:
    epochs: PositiveInt = 1
    rate: Positive = 0.1
    skeleton: Mapping[str, int] = field(default_factory=lambda: {"depth": 1})

    def __post_init__(self) -> None:
        check_fields(self, "recipe")


@dataclass(frozen=True)
class LongRecipe(Recipe):
    order: Literal[1, 2] = 1


def test_dataclasses():
    recipe = LongRecipe(epochs=np.int64(4), rate=1)
    assert (recipe.epochs, type(recipe.epochs), type(recipe.rate)) == (4, int, float)
    for wrong, message in (
        ({"epochs": 0}, "recipe: epochs must be above 0, not 0"),
        ({"order": 3}, "recipe: order must be 1 or 2, not 3"),
        ({"skeleton": {"depth": "deep"}}, "recipe: skeleton must be a whole number"),
    ):
        with pytest.raises(HwbenchError) as caught:
            LongRecipe(**wrong)
        assert str(caught.value).startswith(message)


class Estimator(BaseEstimator):
    def __init__(self, alpha: Positive = 1.0, steps: PositiveInt = 5):
        self.alpha = alpha
        self.steps = steps

    def fit(self, X, y, **changes):
        check_parameters(self, changes)
        return self


def test_estimators_are_checked_when_they_are_fitted():
    wrong = Estimator(alpha=-1.0)
    with pytest.raises(HwbenchError, match=r"^Estimator: alpha must be above 0, not -1\.0$"):
        wrong.fit([], [])
    assert wrong.alpha == -1.0  # stored as it was given
    with pytest.raises(HwbenchError, match="steps must be above 0"):
        Estimator().fit([], [], steps=0)
    Estimator().fit([], [], steps=1)


def test_nodes_of_a_config_are_completed():
    assert complete_arguments(LongRecipe, {"epochs": 3}, where="a.toml") == {
        "epochs": 3,
        "rate": 0.1,
        "skeleton": {"depth": 1},
        "order": 1,
    }
    # What a subclass hands on to its base is its own argument too.
    complete = complete_arguments(Part, {"space": "s", "rows": 2}, where="a.toml")
    assert complete["rows"] == 2
    assert complete["share"] == 0.5
    for given, message in (
        ({"epoch": 3}, "a.toml: unknown key 'epoch'; did you mean 'epochs'?"),
        ({"epochs": 0}, "a.toml: epochs must be above 0, not 0"),
    ):
        with pytest.raises(HwbenchError) as caught:
            complete_arguments(LongRecipe, given, where="a.toml")
        assert str(caught.value) == message
    with pytest.raises(HwbenchError, match=r"^the key 'space' is missing$"):
        complete_arguments(Part, {})
