import pytest

from hwbench.assets import home
from hwbench.errors import HwbenchError
from hwbench.tables import load_table, table_files
from hwbench.tables.library import own_table_path, table_path


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
    with pytest.raises(
        HwbenchError, match="'small' is a table that comes with hwbench; give yours another name"
    ):
        own_table_path("small")


def test_unknown_table_names_the_nearest(own_table):
    with pytest.raises(HwbenchError, match="unknown table 'smal'; did you mean 'small'"):
        load_table("smal")
    with pytest.raises(HwbenchError, match="no such file"):
        load_table("smal.parquet")


def test_a_public_benchmark_that_is_not_here_says_how_it_comes(hwbench_home, make_table):
    with pytest.raises(HwbenchError, match=r"bring it: hwbench tables fetch latbench$"):
        load_table("latbench")
    with pytest.raises(HwbenchError, match="did you mean 'latbench'"):
        load_table("latbenc")
    make_table("latbench").save(hwbench_home / "tables" / "latbench.parquet")
    assert len(load_table("latbench")) == 200
