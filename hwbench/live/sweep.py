"""Sweeps: a search for every value of one argument and every seed, such as the window experiment.

The window experiment of conditional weights (LAUBE 6.4.1) is a sweep over the epoch of the split; a
comparison of methods is one over the search itself, and may go through several spaces and image
sets (CHOE Table 3.3). From every supernet one may select again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Self

import pandas as pd
import pydantic
from pydantic import Field

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.components import Node
from hwbench.live.config import LiveConfig, load_config, with_change, with_changes
from hwbench.live.run import run_live
from hwbench.live.selecting import select_run
from hwbench.locks import only_writer
from hwbench.progress import StageProgress, silent_stage
from hwbench.results.frames import require_rows, write_frame
from hwbench.results.kinds import refuse_other_kind, taken_back
from hwbench.results.names import SWEEP, SWEEP_RESULTS
from hwbench.toml import read_toml, refuse_repeats, to_toml

SEARCH = "search"
"""The argument of a sweep over searches."""


class Sweep(Node):
    """What to vary.

    Attributes
    ----------
    title, description : for people.
    search, recipe : the search that is varied, see `hwbench.live.config.load_config`.
    argument : the path of an argument in its config, such as "strategy.split_epoch", or of a node,
        such as "data.subset"; or "search", whose values are searches of the recipe.
    values : its values, tried in this order.
    also : values of further arguments by their paths; every combination with every value is run.
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
    also: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
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
        lists = {"values": self.values, "seeds": self.seeds}
        refuse_repeats({**lists, **{f"also {name}": each for name, each in self.also.items()}})
        return self

    @property
    def varied(self) -> list[Any]:
        """All values in their order, None for the baseline."""
        baseline = self.argument != SEARCH if self.baseline is None else self.baseline
        return [*([None] if baseline else []), *self.values]

    @property
    def combinations(self) -> list[tuple[Any, ...]]:
        """Each of `varied` with all values of `also`; those of its last argument change first."""
        return list(product(self.varied, *self.also.values()))


def load_sweep(path: Path) -> tuple[Sweep, list[tuple[str, int, LiveConfig]]]:
    """Read a sweep, and the search of every combination of values and every seed.

    Returns
    -------
    The sweep, and for each search the name of its values, "baseline" for none, its seed and config.

    Raises
    ------
    HwbenchError
        Where the file, the search, the argument or a value is wrong.
    """
    sweep = read_toml(path, Sweep)
    arguments = (sweep.argument, *sweep.also)
    varied = [
        ("-".join(_name(path, *each) for each in zip(arguments, values, strict=True)), values)
        for values in sweep.combinations
    ]
    names = [name for name, _ in varied]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise HwbenchError(f"{path}: two searches would be called {twice}; drop one of them")
    configs = {name: _varied(sweep, *values) for name, values in varied}
    searches = [
        (name, seed, with_change(config, "seed", seed))
        for seed in sweep.seeds
        for name, config in configs.items()
    ]
    return sweep, searches


def _varied(sweep: Sweep, value: Any, *others: Any) -> LiveConfig:
    config = load_config(str(value if sweep.search is None else sweep.search), sweep.recipe)
    changes = dict(_leaves(sweep.changes))
    if sweep.search is not None and value is not None:
        changes[sweep.argument] = value
    changes |= dict(zip(sweep.also, others, strict=True))
    return with_changes(config, changes) if changes else config


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
        refuse_other_kind(folder, SWEEP)
        new = _claim(sweep, folder, fresh=fresh)
        rows: list[dict[str, Any]] = []
        for place, (name, seed, config) in enumerate(searches, start=1):
            own = folder / f"{name}-seed{seed}"

            def staged(title: str, place: int = place) -> Any:
                return stage(f"search {place} of {len(searches)}: {title}")

            with taken_back(folder / SWEEP, new=new and not rows):
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
                    own,
                    selection,
                    label=label,
                    device=device,
                    threads=threads,
                    deterministic=deterministic,
                    stage=staged,
                )
            rows.append({"value": name, "seed": seed, **_numbers(result)})
            write_frame(folder / SWEEP_RESULTS, pd.DataFrame(rows))
        require_rows(folder / SWEEP_RESULTS, len(searches))
        claim.check()
    return pd.DataFrame(rows)


def _name(path: Path, argument: str, value: Any) -> str:
    """What a run folder's name says of a value: itself, of a search's path the last part.

    Of a node its arguments' values, in their order; of what is true or false its name.
    """
    if value is None:
        return "baseline"
    if isinstance(value, dict):
        return "-".join(
            f"{'' if each else 'not_'}{key}"
            if isinstance(each, bool)
            else _name(path, argument, each)
            for key, each in _leaves(value)
        )
    name = Path(value).stem if argument == SEARCH else str(value)
    if "/" in name:
        raise HwbenchError(f"{path}: values of {argument} name folders: no '/' in them")
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


def _claim(sweep: Sweep, folder: Path, *, fresh: bool) -> bool:
    """Make the folder this sweep's, and say whether it was not before; or see that it is."""
    path = folder / SWEEP
    new = not path.exists()
    if path.exists() and not fresh and read_toml(path, Sweep) != sweep:
        raise HwbenchError(
            f"{folder}: holds another sweep; choose another folder with -o, or replace it with "
            "--fresh"
        )
    write_text(path, to_toml(sweep.model_dump(mode="json", exclude_none=True)))
    return new
