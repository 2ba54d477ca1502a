"""Sweeps: a search for every value of one argument and every seed, such as the window experiment.

The window experiment of conditional weights (LAUBE 6.4.1) is a sweep over the epoch of the split; a
comparison of methods is one over the search itself. From every supernet one may select again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pydantic
from pydantic import Field

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.components import Node
from hwbench.live.config import LiveConfig, load_config, with_change
from hwbench.live.run import run_live
from hwbench.live.selecting import select_run
from hwbench.locks import only_writer
from hwbench.progress import StageProgress, silent_stage
from hwbench.results.frames import require_rows, write_frame
from hwbench.results.names import SWEEP, SWEEP_RESULTS
from hwbench.toml import read_toml, to_toml

SEARCH = "search"
"""The argument of a sweep over searches."""


class Sweep(Node):
    """What to vary.

    Attributes
    ----------
    title, description : for people.
    search, recipe : the search that is varied, see `hwbench.live.config.load_config`.
    argument : the path of an argument in its config, such as "strategy.split_epoch"; or "search",
        whose values are searches of the recipe.
    values : its values, tried in this order.
    baseline : whether the search as it is, with the argument left out, is run as well; by default
        where one search is varied.
    seeds : a search for each, with every value. All values of the first seed come first, so that
        what is done at any time can be compared.
    changes : other values of arguments, in every search: a part of a config, such as
        `trainer.epochs = 20`.
    selections : what is selected from each supernet again, by label; nodes as for
        `hwbench.live.selecting.select_run`.
    """

    title: str
    description: str = ""
    search: str | None = None
    recipe: str = "small"
    argument: str
    values: list[Any] = Field(min_length=1)
    baseline: bool | None = None
    seeds: list[int] = Field(min_length=1)
    changes: dict[str, Any] = Field(default_factory=dict)
    selections: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @pydantic.model_validator(mode="after")
    def _check_search(self) -> Self:
        if self.argument == SEARCH and (self.search is not None or self.baseline):
            raise ValueError(
                "argument 'search': its values are the searches; name no other, and no baseline"
            )
        if self.argument != SEARCH and self.search is None:
            raise ValueError("search is missing: name the one that is varied")
        return self

    @property
    def varied(self) -> list[Any]:
        """All values in their order, None for the baseline."""
        baseline = self.argument != SEARCH if self.baseline is None else self.baseline
        return [*([None] if baseline else []), *self.values]


def load_sweep(path: Path) -> tuple[Sweep, list[tuple[Any, int, LiveConfig]]]:
    """Read a sweep, and the search of every value and seed; the value is None for the baseline.

    Raises
    ------
    HwbenchError
        Where the file, the search, the argument or a value is wrong.
    """
    sweep = read_toml(path, Sweep)
    varied = [(value, _varied(sweep, value)) for value in sweep.varied]
    searches = [
        (value, seed, with_change(config, "seed", seed))
        for seed in sweep.seeds
        for value, config in varied
    ]
    return sweep, searches


def _varied(sweep: Sweep, value: Any) -> LiveConfig:
    config = load_config(str(value if sweep.search is None else sweep.search), sweep.recipe)
    for path, changed in _leaves(sweep.changes):
        config = with_change(config, path, changed)
    return config if sweep.search is None else with_change(config, sweep.argument, value)


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The values of nested tables, each with its path."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value


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
            name = _folder_name(path, sweep, value)
            own = folder / f"{name}-seed{seed}"

            def staged(title: str, place: int = place) -> Any:
                return stage(f"search {place} of {len(searches)}: {title}")

            result = run_live(
                config,
                own,
                device=device,
                threads=threads,
                deterministic=deterministic,
                fresh=fresh,
                stage=staged,
            )
            for label, selection in sweep.selections.items():
                select_run(
                    own, selection, label=label, device=device, threads=threads, stage=staged
                )
            rows.append({"value": name, "seed": seed, **_numbers(result)})
            write_frame(folder / SWEEP_RESULTS, pd.DataFrame(rows))
        require_rows(folder / SWEEP_RESULTS, len(searches))
        claim.check()
    return pd.DataFrame(rows)


def _folder_name(path: Path, sweep: Sweep, value: Any) -> str:
    """The start of a run folder's name: the value, of a search's path its last part."""
    if value is None:
        return "baseline"
    name = Path(value).stem if sweep.argument == SEARCH else str(value)
    if "/" in name:
        raise HwbenchError(f"{path}: values of {sweep.argument} name folders: no '/' in them")
    return name


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """A search's result as a row: true value, measures of ranking and passes, and all else."""
    truth = result.get("truth") or {}
    share = truth.get("better_than")
    known = {
        "true_value": truth.get("value"),
        "true_rank": truth.get("rank"),
        "true_better_than": None if share is None else 100 * share,
    }
    nested = ("truth", "ranking", "measured")
    plain = {key: value for key, value in result.items() if key not in nested}
    found = {key: float(value) for key, value in known.items() if value is not None}
    return {**found, **result.get("ranking", {}), **result.get("measured", {}), **plain}


def _claim(sweep: Sweep, folder: Path, *, fresh: bool) -> None:
    """Make the folder this sweep's, or see that it is."""
    path = folder / SWEEP
    if path.exists() and not fresh and read_toml(path, Sweep) != sweep:
        raise HwbenchError(
            f"{folder}: holds another sweep; choose another folder with -o, or replace it with "
            "--fresh"
        )
    write_text(path, to_toml(sweep.model_dump(mode="json", exclude_none=True)))
