"""Checks that come with hwbench, to hold parts of one's own against in one's own tests.

Of each kind of part there is a list of named checks, for `pytest.mark.parametrize`, and a function
that runs all of them. Both take the part as it is at hand: a name, "module:Class", a class or an
object. A broken promise is an `AssertionError` that says which; a part that is not there, or cannot
be made, a `hwbench.HwbenchError`. What needs torch imports it when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hwbench.testing.predictor import check_predictor, predictor_checks
from hwbench.testing.search_strategy import (
    check_search_strategy,
    check_strategy,
    search_strategy_checks,
)
from hwbench.testing.space import check_space, space_checks
from hwbench.testing.suite import Check

if TYPE_CHECKING:
    from hwbench.testing.architecture_strategy import (
        architecture_strategy_checks,
        check_architecture_strategy,
    )

__all__ = [
    "Check",
    "architecture_strategy_checks",
    "check_architecture_strategy",
    "check_predictor",
    "check_search_strategy",
    "check_space",
    "check_strategy",
    "predictor_checks",
    "search_strategy_checks",
    "space_checks",
]

_LIVE = ("architecture_strategy_checks", "check_architecture_strategy")


def __getattr__(name: str) -> Any:
    if name not in _LIVE:
        raise AttributeError(f"module 'hwbench.testing' has no attribute '{name}'")
    return getattr(import_module("hwbench.testing.architecture_strategy"), name)
