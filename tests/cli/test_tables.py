import json

import numpy as np
import pandas as pd
import pytest

from hwbench.files import file_digest
from hwbench.spaces import get_space
from hwbench.tables import Table, load_table


def test_list_names_own_tables(hwbench, own_table):
    result = hwbench("tables", "list")
    assert result.code == 0
    assert "small" in result.out
    assert "A small table" in result.out
    rows = {row["name"]: row for row in json.loads(hwbench("tables", "list", "--json").out)}
    assert rows["small"] == {
        "name": "small",
        "title": "A small table",
        "space": "nasbench201",
        "columns": ["latency", "test_accuracy"],
        "path": str(own_table),
    }


def test_show_says_what_every_number_means(hwbench, own_table):
    text = hwbench("tables", "show", "small").out
    for piece in (
        "small: A small table",
        "200 of the 15625 architectures of nasbench201, made 2026-01-02, licence CC0-1.0",
        "By a formula with noise.",
        "smaller",
        "larger",
        "none, test, formula",
    ):
        assert piece in text


@pytest.mark.parametrize("by_path", [False, True])
def test_show_as_json_holds_the_card_and_the_file(hwbench, own_table, small_table, by_path):
    shown = json.loads(hwbench("tables", "show", own_table if by_path else "small", "--json").out)
    assert shown["rows"] == 200
    assert shown["sha256"] == file_digest(own_table)
    assert shown["bytes"] == own_table.stat().st_size
    assert shown["recipes"] == [{"command": "formula", "seed": 0, "list": [1, 2]}]
    latency, accuracy = shown["columns"]
    assert latency["unit"] == "ms"
    assert accuracy["seeds"] == [0, 1]
    assert float(latency["median"]) == pytest.approx(np.median(small_table.column("latency")), 1e-4)


def test_gaps_in_a_column_do_not_hinder_showing(hwbench, small_table, tmp_path):
    frame = small_table.frame.assign(latency=np.nan)
    frame.loc[:9, "test_accuracy"] = np.nan
    Table(frame, small_table.card).save(tmp_path / "t.parquet")
    result = hwbench("tables", "show", tmp_path / "t.parquet", "--json")
    assert result.code == 0
    assert json.loads(result.out)["columns"][0]["median"] is None
    assert json.loads(result.out)["columns"][1]["median"] is not None


def test_merge_makes_a_table_of_ones_own(hwbench, hwbench_home, make_table, tmp_path):
    left, right = (
        make_table("left", columns=["latency"]),
        make_table("r", columns=["test_accuracy"]),
    )
    left.save(hwbench_home / "tables" / "left.parquet")
    right.save(tmp_path / "right.parquet")
    options = ["--title", "Both", "--licence", "MIT"]
    result = hwbench(
        "tables", "merge", "left", tmp_path / "right.parquet", "--name", "both", *options
    )
    assert result.code == 0, result
    assert "table both: 200 architectures" in result.out
    both = load_table("both")
    assert (both.card.name, both.card.title, both.card.licence) == ("both", "Both", "MIT")
    assert list(both.metrics) == ["latency", "test_accuracy"]
    np.testing.assert_array_equal(both.column("latency"), left.column("latency"))


def test_part_makes_the_table_of_a_smaller_space(hwbench, hwbench_home):
    result = hwbench("tables", "part", "nasbench101", "nasbench1shot1_1")
    assert result.code == 0, result
    assert "table nasbench1shot1_1: 14580 architectures" in result.out
    made, whole = load_table("nasbench1shot1_1"), load_table("nasbench101")
    assert list(made.metrics) == list(whole.metrics)
    places = whole.space.indices_of(made.space.in_larger_space(made.archs[::500]))
    rows = whole.space.rows_among(whole.space.architectures_at(places), whole.keys)
    np.testing.assert_array_equal(
        made.column("test_accuracy")[::500], whole.column("test_accuracy")[rows]
    )
    again = hwbench("tables", "part", "nasbench101", "nasbench1shot1_1")
    assert "exists already" in again.err
    other = hwbench("tables", "part", "nasbench101", "nasbench201")
    assert "is of the space nasbench101; nasbench201 is no part of that" in other.err


def test_export_writes_rows_as_csv(hwbench, own_table, small_table, tmp_path):
    assert hwbench("tables", "export", "small", "-o", tmp_path / "a" / "t.csv").code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a" / "t.csv"), small_table.frame)


def test_export_writes_the_whole_table_as_parquet(hwbench, own_table, tmp_path):
    assert hwbench("tables", "export", "small", "-o", tmp_path / "t.parquet").code == 0
    assert (tmp_path / "t.parquet").read_bytes() == own_table.read_bytes()


MEASURE = ["--rounds", 1, "--channels", 2, "--depth", 1, "--input-size", 8, "--limit", 3]
TRAIN = ["--channels", 2, "--seeds", 1, "--batch-size", 256, "--limit", 2, "-w", 1]


@pytest.mark.parametrize(("command", "options"), [("measure", MEASURE), ("train", TRAIN)])
@pytest.mark.parametrize("own", [True, False])
def test_new_table_is_saved_and_its_journal_removed(
    hwbench, refused, hwbench_home, tmp_path, command, options, own
):
    path = hwbench_home / "tables" / "new.parquet" if own else tmp_path / "out" / "t.parquet"
    line = ["tables", command, "nasbench201", "--name", "new", *options]
    line += [] if own else ["-o", path]
    result = hwbench(*line)
    assert result.code == 0, result
    assert f"architectures at {path}" in result.out
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert load_table("new" if own else path).card.recipes[0]["command"] == command
    assert f"{path}: exists already" in refused(*line)


def test_interrupt_says_that_nothing_is_lost(hwbench, hwbench_home, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("hwbench.tables.made.measured_table.measured_table", interrupt)
    result = hwbench("tables", "measure", "nasbench201", "--name", "new")
    assert result.code not in (0, 2)
    assert f"kept in {hwbench_home / 'tables' / 'new.journal'}" in result.err
    assert "Traceback" not in result.err


def test_table_of_a_space_too_large_to_be_indexed(hwbench, make_table, tmp_path):
    space = get_space("fbnet")
    card = make_table(columns=["latency"]).card.model_copy(update={"space": "fbnet"})
    metrics = pd.DataFrame({"latency": np.arange(4.0)})
    path = tmp_path / "t.parquet"
    Table.from_archs(space.sample(4, 0), metrics, card).save(path)
    assert f"4 of the {9**22} architectures" in hwbench("tables", "show", path).out
    assert hwbench("tables", "verify", path).code == 0
    assert hwbench("tables", "export", path, "-o", tmp_path / "t.csv").code == 0
    assert pd.read_csv(tmp_path / "t.csv", dtype={"arch": str})["arch"].str.len().eq(22).all()


def test_architectures_of_a_file_alone_are_trained(hwbench, hwbench_home, tmp_path):
    space = get_space("nasbench201")
    listed = space.to_strings(space.sample(3, 1))
    path = tmp_path / "cells.txt"
    path.write_text("\n".join([*listed, "", f"  {listed[0]} "]) + "\n")
    train = ("tables", "train", "nasbench201", "--seeds", "1", "--channels", "2", "-w", "1")
    assert hwbench(*train, "--name", "few", "--architectures", path).code == 0
    assert sorted(load_table("few").frame["arch"]) == sorted(listed)
    both = hwbench(*train, "--name", "both", "--architectures", path, "--limit", "5")
    assert both.code == 2
    assert "--limit and --architectures: give one of them" in both.err
    more = hwbench(*train, "--name", "more", "--limit", "15626")
    assert "--limit 15,626: nasbench201 has 15,625 architectures; leave --limit out" in more.err
    path.write_text(f"{listed[0]}\n|nor_conv_4x4~0|\n")
    wrong = hwbench(*train, "--name", "wrong", "--architectures", path)
    assert f"{path}, line 2: " in wrong.err
    path.write_text(listed[0])
    one = hwbench(*train, "--name", "one", "--architectures", path)
    assert "lists 1 architectures; a table needs two at least" in one.err


def test_trainings_that_diverge_are_told_of(hwbench, hwbench_home):
    train = ("tables", "train", "nasbench201", "--seeds", "1", "--channels", "2", "-w", "1")
    options = ("--limit", "3", "--epochs", "2", "--learning-rate", "1e30", "--name", "lost")
    result = hwbench(*train, *options)
    assert result.code == 0
    missing = int(load_table("lost").frame["test_accuracy"].isna().sum())
    assert missing
    assert f"{missing} of 3 architectures have no accuracy" in result.err
    assert "smaller --learning-rate" in result.err


def test_quality_of_spaces_is_compared(hwbench, own_table, small_table, tmp_path):
    page = tmp_path / "page.html"
    column = "test_accuracy"
    result = hwbench("spaces", "quality", f"small:{column}", f"nb201-digits:{column}", "-o", page)
    assert result.code == 0, result.err
    assert "In the middle random architectures of " in result.out
    assert "Quality of search spaces" in page.read_text(encoding="utf-8")
    rows = json.loads(hwbench("spaces", "quality", f"small:{column}", "--json").out)
    assert rows[0]["architectures"] == 200
    assert rows[0]["50 %"] == pytest.approx(np.median(small_table.column(column)))
    other = hwbench("spaces", "quality", f"small:{column}", "small:latency")
    assert other.code == 2
    assert "compare columns of one unit and direction" in other.err
