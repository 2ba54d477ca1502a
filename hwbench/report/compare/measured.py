"""One measure of two runs compared: the verdict in words, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.pages.blocks import EMPTY, Cell, Column, DataTable, Row
from hwbench.pages.plotting import signed


@dataclass(frozen=True)
class Measured:
    """One measure of one part, compared: its rows, and how to name them.

    Attributes
    ----------
    name : id of its table.
    title : in words.
    rows : as from `paired_differences`.
    labels : the keys that name a row of the table.
    digits : of the numbers shown.
    higher_is_better : whether B is better where the difference is positive.
    """

    name: str
    title: str
    rows: pd.DataFrame
    labels: tuple[str, ...]
    digits: int
    higher_is_better: bool


def better_and_worse(measured: Measured) -> tuple[int, int]:
    """In how many rows B is significantly better, and worse."""
    clear = measured.rows[measured.rows["significant"]]
    better = clear["difference"] > 0 if measured.higher_is_better else clear["difference"] < 0
    return int(better.sum()), int((~better).sum())


def verdict(measured: Measured) -> Markup:
    """How many rows differ significantly, and which most."""
    rows = measured.rows
    clear = rows[rows["significant"]]
    better, worse = better_and_worse(measured)
    tested = int(rows["p_value"].notna().sum())
    if not tested:
        return Markup("{} pairs of one seed each: nothing can be tested.").format(len(rows))
    if clear.empty:
        largest = float(rows["difference"].abs().max())
        if largest == 0:
            return Markup("<b>All {} are the same</b> in both runs.").format(tested)
        return Markup(
            "<b>None of {} differences is significant</b>; the largest is {:.{}f}."
        ).format(tested, largest, measured.digits)
    most = clear.loc[clear["difference"].abs().idxmax()]
    return Markup(
        "<b>{} of {} differences are significant</b>: B is better in {}, worse in {}. Most: {}, "
        '{} <span class="interval">(95 % interval {} to {})</span>.'
    ).format(
        len(clear),
        tested,
        better,
        worse,
        label(most, measured.labels),
        *(signed(most[name], measured.digits, plus=True) for name in ("difference", "low", "high")),
    )


def label(row: pd.Series, labels: Sequence[str]) -> str:
    """A row's keys in words, the missing ones left out."""
    words = {
        "training_size": "{:,} measurements",
        "n_candidates": "{:,} candidates",
        "deviation": "deviation {:g}",
        "limit": "at most {:g}",
    }
    parts = []
    for name in labels:
        value = row[name]
        if value is None or (isinstance(value, float) and np.isnan(value)):
            continue
        if name == "training_size" and not value:  # of simulated predictors
            continue
        parts.append(words.get(name, "{}").format(value))
    return ", ".join(parts)


def table(measured: Measured, *, folded: bool = False) -> DataTable:
    """Both runs' means side by side with their difference, the clearest first."""
    ordered = measured.rows.assign(size=measured.rows["difference"].abs()).sort_values(
        ["significant", "size"], ascending=False, kind="stable"
    )
    digits = measured.digits
    rows = []
    for _, row in ordered.iterrows():
        half = (row["high"] - row["low"]) / 2
        known = bool(np.isfinite(half))
        p_value = row["p_value"]
        rows.append(
            Row(
                label(row, measured.labels),
                (
                    Cell(f"{row['one']:.{digits}f}", float(row["one"])),
                    Cell(f"{row['other']:.{digits}f}", float(row["other"])),
                    Cell(
                        signed(row["difference"], digits, plus=True),
                        float(row["difference"]),
                        f"± {half:.{digits}f}" if known else "",
                        best=bool(row["significant"]),
                        more={"low_95": float(row["low"]), "high_95": float(row["high"])}
                        if known
                        else {},
                    ),
                    EMPTY if np.isnan(p_value) else Cell(p_text(p_value), float(p_value)),
                    Cell(f"{row['repeats']}", float(row["repeats"])),
                ),
            )
        )
    columns = (
        Column("compared", "compared", numeric=False),
        Column("A", "a"),
        Column("B", "b"),
        Column("B less A", "difference"),
        Column("p, adjusted", "p_adjusted"),
        Column("pairs", "pairs"),
    )
    return DataTable(
        measured.name,
        measured.title,
        columns,
        tuple(rows),
        note="Significant differences are bold and stand first. ± half the 95 % interval.",
        folded=folded,
    )


def p_text(p_value: float) -> str:
    """A p-value with two digits, or that it is tiny."""
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}"
