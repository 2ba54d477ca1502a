"""Predictor cards: TOML files that say everything about a zoo entry."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from hwbench.assets import content_files, find_content
from hwbench.errors import unknown_name
from hwbench.spaces import ENCODINGS
from hwbench.toml import FrozenModel, read_toml

Value = bool | int | float | str


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

    Attributes
    ----------
    title : what people call it.
    family : the kind of model.
    paper : where it comes from.
    notes : choices of this card that a reader should know.
    estimator : import path "module:Class" of a scikit-learn compatible regressor.
    extra : the optional extra of hwbench that installs the estimator's library, where it is not
        among those hwbench always has.
    encoding : how architectures become its features.
    encoding_fixed : the model is made for this encoding and takes no other.
    uncertainty : predictions come with the standard deviation of a new measurement.
    training : "sampled" (any architectures), or "neighbourhood" (one baseline and all its
        single-position changes, so it has one score a table).
    defaults : hyper-parameters that differ from the library's own.
    search : what a tuning search may try.
    uses : names of the predictors that the estimator makes of its own: their cards and their code
        are part of what it is.
    """

    title: str
    family: Literal[
        "linear",
        "kernel",
        "tree ensemble",
        "lookup table",
        "neural network",
        "graph network",
        "chooser",
        "transfer",
    ]
    paper: str
    notes: str = ""
    estimator: str = Field(pattern=r"^[\w.]+:\w+$")
    extra: str = ""
    encoding: str = "onehot"
    encoding_fixed: bool = False
    uncertainty: bool = False
    training: Literal["sampled", "neighbourhood"] = "sampled"
    defaults: dict[str, Value] = Field(default_factory=dict)
    search: dict[str, SearchRange] = Field(default_factory=dict)
    uses: tuple[str, ...] = ()

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        if encoding not in ENCODINGS:
            raise ValueError(str(unknown_name("encoding", encoding, ENCODINGS)))
        return encoding


def card_files() -> dict[str, Path]:
    """Every predictor card by name: those of hwbench and those under `HWBENCH_HOME`/predictors."""
    return content_files("predictors", ".toml", own_folder="predictors")


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
    return read_toml(find_content("predictor", name, card_files(), ".toml"), PredictorCard)
