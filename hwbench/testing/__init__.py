"""Checks that come with hwbench, to hold parts of one's own against in one's own tests.

Of each kind of part there is a list of named checks, for `pytest.mark.parametrize`, and a function
that runs all of them. Both take the part as it is at hand: a name, "module:Class", a class or an
object. A broken promise is an `AssertionError` that says which; a part that is not there, or cannot
be made, a `hwbench.HwbenchError`. What needs torch imports it when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hwbench.testing.converter import check_converter, converter_checks
from hwbench.testing.encoding import check_encoding, encoding_checks
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
    from hwbench.testing.runtime import check_runtime, runtime_checks
    from hwbench.testing.selection import check_selection, selection_checks

__all__ = [
    "Check",
    "architecture_strategy_checks",
    "check_architecture_strategy",
    "check_converter",
    "check_encoding",
    "check_predictor",
    "check_runtime",
    "check_search_strategy",
    "check_selection",
    "check_space",
    "check_strategy",
    "converter_checks",
    "encoding_checks",
    "predictor_checks",
    "runtime_checks",
    "search_strategy_checks",
    "selection_checks",
    "space_checks",
]

_NEED_TORCH = {
    "architecture_strategy_checks": "architecture_strategy",
    "check_architecture_strategy": "architecture_strategy",
    "check_runtime": "runtime",
    "check_selection": "selection",
    "runtime_checks": "runtime",
    "selection_checks": "selection",
}


def __getattr__(name: str) -> Any:
    if name not in _NEED_TORCH:
        raise AttributeError(f"module 'hwbench.testing' has no attribute '{name}'")
    return getattr(import_module(f"hwbench.testing.{_NEED_TORCH[name]}"), name)
