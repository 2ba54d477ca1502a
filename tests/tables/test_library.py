import numpy as np
import pytest

from hwbench.assets import home
from hwbench.errors import HwbenchError
from hwbench.tables import Table, load_table, load_target, table_files
from hwbench.tables.library import own_table_path, split_target, table_path


def test_own_tables_are_found_by_name_and_by_path(own_table, hwbench_home):
    assert home() == hwbench_home
    assert table_files()["small"] == own_table == table_path("small") == own_table_path("small")
    assert load_table("small").card == load_table(str(own_table)).card == load_table(own_table).card


def test_home_is_the_platforms_folder_unless_given(monkeypatch):
    monkeypatch.delenv("HWBENCH_HOME")
    assert home().name == "hwbench"
    monkeypatch.setenv("HWBENCH_HOME", "~/mine")
    assert "~" not in str(home())


def test_embedded_tables_come_before_own_ones(own_table, hwbench_home, monkeypatch):
    embedded = hwbench_home / "embedded" / "small.parquet"
    embedded.parent.mkdir()
    embedded.touch()
    monkeypatch.setattr("hwbench.assets.assets_folder", lambda kind: embedded.parent)
    assert table_files()["small"] == embedded
    with pytest.raises(HwbenchError, match="'small' is the name of an embedded table"):
        own_table_path("small")


def test_unknown_table_names_the_nearest(own_table):
    with pytest.raises(HwbenchError, match="unknown table 'smal'; did you mean 'small'"):
        load_table("smal")
    with pytest.raises(HwbenchError, match="no such file"):
        load_table("smal.parquet")


@pytest.mark.parametrize("target", ["", "small", ":", "small:", ":latency"])
def test_target_must_name_table_and_column(target):
    with pytest.raises(HwbenchError, match="must have the form table:column"):
        split_target(target)


def test_target_may_hold_a_path_with_a_colon():
    assert split_target("c:/a.parquet:latency") == ("c:/a.parquet", "latency")


def test_target_gives_table_and_column(own_table):
    for name in ("small", own_table):
        table, values = load_target(f"{name}:latency")
        assert table.card.name == "small"
        np.testing.assert_array_equal(values, table.frame["latency"])
        assert values.dtype == np.float64


def test_unknown_column_of_a_target_names_the_nearest(own_table):
    with pytest.raises(HwbenchError, match="'test_acuracy'; did you mean 'test_accuracy'"):
        load_target("small:test_acuracy")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_target_with_a_gap_is_refused_and_the_row_named(small_table, hwbench_home, value):
    frame = small_table.frame.copy()
    frame.loc[[5, 9], "latency"] = value
    Table(frame, small_table.card).save(hwbench_home / "tables" / "gaps.parquet")
    assert np.isfinite(load_target("gaps:test_accuracy")[1]).all()
    with pytest.raises(HwbenchError, match=r"2 values are missing or infinite, .* row 5") as caught:
        load_target("gaps:latency")
    assert frame["arch"].iloc[5] in str(caught.value)
