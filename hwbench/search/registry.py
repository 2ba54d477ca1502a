"""Every strategy by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import Parameter, signature
from typing import Any

from numpy.typing import ArrayLike

from hwbench.errors import HwbenchError, unknown_name
from hwbench.registry import Registry
from hwbench.search.objectives import Objective
from hwbench.search.part import Part
from hwbench.search.strategies.base import Strategy
from hwbench.spaces import Space

STRATEGIES = Registry(
    "strategy",
    {
        "random": "hwbench.search.strategies.random_search:RandomSearch",
        "flops": "hwbench.search.strategies.flops:FlopsFront",
        "operations": "hwbench.search.strategies.flops:OperationsFront",
        "local_search": "hwbench.search.strategies.local_search:LocalSearch",
        "regularised_evolution": "hwbench.search.strategies.evolution:RegularisedEvolution",
        "top_k_evolution": "hwbench.search.strategies.top_k_evolution:TopKEvolution",
        "nsga2": "hwbench.search.strategies.nsga2:NSGA2",
        "reinforce": "hwbench.search.strategies.reinforce:Reinforce",
        "tpe": "hwbench.search.strategies.tpe:TPE",
        "random_forest": "hwbench.search.strategies.bayesian:RandomForestSearch",
        "gaussian_process": "hwbench.search.strategies.bayesian:GaussianProcessSearch",
        "bananas": "hwbench.search.strategies.neural:Bananas",
        "bonas": "hwbench.search.strategies.neural:Bonas",
        "npenas": "hwbench.search.strategies.neural:Npenas",
        "progressive": "hwbench.search.strategies.progressive:ProgressiveSearch",
        "predictor_guided": "hwbench.search.strategies.predictor_guided:PredictorGuided",
    },
    "hwbench.search_strategies",
    base="hwbench.search.strategies.base:Strategy",
)
"""Subclasses of `Strategy`."""


def list_strategies() -> list[str]:
    """Names of all strategies: those of hwbench, simple ones first, then those of packages."""
    return [*STRATEGIES.built_in, *STRATEGIES.plug_ins]


def strategy_class(name: str) -> type[Strategy]:
    """The class of a strategy.

    Parameters
    ----------
    name : one of `list_strategies()`, or the import path "module:Class" of one of your own.

    Raises
    ------
    HwbenchError
        Where there is none (the message says the nearest name), it cannot be imported, or is no
        subclass of `Strategy`.
    """
    found: type[Strategy] = STRATEGIES.load(name)
    return found


def strategy_parameters(name: str) -> dict[str, Any]:
    """The parameters of a strategy with their defaults, those that all strategies have left out."""
    common = signature(Strategy.__init__).parameters
    found: dict[str, Any] = {}
    for base in reversed(strategy_class(name).__mro__):
        if base is object or "__init__" not in vars(base):
            continue
        for key, parameter in signature(vars(base)["__init__"]).parameters.items():
            if parameter.kind is Parameter.KEYWORD_ONLY and key not in common:
                found[key] = parameter.default
    for key in found:
        found[key] = getattr(strategy_class(name), f"default_{key}", found[key])
    return found


def check_parameter_names(name: str, parameters: Iterable[str]) -> None:
    """Refuse parameters that a strategy does not have.

    Raises
    ------
    HwbenchError
        Where there is one; names the nearest, or what it is called now.
    """
    known = strategy_parameters(name)
    renamed = strategy_class(name).renamed
    for parameter in parameters:
        if parameter in renamed:
            raise HwbenchError(
                f"parameter {parameter} of strategy {name} is called {renamed[parameter]} now"
            )
        if parameter not in known:
            raise unknown_name(f"parameter of strategy {name}", parameter, known)


def make_strategy(
    name: str,
    *,
    space: Space | str,
    objectives: Sequence[Objective],
    candidates: ArrayLike | Part | None = None,
    seed: int = 0,
    n_initial: int = 50,
    **parameters: Any,
) -> Strategy:
    """Make a search strategy.

    Parameters
    ----------
    name : one of `list_strategies()`, or the import path "module:Class" of one of your own.
    space : the search space, or its name.
    objectives : what is wanted of an architecture.
    candidates : integers of shape (n_archs, n_positions), the architectures to choose from, such as
        `table.archs`, or a `Part` of the space that is given by rules; the whole space by default.
    seed : of all randomness.
    n_initial : random architectures at the start, the same for every strategy.
    **parameters : of the strategy, see `strategy_parameters`.

    Returns
    -------
    A `Strategy`: `ask(n)` gives architectures, `tell(archs, values)` takes what they measured,
    `best()` says which rows of `archs` are the best so far.

    Raises
    ------
    HwbenchError
        Where strategy or parameter is unknown, a value is out of range, or an optional library is
        missing.
    """
    check_parameter_names(name, parameters)
    return strategy_class(name)(
        space,
        objectives,
        candidates=candidates,
        seed=seed,
        n_initial=n_initial,
        **parameters,
    )
