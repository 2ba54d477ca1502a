"""What a table says of itself: where its numbers are from and what each column means."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hwbench.toml import FrozenModel


class NoiseCard(FrozenModel):
    """How far a column of numbers would agree with itself, if it were made again.

    Attributes
    ----------
    method : "twins" (pairs of architectures that are one network), "halves" (the rounds of a
        measurement, split in two), "seeds" (repeated trainings), "repeats" (several measurements
        of an architecture) or "deviations" (the standard deviations that a file gives).
    n_pairs : pairs of values that were compared.
    kendall_tau : tau-b of the pairs.
    deviation : standard deviation of the noise of one value, in the column's unit.
    tau_ceiling : about the best tau that a perfect predictor can be expected to score on this
        column; a cautious estimate, so at least that, where the method is "halves".
    """

    method: Literal["twins", "halves", "seeds", "repeats", "deviations"]
    n_pairs: int
    kendall_tau: float
    deviation: float
    tau_ceiling: float


class ColumnCard(FrozenModel):
    """The meaning of one column of numbers.

    Attributes
    ----------
    title : what it is, in words.
    unit : of its numbers: "ms", "MiB", "%", "1" for counts.
    direction : which way is better.
    dataset : the data the number depends on, if any.
    device : what it was measured on, if anything: columns of one device tell of one another.
    split : which part of the dataset, such as "test".
    seeds : the seeds behind it, where it comes from random repeats.
    source : how it was made or where it was taken from.
    noise : what is known of its noise, if anything.
    shared_by_function : whether architectures that compute the same function were given one value,
        so that their agreement says nothing of noise.
    """

    title: str
    unit: str
    direction: Literal["minimize", "maximize"]
    dataset: str | None = None
    device: str | None = None
    split: str | None = None
    seeds: tuple[int, ...] | None = None
    source: str
    noise: NoiseCard | None = None
    shared_by_function: bool = False


class TableCard(FrozenModel):
    """The meaning of a whole table; stored in the schema metadata of its Parquet file.

    Attributes
    ----------
    name : by which `load_table` finds it.
    title : a line for people.
    space : name of the search space.
    description : what a reader should know before using the numbers.
    created : date of making, ISO 8601.
    licence : under which the numbers may be used.
    recipes : every command's settings that went into it, machine and versions included.
    columns : the meaning of each column of numbers.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    space: str
    description: str = ""
    created: str
    licence: str = "unspecified"
    recipes: tuple[dict[str, Any], ...] = ()
    columns: dict[str, ColumnCard]
