"""Checks that come with hwbench, to hold parts of one's own against in one's own tests.

Of each kind of part there is a list of named checks, for `pytest.mark.parametrize`, and a function
that runs all of them. Both take the part as it is at hand: a name, "module:Class", a class or an
object. A broken promise is an `AssertionError` that says which; a part that is not there, or cannot
be made, a `hwbench.HwbenchError`.
"""

from hwbench.testing.architecture_strategy import (
    architecture_strategy_checks,
    check_architecture_strategy,
)
from hwbench.testing.converter import check_converter, converter_checks
from hwbench.testing.encoding import check_encoding, encoding_checks
from hwbench.testing.predictor import check_predictor, predictor_checks
from hwbench.testing.runtime import check_runtime, runtime_checks
from hwbench.testing.search_strategy import (
    check_search_strategy,
    check_strategy,
    search_strategy_checks,
)
from hwbench.testing.selection import check_selection, selection_checks
from hwbench.testing.space import check_space, space_checks
from hwbench.testing.suite import Check

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
