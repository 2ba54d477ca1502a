"""What a model file says of its model, and of those that it was chosen among."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from hwbench.toml import FrozenModel

FORMAT = 1
"""Of model files."""

Status = Literal["chosen", "tried", "free", "failed", "not tried", "left out"]


class ExpectedTau(FrozenModel):
    """Kendall's tau to expect on architectures that were not measured, by cross-validation.

    Attributes
    ----------
    value, low, high : it, and the ends of its 90 % interval.
    rows : architectures that it was cross-validated on. A model that is fitted to more is expected
        to be better, by how much is not known.
    """

    model_config = ConfigDict(extra="ignore")

    value: float
    low: float
    high: float
    rows: int


class Score(FrozenModel):
    """A row of a leaderboard: a predictor on an encoding, or what ranks for nothing.

    Attributes
    ----------
    predictor : its name, or that of a number that needs no measurement: "flops", "parameters",
        "operations", "random", "mean".
    encoding : of its features; "" where it has none.
    title : what people call it: "Ridge regression (live), tuned".
    tuned : whether its hyper-parameters were searched in every fit.
    kendall_tau, low, high : out of fold, with its 90 % interval over samples of architectures; None
        where it has no score.
    rmse : root mean square of the out-of-fold errors, in the target's unit.
    repeats : how often it was cross-validated.
    status : "chosen", "tried"; "free", it needs no measurement; "failed"; "not tried", the work did
        not suffice; "left out", it cannot be tried here.
    reason : why it was chosen, failed, or was not tried; "" where the scores say it.
    seconds : that one cross-validation took. It hangs on the machine, so that no file holds it.
    """

    model_config = ConfigDict(extra="ignore")

    predictor: str
    encoding: str = ""
    kendall_tau: float | None = None
    low: float | None = None
    high: float | None = None
    rmse: float | None = None
    status: Status
    seconds: float | None = Field(default=None, exclude=True)
    repeats: int = 0
    tuned: bool = False
    reason: str = ""
    title: str = ""


class ModelCard(FrozenModel):
    """What a model file says of its model.

    Attributes
    ----------
    format : of the file.
    hwbench : the version that wrote it.
    created : date in UTC, ISO 8601.
    description : for people.
    predictor : name of the zoo entry, where it is one.
    estimator : "module:Class" of the fitted regressor.
    parameters : its hyper-parameters that are numbers or texts.
    space, encoding : what its architectures are, and how they become features.
    features : names of the features.
    uncertainty : whether it predicts standard deviations too.
    target, unit : what it predicts: "table:column", and the unit of that column.
    direction : which way of it is better, "minimize" or "maximize"; "" where that is not known.
    training_size : architectures it was fitted to, where that is known.
    training_archs : their strings, where those are known.
    data_sha256 : of what it was fitted to, see `data_digest`; "" where that is not known.
    held_out, kendall_tau : architectures that it was not fitted to and was tested on, and Kendall's
        tau of its predictions there; None where it was not tested.
    relative_scores : `rmspe`, `within_5_percent` and `within_10_percent` there, in %; empty where
        they are not defined, see `hwbench.results.relative_scores`.
    cross_validated_tau : Kendall's tau in a cross-validation, where no architecture was held out
        and the predictor is quick to fit; else None.
    baselines : Kendall's tau on the held-out architectures of what costs no measurement, or next to
        no work, by title.
    expected_tau : by cross-validation; None where nothing was cross-validated.
    expected_errors : the same errors in % of out-of-fold predictions; empty likewise.
    warnings : what speaks against relying on it, a sentence each, see
        `hwbench.predictors.fit_quality`.
    notes : what was taken for granted when the measurements were read.
    leaderboard : what it was chosen among; empty where it was not chosen.
    summary : what the fit found, in a sentence, where the estimator says so: whether other devices
        helped, and which; "" where it says nothing.
    versions : of the libraries whose classes the model is made of.
    """

    model_config = ConfigDict(extra="ignore")  # what a newer version says besides

    format: int = FORMAT
    hwbench: str
    created: str
    description: str = ""
    predictor: str = ""
    estimator: str
    parameters: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    space: str
    encoding: str
    features: tuple[str, ...]
    uncertainty: bool
    target: str = ""
    unit: str = ""
    direction: str = ""
    training_size: int | None = Field(default=None, ge=2)
    training_archs: tuple[str, ...] = ()
    data_sha256: str = ""
    held_out: int | None = None
    kendall_tau: float | None = None
    relative_scores: dict[str, float] = Field(default_factory=dict)
    cross_validated_tau: float | None = None
    baselines: dict[str, float] = Field(default_factory=dict)
    expected_tau: ExpectedTau | None = None
    expected_errors: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    leaderboard: tuple[Score, ...] = ()
    summary: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
