"""Parquet files are read by one owner."""

import pandas as pd
import pytest

from hwbench.formats.parquet_files import ParquetReader


@pytest.mark.parametrize("compression", ["snappy", "zstd", None])
def test_files_without_rows(compression, tmp_path):
    frame = pd.DataFrame({"name": ["a", "b"], "value": [1.0, 2.0], "number": [1, 2]})
    path = tmp_path / "none.parquet"
    frame.iloc[:0].to_parquet(path, compression=compression)
    table = ParquetReader(path).read()
    assert table.num_rows == 0
    assert table.column_names == ["name", "value", "number"]
