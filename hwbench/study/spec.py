"""What a study compares."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class StudySpec(BaseModel):
    """Predictors x targets x training sizes x seeds.

    Attributes
    ----------
    targets : "table:column" each.
    predictors : names of zoo entries.
    training_sizes : numbers of measured architectures to fit on.
    seeds : a repeat for each: which architectures are measured, and the predictor's randomness.
    test_size : architectures held out to score on, the same for every predictor and size of a seed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: tuple[str, ...] = Field(min_length=1)
    predictors: tuple[str, ...] = Field(min_length=1)
    training_sizes: tuple[int, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    test_size: PositiveInt = 625

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if min(self.training_sizes) < 2:
            raise ValueError("training_sizes must be at least 2")
        if self.test_size < 2:
            raise ValueError("test_size must be at least 2")
        if min(self.seeds) < 0:
            raise ValueError("seeds must not be negative")
        for name in ("targets", "predictors", "training_sizes", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} holds a value twice")
        return self
