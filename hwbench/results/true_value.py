"""How good what a live search found truly is, as its result keeps it, and in words.

A supernet's accuracy says how well its shared weights do, not how good the architecture is. Where a
table holds what trainings of every architecture came to, the value found there does, beside what
costs no search: architectures drawn at random, and the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

Share = Annotated[float, Field(ge=0, le=1)]
Percentile = Annotated[float, Field(ge=0, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Drawn(_Part):
    """Values of architectures drawn at random among those that a search could have found.

    Attributes
    ----------
    of : how many there are; those whose output no path reaches are left out.
    mean, median : of their values.
    low, high : between which 90 % of the values lie.
    lower_quartile, upper_quartile : between which half of them lie; None in older results.
    """

    of: PositiveInt
    mean: FiniteFloat
    low: FiniteFloat
    median: FiniteFloat
    high: FiniteFloat
    lower_quartile: FiniteFloat | None = None
    upper_quartile: FiniteFloat | None = None


class BestOf(_Part):
    """The value that the best of several architectures drawn at random is expected to have.

    Attributes
    ----------
    drawn : how many: as many as the search ranked.
    mean : of the best one's value: what a ranking without error comes to.
    """

    drawn: PositiveInt
    mean: FiniteFloat


class Largest(_Part):
    """The architecture that has most of something, which takes no search.

    Attributes
    ----------
    column : of the table, such as "cifar10.parameters".
    what : in words, such as "parameters".
    value, rank : of the architecture, as for what was found; the mean where several have the same.
    percentile : of the value, as for what was found; None in older results.
    """

    column: str
    what: str
    value: FiniteFloat
    rank: PositiveInt
    percentile: Percentile | None = None


class StandIn(_Part):
    """A ranking's target that comes from trainings too short to be called true values.

    Attributes
    ----------
    target : "table:column".
    images, epochs : of those trainings.
    kendall_tau : with the true values, over the architectures of both; None where none are known.
    """

    target: str
    images: str
    epochs: NonNegativeInt
    kendall_tau: FiniteFloat | None = None


class TrueValue(_Part):
    """What a table says of the architecture that a search found.

    Attributes
    ----------
    target : "table:column" of the true values, larger is better.
    title : of the column, in words.
    dataset : that the table's networks were trained on; "" where nobody says.
    unit : of the values, such as "%".
    source : where the column's numbers are from.
    sha256 : of the table's file.
    value : of what was found; None where the table lacks it.
    rank : 1 for the best of the table.
    of : architectures in the table. Codes that stand for one network, as those of NAS-Bench-1Shot1
        do for one cell, count once here and in `rank`, `better_than` and `quantiles`; not where
        something is drawn: in `percentile`, `random` and `best_of` each code is as likely.
    better_than : share of them that are worse.
    percentile : share of those that the search could have found that are worse, equal ones counted
        half, in %; None where the value is unknown, and in older results.
    best : value of the best.
    random : see `Drawn`; None where the table holds none that the search could have found.
    best_of : see `BestOf`; only where the search ranked architectures.
    largest : see `Largest`; none where the table does not say.
    kendall_tau : of the search's ranking and the true values; None where it ranked none.
    quantiles : of all values of the table, in equal steps from the least to the best.
    """

    target: str
    title: str
    dataset: str = ""
    unit: str
    source: str = ""
    sha256: str
    value: FiniteFloat | None
    rank: PositiveInt | None
    of: PositiveInt
    better_than: Share | None
    percentile: Percentile | None = None
    best: FiniteFloat
    random: Drawn | None
    best_of: BestOf | None = None
    largest: tuple[Largest, ...] = Field(default=(), strict=False)
    kendall_tau: FiniteFloat | None = None
    quantiles: tuple[FiniteFloat, ...] = Field(strict=False, min_length=2)

    @model_validator(mode="after")
    def _known_or_not(self) -> TrueValue:
        given = [each is not None for each in (self.value, self.rank, self.better_than)]
        if any(given) and not all(given):
            raise ValueError("value, rank and better_than must be given together")
        return self

    @property
    def words(self) -> str:
        """The column in words, with its table and dataset."""
        table = self.target.rpartition(":")[0]
        column = self.title.partition(",")[0]
        return f"{column} {f'on {self.dataset} ' * bool(self.dataset)}in the table {table}"

    @property
    def most(self) -> list[tuple[str, float, int]]:
        """What each largest architecture has most of, value and rank; one that is twice, once."""
        together: dict[tuple[float, int], list[str]] = {}
        for most in self.largest:
            together.setdefault((most.value, most.rank), []).append(most.what)
        return [(" and ".join(names), value, rank) for (value, rank), names in together.items()]

    def amount(self, value: float) -> str:
        """A value with its unit."""
        unit = "" if self.unit in ("", "1") else f" {self.unit}"
        return f"{value:.2f}{unit}"

    def more_than_random(self, value: float) -> str:
        """How a value compares with that of one random architecture, in words."""
        if self.random is None:
            return ""
        gain = value - self.random.mean
        points = "points" if self.unit == "%" else self.unit.replace("1", "")
        how = f"{abs(gain):.2f} {points}".rstrip()
        return f"{how} {'more' if gain >= 0 else 'less'} than one random architecture on average"


def headline(found: TrueValue) -> str:
    """The first sentence about what was found."""
    if found.value is None or found.rank is None or found.better_than is None:
        return f"The table of {found.target} lacks what was found: no true value of it is known."
    beside = found.more_than_random(found.value)
    return (
        f"What was found truly has {found.amount(found.value)} ({found.words}): rank "
        f"{found.rank:,} of {found.of:,}, better than {100 * found.better_than:.0f} % of them"
        f"{f', {beside}' * bool(beside)}."
    )


def beside_it(found: TrueValue) -> Iterator[str]:
    """Sentences about what costs no search, and about the search's ranking where it made one."""
    yield from baselines(found)
    if found.kendall_tau is not None:
        yield (
            "The search's own ranking agrees with the true values at a Kendall's tau of "
            f"{found.kendall_tau:.2f}."
        )


def baselines(found: TrueValue) -> Iterator[str]:
    """Sentences about what costs no search: random architectures and the largest."""
    drawn = found.random
    if drawn is not None:
        yield (
            f"One architecture drawn at random has {found.amount(drawn.mean)} on average (90 % of "
            f"them have {drawn.low:.2f} to {found.amount(drawn.high)}), and costs no search."
        )
    if found.best_of is not None:
        yield (
            f"A ranking without error of {found.best_of.drawn:,} random architectures, as many as "
            f"were ranked, would find {found.amount(found.best_of.mean)} on average; the best "
            f"there is has {found.amount(found.best)}."
        )
    else:
        yield f"The best there is has {found.amount(found.best)}."
    if found.largest:
        each = [
            f"the architecture with the most {what} has {found.amount(value)} (rank {rank:,})"
            for what, value, rank in found.most
        ]
        yield f"For free, {' and '.join(each)}."


def about_stand_in(stand_in: StandIn) -> str:
    """A sentence that says that a ranking's target is no truth."""
    epochs = f"{stand_in.epochs} epoch{'s' * (stand_in.epochs != 1)}"
    tau = stand_in.kendall_tau
    agrees = (
        "" if tau is None else f"; it agrees with the true values at a Kendall's tau of {tau:.2f}"
    )
    return (
        f"The ranking's target, {stand_in.target}, is a stand-in and no truth: trainings of "
        f"{epochs} on {stand_in.images}{agrees}."
    )


def unknown(folder: str) -> str:
    """A sentence for where no true value is known, with what brings one."""
    return (
        "No true value of what was found is known: the run names no table of accuracies of this "
        f"space. hwbench live truth {folder} looks for one (--target TABLE:COLUMN names one of "
        f"your own); hwbench live retrain {folder} trains it."
    )
