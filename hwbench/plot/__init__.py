"""Figures of runs, advice, models and tables: the report's own, as plotly figures.

Each function gives a `plotly.graph_objects.Figure`, which a notebook shows, `write_html` keeps, and
`update_layout` changes.
"""

from __future__ import annotations

from hwbench.plot.of_models import calibration, leaderboard, predicted_against_measured
from hwbench.plot.of_runs import learning_curve, ranking, search_progress
from hwbench.plot.of_tables import architecture, front

__all__ = [
    "architecture",
    "calibration",
    "front",
    "leaderboard",
    "learning_curve",
    "predicted_against_measured",
    "ranking",
    "search_progress",
]


def __dir__() -> list[str]:
    return list(__all__)
