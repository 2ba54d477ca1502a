"""How far supernets rank as complete trainings do, and what that costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hwbench.results.ranking_measures import ranking_measures
from live_answers.found import SIZES, Found
from live_answers.wording import NONE_YET, lines, mean, seeds, values_of


def rankings_table(kept: Found) -> str:
    """How far the supernets of a sweep rank as complete trainings do, and sizes in their place."""
    rows: list[dict[str, object]] = []
    order = kept.searches["value"].unique()
    about = kept.runs.assign(value=lambda frame: values_of(frame["run"]))
    own = kept.rankings.assign(value=lambda frame: values_of(frame["run"]))
    for value in order:
        of_value = own[own["value"] == value]
        for by, words in {"score": f"**{value}**", **SIZES}.items():
            measured = measures_by(of_value, by)
            minutes = about.loc[about["value"] == value, "cpu_seconds"] / 60
            searched = by == "score"
            rows.append(
                {
                    "ranked by": words if searched else f"its cells by {words}",
                    "Kendall's tau": mean(measured["kendall_tau"], 3),
                    "each seed": ", ".join(f"{tau:.2f}" for tau in measured["kendall_tau"])
                    if searched
                    else "",
                    "the best ranked, %": mean(measured["mean_true_top1"]),
                    "mean of the ten best ranked, %": mean(measured["mean_true_top10"]),
                    "mean of all, %": f"{measured['mean_true'].mean():.2f}",
                    "CPU minutes, at most": f"{minutes.max():.1f}" if searched else "0",
                }
            )
    return lines(rows)


def measures_by(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """How well a column ranks each run's cells, a row a run: see `ranking_measures`."""
    known = frame.dropna(subset=[by, "true"])
    return pd.DataFrame(
        [ranking_measures(own[by], own["true"]) for _, own in known.groupby("run") if len(own) > 1]
    )


def resources_table(kept: Found) -> str:
    """What each value costs in the training, beside the first one of the last sweep."""
    about = kept.runs.query("ended")
    about = about.assign(value=values_of(about["run"]))
    spent = about.groupby("value")[["cpu_seconds_training", "peak_memory_mb"]].mean()
    before = spent.loc["spos_no_zero"] if "spos_no_zero" in spent.index else spent.iloc[0]
    rows = [
        {
            "search": f"`{value}`",
            "seeds": int((about["value"] == value).sum()),
            "CPU minutes of the training": f"{own['cpu_seconds_training'] / 60:.1f}",
            "of those of the first": f"{own['cpu_seconds_training'] / before.iloc[0]:.2f}",
            "peak of memory, MiB": ""
            if np.isnan(own["peak_memory_mb"])
            else f"{own['peak_memory_mb']:.0f}",
        }
        for value, own in spent.iterrows()
    ]
    return lines(rows)


def rankings_words(kept: Found) -> str:
    """Whose order of cells is nearer to that of complete trainings, supernets' or FLOPs'."""
    own = kept.rankings.assign(value=lambda frame: values_of(frame["run"]))
    said = []
    for value in kept.searches["value"].unique():
        of_value = own[own["value"] == value]
        taus, free = (measures_by(of_value, by)["kendall_tau"] for by in ("score", "flops"))
        side = "above" if taus.mean() > free.mean() else "below"
        said.append(
            f"`{value}` {mean(taus, 2)} ({seeds(taus)}), {side} the {free.mean():.2f} of FLOPs"
        )
    return f"Kendall's tau of supernets with true accuracies: {'; '.join(said)}."


def beside_whole_supernets(kept: Found, said: str) -> list[str]:
    """What each value changes in tau, beside the same seeds of `spos_no_zero`; a phrase a value.

    Parameters
    ----------
    kept : of the values, and of `spos_no_zero`.
    said : of a value, which stands in place of {}.
    """
    own = kept.searches.pivot(index="seed", columns="value", values="kendall_tau")
    if "spos_no_zero" not in own:
        return []
    whole = own.pop("spos_no_zero")
    found = []
    for value in sorted((name for name in own if name.isdigit()), key=int):
        change = (own[value] - whole).dropna()
        found.append(f"{mean(change, 3)} {said.format(value)} ({seeds(change)})")
    return found


def window_words(kept: Found) -> str:
    """What each epoch of the split changes in tau."""
    found = beside_whole_supernets(kept, "before epoch {}")
    if not found:
        return NONE_YET
    return f"Splitting weights changes the tau of the same seeds by {', '.join(found)}."


def stopped_words(kept: Found) -> str:
    """What a training that ends all of a sudden changes in tau."""
    found = beside_whole_supernets(kept, "after epoch {}")
    if not found:
        return NONE_YET
    return f"Stopping early changes the tau of the same seeds by {', '.join(found)}."


def epochs_words(kept: Found) -> str:
    """What fewer epochs change in tau."""
    found = beside_whole_supernets(kept, "for {} epochs")
    if not found:
        return NONE_YET
    return f"Training for less than 48 epochs changes tau by {', '.join(found)}."
