"""Live searches of a second, for tests of what reads their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwbench.live.config import LiveConfig, config_of
from hwbench.live.run import run_live
from hwbench.live.strategies import STRATEGIES
from hwbench.live.sweep import run_sweep
from hwbench.results.live import LiveRun, LiveSweep, read_live_run, read_live_sweep
from hwbench.toml import to_toml

_TARGET = "nb201-digits:test_accuracy"

_OF_TWO_EPOCHS = {"pr_darts": {"epochs": [2], "grace": [0], "prune": [1], "replace": [0]}}
"""Arguments of strategies whose own are of longer trainings."""


def example_config(strategy: str = "darts", **nodes: dict[str, Any]) -> LiveConfig:
    """A search of about a second on a small part of the digits.

    Parameters
    ----------
    strategy : by name; those that learn no strengths are trained on one level.
    **nodes : sections of the tree to replace.
    """
    learns: bool = STRATEGIES.load(strategy).learns_strengths
    tree = {
        "title": f"Example of {strategy}",
        "data": {"validation_share": 0.9},
        "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
        "strategy": {"name": strategy, **_OF_TWO_EPOCHS.get(strategy, {})},
        "trainer": {
            "name": "bilevel" if learns else "single_level",
            "epochs": 2,
            "batch_size": 32,
        },
        "selection": {"name": "strength" if learns else "ranking"},
        "ranking": {
            "architectures": 6,
            "calibration": {"passes": 1, "batch_size": 64},
            "target": _TARGET,
        },
        **nodes,
    }
    return config_of(tree, where="example")


def example_run(folder: Path, strategy: str = "darts", **nodes: dict[str, Any]) -> LiveRun:
    """Run `example_config` in a folder and read what it left."""
    run_live(example_config(strategy, **nodes), folder)
    return read_live_run(folder)


def example_sweep(folder: Path) -> LiveSweep:
    """Run a sweep of four examples over the epoch of weight splitting and read what it left."""
    search = folder / "search.toml"
    search.parent.mkdir(parents=True, exist_ok=True)
    search.write_text(to_toml(example_config("spos").model_dump(mode="json")), encoding="utf-8")
    sweep = {
        "title": "Example of a sweep",
        "search": str(search),
        "argument": "strategy.split_epoch",
        "values": [1],
        "seeds": [0, 1],
    }
    path = folder / "example.toml"
    path.write_text(to_toml(sweep), encoding="utf-8")
    run_sweep(path, folder)
    return read_live_sweep(folder)
