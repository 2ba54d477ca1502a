"""Kinds of configs: what a form offers of each, what is wrong with a text, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError, unknown_name
from hwbench.images.augmentation import Augmentation
from hwbench.images.sets import IMAGE_SETS
from hwbench.images.subsets import SUBSETS
from hwbench.live.compatibility import part_problems
from hwbench.live.components import node_problems
from hwbench.live.config import LiveConfig, config_of
from hwbench.live.old_config import of_today
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
from hwbench.studio.forms.tree import Plan
from hwbench.study.plan import make_plan
from hwbench.tables import load_table, table_files
from hwbench.tables.pairs import Pair
from hwbench.toml import Place, problems, validated

Problems = list[tuple[Place, str]]


@dataclass(frozen=True)
class ConfigKind:
    """A kind of config.

    Attributes
    ----------
    name : by which pages know it.
    title : in words.
    plan : what its form is made of.
    problems : all that is wrong with a tree, each with its place; the first is what the command
        line says. Takes the tree and the file's name.
    recipes : texts that come with hwbench, by name.
    commands : kinds of runs that a tree can be run as, see `hwbench.studio.commands.STARTS`.
    sections : that may be loaded one by one.
    """

    name: str
    title: str
    plan: Plan
    problems: Callable[[Mapping[str, Any], str], Problems]
    recipes: Callable[[], dict[str, Path]]
    commands: Callable[[Mapping[str, Any]], list[str]]
    sections: tuple[str, ...]


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


# ---------------------------------------------------------------------- names that are offered


@cache
def targets() -> tuple[str, ...]:
    """Every column of every table, as "table:column"."""
    found = []
    for name in table_files():
        try:
            found += [f"{name}:{column}" for column in load_table(name).card.columns]
        except HwbenchError:  # a table of the user's that is broken
            continue
    return tuple(found)


def accuracies() -> tuple[str, ...]:
    """Columns that are better the larger they are."""
    found = []
    for text in targets():
        table, _, column = text.partition(":")
        if load_table(table).card.columns[column].direction == "maximize":
            found.append(text)
    return tuple(found)


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
)


def live_problems(tree: Mapping[str, Any], where: str) -> Problems:
    """All that is wrong with a live search."""
    found = [(place, str(line)) for place, line in problems(tree, LiveConfig, where=where)]
    today = of_today(tree)
    for key, registry in _LIVE_PARTS.items():
        place: Place = tuple(key.split("."))
        node: Any = today
        for part in place:
            node = node.get(part) if isinstance(node, Mapping) else None
        if isinstance(node, Mapping):
            section = f"{where}, section [data.subset]" if key == "data.subset" else None
            wrong = node_problems(registry, node, where=where, place=section)
            found += [((*place, name), str(line)) for name, line in wrong.items()]
    if found:
        return found
    config = validated(tree, LiveConfig, where=where)
    try:
        config_of(tree, where=where)
    except HwbenchError as error:
        wrong_parts = [str(each) for each in part_problems(config, where)]
        return [(_section_in(line), line) for line in wrong_parts or [str(error)]]
    return []


def _section_in(line: str) -> Place:
    """The section that a message names first, as "[selection]"."""
    _, _, rest = line.partition("[")
    name, closed, _ = rest.partition("]")
    return tuple(name.split(".")) if closed and name.replace(".", "").isidentifier() else ()


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
)


def scenario_problems(tree: Mapping[str, Any], where: str) -> Problems:
    """All that is wrong with a scenario, but for what its tables hold, see `table_problems`."""
    return [(place, str(line)) for place, line in problems(tree, Scenario, where=where)]


def table_problems(tree: Mapping[str, Any], where: str) -> Problems:
    """What is wrong with a scenario whose text is right: tables, predictors, pairs of columns.

    It reads the tables, which may take a second.
    """
    scenario = validated(tree, Scenario, where=where)
    study, simulation, search = scenario.study, scenario.simulation, scenario.search
    checks: list[tuple[str, Callable[[], Any]]] = []
    if study is not None:
        checks += [("study", partial(predictor_card, name)) for name in study.predictors]
        checks.append(("study", partial(make_plan, study)))
    if simulation is not None:
        most = max(simulation.n_candidates)
        checks += [
            ("simulation", partial(_check_pair, accuracy, metric, simulation.disconnected, most))
            for accuracy, metric in zip(simulation.accuracies, simulation.metrics, strict=True)
        ]
    if search is not None:
        checks += [
            ("search", partial(_check_pair, search.accuracy, metric, search.disconnected, 1))
            for metric in search.metrics
        ]
    found: Problems = []
    for section, check in checks:
        try:
            check()
        except HwbenchError as error:
            if (section,) not in [place for place, _ in found]:
                found.append(((section,), str(error)))
    return found


def _check_pair(accuracy: str, metric: str, disconnected: bool, most: int) -> None:
    Pair.load(accuracy, metric, disconnected=disconnected).check_candidates(most)


def _parts_to_run(tree: Mapping[str, Any]) -> list[str]:
    return [name for name in ("study", "simulation", "search") if name in tree]


def _sweep_problems(tree: Mapping[str, Any], where: str) -> Problems:
    return [(place, str(line)) for place, line in problems(tree, Sweep, where=where)]


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
            _sweep_problems,
            lambda: recipe_files("sweeps"),
            _always("sweep"),
            ("also", "changes", "selections"),
        ),
    )
}
"""By name."""
