"""What cards of tables that hwbench makes have in common."""

from __future__ import annotations

from typing import Any

from hwbench.environment import describe_machine, describe_versions
from hwbench.tables.card import ColumnCard


def count_cards(source: str) -> dict[str, ColumnCard]:
    """Cards of the columns that are counted: `parameters` and `flops`.

    Parameters
    ----------
    source : how, of which network.
    """
    return {
        "parameters": ColumnCard(
            title="trainable parameters", unit="1", direction="minimize", source=source
        ),
        "flops": ColumnCard(
            title="multiply-adds of one forward pass", unit="1", direction="minimize", source=source
        ),
    }


def record_of(command: str, recipe: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a table's card keeps of the command that made it, with machine and versions."""
    return {
        "command": command,
        **recipe,
        **changes,
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
