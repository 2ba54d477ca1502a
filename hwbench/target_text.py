"""The text of a target, "table:column": taken apart here and nowhere else.

`hwbench.tables.load_target` opens what it names; pages, which open no table, look it up in the
record of a run.
"""

from __future__ import annotations


def parse_target(text: str) -> tuple[str, str] | None:
    """The table and the column of "table:column"; None where the text has not that form.

    The column stands behind the last colon: a table may be named by a path that holds one.
    """
    table, _, column = text.rpartition(":")
    return (table, column) if table and column else None


def column_of(text: str) -> str:
    """The column of "table:column"; the whole text where it has not that form."""
    parts = parse_target(text)
    return text if parts is None else parts[1]
