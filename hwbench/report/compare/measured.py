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
    quantity : what is measured, without of what: measures of one quantity can be held against one
        another.
    """

    name: str
    title: str
    rows: pd.DataFrame
    labels: tuple[str, ...]
    digits: int
    higher_is_better: bool
    quantity: str

    @property
    def clear(self) -> pd.DataFrame:
        """The rows whose difference is significant, with whether B is `better`."""
        rows = self.rows[self.rows["significant"]]
        return rows.assign(better=(rows["difference"] > 0) == self.higher_is_better)

    def counts(self) -> dict[str, int]:
        """How many rows say that B is "better", "worse", "unclear", and how many are "untested"."""
        clear, tested = self.clear, int(self.rows["p_value"].notna().sum())
        better = int(clear["better"].sum())
        return {
            "better": better,
            "worse": len(clear) - better,
            "unclear": tested - len(clear),
            "untested": len(self.rows) - tested,
        }

    def difference(self, row: pd.Series) -> Markup:
        """A row in words: what is compared, its difference and the interval."""
        return Markup('{}, {} <span class="interval">(95 % interval {} to {})</span>').format(
            label(row, self.labels),
            *(signed(row[name], self.digits, plus=True) for name in ("difference", "low", "high")),
        )


def headline(measured: Sequence[Measured]) -> Markup:
    """What changed in all measures: how many differences are significant, and the largest.

    Parameters
    ----------
    measured : at least one.
    """
    counts = [each.counts() for each in measured]
    better, worse, unclear, untested = (
        sum(count[key] for count in counts) for key in ("better", "worse", "unclear", "untested")
    )
    tested = better + worse + unclear
    if not tested:
        return Markup(
            "<b>Nothing can be tested:</b> all {} comparisons have one pair of seeds or repeats."
        ).format(untested)
    if not better + worse:
        largest = max(float(each.rows["difference"].abs().max()) for each in measured)
        if largest == 0:
            return Markup("<b>Nothing changed:</b> all {} comparisons are the same.").format(tested)
        return Markup("<b>Nothing changed significantly</b> in {} comparisons.").format(tested)
    first = next(each for each in measured if len(each.clear))
    alike = [each for each in measured if each.quantity == first.quantity and len(each.clear)]
    most = max(alike, key=lambda each: float(each.clear["difference"].abs().max()))
    row = most.clear.loc[most.clear["difference"].abs().idxmax()]
    return Markup(
        "<b>{} of {} differences are significant: B is better in {}, worse in {}.</b> The largest "
        "in {}: {}."
    ).format(better + worse, tested, better, worse, most.title, most.difference(row))


def lines(measured: Sequence[Measured]) -> list[Markup]:
    """A line for each measure that changed, and one for all that did not."""
    changed = [each for each in measured if len(each.clear)]
    said = [Markup("<b>{}</b>: {}").format(each.title, verdict(each)) for each in changed]
    rest = [each for each in measured if not len(each.clear)]
    same = [each for each in rest if each.rows["p_value"].notna().any()]
    untested = [each for each in rest if each not in same]
    if same:
        said.append(
            Markup("<b>No significant difference</b> in {}.").format(
                "; ".join(f"{each.title} ({_not_clear(each)})" for each in same)
            )
        )
    if untested:
        said.append(
            Markup("<b>Not tested</b>, for want of a second pair: {}.").format(
                "; ".join(each.title for each in untested)
            )
        )
    return said


def _not_clear(measured: Measured) -> str:
    largest = float(measured.rows["difference"].abs().max())
    count = len(measured.rows)
    if largest == 0:
        return f"all {count} the same"
    return f"{count}, at most {largest:.{measured.digits}f}"


def verdict(measured: Measured) -> Markup:
    """How many rows of a measure that changed differ significantly, and which most."""
    clear, counts = measured.clear, measured.counts()
    most = clear.loc[clear["difference"].abs().idxmax()]
    return Markup(
        "{} of {} differences are significant, B is better in {}, worse in {}. Most: {}."
    ).format(
        len(clear),
        len(measured.rows) - counts["untested"],
        counts["better"],
        counts["worse"],
        measured.difference(most),
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
