"""What a study found, for notebooks."""

from __future__ import annotations

import pandas as pd

from hwbench.notebook import MOST_ROWS, listing, number


def study_html(study: pd.DataFrame) -> str:
    """The mean tau of every predictor by training size, over targets and seeds, for notebooks."""
    scored = study[study["kendall_tau"].notna()]
    if scored.empty:
        return ""
    means = scored.pivot_table("kendall_tau", "title", "training_size", "mean")
    means = means.sort_values(means.columns[-1], ascending=False)
    sizes = [f"{int(size):,}" for size in means.columns]
    rows = [[title, *map(number, row)] for title, *row in means.itertuples()]
    more = len(rows) - MOST_ROWS
    note = f"Kendall's tau by measurements, mean over {study['target'].nunique()} targets and "
    note += f"{study['seed'].nunique()} seeds"
    note += f"; {more} more predictors" if more > 0 else ""
    return listing(("predictor", *sizes), rows[:MOST_ROWS], note=note)
