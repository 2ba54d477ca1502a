"""Write the table that the installed package brings; by formula, so that it needs no device."""

from pathlib import Path

import hwbench_ladder
import numpy as np
import pandas as pd

import hwbench as hb
from hwbench.tables import ColumnCard, Table, TableCard

FOLDER = Path(hwbench_ladder.__file__).parent / "data"

space = hb.get_space("ladder")
archs = space.all_architectures()
generator = np.random.default_rng(0)
work = space.flops(archs) / space.flops(archs).max()
live = space.live_edges(archs).sum(axis=1) / len(space.positions)
metrics = pd.DataFrame(
    {
        "latency": 0.2 + 2 * work + 0.05 * generator.standard_normal(len(archs)),
        "accuracy": 60 + 25 * live * work + generator.standard_normal(len(archs)),
    }
)
card = TableCard(
    name="ladder-made",
    title="Ladders by formula",
    space="ladder",
    description="Latency grows with the work, accuracy with the work on live edges.",
    created="2026-01-01",
    licence="CC0-1.0",
    columns={
        "latency": ColumnCard(
            title="latency", unit="ms", direction="minimize", source="formula with noise"
        ),
        "accuracy": ColumnCard(
            title="accuracy", unit="%", direction="maximize", source="formula with noise"
        ),
    },
)
FOLDER.mkdir(exist_ok=True)
Table.from_archs(archs, metrics, card).save(FOLDER / "ladder-made.parquet")
