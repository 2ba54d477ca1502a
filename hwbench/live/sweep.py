"""Sweeps: a search for every value of one argument and every seed, such as the window experiment.

The window experiment of conditional weights (LAUBE 6.4.1) is a sweep over the epoch of the split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.components import Node
from hwbench.live.config import LiveConfig, load_config, with_change
from hwbench.live.run import run_live
from hwbench.locks import only_writer
from hwbench.progress import StageProgress, silent_stage
from hwbench.regular_files import read_regular
from hwbench.results.frames import require_rows, write_frame
from hwbench.results.names import SWEEP, SWEEP_RESULTS
from hwbench.toml import MOST_BYTES, read_toml, to_toml


class Sweep(Node):
    """What to vary.

    Attributes
    ----------
    title, description : for people.
    search, recipe : the search that is varied, see `hwbench.live.config.load_config`.
    argument : the path of an argument in its config, such as "strategy.split_epoch".
    values : its values, tried in this order.
    baseline : whether the search as it is, with the argument left out, is run as well.
    seeds : a search for each, with every value.
    """

    title: str
    description: str = ""
    search: str
    recipe: str = "small"
    argument: str
    values: list[Any] = Field(min_length=1)
    baseline: bool = True
    seeds: list[int] = Field(min_length=1)


def load_sweep(path: Path) -> tuple[Sweep, list[tuple[Any, int, LiveConfig]]]:
    """Read a sweep, and the search of every value and seed; the value is None for the baseline.

    Raises
    ------
    HwbenchError
        Where the file, the search, the argument or a value is wrong.
    """
    sweep = read_toml(path, Sweep)
    base = load_config(sweep.search, sweep.recipe)
    values: Sequence[Any] = [*([None] if sweep.baseline else []), *sweep.values]
    searches: list[tuple[Any, int, LiveConfig]] = []
    for value in values:
        varied = with_change(base, sweep.argument, value)
        searches.extend((value, seed, with_change(varied, "seed", seed)) for seed in sweep.seeds)
    return sweep, searches


def run_sweep(
    path: Path,
    folder: Path,
    *,
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    fresh: bool = False,
    stage: StageProgress = silent_stage,
) -> pd.DataFrame:
    """Run every search of a sweep; what is done in the folder is not done again.

    Parameters
    ----------
    path : the sweep's file.
    folder : gets `sweep.toml`, `sweep.parquet`, and a run folder for each search.
    device, threads, deterministic, fresh, stage : as for `hwbench.live.run.run_live`.

    Returns
    -------
    A frame with a row a search, see `hwbench.results.live.SWEEP_COLUMNS`.

    Raises
    ------
    HwbenchError
        As `load_sweep` and `run_live`, and where the folder holds another sweep.
    """
    sweep, searches = load_sweep(path)
    with only_writer(folder) as claim:
        _claim(sweep, folder, fresh=fresh)
        rows = []
        for place, (value, seed, config) in enumerate(searches, start=1):
            name = "baseline" if value is None else str(value)
            if "/" in name:
                raise HwbenchError(
                    f"{path}: values of {sweep.argument} name folders: no '/' in them"
                )

            def staged(title: str, place: int = place) -> Any:
                return stage(f"search {place} of {len(searches)}: {title}")

            result = run_live(
                config,
                folder / f"{name}-seed{seed}",
                device=device,
                threads=threads,
                deterministic=deterministic,
                fresh=fresh,
                stage=staged,
            )
            rows.append({"value": name, "seed": seed, **_numbers(result)})
            write_frame(folder / SWEEP_RESULTS, pd.DataFrame(rows))
        require_rows(folder / SWEEP_RESULTS, len(searches))
        claim.check()
    return pd.DataFrame(rows)


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """A search's result as a row: true value, measures of the ranking, and all else."""
    truth = result.get("truth") or {}
    share = truth.get("better_than")
    known = {
        "true_value": truth.get("value"),
        "true_rank": truth.get("rank"),
        "true_better_than": None if share is None else 100 * share,
    }
    plain = {key: value for key, value in result.items() if key not in ("truth", "ranking")}
    found = {key: float(value) for key, value in known.items() if value is not None}
    return {**found, **result.get("ranking", {}), **plain}


def _claim(sweep: Sweep, folder: Path, *, fresh: bool) -> None:
    """Make the folder this sweep's, or see that it is."""
    text = to_toml(sweep.model_dump(mode="json"))
    path = folder / SWEEP
    there = None
    if path.exists() and not fresh:
        there = read_regular(path, most_bytes=MOST_BYTES)
    if there is not None and there != text.encode():
        raise HwbenchError(
            f"{folder}: holds another sweep; choose another folder with -o, or replace it with "
            "--fresh"
        )
    write_text(path, text)
