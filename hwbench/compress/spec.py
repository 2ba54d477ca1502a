"""What is compressed, how, by which methods, under which budgets: a file, and the trials of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from hwbench.arguments import one_of
from hwbench.compress.methods import METHODS
from hwbench.compress.recipe import CompressRecipe, recipe_of
from hwbench.results.compressions import WHOLE
from hwbench.tables.made.runtimes import RUNTIMES
from hwbench.toml import FrozenModel, read_toml

OPEN = 0.0
"""In place of a budget: only units go that have become zero."""

Budget = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class LatencyNode(FrozenModel):
    """How latency is measured before and after, see `hwbench.tables.made.recipe.MeasureRecipe`.

    Attributes
    ----------
    runtime : one of `hwbench.tables.made.runtimes.RUNTIMES`, with its default options.
    rounds : visits to each network; 0 where latency is not measured.
    repeats, batch_size : runs of a visit, images of a run.
    """

    runtime: Annotated[str, one_of(each for each in RUNTIMES if each != "command")] = "torch-eager"
    rounds: NonNegativeInt = 20
    repeats: PositiveInt = 5
    batch_size: PositiveInt = 1


class CompressSpec(FrozenModel):
    """A comparison of methods that compress a network.

    Attributes
    ----------
    title : for people.
    network : see `hwbench.compress.networks.network_maker`.
    options : further arguments of its maker, such as `width`.
    images : an image set, see `hwbench.images.sets.load_images`.
    train_images : of them, the first so many of a shuffle; all by default.
    recipe : one of `hwbench.compress.recipe.RECIPES`.
    training : fields of it that are other than the recipe says.
    methods : names, see `hwbench.compress.methods.METHODS`.
    budgets : shares of the FLOPs that may be left, each its own training; 0 where only those units
        go that have become zero, for methods that make any.
    strengths : lambda by method, each its own training; 1/N where none is named.
    seeds : a training for each, with everything.
    latency : how it is measured.
    """

    title: str = ""
    network: str
    options: dict[str, Any] = Field(default_factory=dict)
    images: str = "mnist-5k"
    train_images: PositiveInt | None = None
    recipe: str = "cpu"
    training: dict[str, Any] = Field(default_factory=dict)
    methods: tuple[str, ...] = ("sparse_bayes", "group_lasso", "magnitude", "random")
    budgets: Annotated[tuple[Budget, ...], Field(min_length=1)] = (0.1,)
    strengths: dict[str, tuple[Annotated[float, Field(ge=0)], ...]] = Field(default_factory=dict)
    seeds: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = (0,)
    latency: LatencyNode = LatencyNode()

    @field_validator("methods", "budgets", "seeds")
    @classmethod
    def _each_once(cls, given: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = next((each for each in given if given.count(each) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is given twice")
        return given

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (*self.methods, *self.strengths):
            METHODS.path_of(name)
        unused = next((name for name in self.strengths if name not in self.methods), None)
        if unused is not None:
            raise ValueError(f"strengths: {unused} is none of the methods")
        recipe_of(self.recipe, self.training)
        return self

    @property
    def full_recipe(self) -> CompressRecipe:
        """The recipe with its changes."""
        return recipe_of(self.recipe, self.training)

    def trials(self) -> Iterator[Trial]:
        """Every training, those of the first seed before the next; the whole network first."""
        for seed in self.seeds:
            yield Trial(WHOLE, None, None, seed)
            for method in self.methods:
                penalised = METHODS.load(method).penalised
                for budget in self.budgets:
                    if budget == OPEN and not penalised:
                        continue  # nothing would go
                    for strength in self.strengths.get(method, (None,)):
                        yield Trial(method, budget or None, strength, seed)


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes
    ----------
    method : its name, or `WHOLE`.
    budget : share of the FLOPs that may be left; None where none is set.
    strength : lambda; None for the method's own.
    seed : of weights, batches, and what the method draws.
    """

    method: str
    budget: float | None
    strength: float | None
    seed: int

    @property
    def label(self) -> str:
        """Name of its folder."""
        words = [self.method.replace(":", "-")]
        if self.method != WHOLE:
            words.append("open" if self.budget is None else f"{self.budget:g}")
        if self.strength is not None:
            words.append(f"lambda{self.strength:g}")
        return "-".join([*words, f"seed{self.seed}"])

    def plain(self) -> dict[str, Any]:
        """As an object of JSON."""
        return asdict(self)


def load_spec(given: str) -> CompressSpec:
    """The specification of a file, or the plain one of a network.

    Parameters
    ----------
    given : the path of a `.toml` file, or a network, see `CompressSpec.network`.

    Raises
    ------
    HwbenchError
        Where the file says anything that cannot be.
    """
    if given.endswith(".toml"):
        return read_toml(Path(given), CompressSpec)
    return CompressSpec(network=given)
