"""What a search is: everything that its result depends on."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwbench.search.registry import strategy_parameters
from hwbench.search.spec import StrategyChoice
from hwbench.search.tables import SearchTable
from hwbench.version import __version__

if TYPE_CHECKING:
    pass


_PACKAGE = Path(__file__).parents[1]


_COUNTED = ("search/*.py", "predictors/*.py", "spaces/*.py")
"""Sources that can change a search's numbers."""


def table_digest(table: SearchTable) -> str:
    """Hash of all that a search can see of a table."""
    digest = hashlib.sha256(table.space.name.encode())
    for array in (table.archs, table.accuracy, table.metric):
        digest.update(array.tobytes())
    return digest.hexdigest()


def card_of(choice: StrategyChoice) -> Any:
    """The card of the strategy's predictor, None where it has none."""
    from hwbench.predictors import predictor_card

    predictor = {**strategy_parameters(choice.name), **choice.parameters}.get("predictor")
    return predictor_card(predictor).model_dump(mode="json") if predictor else None


@cache
def _code_version() -> str:
    """Version of the code that makes a search's numbers: the package's, and a hash of sources."""
    digest = hashlib.sha256()
    for pattern in _COUNTED:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:16]}"
