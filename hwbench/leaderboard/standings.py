"""Who stands where: entries of the leaderboard compared on the same fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis.published import LINEAR
from hwbench.analysis.ratings import ratings
from hwbench.analysis.statistics import mean_interval
from hwbench.errors import HwbenchError, unknown_name, unknown_number
from hwbench.results.leaderboard import OWN, Board
from hwbench.results.study_columns import FIT_CPU_SECONDS

ENTRY = ["predictor", "encoding", "tuning", "origin"]
"""Columns that name an entry."""

SCORES_SHOWN: Mapping[str, tuple[str, bool]] = {
    "kendall_tau": ("tau", True),
    "spearman": ("Spearman", True),
    "pearson": ("Pearson", True),
    "precision_at_10": ("precision at 10", True),
    "precision_at_50": ("precision at 50", True),
    "within_5_percent": ("within 5 %", True),
    "rmspe": ("RMSPE, %", False),
    "mae": ("MAE", False),
    "deviation": ("deviation", False),
    "crps": ("CRPS", False),
}
"""Scores that entries can be compared by: what they are called, and whether higher is better."""

KIND_OF_UNIT = {
    "%": "accuracy",
    "ms": "latency",
    "mJ": "energy",
    "ops/byte": "intensity",
    "s": "time",
}
"""What is predicted, by its unit."""

ACCURACY = "accuracy"
"""The kind of target that a search maximises."""

USUAL_SIZE = 124
"""Measured architectures at which entries are compared where no size is asked for: the one of those
there are that is nearest."""

BASELINE = "baseline"
"""The family of what ranks without measurements."""

BASELINES = {
    "flops": "FLOPs alone",
    "parameters": "Parameters alone",
    "operations": "Number of operations alone",
    "random": "Random order",
}


def target_kind(about: Mapping[str, Any]) -> str:
    """What a target is: accuracy, latency, energy, intensity, time, or other."""
    return KIND_OF_UNIT.get(str(about.get("unit")), "other")


def chosen_targets(
    board: Board,
    *,
    space: str | None = None,
    kind: str | None = None,
    targets: Sequence[str] = (),
) -> list[str]:
    """Targets by space, kind or name; where nothing is asked for the published study's.

    By space and kind come those on which at least half of the predictors have been fitted; others
    are had by their names.

    Raises
    ------
    HwbenchError
        Where a space, kind or target has no scores.
    """
    known = board.targets()
    present = [each for each in known if (board.scores["target"] == each).any()]
    for target in targets:
        if target not in present:
            raise unknown_name("target of the leaderboard", target, present)
    spaces = sorted({str(known[each]["space"]) for each in present})
    if space is not None and space not in spaces:
        raise unknown_name("space of the leaderboard", space, spaces)
    kinds = sorted({target_kind(known[each]) for each in present})
    if kind is not None and kind not in kinds:
        raise unknown_name("kind of target of the leaderboard", kind, kinds)
    nothing_asked = space is None and kind is None and not targets
    predictors = board.scores.groupby("target")["predictor"].nunique()
    fitted = predictors[predictors * 2 >= predictors.max()].index
    found = [
        each
        for each in present
        if (each in targets if targets else each in fitted)
        and (space is None or known[each]["space"] == space)
        and (kind is None or target_kind(known[each]) == kind)
        and (not nothing_asked or each in LINEAR)
    ]
    if not found and nothing_asked:
        return present
    if not found:
        raise HwbenchError(
            f"no target of the leaderboard is of space {space or 'any'} and kind {kind or 'any'}; "
            "see: hwbench leaderboard --list"
        )
    return found


def chosen_size(scores: pd.DataFrame, targets: Sequence[str], size: int | None) -> int:
    """The training size to compare at, which every target has.

    Raises
    ------
    HwbenchError
        Where the targets have no such size.
    """
    of_targets = scores[scores["target"].isin(targets) & ~scores["own_training_set"]]
    counts = of_targets.groupby("training_size")["target"].nunique()
    common = sorted(int(each) for each in counts[counts == len(targets)].index)
    if not common:
        raise HwbenchError(
            "the targets have no training size in common; choose fewer: "
            "hwbench leaderboard --target TABLE:COLUMN"
        )
    if size is None:
        return min(common, key=lambda each: abs(np.log(each / USUAL_SIZE)))
    if size not in common:
        raise unknown_number("training size of all these targets", size, common)
    return size


@dataclass(frozen=True)
class Standings:
    """Entries compared on targets at one training size.

    Attributes
    ----------
    table : a row an entry, the best first: `ENTRY`, title, family, rank (1 the best; NaN of what
        has not been fitted on every target), samples (measurements; 0 of what needs none), mean,
        low, high (of the score, over seeds), elo, elo_low, elo_high, win_rate, win_low, win_high,
        fit_cpu_seconds (median, s), fits, of (target and seed pairs that are compared), note.
    targets : "table:column".
    size : measured architectures.
    score : by which.
    """

    table: pd.DataFrame
    targets: tuple[str, ...]
    size: int
    score: str


def standings(
    board: Board, targets: Sequence[str], size: int, *, score: str = "kendall_tau", seed: int = 0
) -> Standings:
    """Compare all entries on targets at a training size.

    Parameters
    ----------
    board : the scores.
    targets : from `chosen_targets`.
    size : from `chosen_size`.
    score : a key of `SCORES_SHOWN`.
    seed : of the bootstrap.

    Raises
    ------
    HwbenchError
        Where the score is none that entries can be compared by.
    """
    if score not in SCORES_SHOWN:
        raise unknown_name("score", score, SCORES_SHOWN)
    rows = fits_at(board, targets, size, score)
    if rows[score].isna().all():
        raise HwbenchError(f"no entry has a score '{score}' with {size} measurements")
    wide = rows.pivot_table(index=["target", "seed"], columns=ENTRY, values=score, dropna=True)
    sign = 1.0 if SCORES_SHOWN[score][1] else -1.0
    rated = ratings(
        sign * wide.to_numpy(), wide.index.get_level_values("target").to_numpy(), seed=seed
    )
    table = wide.columns.to_frame(index=False)
    for name in ("elo", "elo_low", "elo_high", "win_rate", "win_low", "win_high"):
        table[name] = getattr(rated, name)
    table = table.merge(_means(rows, score, len(targets)), on=ENTRY)
    table["of"] = len(wide)
    whole = table["targets"] == len(targets)
    table["note"] = [_note(row, len(targets), size) for row in table.to_dict("records")]
    table = table.sort_values(["elo", "title"], ascending=[False, True], kind="stable")
    # Equal ratings share a place; digits beyond a point are those of the solver.
    places = table.loc[whole[table.index], "elo"].round().rank(ascending=False, method="min")
    table.insert(0, "rank", places.reindex(table.index))
    return Standings(
        table.drop(columns="targets").reset_index(drop=True), tuple(targets), size, score
    )


def _note(row: Mapping[str, Any], n_targets: int, size: int) -> str:
    """What sets an entry apart from the others of a table."""
    notes = []
    if row["targets"] < n_targets:
        notes.append(f"{row['targets']} of {n_targets} targets")
    if row["samples"] not in (0, size):
        notes.append(f"{row['samples']} measurements of its choice")
    return ", ".join(notes)


def fits_at(board: Board, targets: Sequence[str], size: int, score: str) -> pd.DataFrame:
    """Fits of a size, those of predictors that choose their own set, and what needs none.

    What has one score a target, as the latter two have, has it in every seed. A seed of a target
    counts where at least half as many have a score as in the fullest one: who has more seeds than
    the others would else be compared with the few that have them too.
    """
    scores = board.scores[board.scores["target"].isin(targets)]
    at_size = scores[(scores["training_size"] == size) & ~scores["own_training_set"]]
    fitted = at_size.dropna(subset=[score]).groupby(["target", "seed"]).size()
    trials = fitted[fitted * 2 >= fitted.max()].index.to_frame(index=False)
    at_size = at_size.merge(trials, on=["target", "seed"])
    fixed = [
        scores[scores["own_training_set"]].drop(columns="seed"),
        _baselines(board, targets, score),
    ]
    in_every_seed = [each.merge(trials, on="target") for each in fixed if len(each)]
    return pd.concat([at_size, *in_every_seed], ignore_index=True)


def _baselines(board: Board, targets: Sequence[str], score: str) -> pd.DataFrame:
    """What ranks the targets without a measurement, as rows of scores."""
    known = board.targets()
    rows = [
        {
            "target": target,
            "predictor": name,
            "encoding": "none",
            "tuning": "",
            "origin": OWN,
            "title": title,
            "family": BASELINE,
            "training_size": 0,
            score: value,
            FIT_CPU_SECONDS: 0.0,
            "own_training_set": True,
        }
        for target in targets
        for name, title in BASELINES.items()
        if (value := _free(known[target], score).get(name)) is not None
    ]
    return pd.DataFrame(rows)


def _free(about: Mapping[str, Any], score: str) -> Mapping[str, float]:
    """What ranks a target without a measurement, by a score; errors in a unit it has none of."""
    if score == "kendall_tau":
        found: Mapping[str, float] = about["baselines"]
        return found
    of_scores: Mapping[str, Mapping[str, float]] = about.get("baseline_scores", {})
    return of_scores.get(score, {})


def _means(rows: pd.DataFrame, score: str, n_targets: int) -> pd.DataFrame:
    """Of each entry the mean over targets of the means over seeds, and its interval over seeds."""
    found = []
    for key, own in rows.groupby(ENTRY, sort=False):
        scored = own.dropna(subset=[score])
        if scored.empty:
            continue
        by_seed = scored.groupby("seed")[score].agg(["mean", "size"])
        # A seed that lacks a target is of something else.
        complete = by_seed.loc[
            by_seed["size"] == min(n_targets, scored["target"].nunique()), "mean"
        ]
        fixed = bool(own["own_training_set"].iloc[0])
        _, low, high = (np.nan,) * 3 if fixed else mean_interval(complete)
        means = scored.groupby("target")[score].mean()
        found.append(
            {
                **dict(zip(ENTRY, key, strict=True)),
                "title": own["title"].iloc[0],
                "family": own["family"].iloc[0],
                "samples": int(own["training_size"].iloc[0]),
                "mean": float(means.mean()),
                "low": low,
                "high": high,
                "fits": len(scored),
                "targets": scored["target"].nunique(),
                FIT_CPU_SECONDS: float(scored[FIT_CPU_SECONDS].median()),
            }
        )
    return pd.DataFrame(found)


def learning_curves(board: Board, targets: Sequence[str]) -> pd.DataFrame:
    """Mean tau by training size of each entry, over targets, with intervals over seeds.

    Only seeds that have every target count, so that no entry gains by what it has not been fitted
    on.

    Returns
    -------
    One row per (`ENTRY`, training_size): title, family, tau, low, high, seeds, fit_cpu_seconds.
    """
    scores = board.scores[board.scores["target"].isin(targets) & ~board.scores["own_training_set"]]
    scored = scores.dropna(subset=["kendall_tau"])
    keys = [*ENTRY, "training_size"]
    by_seed = scored.groupby([*keys, "seed"]).agg(
        tau=("kendall_tau", "mean"),
        targets=("target", "nunique"),
        cpu=(FIT_CPU_SECONDS, "mean"),
    )
    complete = by_seed[by_seed["targets"] == len(targets)].reset_index()
    titles = scored.groupby(ENTRY)[["title", "family"]].first()
    rows = []
    for key, own in complete.groupby(keys, sort=True):
        mean, low, high = mean_interval(own["tau"])
        title, family = titles.loc[key[:-1]]
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "title": title,
                "family": family,
                "tau": mean,
                "low": low,
                "high": high,
                "seeds": len(own),
                FIT_CPU_SECONDS: float(own["cpu"].median()),
            }
        )
    columns = [*keys, "title", "family", "tau", "low", "high", "seeds", FIT_CPU_SECONDS]
    return pd.DataFrame(rows, columns=columns)
