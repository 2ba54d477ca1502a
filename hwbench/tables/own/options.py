"""How a file of measurements is to be read, where it does not tell itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hwbench.errors import HwbenchError, unknown_name

DECIMALS = (".", ",")
THOUSANDS = (",", ".", "none")


@dataclass(frozen=True)
class Reading:
    """What is said of a file beside what stands in it; everything may be left out.

    Attributes
    ----------
    arch_format : the code of its architectures, such as "official-index", "naslib" or "hwbench"
        (see `hwbench.spaces.reading.codes_of`); by default what is unmistakable is read.
    decimal : the mark before decimals, "." or ",".
    thousands : the mark between thousands, "," or ".", or "none"; spaces and apostrophes are read
        anyway.
    where : only rows whose columns hold these values, such as {"device": "board-a"}.
    pivot : columns of conditions, each combination of whose values becomes a column of its own.
    pool : columns of which rows may differ and still be repeats of one measurement.
    repeats : patterns of columns that repeat one measurement, such as "latency_*".
    missing : spellings in cells that mean "not measured", beside the usual ones.
    measured : values that are measured, though they look like marks for "not measured".
    header_line : the line on which the columns' names stand; 0 where there is none.
    sheet : of a workbook.
    """

    arch_format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    pivot: Sequence[str] = ()
    pool: Sequence[str] = ()
    repeats: Sequence[str] = ()
    missing: Sequence[str] = ()
    measured: Sequence[float] = ()
    header_line: int | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.decimal is not None and self.decimal not in DECIMALS:
            raise unknown_name("decimal mark", self.decimal, DECIMALS)
        if self.thousands is not None and self.thousands not in THOUSANDS:
            raise unknown_name("mark between thousands", self.thousands, THOUSANDS)
        if self.decimal is not None and self.decimal == self.thousands:
            raise HwbenchError(
                f"the mark {self.decimal!r} cannot stand before decimals and between thousands"
            )
        for name in ("pivot", "pool", "repeats", "missing", "measured"):
            if isinstance(getattr(self, name), str):
                raise HwbenchError(f"{name} must be a list, not the text {getattr(self, name)!r}")
        if self.header_line is not None and self.header_line < 0:
            raise HwbenchError(f"header_line must be a line's number or 0, not {self.header_line}")
