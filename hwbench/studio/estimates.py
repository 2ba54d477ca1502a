"""What a config will cost, as far as that can be said before it is run."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.live.config import LiveConfig
from hwbench.pages.plotting import seconds
from hwbench.results.live import read_live_run
from hwbench.results.live_runs import cpu_seconds
from hwbench.runs.scenario import Scenario
from hwbench.search.plan import planned_runs
from hwbench.studio.commands import to_run
from hwbench.studio.folders import check_contained, inside
from hwbench.studio.index import RunIndex
from hwbench.toml import validated

MOST_SECONDS = 600
"""That timing the fits of a study may take."""


def estimate(kind: str, tree: Mapping[str, Any], text: str, workers: int, index: RunIndex) -> str:
    """What a config will cost, in sentences.

    Parameters
    ----------
    kind : of the config, see `hwbench.studio.forms.kinds.KINDS`.
    tree, text : of it.
    workers : processes that it will be run by.
    index : of all runs: what earlier ones of the same kind took.

    Raises
    ------
    HwbenchError
        Where the config is wrong.
    """
    if kind == "live":
        return _of_live(validated(tree, LiveConfig, where="config"), index)
    if kind == "scenario":
        return _of_scenario(validated(tree, Scenario, where="config"), text, workers)
    values, seeds = tree.get("values", []), tree.get("seeds", [])
    return f"At least {len(values) * len(seeds):,} searches, one after the other."


def _of_scenario(scenario: Scenario, text: str, workers: int) -> str:
    said = []
    if scenario.minutes is not None:
        said.append(f"Measured on two cores: about {scenario.minutes:g} minutes in all.")
    if scenario.study is not None:
        found = _timed_study(text, workers)
        said.append(
            f"Study: {found['trials']:,} trials, about {seconds(found['cpu_seconds'])} of one core,"
            f" {seconds(found['wall_seconds'])} with {found['workers']} workers; "
            f"{found['disk_mb']:,.0f} MB on disk."
        )
    if scenario.simulation is not None:
        spec = scenario.simulation
        counts = (spec.metrics, spec.n_candidates, spec.deviations, spec.conventions)
        number = spec.repeats
        for each in counts:
            number *= len(each)
        fitted = len(spec.predictors) * len(spec.training_sizes) * len(spec.metrics) * spec.fits
        more = f", and {fitted:,} predictors fitted" if fitted else ""
        said.append(f"Simulation: {number:,} selections{more}.")
    if scenario.search is not None:
        runs = planned_runs(scenario.search)
        total = len(runs) * scenario.search.evaluations
        said.append(f"Search: {len(runs):,} searches, {total:,} evaluations.")
    return " ".join(said)


def _timed_study(text: str, workers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(text, encoding="utf-8")
        command = to_run(["study", "estimate", str(path), "--json", "--workers", str(workers)])
        try:
            done = subprocess.run(  # noqa: S603  a list of words, no shell
                command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise HwbenchError(f"estimate: takes more than {MOST_SECONDS} s itself") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["estimate: no reason was given"]
        raise HwbenchError(lines[-1].removeprefix("hwbench: "))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _of_live(config: LiveConfig, index: RunIndex) -> str:
    epochs = int(config.trainer.get("epochs", 0))
    known = []
    for summary in index.all():
        if any(part.part == "live search" and part.done for part in summary.parts):
            known += _epoch_seconds(summary.name, config, index)
    number = f"{epochs:,} epochs" if epochs else "the trainer's number of epochs"
    if not known:
        return (
            f"{number}. No run here has trained this space on {config.data.name} with this trainer "
            "yet: begin it, its page says the time left from the first epoch on."
        )
    each = sorted(known)[len(known) // 2]
    total = f", so about {seconds(each * epochs)} in all" if epochs else ""
    return f"{number}. Runs like this one took {seconds(each)} an epoch here{total}."


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
