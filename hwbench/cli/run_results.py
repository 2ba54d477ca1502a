"""What a run folder holds as one JSON document: the numbers that a terminal is shown, unrounded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwbench.results.names import SEARCH_FRONTS, SEARCHES, SIMULATION
from hwbench.results.record import notes_of, read_record, spec_of

if TYPE_CHECKING:
    import pandas as pd

Rows = list[dict[str, Any]]


def run_results(folder: Path, *parts: str) -> dict[str, Any]:
    """The results of a scenario's run.

    Parameters
    ----------
    folder : the run folder.
    parts : which of "study", "simulation" and "search"; all that the folder holds without any.

    Returns
    -------
    `folder`, `title`, `notes`, and of each part that has been run its rows: "study" as
    `hwbench study scores --json` gives them; "simulation" with quantiles of what a selection loses,
    in points of accuracy, for each metric, number of candidates and predictor; "search" with
    quartiles over seeds of the share of the true front's hypervolume, from 0 to 1.
    """
    record = read_record(folder) or {}
    found: dict[str, Any] = {
        "folder": str(folder),
        "title": str(record.get("title", "")),
        "notes": notes_of(record),
    }
    for part in parts or tuple(_PARTS):
        rows = _PARTS[part](folder)
        if rows is not None:
            found[part] = rows
    return found


def _study(folder: Path) -> Rows | None:
    from hwbench.analysis.free_baselines import scores_of_run
    from hwbench.results.run import read_study

    if read_study(folder) is None:
        return None
    return _records(scores_of_run(folder))


def _simulation(folder: Path) -> Rows | None:
    from hwbench.results.columns import SIMULATION_COLUMNS
    from hwbench.results.frames import read_frame

    selections = read_frame(folder / SIMULATION, SIMULATION_COLUMNS)
    if selections is None:
        return None
    # A fitted predictor's deviation is another in every repeat.
    fitted = selections["predictor"].notna()
    selections = selections.assign(deviation=selections["deviation"].where(~fitted))
    keys = ["metric_target", "n_candidates", "pairing", "predictor", "training_size", "deviation"]
    measures = [
        name for name in ("mra_all", "mra_pareto", "hypervolume_share") if name in selections
    ]
    rows = []
    for key, group in selections.groupby(keys, dropna=False, sort=False):
        row = dict(zip(keys, key, strict=True))
        row |= {"selections": len(group), "kendall_tau": float(group["kendall_tau"].mean())}
        for measure in measures:
            row |= _spread(group[measure], measure, (0.05, 0.95))
        rows.append(row)
    return rows


def _search(folder: Path) -> Rows | None:
    from hwbench.analysis.search import hypervolume_shares
    from hwbench.results.columns import SEARCH_COLUMNS, SEARCH_FRONT_COLUMNS
    from hwbench.results.frames import read_rows

    if not (folder / SEARCHES).exists():
        return None
    spec = spec_of(read_record(folder) or {}, "search")
    evaluations = read_rows(folder / SEARCHES, SEARCH_COLUMNS)
    fronts = read_rows(folder / SEARCH_FRONTS, SEARCH_FRONT_COLUMNS)
    if spec is None or evaluations is None or fronts is None:
        return None
    shares = hypervolume_shares(evaluations, fronts, spec["checkpoints"])
    keys = ["metric_target", "goal", "strategy", "evaluation"]
    rows = []
    for key, group in shares.groupby(keys, sort=False):
        row = {**dict(zip(keys, key, strict=True)), "seeds": len(group)}
        rows.append({**row, **_spread(group["share"], "hypervolume_share", (0.25, 0.75))})
    return rows


_PARTS: dict[str, Callable[[Path], Rows | None]] = {
    "study": _study,
    "simulation": _simulation,
    "search": _search,
}


def _spread(values: pd.Series, name: str, ends: tuple[float, float]) -> dict[str, float]:
    low, median, high = values.dropna().quantile([ends[0], 0.5, ends[1]])
    return {
        f"{name}_median": float(median),
        f"{name}_low": float(low),
        f"{name}_high": float(high),
        f"{name}_mean": float(values.mean()),
    }


def _records(frame: pd.DataFrame) -> Rows:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
