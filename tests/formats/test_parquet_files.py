"""Parquet files are read by one owner, and no damage ends the process."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hwbench.errors import HwbenchError
from hwbench.formats import parquet_files
from hwbench.formats.parquet_claims import row_groups, unpacked_bytes
from hwbench.formats.parquet_files import ParquetReader, check_parquet

TABLE = pa.table({"text": ["a", "b", "a"] * 50, "whole": range(150), "number": np.ones(150)})


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_what_is_read_is_what_was_written(tmp_path, compression, version):
    path = tmp_path / "it.parquet"
    pq.write_table(
        TABLE, path, compression=compression, data_page_version=version, row_group_size=40,
        data_page_size=64,
    )  # fmt: skip
    reader = check_parquet(path)
    assert reader.n_rows == 150
    assert reader.read().cast(TABLE.schema).equals(TABLE)
    assert reader.read(["number", "text"]).column_names == ["number", "text"]


def test_the_footer_says_what_pyarrow_reads_of_it(tmp_path):
    path = tmp_path / "it.parquet"
    pq.write_table(TABLE, path, row_group_size=40)
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    groups = row_groups(content[-8 - length : -8])
    about = pq.read_metadata(path)
    assert [group.n_rows for group in groups] == [40, 40, 40, 30]
    for number, group in enumerate(groups):
        wanted = about.row_group(number)
        assert group.unpacked == wanted.total_byte_size
        for place, chunk in enumerate(group.chunks):
            column = wanted.column(place)
            assert chunk.n_values == column.num_values
            assert (chunk.unpacked, chunk.packed) == (
                column.total_uncompressed_size,
                column.total_compressed_size,
            )
            pages = unpacked_bytes(lambda size, start: content[start : start + size], chunk)
            assert 0 < pages <= chunk.unpacked


@pytest.mark.parametrize("limit", ["CELL", "UNPACKED"])
def test_a_file_is_held_against_its_size(tmp_path, monkeypatch, limit):
    path = tmp_path / "it.parquet"
    pq.write_table(TABLE, path)
    monkeypatch.setattr(parquet_files, f"{limit}_FLOOR", 10)
    monkeypatch.setattr(parquet_files, f"{limit}_RATIO", 0)
    with pytest.raises(HwbenchError, match="more than the 10"):
        ParquetReader(path)


SURVIVE = """
import sys
from pathlib import Path
from hwbench.errors import HwbenchError
from hwbench.formats.parquet_files import ParquetReader, plain_column, readable

path = Path(sys.argv[1])
whole = path.read_bytes()
refused = 0
for place in range(len(whole)):
    for bit in (1, 16, 128):
        damaged = bytearray(whole)
        damaged[place] ^= bit
        try:
            table = ParquetReader(path, bytes(damaged)).read()
            with readable(path):
                [plain_column(column) for column in table.columns]
        except HwbenchError:
            refused += 1
print(refused)
"""


def test_no_damage_ends_the_process(tmp_path):
    path = tmp_path / "it.parquet"
    pq.write_table(TABLE, path, compression="zstd")
    result = subprocess.run(
        [sys.executable, "-c", SURVIVE, str(path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-1000:]
    assert int(result.stdout) > 100


@pytest.mark.parametrize("compression", ["snappy", "zstd", None])
def test_files_without_rows(compression, tmp_path):
    frame = pd.DataFrame({"name": ["a", "b"], "value": [1.0, 2.0], "number": [1, 2]})
    path = tmp_path / "none.parquet"
    frame.iloc[:0].to_parquet(path, compression=compression)
    table = ParquetReader(path).read()
    assert table.num_rows == 0
    assert table.column_names == ["name", "value", "number"]
