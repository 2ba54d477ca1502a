"""What live searches leave in their folders, as tidy frames.

A run's folder holds `config.toml` (the complete tree), `run.json` (when, on what machine, with what
versions), `metrics.parquet` (epochs), `strengths.parquet` (candidates over epochs, if the strategy
learns any), `ranking.parquet` and `later_ranking.parquet` (if architectures were ranked),
`result.json` (if it ended), `retraining.json` (if its architecture was trained from scratch),
checkpoint and networks. A sweep's folder holds `sweep.toml`, `sweep.parquet` and a run's folder for
every search. Reading them imports no torch.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.live.measures import measures_of

CONFIG, RECORD, CHECKPOINT = "config.toml", "run.json", "checkpoint.pt"
EPOCHS, STRENGTHS, RANKING, RESULT = (
    "metrics.parquet",
    "strengths.parquet",
    "ranking.parquet",
    "result.json",
)
LATER_RANKING, RETRAINING = "later_ranking.parquet", "retraining.json"
SWEEP, SWEEP_RESULTS = "sweep.toml", "sweep.parquet"

EPOCH_COLUMNS = {
    "epoch": "from 0",
    "learning_rate": "of the weights, in the last step",
    "train_loss": "cross-entropy of the weights' passes, mean over the steps",
    "train_accuracy": "in %, mean over the steps",
    "validation_loss": "cross-entropy after the epoch, with the supernet's own statistics",
    "validation_accuracy": "in %, of the same passes",
    "variance_ratio": "median over mixed operations of the output's variance over the input's "
    "(CHOE Fig. 3.6); only where the strategy learns strengths",
}
"""What a frame of epochs holds; runs of older versions lack some columns."""

STRENGTH_COLUMNS = {
    "epoch": "from 0; the state after it",
    "position": "name of the decision, such as '0->1' or 'normal 0->2'",
    "operation": "name of the candidate",
    "strength": "what the derived architecture is chosen by, larger is better",
    "probability": "share of the candidate at its position, sums to 1",
}
"""What a frame of strengths holds, a row for each epoch and candidate."""

RANKING_COLUMNS = {
    "architecture": "string of the space",
    "accuracy": "in %, on validation images with the supernet's weights",
    "loss": "cross-entropy of the same passes",
    "score": "what is ranked by, larger is better; rows stand from best to worst",
    "true": "the target's value; only where the ranking has a target, missing where unknown",
}
"""What a frame of a ranking holds, a row for each architecture."""

SWEEP_COLUMNS = {
    "value": "text of the argument's value, 'baseline' where it is left out",
    "seed": "of the search",
    "architecture": "string of what was found",
    "search_accuracy": "in %, of what was found, on validation images with the supernet's weights",
    "test_accuracy": "in %, the same on test images",
    "weight_sets": "sets of weights of all candidates, counted once a position (LAUBE 6.3.3)",
    "ranked": "architectures in the ranking; only with a ranking",
    "kendall_tau": "of ranking and true values; this and all below only with a target",
    "kendall_tau_top50": "over the 50 truly best",
    "mean_true": "mean true value of the ranked",
    "best_true": "best true value of the ranked",
    "mean_true_top1": "mean true value of the best ranked; top5, top10 as well",
    "improvement_top1": "0 is the mean of all, 1 the best; top5, top10 as well (LAUBE 6.3.4)",
}
"""What a frame of a sweep holds, a row for each search."""

EDGE_COLUMNS = {
    "cell": "'cell', or 'normal' and 'reduction', or 'network' for layers in sequence",
    "source": "name of the vertex that an operation is given",
    "target": "name of the vertex that its output is added to",
    "operation": "name",
    "live": "whether it carries something from an input to the output",
}
"""What a frame of an architecture's edges holds, a row for each operation."""


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
    measures : of the ranking, see `hwbench.live.measures.ranking_measures`; empty where it has no
        true values.
    edges : of the architecture found, see `EDGE_COLUMNS`; no rows where the search has not ended.
    retraining : what training the architecture from scratch came to; empty where it was not.
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
    retraining: dict[str, Any]


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
        tree = _toml(path)
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
    config = _toml(folder / CONFIG)
    result = _json(folder / RESULT)
    later = folder / LATER_RANKING
    ranking = _frame(later if later.exists() else folder / RANKING, RANKING_COLUMNS, {"true"})
    measurable = "true" in ranking and int(ranking["true"].notna().sum()) > 1
    newer = {"validation_loss", "variance_ratio"}
    edges = pd.DataFrame(columns=list(EDGE_COLUMNS))
    if result:
        edges = architecture_edges(config["space"]["name"], result["architecture"])
    return LiveRun(
        folder=folder,
        config=config,
        record=_json(folder / RECORD),
        result=result,
        epochs=_frame(folder / EPOCHS, EPOCH_COLUMNS, newer),
        strengths=_frame(folder / STRENGTHS, STRENGTH_COLUMNS),
        ranking=ranking,
        measures=measures_of(ranking) if measurable else {},
        edges=edges,
        retraining=_json(folder / RETRAINING),
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
    always = ("value", "seed", "architecture", "search_accuracy", "test_accuracy", "weight_sets")
    searches = _frame(
        folder / SWEEP_RESULTS,
        SWEEP_COLUMNS,
        {name for name in SWEEP_COLUMNS if name not in always},
    )
    return LiveSweep(folder, _toml(folder / SWEEP), searches, summary(searches))


def summary(searches: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over the seeds of every number, a row a value, in their order."""
    numbers = searches.drop(columns="seed").select_dtypes("number").columns
    grouped = searches.groupby("value", sort=False)[list(numbers)]
    mean, deviation = grouped.mean(), grouped.std()
    return mean.join(deviation, rsuffix="_deviation").reset_index()


def architecture_edges(space_name: str, architecture: str) -> pd.DataFrame:
    """The operations of an architecture as the edges of graphs.

    Parameters
    ----------
    space_name : of a space with supernets.
    architecture : its string there.

    Returns
    -------
    See `EDGE_COLUMNS`. In cells of DARTS "c_{k-2}" and "c_{k-1}" are the outputs of the cells
    before, and the output, the nodes side by side, has no edge of its own.
    """
    from hwbench.spaces import get_space
    from hwbench.spaces.darts import CELLS, DARTS, OPERATIONS
    from hwbench.spaces.edge_cell import EDGES, EdgeCellSpace

    space = get_space(space_name)
    arch = space.from_string(architecture)
    rows: list[tuple[str, str, str, str, bool]] = []
    if isinstance(space, EdgeCellSpace):
        live = space.live_edges(arch[None, :])[0]
        for edge, choice, alive in zip(EDGES, arch, live, strict=True):
            name = space.cell_operations[choice]
            rows.append(("cell", str(edge[0]), str(edge[1]), name, bool(alive)))
    elif isinstance(space, DARTS):
        names = ("c_{k-2}", "c_{k-1}", "0", "1", "2", "3")
        inputs, operations = space.edges(arch[None, :])
        for number, cell in enumerate(CELLS):
            for node in range(inputs.shape[2]):
                for source, choice in zip(
                    inputs[0, number, node], operations[0, number, node], strict=True
                ):
                    target = names[node + 2]
                    rows.append((cell, names[source], target, OPERATIONS[choice], True))
    else:
        for place, choice in enumerate(arch):
            name = space.choices[place][choice]
            rows.append(("network", str(place), str(place + 1), name, True))
    return pd.DataFrame(rows, columns=list(EDGE_COLUMNS))


# ---------------------------------------------------------------------- files


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HwbenchError(f"{path}: is no valid TOML: {error}") from error


def _json(path: Path) -> dict[str, Any]:
    """A JSON file's object, empty where there is no file."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HwbenchError(f"{path}: is damaged or cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise HwbenchError(f"{path}: must hold an object")
    return content


def _frame(
    path: Path, columns: Mapping[str, str], optional: set[str] | frozenset[str] = frozenset()
) -> pd.DataFrame:
    """A Parquet file's frame, with the columns but no rows where there is no file."""
    if not path.exists():
        return pd.DataFrame(columns=[name for name in columns if name not in optional])
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow does not say what a broken file may raise
        raise HwbenchError(f"{path}: is damaged or no Parquet file ({error})") from error
    for name in columns:
        if name not in frame and name not in optional:
            raise HwbenchError(f"{path}: lacks the column {name}; run it again")
    return frame
