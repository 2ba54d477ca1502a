"""Tables: one row an architecture, one column a metric, with units and provenance inside."""

from __future__ import annotations

from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.library import load_table, load_target, table_files
from hwbench.tables.table import Table, merge_tables

__all__ = [
    "ColumnCard",
    "Table",
    "TableCard",
    "load_table",
    "load_target",
    "merge_tables",
    "table_files",
]
