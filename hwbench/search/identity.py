"""What a search is: everything that its result depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hwbench.code_version import READERS, code_version
from hwbench.search.registry import strategy_class, strategy_parameters
from hwbench.search.spec import StrategyChoice
from hwbench.search.tables import SearchTable
from hwbench.spaces import Space

SEARCH = "hwbench.search.run"
"""The module that every search runs."""


def table_digest(table: SearchTable) -> str:
    """Hash of all that a search can see of a table."""
    digest = hashlib.sha256(json.dumps(table.space.definition, sort_keys=True).encode())
    for array in (table.archs, table.accuracy, table.metric):
        digest.update(array.tobytes())
    return digest.hexdigest()


def search_code(choice: StrategyChoice, space: Space) -> str:
    """Version of the code of a search, predictors aside, see `predictor_identity`."""
    return code_version(*search_modules(choice, space), without=READERS)


def search_modules(choice: StrategyChoice, space: Space) -> list[str]:
    """The modules that a search begins with: what all run, its strategy's, and its space's."""
    return [SEARCH, strategy_class(choice.name).__module__, type(space).__module__]


def strategy_predictor(choice: StrategyChoice) -> str | None:
    """The name of the predictor that a strategy fits, None where it fits none."""
    defaults = strategy_parameters(choice.name)
    name = choice.parameters.get("predictor") or defaults.get("predictor")
    return name if isinstance(name, str) else None


def predictor_identity(name: str | None) -> Any:
    """Name, card and version of a predictor, see `hwbench.predictors.identity`; None for none."""
    from hwbench.predictors import predictor_card
    from hwbench.predictors.identity import predictor_version

    if name is None:
        return None
    card = predictor_card(name)
    return [name, card.model_dump(mode="json"), predictor_version(card)]
