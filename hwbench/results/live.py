"""What live searches leave in their folders, as tidy frames.

A run's folder holds `config.toml` (the complete tree), `run.json` (when, on what machine, with what
versions), `metrics.parquet` (epochs), `strengths.parquet` (candidates over epochs, if the strategy
learns any), `pools.parquet` (if candidates come and go), `diagnostics.parquet` (if the config has a
section [diagnostics]), `subset.parquet` (which training images, if not all), `ranking.parquet` and
`later_ranking.parquet` (if architectures were ranked), `result.json` (if it ended), `retraining`
(what was trained from scratch, see `hwbench.results.retrainings`), checkpoint and networks, and
`selections` (what was selected from the supernet again, see `hwbench.results.selections`). A
sweep's folder holds `sweep.toml`, `sweep.parquet` and a run's folder for every search. Reading them
imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.results.diagnostics import (
    DIAGNOSTIC_COLUMNS,
    DISCRETISED_COLUMNS,
    LANDSCAPE_COLUMNS,
)
from hwbench.results.frames import Column, Columns, empty_frame, read_frame
from hwbench.results.names import (
    CONFIG,
    DIAGNOSTICS,
    DISCRETISED,
    EPOCHS,
    LANDSCAPE,
    LATER_RANKING,
    LIVE_RESULT,
    POOLS,
    RANKING,
    STRENGTHS,
    SWEEP,
    SWEEP_RESULTS,
)
from hwbench.results.pools import POOL_COLUMNS
from hwbench.results.ranking_measures import measures_of
from hwbench.results.record import read_record
from hwbench.results.retrainings import Retraining, SeveralSeeds, over_seeds, read_retrainings
from hwbench.results.selections import Selected, read_selections
from hwbench.results.texts import read_object
from hwbench.results.true_value import TrueValue
from hwbench.spaces.edges import EDGE_COLUMNS, architecture_edges
from hwbench.spaces.registry import named_space
from hwbench.toml import load_toml, validated

PREPARATION, TRAINING, RANKED, SELECTION, DIAGNOSED = STAGES = (
    "preparation",
    "training",
    "ranking",
    "selection",
    "diagnostics",
)
"""What a run spends its seconds on; rankings after single epochs are among those of the ranking."""

QUANTILES = (5, 25, 50, 75, 95)
"""In %, of the values of random architectures that are shown beside what a search would choose."""

TRUE_COLUMNS: Columns = {
    "true_value": Column(
        "number", "of that architecture, in the table of true values", optional=True
    ),
    "true_percentile": Column(
        "number",
        "share of the architectures that the search could have found that are worse, equal ones "
        "counted half, in %",
        optional=True,
    ),
    "best_true_value": Column("number", "the best true value up to the epoch", optional=True),
    "different": Column(
        "number", "different networks of known value up to the epoch", optional=True
    ),
    **{
        f"random_{share}": Column(
            "number",
            f"{share} % quantile of the true value of one random architecture among those that the "
            "search could have found",
            optional=True,
        )
        for share in QUANTILES
    },
    **{
        f"best_random_{share}": Column(
            "number",
            f"{share} % quantile of the best true value of as many random ones as `different`: as "
            "many look-ups in the table as `best_true_value` took",
            optional=True,
        )
        for share in QUANTILES
    },
}
"""Columns of a frame of epochs for the architecture that would have been selected after each; only
where its true value is known to `hwbench.live.truth.find_truth`."""

EPOCH_COLUMNS: Columns = {
    "epoch": Column("integer", "from 0"),
    "learning_rate": Column("number", "of the weights, in the last step"),
    "train_loss": Column("number", "cross-entropy of the weights' passes, mean over the steps"),
    "train_accuracy": Column("number", "in %, mean over the steps"),
    "validation_loss": Column(
        "number", "cross-entropy after the epoch, with the supernet's own statistics", optional=True
    ),
    "validation_accuracy": Column("number", "in %, of the same passes"),
    "batch_size": Column(
        "number", "images of a step; only where it grows as memory allows", optional=True
    ),
    "variance_ratio": Column(
        "number",
        "median over mixed operations of the output's variance over the input's (CHOE Fig. 3.6); "
        "only where the strategy learns strengths",
        optional=True,
    ),
    "reward_mean": Column(
        "number",
        "validation accuracy of what the policy has sampled after the epoch, mean, in %; only "
        "where the strategy learns a policy",
        optional=True,
    ),
    "reward_best": Column("number", "of the best of these, in %", optional=True),
    "policy_entropy": Column(
        "number", "of an architecture's choices, mean over what was sampled, in nats", optional=True
    ),
    "architecture": Column(
        "optional text",
        "string of what would have been selected after the epoch: by the strategy's strengths, "
        "else the best of those ranked after each epoch; only where there is either",
        optional=True,
    ),
    "kendall_tau": Column(
        "number",
        "of the architectures ranked after each epoch with their true values; only where the "
        "section [ranking] has each_epoch",
        optional=True,
    ),
    **TRUE_COLUMNS,
}
"""What a frame of epochs holds; runs of older versions lack the optional columns."""

STRENGTH_COLUMNS: Columns = {
    "epoch": Column("integer", "from 0; the state after it"),
    "position": Column("text", "name of the decision, such as '0->1' or 'normal 0->2'"),
    "operation": Column("text", "name of the candidate"),
    "strength": Column("number", "what the derived architecture is chosen by, larger is better"),
    "probability": Column("number", "share of the candidate at its position, sums to 1"),
}
"""What a frame of strengths holds, a row for each epoch and candidate."""

RANKING_COLUMNS: Columns = {
    "architecture": Column("text", "string of the space"),
    "accuracy": Column("number", "in %, on validation images with the supernet's weights"),
    "loss": Column("number", "cross-entropy of the same passes"),
    "score": Column("number", "what is ranked by, larger is better; rows stand from best to worst"),
    "true": Column(
        "number",
        "the target's value; only where the ranking has a target, missing where unknown",
        optional=True,
    ),
}
"""What a frame of a ranking holds, a row for each architecture."""

SUBSET_COLUMNS: Columns = {
    "row": Column("integer", "of the image among the training images of the set"),
    "label": Column("integer", "of the image"),
    "place": Column("integer", "among those that were chosen, from 0", optional=True),
}
"""Training images that a search learns from, where these are not all, in the order of the set.

What chose them may say more of each, such as its entropy in nats and how often it was forgotten.
"""

SWEEP_COLUMNS: Columns = {
    "value": Column("text", "text of the argument's value, 'baseline' where it is left out"),
    "seed": Column("integer", "of the search"),
    "architecture": Column("text", "string of what was found"),
    "search_accuracy": Column(
        "number", "in %, of what was found, on validation images with the supernet's weights"
    ),
    "test_accuracy": Column("number", "in %, the same on test images"),
    "weight_sets": Column(
        "number", "sets of weights of all candidates, counted once a position (LAUBE 6.3.3)"
    ),
    "ranked": Column("number", "architectures in the ranking; only with a ranking", optional=True),
    "true_value": Column(
        "number",
        "of what was found, in the table of true values; this and the next two only where it is "
        "known, see `hwbench.results.true_value`",
        optional=True,
    ),
    "true_rank": Column(
        "number", "of it among the table's architectures, 1 the best", optional=True
    ),
    "true_better_than": Column("number", "share of them that are worse, in %", optional=True),
    **{
        name: Column("number", meaning, optional=True)
        for name, meaning in {
            "kendall_tau": "of ranking and target; this and all below only with a target",
            "kendall_tau_top50": "over the 50 best by the target",
            "mean_true": "mean target value of the ranked",
            "best_true": "best target value of the ranked",
            "mean_true_top1": "mean target value of the best ranked; top5, top10 as well",
            "improvement_top1": "0 is the mean of all, 1 the best; top5, top10 as well "
            "(LAUBE 6.3.4)",
        }.items()
    },
}
"""What a frame of a sweep holds, a row for each search."""


@dataclass(frozen=True)
class LiveRun:
    """The folder of a live search, ended or not.

    Attributes
    ----------
    folder : where it is.
    config : the complete tree: title, seed, space, strategy, trainer ..., as in the TOML file.
    record : when it was started, machine and versions.
    result : `architecture`, accuracies, measures; empty where the search has not ended.
    epochs : see `EPOCH_COLUMNS`; no rows before the first epoch has ended.
    strengths : see `STRENGTH_COLUMNS`; no rows where the strategy learns none.
    ranking : see `RANKING_COLUMNS`; the one `hwbench live rank` made last, else that of the search;
        no rows where there is neither.
    measures : of the ranking, see `ranking_measures`; empty where it has no true values.
    edges : of the architecture found, see `EDGE_COLUMNS`; no rows where the search has not ended,
        or its space is not known here.
    retrainings : what trainings from scratch came to, of the architecture found or of others.
    truth : how good the architecture found truly is; None where no true value is known.
    selections : what was selected from the supernet again, by label; those that have ended.
    diagnostics : see `hwbench.results.diagnostics.DIAGNOSTIC_COLUMNS`; no rows where the config has
        no section [diagnostics].
    discretised, landscape : see `hwbench.results.diagnostics`; no rows where `hwbench live
        discretise` and `hwbench live landscape` have not been run.
    pools : see `hwbench.results.pools.POOL_COLUMNS`; no rows where candidates stay what they are.
    """

    folder: Path
    config: dict[str, Any]
    record: dict[str, Any]
    result: dict[str, Any]
    epochs: pd.DataFrame
    strengths: pd.DataFrame
    ranking: pd.DataFrame
    measures: dict[str, float]
    edges: pd.DataFrame
    retrainings: tuple[Retraining, ...] = ()
    truth: TrueValue | None = None
    selections: tuple[Selected, ...] = ()
    diagnostics: pd.DataFrame = field(default_factory=partial(empty_frame, DIAGNOSTIC_COLUMNS))
    discretised: pd.DataFrame = field(default_factory=partial(empty_frame, DISCRETISED_COLUMNS))
    landscape: pd.DataFrame = field(default_factory=partial(empty_frame, LANDSCAPE_COLUMNS))
    pools: pd.DataFrame = field(default_factory=partial(empty_frame, POOL_COLUMNS))

    @property
    def retrained(self) -> SeveralSeeds | None:
        """Trainings from scratch of the architecture found, those by the first recipe of several.

        None where it was not trained.
        """
        found = [each for each in self.retrainings if each.architecture == self.architecture]
        return over_seeds(found)[0] if found else None

    @property
    def architecture(self) -> str | None:
        """The string of what was found; None where the search has not ended."""
        return self.result.get("architecture")


@dataclass(frozen=True)
class LiveSweep:
    """The folder of a sweep, ended or not.

    Attributes
    ----------
    folder : where it is.
    config : title, argument, values, seeds ..., as in the TOML file.
    searches : see `SWEEP_COLUMNS`; one row for each search that has ended.
    summary : mean over the seeds of every number, and `<number>_deviation`; a row for each value,
        in the order of the sweep.
    """

    folder: Path
    config: dict[str, Any]
    searches: pd.DataFrame
    summary: pd.DataFrame


def is_live_run(folder: Path) -> bool:
    """Whether a folder holds a live search: its config names a strategy and a trainer."""
    path = folder / CONFIG
    if not path.is_file():
        return False
    try:
        tree = load_toml(path)
    except HwbenchError:
        return False
    return isinstance(tree.get("strategy"), dict) and isinstance(tree.get("trainer"), dict)


def is_live_sweep(folder: Path) -> bool:
    """Whether a folder holds a sweep of live searches."""
    return (folder / SWEEP).is_file() and (folder / SWEEP_RESULTS).is_file()


def read_live_run(folder: Path) -> LiveRun:
    """Read the folder of a live search.

    Raises
    ------
    HwbenchError
        Where the folder holds none, or a file is damaged or lacks a column; the message names it.
    """
    if not is_live_run(folder):
        raise HwbenchError(f"{folder}: holds no live search; hwbench live run makes one")
    config = load_toml(folder / CONFIG)
    result = read_object(folder / LIVE_RESULT)
    later = folder / LATER_RANKING
    ranking = _frame(later if later.exists() else folder / RANKING, RANKING_COLUMNS)
    return LiveRun(
        folder=folder,
        config=config,
        record=read_record(folder) or {},
        result=result,
        epochs=_frame(folder / EPOCHS, EPOCH_COLUMNS),
        strengths=_frame(folder / STRENGTHS, STRENGTH_COLUMNS),
        ranking=ranking,
        measures=measures_of(ranking),
        edges=_edges(config, result),
        retrainings=read_retrainings(folder),
        truth=_truth(folder, result),
        selections=read_selections(folder),
        diagnostics=_frame(folder / DIAGNOSTICS, DIAGNOSTIC_COLUMNS),
        discretised=_frame(folder / DISCRETISED, DISCRETISED_COLUMNS),
        landscape=_frame(folder / LANDSCAPE, LANDSCAPE_COLUMNS),
        pools=_frame(folder / POOLS, POOL_COLUMNS),
    )


def read_live_sweep(folder: Path) -> LiveSweep:
    """Read the folder of a sweep.

    Raises
    ------
    HwbenchError
        Where the folder holds none, or a file is damaged or lacks a column; the message names it.
    """
    if not is_live_sweep(folder):
        raise HwbenchError(f"{folder}: holds no sweep; hwbench live sweep makes one")
    searches = _frame(folder / SWEEP_RESULTS, SWEEP_COLUMNS)
    return LiveSweep(folder, load_toml(folder / SWEEP), searches, summary(searches))


_SWEEP_TITLES = {
    "true_value": "true value, %",
    "true_rank": "its rank",
    "true_better_than": "others it is better than, %",
    "weight_sets": "sets of weights",
    "search_accuracy": "validation accuracy, supernet's weights, %",
    "test_accuracy": "test accuracy, supernet's weights, %",
    "kendall_tau": "Kendall's tau",
    "kendall_tau_top50": "tau of the 50 best",
    **{f"improvement_top{k}": f"improvement of the {k} best ranked" for k in (5, 10)},
    "improvement_top1": "improvement of the best ranked",
}


def summary(searches: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over the seeds of every number, a row a value, in their order.

    The column `seeds` says how many there are.
    """
    numbers = searches.drop(columns="seed").select_dtypes("number").columns
    by_value = searches.groupby("value", sort=False)
    grouped = by_value[list(numbers)]
    mean, deviation = grouped.mean(), grouped.std()
    mean.insert(0, "seeds", by_value.size())
    return mean.join(deviation.add_suffix("_deviation")).reset_index()


def sweep_title(column: str) -> str:
    """A number of a sweep's searches in words; values of a ranking's target may be no true ones."""
    known = _SWEEP_TITLES.get(column)
    return known or column.replace("true", "target_value").replace("_", " ")


def _truth(folder: Path, result: dict[str, Any]) -> TrueValue | None:
    given = result.get("truth")
    if given is None:
        return None
    where = f"{folder / LIVE_RESULT}: truth"
    if not isinstance(given, dict):
        raise HwbenchError(f"{where} must be an object")
    return validated(given, TrueValue, where=where)


def _edges(config: dict[str, Any], result: dict[str, Any]) -> pd.DataFrame:
    nothing = pd.DataFrame(columns=list(EDGE_COLUMNS))
    if not result:
        return nothing
    name = config["space"]["name"]
    try:
        named_space(name)
    except HwbenchError:  # of a package that is not here; the result's string says what was found
        return nothing
    return architecture_edges(name, result["architecture"])


def _frame(path: Path, columns: Columns) -> pd.DataFrame:
    """A file's frame, with the columns but no rows where there is no file."""
    frame = read_frame(path, columns)
    return empty_frame(columns) if frame is None else frame
