"""Tables: one row an architecture, one column a metric, with units and provenance inside."""

from __future__ import annotations

from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.library import load_table, table_files
from hwbench.tables.table import Table, merge_tables
from hwbench.tables.target import Target, load_target

__all__ = [
    "ColumnCard",
    "Table",
    "TableCard",
    "Target",
    "load_table",
    "load_target",
    "merge_tables",
    "table_files",
]
