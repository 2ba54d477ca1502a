"""Opening a large table takes little more memory than its numbers."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hwbench.tables import ColumnCard, Table, TableCard

SCRIPT = """
import sys, tracemalloc
from pathlib import Path
import numpy as np, pyarrow as pa
from hwbench.tables import Table

small, large = (Path(name) for name in sys.argv[1:])
Table.read(small).frame  # whatever is loaded once
pool = pa.default_memory_pool()
tracemalloc.start()
table = Table.read(large)
{use}
print(tracemalloc.get_traced_memory()[1] + pool.max_memory(), size)
"""

USES = {
    "columns": """
columns = [table.column(name) for name in table.card.columns]
size = sum(column.nbytes for column in columns)
""",
    "architectures": """
archs = table.archs
size = archs.nbytes
""",
    "frame": """
frame = table.frame
size = frame.memory_usage(deep=True).sum()
""",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table of ten rows and one of 200,000, of the cells of NAS-Bench-101."""
    folder = tmp_path_factory.mktemp("tables")
    names = [f"metric{i}" for i in range(8)]
    columns = {
        name: ColumnCard(title=name, unit="ms", direction="minimize", source="random")
        for name in names
    }
    card = TableCard(
        name="t", title="t", space="nasbench101", created="2026-01-01", columns=columns
    )
    for size in (10, 200_000):
        values = np.random.default_rng(0).normal(size=(size, len(names)))
        frame = pd.DataFrame(values, columns=names)
        Table.from_indices(np.arange(size), frame, card).save(folder / f"{size}.parquet")
    return folder / "10.parquet", folder / "200000.parquet"


@pytest.mark.parametrize("use", USES)
def test_peak_is_at_most_three_times_what_was_asked_for(files, use):
    script = SCRIPT.format(use=USES[use])
    command = [sys.executable, "-c", script, *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, size = (int(number) for number in result.stdout.split())
    assert size > 10e6
    assert peak <= 3 * size
