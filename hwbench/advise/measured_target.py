"""One's own measurements as what a predictor is fitted to: a target like a table's column."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from hwbench.advise.measurements import Measurements
from hwbench.files import today
from hwbench.tables import Target
from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.table import Table


def measured_target(measurements: Measurements) -> Target:
    """The metric of measurements, in a table of their architectures.

    Parameters
    ----------
    measurements : as `hwbench.advise.measurements.read_measurements` gives them.

    Returns
    -------
    The target "FILE:METRIC"; its table is not saved.
    """
    name = re.sub(r"[^a-z0-9]+", "-", Path(measurements.label).stem.lower()).strip("-")
    metric = measurements.metric
    card = TableCard(
        name=name or "measured",
        title=measurements.label,
        space=measurements.space.name,
        created=today(),
        columns={
            metric: ColumnCard(
                title=metric,
                unit=measurements.unit,
                direction="maximize" if measurements.direction == "maximize" else "minimize",
                source=measurements.label,
            )
        },
    )
    frame = pd.DataFrame({metric: measurements.values})
    table = Table.from_archs(measurements.archs, frame, card)
    return Target.of(table, metric, key=measurements.key)
