"""What was selected from a live search's supernet again, as its folders hold it.

A supernet is trained once and selected from as often as one likes. Each selection has a folder
`selections/LABEL` in the run's: `result.json` (what it found, and how good that truly is where a
table says), `evaluations.parquet` (what it asked the supernet for) and `true_front.parquet` (the
best there is in a table); the latter two may be absent. Reading them imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
)

from hwbench.errors import HwbenchError
from hwbench.results.frames import Column, Columns, read_frame
from hwbench.results.names import (
    SELECTION_EVALUATIONS,
    SELECTION_RESULT,
    SELECTIONS,
    TRUE_FRONT,
)
from hwbench.results.texts import read_object
from hwbench.results.true_value import TrueValue
from hwbench.toml import validated

EVALUATION_COLUMNS: Columns = {
    "evaluation": Column("integer", "from 1"),
    "architecture": Column("text", "string of the space"),
    "accuracy": Column("number", "in %, on validation images with the supernet's weights"),
    "loss": Column("number", "cross-entropy of the same passes"),
    "metric": Column("number", "as the selection was told; missing where it has none"),
    "true_accuracy": Column("number", "in %, of a complete training; missing where unknown"),
    "true_metric": Column("number", "as measured or counted; missing where unknown"),
    "selected": Column("flag", "whether it was selected"),
    "fitness": Column(
        "number", "in %, what was maximised; only where it is not the accuracy", optional=True
    ),
}
"""What a frame of a selection's evaluations holds, a row for each; with a column for each of what
the networks of the space measure, such as `spikes`."""

TRUE_FRONT_COLUMNS: Columns = {
    "architecture": Column("text", "string of the space"),
    "accuracy": Column("number", "in %, of a complete training"),
    "metric": Column("number", "as measured or counted"),
}
"""What a frame of a true front holds, a row for each architecture of it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Named(_Part):
    """The name of a way of selecting; its arguments stand beside it."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str


class Metric(_Part):
    """What a selection weighed against accuracy, or had a limit on.

    Attributes
    ----------
    name : "flops", "parameters" or "table:column".
    title : in words.
    unit : of its numbers; "" or "1" for none.
    direction : which way is better.
    limit : that what is selected must keep; None without one.
    optimised : whether it was an objective, so that a front was selected.
    source : where the selection had its numbers from.
    predictor, samples : which predictor, and how many architectures of the table it was fitted to.
    """

    name: str
    title: str
    unit: str
    direction: Literal["minimize", "maximize"]
    limit: FiniteFloat | None = None
    optimised: bool
    source: Literal["formula", "table", "predictor"]
    predictor: str | None = None
    samples: NonNegativeInt | None = None

    @property
    def shown_unit(self) -> str:
        """The unit as pages show it; "" for none."""
        return "" if self.unit == "1" else self.unit

    def amount(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.4g} {self.shown_unit}".rstrip()


class FrontQuality(_Part):
    """How near the true values of what was selected come to the true front.

    Attributes
    ----------
    hypervolume_share : share of the true front's hypervolume, larger is better.
    igd_plus, epsilon_additive : distances to the true front, 0 is the true front.
    """

    hypervolume_share: FiniteFloat
    igd_plus: FiniteFloat
    epsilon_additive: FiniteFloat


class FrontBaseline(FrontQuality):
    """What costs no supernet, by the same measures.

    Attributes
    ----------
    name, words : of the baseline, for programs and for people.
    evaluations : of architectures that it takes.
    """

    name: str
    words: str
    evaluations: NonNegativeInt


class Front(FrontQuality):
    """How good a front that was selected truly is, beside what costs no supernet."""

    baselines: tuple[FrontBaseline, ...] = Field(default=(), strict=False)


class SingleBaseline(_Part):
    """What costs no search, by its true values.

    Attributes
    ----------
    name, words : of the baseline, for programs and for people.
    true_accuracy : in %.
    true_metric : None where unknown or where there is none.
    """

    name: str
    words: str
    true_accuracy: FiniteFloat
    true_metric: FiniteFloat | None = None


class Single(_Part):
    """How good the one architecture that was selected truly is, beside what costs no search."""

    true_accuracy: FiniteFloat
    true_metric: FiniteFloat | None = None
    baselines: tuple[SingleBaseline, ...] = Field(default=(), strict=False)


class SelectionResult(_Part):
    """What a selection found.

    Attributes
    ----------
    label : of the selection, such as its folder's name.
    selection : its `name` and arguments.
    title : for people.
    architecture : that was selected; of a front one.
    search_accuracy, test_accuracy : of it in %, with the supernet's weights, on validation and on
        test images.
    measured : what else the passes on test images measured of it, means; of spiking networks
        `spikes`.
    evaluations : architectures that the supernet was asked for; None where nobody counts them.
    seconds : that it took.
    truth : how good the architecture truly is; None where no true value is known.
    metric : None where accuracy alone was selected by.
    selected : how many architectures, 1 or the size of a front.
    front, single : how good what was selected truly is; None where that is not known, or where one
        architecture or a front was selected.
    """

    label: str
    selection: Named
    title: str
    architecture: str
    search_accuracy: FiniteFloat
    test_accuracy: FiniteFloat
    measured: dict[str, FiniteFloat] = Field(default_factory=dict)
    evaluations: NonNegativeInt | None = None
    seconds: Annotated[FiniteFloat, Field(ge=0)]
    truth: TrueValue | None = None
    metric: Metric | None = None
    selected: PositiveInt = 1
    front: Front | None = None
    single: Single | None = None


@dataclass(frozen=True)
class Selected:
    """The folder of a selection.

    Attributes
    ----------
    folder : where it is.
    result : what was found.
    evaluations : see `EVALUATION_COLUMNS`; no rows where they were not kept.
    true_front : see `TRUE_FRONT_COLUMNS`; no rows where it is not known.
    """

    folder: Path
    result: SelectionResult
    evaluations: pd.DataFrame
    true_front: pd.DataFrame

    @property
    def true_accuracy(self) -> float | None:
        """The true value of the architecture selected; None where it is not known."""
        result = self.result
        if result.single is not None:
            return result.single.true_accuracy
        return None if result.truth is None else result.truth.value

    @property
    def keeps_limit(self) -> bool:
        """Whether nothing known says that the one architecture selected breaks its limit."""
        metric, single = self.result.metric, self.result.single
        if metric is None or metric.limit is None or single is None or single.true_metric is None:
            return True
        if metric.direction == "minimize":
            return single.true_metric <= metric.limit
        return single.true_metric >= metric.limit

    @property
    def true_points(self) -> pd.DataFrame:
        """Architecture, `true_accuracy` and `true_metric` of what was selected, both known."""
        rows = self.evaluations[self.evaluations["selected"].astype(bool)]
        rows = rows[["architecture", "true_accuracy", "true_metric"]].drop_duplicates()
        rows = rows.dropna(subset=["true_accuracy", "true_metric"])
        single = self.result.single
        if len(rows) or single is None or single.true_metric is None:
            return rows.reset_index(drop=True)
        return pd.DataFrame(
            {
                "architecture": [self.result.architecture],
                "true_accuracy": [single.true_accuracy],
                "true_metric": [single.true_metric],
            }
        )


def selection_folders(run: Path) -> Sequence[Path]:
    """The folders of the selections of a run that have ended, by their names."""
    folder = run / SELECTIONS
    if not folder.is_dir():
        return []
    try:
        return sorted(each for each in folder.iterdir() if (each / SELECTION_RESULT).is_file())
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be read ({error.strerror})") from error


def read_selections(run: Path) -> tuple[Selected, ...]:
    """Read what was selected from a run's supernet again; of a selection under way, nothing.

    Raises
    ------
    HwbenchError
        Where a file is damaged, or lacks something; the message names it.
    """
    return tuple(_read(folder) for folder in selection_folders(run))


def _read(folder: Path) -> Selected:
    path = folder / SELECTION_RESULT
    return Selected(
        folder=folder,
        result=validated(read_object(path), SelectionResult, where=str(path)),
        evaluations=_frame(folder / SELECTION_EVALUATIONS, EVALUATION_COLUMNS),
        true_front=_frame(folder / TRUE_FRONT, TRUE_FRONT_COLUMNS),
    )


def _frame(path: Path, columns: Columns) -> pd.DataFrame:
    """A file's frame, with the columns but no rows where there is no file."""
    frame = read_frame(path, columns)
    return pd.DataFrame(columns=list(columns)) if frame is None else frame
