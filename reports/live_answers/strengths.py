"""Which candidates are the strongest, and where noise is."""

from __future__ import annotations

import pandas as pd

from hwbench.compress.sparse_bayes import THRESHOLD
from hwbench.pages.architectures import short_name
from live_answers.found import Found
from live_answers.wording import lines, mean, named, seeds, values_of


def strongest(kept: Found) -> pd.DataFrame:
    """On how many positions each candidate is the strongest, a row a run, with its value."""
    own = kept.strengths.reset_index(drop=True)
    best = own.loc[own.groupby(["run", "position"])["strength"].idxmax()]
    counts = best.groupby(["run", "operation"]).size().unstack(fill_value=0)
    return counts.assign(value=values_of(counts.index.to_series()))


def learning(kept: Found, counts: pd.DataFrame) -> list[str]:
    """The values of a sweep whose searches learn strengths, in its order."""
    return [v for v in kept.searches["value"].unique() if (counts["value"] == v).any()]


def strongest_table(kept: Found) -> str:
    """On how many positions each candidate is the strongest, means over the seeds."""
    counts = strongest(kept)
    rows: list[dict[str, object]] = []
    for value in learning(kept, counts):
        own = counts[counts["value"] == value].drop(columns="value")
        shown = {short_name(str(name)): mean(own[name], 1) for name in own if counts[name].any()}
        rows.append({"search": named(kept, value), "seeds": len(own), **shown})
    return lines(rows)


def noise_words(kept: Found) -> str:
    """On how many positions noise would be left."""
    counts = strongest(kept)
    if "noise" not in counts:
        counts["noise"] = 0
    said = []
    for value in learning(kept, counts):
        own = counts[counts["value"] == value]
        of = int(own.drop(columns="value").sum(axis=1).iloc[0])
        where = f"on {mean(own['noise'], 1)} of {of} edges ({seeds(own)})"
        said.append(f"{named(kept, value)} {where}")
    return f"Noise is the strongest candidate with {', with '.join(said)}."


def left_out_words(kept: Found) -> str:
    """What the published threshold of gamma would leave of noise and of what else there is."""
    own = kept.strengths
    above = own[own["strength"] > THRESHOLD].groupby(["run", "operation"]).size().unstack()
    counts = above.reindex(own["run"].unique()).reindex(columns=own["operation"].unique())
    edges = own.groupby("run")["position"].nunique().iloc[0]
    left = [
        f"for {short_name(str(name))} on {mean(counts[name].fillna(0), 1)}"
        for name in sorted(counts, key=lambda each: each != "noise")
    ]
    noise = own[own["operation"] == "noise"].groupby("run")["strength"].max()
    return (
        f"Of {edges} edges gamma is above the published threshold of {THRESHOLD:.4f} "
        f"{' and '.join(left)} ({seeds(noise)}); the largest of noise is {noise.max():.4f}. "
        "With the edges on which nothing is above it, "
        f"{noise_words(kept).replace('Noise', 'noise')}"
    )
