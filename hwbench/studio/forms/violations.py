"""All that is wrong with a config, each thing with its place: the command line says the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from hwbench.arguments import argument_problems, checked
from hwbench.errors import HwbenchError
from hwbench.live.compatibility import part_problems
from hwbench.live.components import NAME, node_problems
from hwbench.live.config import LiveConfig, config_of
from hwbench.live.old_config import of_today
from hwbench.runs.scenario import Scenario
from hwbench.search.registry import check_parameter_names, strategy_class
from hwbench.studio.forms.tree import Plan
from hwbench.study.plan import make_plan
from hwbench.tables.pairs import Pair
from hwbench.toml import Model, Place, problems, validated

Problems = list[tuple[Place, str]]


def live_problems(tree: Mapping[str, Any], plan: Plan, where: str) -> Problems:
    """All that is wrong with a live search.

    Parameters
    ----------
    tree : its content.
    plan : of its form: which sections name parts, and which arguments name what.
    where : the file, for messages.
    """
    today = of_today(tree)
    found = dict(_of_model(tree, LiveConfig, where))
    for key, part in plan.classes.items():
        place = _place_of(key)
        given = _at(today, place)
        wrong = argument_problems(part, given) if isinstance(given, Mapping) else {}
        if wrong:
            found.pop(place, None)  # which says the first of them
        found |= {(*place, name): f"{where}: {key}: {line}" for name, line in wrong.items()}
    for key, registry in plan.registries.items():
        place = _place_of(key)
        node = _at(today, place)
        if isinstance(node, Mapping):
            section = f"{where}, section [{key}]" if len(place) > 1 else None
            inside = node_problems(registry, node, where=where, place=section)
            found |= {(*place, *inner): str(line) for inner, line in inside.items()}
    said = [*found.items(), *_unknown_names(today, plan)]
    return said or _not_together(tree, where)


def _not_together(tree: Mapping[str, Any], where: str) -> Problems:
    """Why parts that are right by themselves do not go together."""
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


def scenario_problems(tree: Mapping[str, Any], plan: Plan, where: str) -> Problems:
    """All that is wrong with a scenario, but for what its tables hold, see `table_problems`.

    Parameters
    ----------
    tree, plan, where : as for `live_problems`.
    """
    found = dict(_of_model(tree, Scenario, where))
    place = ("search", "strategies")
    for number, parameters in _strategies(_at(tree, place)):
        here = (*place, number)
        wrong = dict(_wrong_parameters(*parameters))
        if wrong:
            found.pop(here, None)  # which says the first of them
        start = f"{where}: {'.'.join(map(str, here))}: "
        found |= {(*here, "parameters", name): f"{start}{line}" for name, line in wrong.items()}
    return [*found.items(), *_unknown_names(tree, plan)]


def _strategies(given: Any) -> Iterator[tuple[int, tuple[str, Mapping[str, Any]]]]:
    """Number, name and parameters of the entries of a list of strategies that have these."""
    for number, entry in enumerate(given if isinstance(given, list) else []):
        name = entry.get(NAME) if isinstance(entry, Mapping) else None
        parameters = entry.get("parameters") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and isinstance(parameters, Mapping):
            yield number, (name, parameters)


def _wrong_parameters(name: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        strategy = strategy_class(name)
    except HwbenchError:  # said of the entry as a whole
        return
    for parameter, value in parameters.items():
        try:
            check_parameter_names(name, [parameter])
            checked(strategy, {parameter: value}, owner=f"strategy {name}")
        except HwbenchError as error:
            yield parameter, str(error)


def sweep_problems(tree: Mapping[str, Any], plan: Plan, where: str) -> Problems:
    """All that is wrong with a sweep.

    Parameters
    ----------
    tree, plan, where : as for `live_problems`.
    """
    return _of_model(tree, plan.model, where)


def _of_model(tree: Mapping[str, Any], model: type[Model], where: str) -> Problems:
    found = [(place, str(line)) for place, line in problems(tree, model, where=where)]
    places = [place for place, _ in found]
    # Entries that are wrong are not counted: a list of these is called too short.
    return [
        (place, line)
        for place, line in found
        if not _is_list_above(_at(tree, place), place, places)
    ]


def _is_list_above(value: Any, place: Place, places: Iterable[Place]) -> bool:
    """Whether a value is a list, of whose entries other places tell."""
    below = (each for each in places if len(each) > len(place) and each[: len(place)] == place)
    return isinstance(value, list) and any(below)


def _unknown_names(tree: Mapping[str, Any], plan: Plan) -> Problems:
    """Arguments that name what there is not: a table, a predictor, an image set."""
    found: Problems = []
    for key, check in plan.checks.items():
        place = _place_of(key)
        given = _at(tree, place)
        named: list[tuple[Place, Any]] = [(place, given)]
        if isinstance(given, list):
            named = [((*place, number), each) for number, each in enumerate(given)]
        for here, name in named:
            if isinstance(name, str) and (line := _refusal(partial(check, name))):
                found.append((here, line))
    return found


def _refusal(check: Callable[[], Any]) -> str:
    """Why something is refused; "" where it is not."""
    try:
        check()
    except HwbenchError as error:
        return str(error)
    return ""


def _place_of(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


def _at(tree: Any, place: Place) -> Any:
    """What stands at a place in a tree; None where nothing does."""
    for part in place:
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


# ---------------------------------------------------------------------- what tables hold


def table_problems(tree: Mapping[str, Any], where: str) -> Problems:
    """What is wrong with a scenario whose text is right, of each section the first.

    Tables with too few architectures, columns of two spaces, predictors that know no such space.
    It reads the tables, which may take a second.
    """
    scenario = validated(tree, Scenario, where=where)
    study, simulation, search = scenario.study, scenario.simulation, scenario.search
    checks: list[tuple[str, Callable[[], Any]]] = []
    if study is not None:
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
    found: dict[Place, str] = {}
    for section, check in checks:
        if (section,) not in found and (line := _refusal(check)):
            found[section,] = line
    return list(found.items())


def _check_pair(accuracy: str, metric: str, disconnected: bool, most: int) -> None:
    Pair.load(accuracy, metric, disconnected=disconnected).check_candidates(most)
