"""Predictor cards: TOML files that say everything about a zoo entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from hwbench.assets import PREDICTORS
from hwbench.errors import unknown_name
from hwbench.extras import EXTRAS
from hwbench.predictors.registry import MODELS
from hwbench.spaces.encodings import check_encoding_name
from hwbench.toml import FrozenModel, read_toml

Value = bool | int | float | str

DEFAULT_PREDICTOR = "structural_gaussian_process"
"""What predicts where nothing else is asked for."""


class SearchRange(FrozenModel):
    """What a tuning search may try for one hyper-parameter: a range or a list of choices."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: tuple[Value, ...] | None = None

    @model_validator(mode="after")
    def _range_or_choices(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or not self.choices:
                raise ValueError("give either low and high, or a list of choices")
        elif self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("give low and a larger high, or a list of choices")
        elif self.log and self.low <= 0:
            raise ValueError("a logarithmic range must start above 0")
        return self

    @property
    def whole(self) -> bool:
        """Whether the range is one of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class PredictorCard(FrozenModel):
    """One entry of the zoo.

    The card alone tells hwbench how a predictor is to be treated: no code knows predictors by their
    names or families.

    Attributes
    ----------
    title : what people call it.
    family : the kind of model in a word or two, for people.
    paper : where it comes from.
    when : when to use it, in a sentence or two. It is no part of what a predictor is: results do
        not change with it, and records leave it out.
    notes : choices of this card that a reader should know.
    estimator : a scikit-learn compatible regressor: one of `hwbench.predictors.registry.MODELS`, or
        the import path "module:Class" of any other; read as the import path.
    extra : the extra of hwbench (`hwbench.extras.EXTRAS`) that installs what the estimator imports,
        for estimators of others that import it out of sight; else it is known.
    encoding : how architectures become its features: one of `hwbench.spaces.ENCODINGS`, or another
        by its name or "module:Class", see `hwbench.spaces.encodings.Encoding`.
    target_transform : what it learns of the target where nothing else is asked for, see
        `hwbench.predictors.target_transform`.
    encoding_fixed : the model is made for this encoding and takes no other.
    uncertainty : predictions come with the standard deviation of a new measurement.
    training : "sampled" (any architectures), or "neighbourhood" (one baseline and all its
        single-position changes, so it has one score a table).
    needs_sources : it learns from other devices' measurements too, and has a hyper-parameter
        `sources` (`hwbench.SourceMetrics`) for them.
    cost : what one fit takes, as an order: 1 for linear models, 2 for kernels, 3 for ensembles of
        trees, 5 for neural networks, 6 for several of them, 7 for graph networks. Advice tries the
        cheap ones first, and on more encodings.
    work : what cross-validating it on 60 rows takes, in times of a linear model's: of these an
        amount of work of advice is made, the same on every machine. None: by its cost.
    tried_first : its place among those that advice tries before all others; None: by its cost.
    only_if_named : why advice does not try it unless it is asked to; "": it does.
    fit_often : hyper-parameters for models that are fitted again at every step of a search, where
        the defaults are for one good fit.
    fit_again : the same for a fit that goes on from an earlier one, see `goes_on`.
    goes_on : the hyper-parameter that takes `parameters_` of an earlier fit, to go on from there;
        "": it has none.
    short_fit : hyper-parameters, besides those of `fit_often`, for studies that have a second or so
        for a fit; searches that follow a publication keep to the defaults.
    defaults : hyper-parameters that differ from the library's own.
    search : what a tuning search may try.
    uses : names of the predictors that the estimator makes of its own: their cards and their code
        are part of what it is.
    """

    title: str
    family: str = Field(min_length=1)
    paper: str
    when: str = Field(default="", exclude=True)
    notes: str = ""
    estimator: str = Field(pattern=r"^[\w.-]+(:\w+)?$")
    extra: str = ""
    encoding: str = "onehot"
    target_transform: Literal["raw", "log", "rank", "auto"] = "raw"
    encoding_fixed: bool = False
    uncertainty: bool = False
    training: Literal["sampled", "neighbourhood"] = "sampled"
    needs_sources: bool = False
    cost: int = Field(default=3, ge=1, le=7)
    work: PositiveInt | None = None
    tried_first: PositiveInt | None = None
    only_if_named: str = ""
    fit_often: dict[str, Value] = Field(default_factory=dict)
    fit_again: dict[str, Value] = Field(default_factory=dict)
    goes_on: str = ""
    short_fit: dict[str, Value] = Field(default_factory=dict)
    defaults: dict[str, Value] = Field(default_factory=dict)
    search: dict[str, SearchRange] = Field(default_factory=dict)
    uses: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_0_1_0(cls, given: Any) -> Any:
        # Cards of 0.1.0 said with the family's name that they need sources.
        if isinstance(given, dict) and given.get("family") == "transfer":
            return {"needs_sources": True, **given}
        return given

    @field_validator("estimator")
    @classmethod
    def _path_of_estimator(cls, estimator: str) -> str:
        return MODELS.path_of(estimator)

    @field_validator("extra")
    @classmethod
    def _known_extra(cls, extra: str) -> str:
        if extra and extra not in EXTRAS:
            raise ValueError(str(unknown_name("extra of hwbench", extra, EXTRAS)))
        return extra

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        return check_encoding_name(encoding)

    @property
    def shortened(self) -> dict[str, Value]:
        """Hyper-parameters of a short fit; empty where every fit is short."""
        return {**self.fit_often, **self.short_fit}

    @property
    def own_training_set(self) -> bool:
        """Whether it is fitted to architectures of its own choice, see `training_set`."""
        return self.training != "sampled"


def card_files() -> dict[str, Path]:
    """Every card by name: of hwbench, under `HWBENCH_HOME`/predictors, and of packages."""
    return PREDICTORS.files()


def list_predictors() -> list[str]:
    """Names of all predictors, sorted."""
    return sorted(card_files())


def predictor_card(name: str) -> PredictorCard:
    """The card of a predictor: a name, or the path of a `.toml` card.

    Raises
    ------
    HwbenchError
        Where there is no such predictor, or its card is broken.
    """
    return read_toml(PREDICTORS.find(name), PredictorCard)
