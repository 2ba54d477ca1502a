"""Whether the parts of a config go together, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hwbench.errors import HwbenchError
from hwbench.images.subsets import SUBSETS, Subset
from hwbench.live.components import make_component
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets import SUPERNETS
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import Supernet, resolve_operations, supernet_class
from hwbench.live.trainers import TRAINERS
from hwbench.live.trainers.base import Trainer, unsuitable
from hwbench.spaces import get_space

if TYPE_CHECKING:
    from hwbench.live.config import LiveConfig, RankingNode


AUXILIARY = "auxiliary"
"""The argument of subsets that is a table of its own."""


def check_parts(config: LiveConfig, where: str) -> None:
    """Refuse a config whose search could not run to its end.

    Parameters
    ----------
    config : with complete nodes.
    where : the file, for messages.

    Raises
    ------
    HwbenchError
        Saying which parts do not go together, and what to use instead.
    """
    for problem in part_problems(config, where):
        raise problem


def part_problems(config: LiveConfig, where: str) -> list[HwbenchError]:
    """Why parts of a config do not go together; of each check the first, `check_parts` says one.

    Parameters
    ----------
    config, where : as for `check_parts`.
    """
    found: list[HwbenchError] = []

    def tried(check: Callable[[], Any]) -> Any:
        try:
            return check()
        except HwbenchError as error:
            line = str(error)
            found.append(error if line.startswith(where) else HwbenchError(f"{where}: {line}"))
            return None

    strategy = tried(lambda: make_component(STRATEGIES, config.strategy))
    trainer = tried(lambda: make_component(TRAINERS, config.trainer))
    selection = tried(lambda: make_component(SELECTIONS, config.selection))
    if strategy is None or trainer is None or selection is None:
        return found
    if config.data.subset is not None:
        tried(lambda: _made_subset(config.data.subset or {}, where))
    name = config.strategy["name"]
    tried(lambda: _check_trainer(trainer, strategy))
    tried(lambda: _check_learned(config, strategy, name))
    tried(lambda: strategy.check(trainer.epochs))
    chosen = config.selection["name"]
    tried(lambda: check_selection(selection, chosen, strategy, name, config.ranking))
    kind = tried(lambda: _supernet_of(config))
    if kind is not None:
        tried(lambda: _check_supernet(config, kind, strategy, selection))
    return found


def _made_subset(node: dict[str, Any], where: str) -> Subset:
    """The subset that a node describes; its constructor knows no file."""
    try:
        subset: Subset = make_component(SUBSETS, node)
    except HwbenchError as error:
        line = str(error)
        inside = line.startswith(f"{AUXILIARY}: ")
        section = f"data.subset.{AUXILIARY}" if inside else "data.subset"
        said = line.removeprefix(f"{AUXILIARY}: ") if inside else line
        raise HwbenchError(f"{where}, section [{section}]: {said}") from error
    return subset


def _check_trainer(trainer: Trainer, strategy: ArchitectureStrategy) -> None:
    problem = unsuitable(trainer, strategy)
    if problem:
        raise HwbenchError(problem)


def _check_learned(config: LiveConfig, strategy: ArchitectureStrategy, name: str) -> None:
    """Refuse what needs strengths of a strategy that learns none."""
    if config.cost is not None and not strategy.learns_strengths:
        raise HwbenchError(
            f"[cost]: {name} learns no strengths that a cost could change; leave the section out, "
            "and give a limit to the selection 'black_box'"
        )
    if config.diagnostics is not None and not strategy.learns_strengths:
        raise HwbenchError(
            f"[diagnostics]: shows on what strengths depend, and {name} learns none; leave the "
            "section out"
        )


def check_selection(
    selection: Selection,
    name: str,
    strategy: ArchitectureStrategy,
    strategy_name: str,
    ranking: RankingNode | None,
) -> None:
    """Refuse a selection that the strategy, or the lack of a ranking, makes impossible.

    Raises
    ------
    HwbenchError
        Saying what to use instead.
    """
    if selection.requires.strengths and not strategy.learns_strengths:
        raise HwbenchError(
            f"[selection]: {name} needs strengths, and {strategy_name} learns no strengths; use "
            "'ranking' with a section [ranking], or 'black_box'"
        )
    if selection.requires.policy and not strategy.learns_policy:
        raise HwbenchError(
            f"[selection]: {name} takes what a policy has sampled, and {strategy_name} learns no "
            "policy; use the strategy 'enas', or the selection 'ranking' with a section [ranking]"
        )
    if selection.requires.ranking and ranking is None:
        raise HwbenchError(f"[selection]: selection by {name} needs a section [ranking]")


def check_supernet(
    kind: type[Supernet], space: str, structure: Structure, selection: Selection, name: str
) -> None:
    """Refuse a selection that a supernet makes impossible.

    Raises
    ------
    HwbenchError
        Saying why.
    """
    if selection.requires.several_operations and not kind.several_operations:
        raise HwbenchError(
            f"[selection]: {name} is for supernets whose architectures hold several operations at "
            f"a position; those of {space} hold one"
        )
    selection.requires.check_structure(structure, f"[selection]: {name}")
    own = get_space(space)
    selection.check(own, structure)
    selection.check_positions(
        [
            position._replace(operations=tuple(name for name in names if kind.may_hold(name)))
            for position, names in zip(kind.all_positions(own), structure.operations, strict=True)
        ]
    )


def _check_supernet(
    config: LiveConfig,
    kind: type[Supernet],
    strategy: ArchitectureStrategy,
    selection: Selection,
) -> None:
    space = get_space(config.space.name)
    ranking = config.ranking
    if ranking is not None and ranking.architectures is None and not kind.enumerable:
        raise HwbenchError(
            f"[ranking]: {config.space.name} has too many architectures to rank all; say how many "
            "to draw, such as architectures = 1000"
        )
    sizes = {"channels": config.space.channels, "depth": config.space.depth}
    kind.skeleton_of(space, **config.space.skeleton, **sizes)
    names = resolve_operations(kind, space, config.space.operations)
    structure = Structure(tuple(map(tuple, names)))
    strategy.requires.check_structure(structure, f"[strategy]: {config.strategy['name']}")
    check_supernet(kind, config.space.name, structure, selection, config.selection["name"])


def _supernet_of(config: LiveConfig) -> type[Supernet] | None:
    """None where the space has none: what names it, is said where one is made."""
    space = get_space(config.space.name)
    if config.space.supernet is None and space.name not in SUPERNETS:
        return None
    return supernet_class(space, config.space.supernet)
