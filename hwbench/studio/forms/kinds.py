"""Kinds of configs: what a form offers of each, what is wrong with a text, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwbench.errors import unknown_name
from hwbench.images.augmentation import Augmentation
from hwbench.images.sets import IMAGE_SETS, check_image_set
from hwbench.images.subsets import SUBSETS
from hwbench.live.config import LiveConfig
from hwbench.live.ranking import Calibration
from hwbench.live.recipes import RECIPES, recipe_files
from hwbench.live.selections import SELECTIONS
from hwbench.live.strategies import STRATEGIES
from hwbench.live.supernets import SUPERNETS
from hwbench.live.sweep import Sweep
from hwbench.live.trainers import TRAINERS
from hwbench.predictors import list_predictors, predictor_card
from hwbench.registry import Registry
from hwbench.runs.scenario import Scenario, scenario_files
from hwbench.search.registry import STRATEGIES as SEARCH_STRATEGIES
from hwbench.spaces import ENCODINGS, list_spaces
from hwbench.studio.forms.columns import accuracies, check_target, targets
from hwbench.studio.forms.tree import Plan
from hwbench.studio.forms.violations import (
    Problems,
    live_problems,
    scenario_problems,
    sweep_problems,
)


@dataclass(frozen=True)
class ConfigKind:
    """A kind of config.

    Attributes
    ----------
    name : by which pages know it.
    title : in words.
    plan : what its form is made of.
    finds : what is wrong with a tree, see `problems`.
    recipes : texts that come with hwbench, by name.
    commands : kinds of runs that a tree can be run as, see `hwbench.studio.commands.STARTS`.
    sections : that may be loaded one by one.
    """

    name: str
    title: str
    plan: Plan
    finds: Callable[[Mapping[str, Any], Plan, str], Problems]
    recipes: Callable[[], dict[str, Path]]
    commands: Callable[[Mapping[str, Any]], list[str]]
    sections: tuple[str, ...]

    def problems(self, tree: Mapping[str, Any], where: str) -> Problems:
        """All that is wrong with a tree, each with its place; the command line says the first.

        Parameters
        ----------
        tree : the content of a config.
        where : its file, for messages.
        """
        return self.finds(tree, self.plan, where)


def kind_named(name: str) -> ConfigKind:
    """A kind of config.

    Raises
    ------
    HwbenchError
        Where there is none.
    """
    if name not in KINDS:
        raise unknown_name("kind of config", name, KINDS)
    return KINDS[name]


# ---------------------------------------------------------------------- live searches

_LIVE_PARTS: dict[str, Registry] = {
    "data.subset": SUBSETS,
    "strategy": STRATEGIES,
    "trainer": TRAINERS,
    "selection": SELECTIONS,
}
_LIVE = Plan(
    LiveConfig,
    registries=_LIVE_PARTS,
    classes={"data.augmentation": Augmentation, "ranking.calibration": Calibration},
    names={
        "data.name": lambda: list(IMAGE_SETS),
        "space.name": lambda: [name for name in list_spaces() if name in SUPERNETS],
        "space.supernet": lambda: list(SUPERNETS),
        "cost.target": targets,
        "cost.predictor": list_predictors,
        "ranking.target": accuracies,
        "selection.metric": targets,
    },
    checks={
        "data.name": check_image_set,
        "cost.target": check_target,
        "cost.predictor": predictor_card,
        "ranking.target": check_target,
    },
)


def _live_recipes() -> dict[str, Path]:
    return {
        f"{recipe}/{name}": path
        for recipe in reversed(RECIPES)
        for name, path in recipe_files(recipe).items()
    }


# ---------------------------------------------------------------------- scenarios and sweeps

_SCENARIO = Plan(
    Scenario,
    lists={"search.strategies": SEARCH_STRATEGIES},
    names={
        "study.targets": targets,
        "study.predictors": list_predictors,
        "study.sources": targets,
        "study.encodings": lambda: list(ENCODINGS),
        "simulation.accuracy": accuracies,
        "simulation.metrics": targets,
        "simulation.predictors": list_predictors,
        "simulation.deviation_model": lambda: ["mixed", "normal"],
        "search.accuracy": accuracies,
        "search.metrics": targets,
        "search.predicted_metric.predictor": list_predictors,
    },
    checks={
        "study.targets": check_target,
        "study.predictors": predictor_card,
        "study.sources": check_target,
        "simulation.accuracy": check_target,
        "simulation.metrics": check_target,
        "simulation.predictors": predictor_card,
        "search.accuracy": check_target,
        "search.metrics": check_target,
        "search.predicted_metric.predictor": predictor_card,
    },
)


def _parts_to_run(tree: Mapping[str, Any]) -> list[str]:
    return [name for name in ("study", "simulation", "search") if name in tree]


def _always(command: str) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda _: [command]


KINDS = {
    each.name: each
    for each in (
        ConfigKind(
            "live",
            "Live search",
            _LIVE,
            live_problems,
            _live_recipes,
            _always("live"),
            ("data", "space", "strategy", "trainer", "cost", "selection", "ranking", "diagnostics"),
        ),
        ConfigKind(
            "scenario",
            "Study, simulation, search",
            _SCENARIO,
            scenario_problems,
            scenario_files,
            _parts_to_run,
            ("study", "simulation", "search"),
        ),
        ConfigKind(
            "sweep",
            "Sweep of live searches",
            Plan(Sweep),
            sweep_problems,
            lambda: recipe_files("sweeps"),
            _always("sweep"),
            ("also", "changes", "selections"),
        ),
    )
}
"""By name."""
