import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables import Table, table_files
from hwbench.tables.card import NoiseCard
from hwbench.tables.noise import with_twin_noise
from hwbench.tables.table_file import write_table_file
from hwbench.tables.verify import verify_table


def failures(path):
    return {check.what: check.found for check in verify_table(path) if not check.passed}


@pytest.mark.parametrize("name", table_files())
def test_every_embedded_table_is_whole(name):
    assert failures(table_files()[name]) == {}


def test_whole_table_passes_every_check(own_table):
    checks = verify_table(own_table)
    assert len(checks) == 5
    assert all(check.passed for check in checks)
    assert "200 of 15625 of nasbench201" in [check.found for check in checks]


def test_flipped_bit_fails(own_table):
    content = bytearray(own_table.read_bytes())
    content[len(content) // 4] ^= 1
    own_table.write_bytes(content)
    assert "checksums of pages" in failures(own_table)


def written(table, path, **columns):
    frame = table.frame.assign(**columns)
    write_table_file(path, pa.Table.from_pandas(frame, preserve_index=False), table.card)
    return path


def test_strings_that_belong_elsewhere_fail(small_table, tmp_path):
    path = written(small_table, tmp_path / "t.parquet", arch=small_table.frame["arch"][::-1].values)
    assert (
        "200 rows where string and hwbench_index disagree" in failures(path)["architecture strings"]
    )


def test_string_that_is_none_fails(small_table, tmp_path):
    strings = small_table.frame["arch"].where(np.arange(200) != 3, "|nor_conv_9x9~0|")
    found = failures(written(small_table, tmp_path / "t.parquet", arch=strings))
    assert "|nor_conv_9x9~0|" in found["architecture strings"]


def test_infinite_values_fail_and_missing_ones_do_not(small_table, tmp_path):
    values = small_table.frame["latency"].where(np.arange(200) != 7)
    path = written(small_table, tmp_path / "t.parquet", latency=values)
    assert failures(path) == {}
    assert "none infinite, 1 missing" in [check.found for check in verify_table(path)]
    path = written(small_table, tmp_path / "t.parquet", latency=values.fillna(np.inf))
    assert failures(path) == {"values": "'latency' is infinite in 1 rows, first in row 7"}


def test_broken_card_ends_the_checks(small_table, tmp_path):
    path = written(small_table, tmp_path / "t.parquet", hwbench_index=np.zeros(200, dtype=int))
    assert "stands twice" in failures(path)["card and columns"]


def test_noise_that_does_not_follow_from_the_values_fails(make_table, tmp_path):
    space = get_space("nasbench201")
    table = make_table(n_archs=15625, columns=["latency"])
    whole = with_twin_noise(table)
    whole.save(tmp_path / "t.parquet")
    assert failures(tmp_path / "t.parquet") == {}
    assert len(space) == len(whole)
    for noise in (None, whole.card.columns["latency"].noise.model_copy(update={"n_pairs": 3})):
        column = whole.card.columns["latency"].model_copy(update={"noise": noise})
        card = whole.card.model_copy(update={"columns": {"latency": column}})
        Table(whole.frame, card).save(tmp_path / "t.parquet")
        assert "noise estimates" in failures(tmp_path / "t.parquet")
    assert isinstance(noise, NoiseCard)


def test_missing_file_says_so(tmp_path):
    with pytest.raises(HwbenchError, match="no such file"):
        verify_table(tmp_path / "gone.parquet")


def test_no_table_fails_at_the_card(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    assert "no hwbench table" in failures(tmp_path / "t.parquet")["card and columns"]
