"""Which columns are metrics, which tell of a metric's noise, and which are neither."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError, unknown_name
from hwbench.tables.own.column_words import (
    CONDITIONS,
    INDEX_COLUMNS,
    guess_direction,
    quantity_of,
    split_header,
    words_of,
)
from hwbench.tables.own.numbers import looks_like_number, plain_number
from hwbench.tables.own.rows import shown_name

NOISE_WORDS = frozenset(("std", "stdev", "stddev", "sd", "stderr", "sem"))
STATISTIC_WORDS = frozenset(("mean", "avg", "average", "median"))

NO_METRIC = "is left out: it holds no metric"

# Words of columns that nobody ranks networks by, whatever their unit.
_NEVER_METRIC = frozenset((
    "id", "uid", "uuid", "seed", "timestamp", "port", "pid", "date", "timeout", "warmup", "slot",
    "temperature", "temp", "celsius", "humidity", "voltage", "volt", "version",
))  # fmt: skip
# Words that tell so where neither unit nor another word says what is measured.
_RARELY_METRIC = frozenset((
    "n", "num", "number", "count", "run", "rep", "repeat", "repetition", "iter", "iteration",
    "trial", "round", "loop", "order", "row", "day", "hour", "start", "end", "epoch", "attempt",
    "job", "clock", "freq", "frequency",
))  # fmt: skip
_SIZES_OF_INPUTS = frozenset(("batch", "input", "image", "crop", "kernel"))
_COUNTS = frozenset(("n", "num", "number", "count"))
_REPEATS = frozenset(("run", "rep", "repeat", "repetition", "iter", "iteration", "trial", "round"))
_UNNAMED = re.compile(r"unnamed:? \d+|hwbench_index", re.IGNORECASE)
_REPEAT_COLUMN = re.compile(
    r"(?P<stem>.*?)(?P<word>(?:^|(?<=[\W_]))(?:runs?|reps?|repeats?|repetition|trial|iter|iteration"
    r"|round|measurement|sample|attempt|try))[\W_]?(?P<number>\d+)(?P<rest>(?:[\W_].*)?)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?P<stem>.*[a-z][_\W]?)(?P<number>\d+)(?P<rest>(?:[\W_].*)?)", re.IGNORECASE
)


@dataclass
class Metric:
    """A metric of a file.

    Attributes
    ----------
    header : the column's name, or the common one of columns that repeat it.
    sources : the columns in which it stands, more than one where they are repeats.
    noise : the column of its standard deviations, None where there is none.
    """

    header: str
    sources: list[str]
    noise: str | None = None


@dataclass
class Roles:
    """What the columns of a file are.

    Attributes
    ----------
    metrics : in the order of the file.
    unclear : columns of numbers that may be metrics or not: neither name nor unit tells.
    others : columns that are neither, by name what to note of them.
    runs : the column that says of how many runs a row is the mean, None where there is none.
    notes : what was taken for granted.
    """

    metrics: list[Metric] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    runs: str | None = None
    notes: list[str] = field(default_factory=list)


def find_roles(
    frame: pd.DataFrame,
    label: str,
    *,
    units: Mapping[str, str],
    named: Collection[str] = (),
    ignore: Collection[str] = (),
    repeats: Sequence[str] = (),
) -> Roles:
    """Find out what each column is.

    Parameters
    ----------
    frame : the columns, that of the architectures left out.
    label : what to call the file.
    units : that the file itself states outside of the columns' names, by column.
    named : columns that a unit, direction or device is given for: they are metrics.
    ignore : columns to be left out.
    repeats : patterns of columns that repeat one metric.

    Raises
    ------
    HwbenchError
        Where a column to be ignored is none of the file's, or a pattern fits fewer than two.
    """
    roles = Roles()
    ignored = [shown_name(name) for name in ignore]
    for name in ignored:
        if name not in frame.columns:
            raise unknown_name(f"column of {label} to be ignored", name, frame.columns)
    joined = _joined(list(frame), label, repeats)
    wanted = {shown_name(name) for name in named}
    candidates: list[str] = []
    noise: list[str] = []
    for column in frame:
        name, unit = split_header(column)
        unit = unit or units.get(column)
        words = words_of(name)
        is_named = not wanted.isdisjoint((column, name)) or column in joined
        if column in ignored:
            roles.others[column] = "is left out, as asked"
        elif is_named:
            candidates.append(column)
        elif not _can_hold_metric(frame, column, unit):
            roles.others[column] = NO_METRIC
        elif words & NOISE_WORDS:
            noise.append(column)
        elif _is_no_metric(words, unit, name):
            roles.others[column] = "is left out: its name tells of no metric"
            if words & _COUNTS and words & _REPEATS:
                roles.runs = column
        elif unit is None and quantity_of(None, name) is None and guess_direction(name) is None:
            roles.unclear.append(column)
            candidates.append(column)
        else:
            candidates.append(column)
    _group(roles, candidates, joined)
    for column in noise:
        _give_noise(roles, column)
    roles.notes += _notes_on(roles.others)
    return roles


def _notes_on(others: Mapping[str, str]) -> list[str]:
    """What is said of the columns that are neither metric nor noise, of those of texts at once."""
    texts = [name for name, what in others.items() if what == NO_METRIC]
    if len(texts) < 2:
        return [f"column '{name}' {what}" for name, what in others.items()]
    listed = ", ".join(f"'{name}'" for name in texts)
    notes = [f"column '{name}' {what}" for name, what in others.items() if what != NO_METRIC]
    return [f"columns {listed} are left out: they hold no metric", *notes]


def holds_number(column: pd.Series) -> bool:
    """Whether a column holds a number, in whatever way of writing them."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return True
    return any(
        looks_like_number(cell) if isinstance(cell, str) else plain_number(cell) is not None
        for cell in column
    )


def _can_hold_metric(frame: pd.DataFrame, column: str, unit: str | None) -> bool:
    """Whether a column is taken for a metric: its header states a unit, or it holds numbers."""
    if unit is not None:
        return True
    if _UNNAMED.fullmatch(column) or column.lower() in INDEX_COLUMNS:
        return False
    return holds_number(frame[column])


def _is_no_metric(words: set[str], unit: str | None, name: str) -> bool:
    if words & _NEVER_METRIC:
        return True
    if quantity_of(unit) not in (None, "frequency"):
        return False
    if words & _SIZES_OF_INPUTS and "size" in words:
        return True
    measures = quantity_of(None, name) is not None or guess_direction(name) is not None
    return bool(words & (_RARELY_METRIC | CONDITIONS)) and not measures


# ---------------------------------------------------------------------- repeats


def _joined(columns: list[str], label: str, patterns: Sequence[str]) -> dict[str, str]:
    """The common name of columns that were said to be repeats, by column."""
    found: dict[str, str] = {}
    for pattern in patterns:
        fitting = [name for name in columns if fnmatch.fnmatchcase(name, pattern)]
        if len(fitting) < 2:
            raise HwbenchError(
                f"{label}: --repeats {pattern!r} fits {len(fitting)} columns, two are the least; "
                f"there are {', '.join(columns[:20])}"
            )
        common = re.sub(r"[\W_]*[*?]+[\W_]*(?=$)", "", pattern)
        common = re.sub(r"[\W_]*[*?]+", "", common).strip("_-. ") or fitting[0]
        found |= dict.fromkeys(fitting, common)
    return found


def _group(roles: Roles, candidates: list[str], joined: Mapping[str, str]) -> None:
    """Metrics of the candidates, columns that repeat one put together."""
    common = dict(joined)
    for column in candidates:
        match = _REPEAT_COLUMN.fullmatch(column)
        if match is not None and column not in common:
            stem = match["stem"].rstrip("_-. |") or match["word"]
            common[column] = f"{stem}{match['rest']}"
    sizes: dict[str, int] = {}
    for column in candidates:
        sizes[common.get(column, "")] = sizes.get(common.get(column, ""), 0) + 1
    groups: dict[str, Metric] = {}
    for column in candidates:
        name = common.get(column)
        if name is None or sizes[name] < 2:
            groups[column] = Metric(column, [column])
        elif name in groups and len(groups[name].sources) and column != name:
            groups[name].sources.append(column)
        else:
            groups[name] = Metric(name, [column])
    roles.metrics = list(groups.values())
    for metric in roles.metrics:
        if len(metric.sources) > 1:
            roles.notes.append(
                f"columns {', '.join(metric.sources)} are taken for repeated measurements of one "
                f"metric, '{metric.header}'"
            )
            unclear = [name for name in roles.unclear if name in metric.sources]
            roles.unclear = [name for name in roles.unclear if name not in metric.sources]
            if unclear:
                roles.unclear.append(metric.header)


def numbered_alike(columns: Sequence[str]) -> str | None:
    """A pattern of columns that differ by a number alone, and may be repeats; None for none."""
    found: dict[tuple[str, str], int] = {}
    for column in columns:
        match = _NUMBERED.fullmatch(column)
        if match is not None and not re.search(r"(?:^|[\W_])p$|top[\W_]?$", match["stem"].lower()):
            key = (match["stem"], match["rest"])
            found[key] = found.get(key, 0) + 1
    for (stem, rest), count in found.items():
        if count > 1:
            return f"{stem}*{rest}"
    return None


# ---------------------------------------------------------------------- noise


def _give_noise(roles: Roles, column: str) -> None:
    """Give a column of deviations to the metric that it tells of."""
    base = _base(column)
    fitting = [metric for metric in roles.metrics if _base(metric.header) == base]
    means = [metric for metric in fitting if words_of(metric.header) & STATISTIC_WORDS]
    if not fitting and len(roles.metrics) == 1 and len(base) <= 1:
        fitting = roles.metrics
    chosen = means or fitting
    if len(chosen) == 1 and chosen[0].noise is None:
        chosen[0].noise = column
        roles.notes.append(f"column '{column}' is the noise of '{chosen[0].header}'")
    else:
        roles.others[column] = "is left out: it tells of the noise of no column"


def _base(column: str) -> frozenset[str]:
    """The words of a name without those of statistics."""
    texts = re.split(r"[\W_]+", re.sub(r"([a-z\d])([A-Z])", r"\1_\2", column).lower())
    return frozenset(texts) - NOISE_WORDS - STATISTIC_WORDS - {""}
