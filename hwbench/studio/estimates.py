"""What a config will cost, as far as that can be said before it is run."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError, one_line
from hwbench.files import write_text
from hwbench.live.config import LiveConfig, config_of
from hwbench.live.sweep import Sweep, load_sweep
from hwbench.results.live import read_live_run
from hwbench.results.live_runs import cpu_seconds
from hwbench.runs.scenario import Scenario
from hwbench.studio.commands import to_run
from hwbench.studio.folders import check_contained, inside
from hwbench.studio.index import RunIndex
from hwbench.toml import to_toml, validated
from hwbench.wording import counted, duration, shared_work

MOST_SECONDS = 600
"""That timing the pieces of one part of a config may take."""


MOST_CHARACTERS = 400
"""Of what a command says that has failed."""


def estimate(kind: str, tree: Mapping[str, Any], text: str, workers: int, index: RunIndex) -> str:
    """What a config will cost, in sentences.

    Parts of it are timed by the commands that do so, in processes of their own.

    Parameters
    ----------
    kind : of the config, see `hwbench.studio.forms.kinds.KINDS`.
    tree, text : of it.
    workers : processes that it will be run by.
    index : of all runs: what earlier ones of the same kind took.

    Raises
    ------
    HwbenchError
        Where the config is wrong, or what it costs cannot be told.
    """
    if kind == "live":
        return _of_live(config_of(tree, where="config"), index)
    if kind == "scenario":
        return _of_scenario(validated(tree, Scenario, where="config"), text, workers)
    return _of_sweep(text, index)


def _timed(command: list[str], text: str, *options: str) -> dict[str, Any]:
    """What a command that estimates says of a config: its JSON document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        write_text(path, text)
        words = to_run([*command, str(path), "--json", *options])
        try:
            done = subprocess.run(  # noqa: S603  a list of words, no shell
                words, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise HwbenchError(f"estimate: takes more than {MOST_SECONDS} s itself") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{' '.join(command)} says no reason"]
        line = lines[-1].removeprefix("hwbench: ").replace(str(path), "config.toml")
        raise HwbenchError(one_line(line, MOST_CHARACTERS))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ---------------------------------------------------------------------- scenarios


def _of_scenario(scenario: Scenario, text: str, workers: int) -> str:
    said = []
    if scenario.minutes is not None:
        said.append(f"Measured on two cores: about {duration(60 * scenario.minutes)} in all.")
    options = ("--workers", str(workers))
    if scenario.study is not None:
        found = _timed(["study", "estimate"], text, *options)
        said.append(
            f"Study: {counted(found['trials'], 'trial')}, {shared_work(found)}; "
            f"{found['disk_mb']:,.0f} MB on disk."
        )
    if scenario.simulation is not None:
        found = _timed(["simulate", "estimate"], text, *options)
        fits = f", {counted(found['fits'], 'fit')} of predictors" if found["fits"] else ""
        said.append(
            f"Simulation: {counted(found['selections'], 'selection')}{fits}, {shared_work(found)}."
        )
    if scenario.search is not None:
        found = _timed(["search", "estimate"], text, *options)
        said.append(
            f"Search: {counted(found['searches'], 'search', 'searches')}, "
            f"{counted(found['evaluations'], 'evaluation')}, {shared_work(found)}."
        )
        said += [
            f"{row['strategy']} fails, and is not counted: {row['error']}"
            for row in found["strategies"]
            if row["error"] is not None
        ]
    return " ".join(said)


# ---------------------------------------------------------------------- live searches


def _of_live(config: LiveConfig, index: RunIndex) -> str:
    found = _timed_live(config)
    what = "all that is counted: about" if found["not_counted"] else "in all about"
    said = [
        f"{counted(found['epochs'], 'epoch')} of {found['images']['train']:,} images: about "
        f"{duration(found['training_seconds'])} on {found['device']}; {what} "
        f"{duration(found['seconds'])}, with {found['memory_mb']:,.0f} MiB of memory.",
        *_of_earlier_runs(config, found["epochs"], index),
        *found["not_counted"],
    ]
    return " ".join(said)


def _timed_live(config: LiveConfig) -> dict[str, Any]:
    return _timed(["live", "estimate"], to_toml(config.model_dump(mode="json")))


def _of_earlier_runs(config: LiveConfig, epochs: int, index: RunIndex) -> list[str]:
    """What runs like this one took, in a sentence; none where there are none."""
    known = []
    for summary in index.all():
        if any(part.part == "live search" and part.done for part in summary.parts):
            known += _epoch_seconds(summary.name, config, index)
    if not known:
        return []
    each = sorted(known)[len(known) // 2]
    return [
        f"Runs like this one took {duration(each)} an epoch here, so about "
        f"{duration(each * epochs)} in all."
    ]


def _epoch_seconds(name: str, config: LiveConfig, index: RunIndex) -> list[float]:
    """Seconds of an epoch of a run of the same space, images and trainer; none of another."""
    try:
        path = inside(index.runs, name)
        check_contained(path, index.runs)
        run = read_live_run(path)
    except (HwbenchError, OSError):
        return []
    there = run.config
    same = (
        there.get("space", {}).get("name") == config.space.name
        and there.get("data", {}).get("name") == config.data.name
        and there.get("trainer", {}).get("name") == config.trainer.get("name")
        and there.get("space", {}).get("channels") == config.space.channels
    )
    took = cpu_seconds(run) if same else None
    return [float(took) / len(run.epochs)] if took and len(run.epochs) else []


# ---------------------------------------------------------------------- sweeps


def _of_sweep(text: str, index: RunIndex) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        write_text(path, text)
        try:
            sweep, searches = load_sweep(path)
        except HwbenchError as error:
            raise HwbenchError(str(error).replace(str(path), "config")) from error
    name, _, config = searches[0]
    found = _timed_live(config)
    return " ".join(
        [
            f"{counted(len(searches), 'search', 'searches')}, one after the other: "
            f"{counted(len(sweep.combinations), 'value')}, {counted(len(sweep.seeds), 'seed')}.",
            f"The first one, {name}, takes about {duration(found['seconds'])} on "
            f"{found['device']}; "
            f"if all are like it, about {duration(found['seconds'] * len(searches))} in all.",
            *_selected_again(sweep),
            *_of_earlier_runs(config, found["epochs"], index),
            *found["not_counted"],
        ]
    )


def _selected_again(sweep: Sweep) -> list[str]:
    if not sweep.selections:
        return []
    labels = ", ".join(sweep.selections)
    return [f"What is selected again from each ({labels}) is not counted."]
