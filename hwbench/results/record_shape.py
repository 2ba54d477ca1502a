"""What a run folder's record may hold: each field that anybody reads, and of which kind it is.

A record is kept as the object that stands in `run.json`; a shape says no more than what readers
rely on. Fields may be missing, and others stand beside them unread.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, model_validator

Texts = list[str]
Anything = dict[str, Any]
Spent = dict[str, dict[str, FiniteFloat]]
"""Of each stage of a live search its `seconds` and its `cpu_seconds`."""


class Shape(BaseModel):
    """Fields of the kinds they are written in."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class PublishedShape(Shape):
    """What others have published of a device set."""

    method: str
    samples: PositiveInt
    spearman: FiniteFloat
    note: str = ""


class DeviceSetShape(Shape):
    """Devices that are predicted after others, as far as pages show it."""

    name: str
    note: str = ""
    sources: list[str]
    targets: list[str]
    published: list[PublishedShape] = Field(default_factory=list)


class StudyShape(Shape):
    """What a study was asked for, as far as it is compared before it is read again."""

    targets: Texts | None = None
    predictors: Texts | None = None
    training_sizes: list[int] | None = None
    seeds: Annotated[list[int], Field(min_length=1)] | None = None
    device_sets: list[DeviceSetShape] = Field(default_factory=list)


class SearchShape(Shape):
    """What searches were asked for, as far as pages show it."""

    checkpoints: Annotated[list[PositiveInt], Field(min_length=1)] | None = None
    limits: dict[str, list[FiniteFloat]] | None = None


class SpecShape(Shape):
    """The resolved specification."""

    study: StudyShape | None = None
    simulation: Anything | None = None
    search: SearchShape | None = None


class CodeShape(Shape):
    """Versions of code, see `hwbench.study.identity.CodeVersions`."""

    trial: str
    predictors: dict[str, str]
    targets: dict[str, str]


class PlannedShape(Shape):
    """What trials must have in common; hwbench 0.1.0 kept one version for all code.

    How many `trials` there are is that of the whole study, also in the folder of a shard.
    """

    code: CodeShape | str = ""
    targets: dict[str, str] = Field(default_factory=dict)
    trials: PositiveInt | None = None


class ColumnShape(Shape):
    """A column of a table."""

    title: str | None = None
    unit: str | None = None
    direction: str | None = None
    dataset: str | None = None


class TableShape(Shape):
    """A table and its columns."""

    rows: int | None = None
    columns: dict[str, ColumnShape] | None = None


class ImagesShape(Shape):
    """The images that a live search was trained on, see `hwbench.images.image_set.ImageSet`."""

    name: str
    base: str
    train_images: PositiveInt
    test_images: PositiveInt
    size: PositiveInt
    channels: PositiveInt
    classes: PositiveInt
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SessionShape(Shape):
    """When and where a run was begun or gone on with."""

    started: str | None = None
    seconds: FiniteFloat = 0.0
    trials_run: int | None = None
    spent: Spent = Field(default_factory=dict)
    machine: Anything = Field(default_factory=dict)
    versions: dict[str, str | None] = Field(default_factory=dict)


class LeftOutShape(Shape):
    """What could not be run."""

    predictor: str
    target: str
    reason: str


class FailureShape(Shape):
    """A search that failed."""

    strategy: str
    error: Annotated[str, Field(pattern=r"\S")]


class RecordShape(Shape):
    """The whole record."""

    scenario: str | None = None
    title: str | None = None
    description: str | None = None
    started: str | None = None
    seconds: FiniteFloat | None = None
    workers: int | None = None
    machine: Anything = Field(default_factory=dict)
    versions: dict[str, str | None] = Field(default_factory=dict)
    spec: SpecShape = Field(default_factory=SpecShape)
    predictors: dict[str, Anything] = Field(default_factory=dict)
    tables: dict[str, TableShape] = Field(default_factory=dict)
    shard: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] = [1, 1]
    images: ImagesShape | None = None
    notes: dict[str, Texts | None] = Field(default_factory=dict)
    study: PlannedShape = Field(default_factory=PlannedShape)
    baselines: dict[str, dict[str, FiniteFloat]] = Field(default_factory=dict)
    set_baselines: dict[str, dict[str, FiniteFloat]] = Field(default_factory=dict)
    left_out: list[LeftOutShape] = Field(default_factory=list)
    search_failures: list[FailureShape] = Field(default_factory=list)
    sessions: list[SessionShape] = Field(default_factory=list)
    spent: Spent = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shard_of_its_number(self) -> RecordShape:
        if self.shard[0] > self.shard[1]:
            raise ValueError(f"shard: {self.shard[0]} is none of {self.shard[1]}")
        return self
