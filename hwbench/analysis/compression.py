"""Numbers of compressions over their seeds: what is lost, what is left, what others come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.results.compressions import WHOLE, Compressions

OWN = "sparse_bayes"
"""The method that the others are baselines of."""

RANDOM = "random"

KEYS = ["method", "budget", "strength"]


def with_losses(found: Compressions) -> pd.DataFrame:
    """The trainings with `lost`, points of accuracy below the whole network of the same seed, and
    `latency_ratio` to it; both NaN where they are not known.
    """
    frame = found.trainings.copy()
    whole = frame[frame["method"] == WHOLE].set_index("seed")["accuracy"]
    frame["lost"] = frame["seed"].map(whole) - frame["accuracy"]
    frame["latency_ratio"] = frame["label"].map(found.latency_ratios).astype(float)
    return frame


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each method, budget and strength: means over the seeds.

    Parameters
    ----------
    frame : of `with_losses`.

    Returns
    -------
    With `title`, `method`, `budget`, `strength`, `accuracy`, `deviation` (of the accuracy over
    seeds), `lost` with its 95 % interval `lost_low`, `lost_high`, `flops_share`, `parameters`,
    `weights_left`, `latency_ratio`, `seeds`, `diverged` (further seeds whose training did), and
    `best`: whether of a method's strengths it is the one with the highest accuracy under the
    budget.
    """
    rows = []
    for key, own in frame.groupby(KEYS, dropna=False, sort=False):
        method, budget, strength = key
        _, low, high = mean_interval(own["lost"].dropna().to_numpy())
        ended = int(own["accuracy"].count())
        rows.append(
            {
                "title": _title(method, budget, strength),
                **dict(zip(KEYS, key, strict=True)),
                "accuracy": own["accuracy"].mean(),
                "deviation": own["accuracy"].std() if ended > 1 else np.nan,
                "lost": own["lost"].mean(),
                "lost_low": low,
                "lost_high": high,
                "flops_share": own["flops_share"].mean(),
                "parameters": own["parameters"].mean(),
                "weights_left": own["weights_left"].mean(),
                "latency_ratio": own["latency_ratio"].mean(),
                "seeds": ended,
                "diverged": len(own) - ended,
            }
        )
    means = pd.DataFrame(rows)
    most = means.groupby(["method", "budget"], dropna=False)["accuracy"].transform("max")
    means["best"] = means["accuracy"] == most
    return means


def _title(method: str, budget: float, strength: float) -> str:
    words = [method_title(method)]
    if np.isfinite(strength):
        words.append(f"lambda {strength:g}")
    if method != WHOLE:
        words.append(
            f"to {100 * budget:g} % of the FLOPs" if np.isfinite(budget) else "as it comes"
        )
    return ", ".join(words)


def method_title(method: str) -> str:
    """A method in words."""
    return {
        WHOLE: "whole network",
        OWN: "sparse Bayesian learning",
        "geometric_median": "geometric median (FPGM)",
        RANDOM: "random units",
    }.get(method, method.replace("_", " "))


@dataclass(frozen=True)
class Beside:
    """A method held against another under one budget, seed by seed.

    Attributes
    ----------
    budget : share of the FLOPs.
    one, other : rows of `summary`.
    gained : points of accuracy by which the one is above the other, mean over shared seeds.
    low, high : 95 % interval of it; NaN of a single seed.
    """

    budget: float
    one: pd.Series
    other: pd.Series
    gained: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the one is "better" or "worse"; "no different" where the interval holds 0."""
        if np.isfinite(self.low) and self.low > 0:
            return "better"
        return "worse" if np.isfinite(self.high) and self.high < 0 else "no different"


def beside_best(frame: pd.DataFrame, method: str = OWN) -> list[Beside]:
    """A method beside the best of all others under each budget that is set; the loosest first.

    Of each other the best of its strengths counts, and of those the best: an advantage of theirs.

    Parameters
    ----------
    frame : of `with_losses`.
    method : that is held against the others.
    """
    means = summary(frame)
    held = []
    for budget in sorted(means["budget"].dropna().unique(), reverse=True):
        under = means[(means["budget"] == budget) & means["best"]]
        one, others = under[under["method"] == method], under[under["method"] != method]
        if one.empty or others.empty:
            continue
        other = others.loc[others["accuracy"].idxmax()]
        pair = [_of(frame, each).set_index("seed")["accuracy"] for each in (one.iloc[0], other)]
        gained = (pair[0] - pair[1]).dropna()
        mean, low, high = mean_interval(gained.to_numpy())
        held.append(Beside(float(budget), one.iloc[0], other, mean, low, high))
    return held


def _of(frame: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The trainings behind a row of `summary`."""
    same = pd.Series(data=True, index=frame.index)
    for key in KEYS:
        missing = row[key] is None or row[key] != row[key]
        same &= frame[key].isna() if missing else frame[key] == row[key]
    return frame[same]
