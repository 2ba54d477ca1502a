import decimal
import math
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables import Table
from hwbench.tables.own import rows as own_rows
from hwbench.tables.own.column_words import guess_direction, normal_unit
from hwbench.tables.own.options import Reading
from hwbench.tables.own.table import OwnTableError, own_table

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(6, 1)
STRINGS = SPACE.to_strings(ARCHS)
UNITS = {"latency": "ms"}
SCORE = {"units": {"score": "1"}, "directions": {"score": "minimize"}}


def frame(**columns):
    return pd.DataFrame({"arch": STRINGS, "latency": np.arange(1.0, 7.0), **columns})


def made(source, **options):
    return own_table(source, **{"space": "nasbench201", "name": "mine", "units": UNITS, **options})


def problems(source, **options):
    with pytest.raises(OwnTableError) as caught:
        made(source, **options)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value.report.problems


def written(tmp_path, text, name="mine.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["frame", ".csv", ".parquet"])
def test_rows_become_a_table_in_their_order(tmp_path, suffix):
    source = frame()
    if suffix != "frame":
        path = tmp_path / f"mine{suffix}"
        if suffix == ".csv":
            source.to_csv(path, index=False)
        else:
            source.to_parquet(path)
        source = path
    table, report = made(source, licence="MIT", description="Mine.", title="My table")
    np.testing.assert_array_equal(table.archs, ARCHS)
    np.testing.assert_array_equal(table.column("latency"), np.arange(1.0, 7.0))
    assert (table.card.licence, table.card.description, table.card.title) == (
        "MIT",
        "Mine.",
        "My table",
    )
    assert (report.rows_read, report.rows_kept, report.missing) == (6, 6, 15625 - 6)
    assert report.problems.empty
    assert set(report.missing_examples) <= set(SPACE.to_strings(SPACE.all_architectures()[:9]))
    if suffix != "frame":
        assert table.card.recipes[0]["source"] == f"mine{suffix}"
        assert len(table.card.recipes[0]["sha256"]) == 64


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_any_separator_and_a_byte_order_mark(tmp_path, separator):
    lines = [separator.join(["arch", "latency"])]
    lines += [separator.join([text, "2.5"]) for text in STRINGS]
    path = written(tmp_path, "\ufeff" + "\r\n".join(lines) + "\r\n\r\n")
    assert (made(path)[0].column("latency") == 2.5).all()


def test_every_bad_row_is_named_by_its_line(tmp_path):
    rows = [
        (STRINGS[0], "1"),
        ("|nor_conv_9x9~0|+|none~0|none~1|+|none~0|none~1|none~2|", "2"),
        (STRINGS[1], "fast"),
        (STRINGS[0], "4"),
        (STRINGS[2], "3,25"),
        (STRINGS[3], ""),
        (STRINGS[4], "inf"),
        (STRINGS[5], "6"),
    ]
    text = "arch;latency\n" + "".join(f"{arch};{value}\n" for arch, value in rows)
    path = written(tmp_path, text)
    found = problems(path).set_index("row")["problem"]
    assert sorted(found.index) == [3, 4, 5, 7, 8]
    assert "did you mean 'nor_conv_3x3'" in found[3]
    assert "'fast', which is no finite number" in found[4]
    assert "stands in row 2 already" in found[5]
    assert "is empty" in found[7]
    assert "'inf'" in found[8]

    table, report = made(path, on_bad_rows="drop", duplicates="mean", missing_values="keep")
    assert list(table.frame["arch"]) == [STRINGS[place] for place in (0, 2, 3, 5)]
    np.testing.assert_array_equal(table.column("latency"), [2.5, 3.25, np.nan, 6])
    assert (report.rows_read, report.rows_kept) == (8, 4)
    assert any("row 3, arch" in line for line in report.lines())
    table, _ = made(path, on_bad_rows="drop", duplicates="first")
    np.testing.assert_array_equal(table.column("latency"), [1, 3.25, 6])
    recipe = table.card.recipes[0]
    assert (recipe["rows_read"], recipe["rows_kept"], recipe["bad_rows_dropped"]) == (8, 3, 4)
    assert (recipe["repeated_rows"], recipe["duplicates"]) == (1, "first")
    with pytest.raises(OwnTableError, match=r"1 repeated architecture: .*--duplicates median"):
        made(path, on_bad_rows="drop")  # which of the two is right nobody knows


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("latency [ms]", "latency", "ms"),
        ("energy (mJ)", "energy", "mJ"),
        ("my lat_ms", "my_lat_ms", "ms"),
        ("memory [mib]", "memory", "MiB"),
    ],
)
def test_headers_can_tell_the_unit(header, name, unit):
    source = pd.DataFrame({"arch": STRINGS, header: np.arange(1.0, 7.0)})
    table, report = made(source, units={}, directions={name: "minimize"})
    assert {key: card.unit for key, card in table.card.columns.items()} == {name: unit}
    assert any(unit in note for note in report.notes)


@pytest.mark.parametrize(
    ("devices", "expected"), [("my board", "my board"), ({"latency": "a phone"}, "a phone")]
)
def test_columns_know_their_device(devices, expected):
    table, _ = made(frame(), devices=devices)
    assert table.card.columns["latency"].device == expected


def test_a_device_of_no_column_is_refused_with_the_nearest():
    with pytest.raises(HwbenchError, match="did you mean 'latency'"):
        made(frame(), devices={"latncy": "a phone"})


def test_directions_are_taken_from_names_and_told():
    source = frame(test_accuracy=np.arange(1.0, 7.0))
    table, report = made(source, units={**UNITS, "test_accuracy": "percent"})
    cards = table.card.columns
    assert (cards["latency"].direction, cards["test_accuracy"].direction) == (
        "minimize",
        "maximize",
    )
    assert cards["test_accuracy"].unit == "%"
    assert sum("better" in note for note in report.notes) == 2


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"units": {}}, "say the unit of latency; all of them (if latency is in ms"),
        ({}, {"units": {"latncy": "ms"}}, "did you mean 'latency'?"),
        ({"glow": 1.0}, {"units": {**UNITS, "glow": "1"}}, "which way is better for glow"),
        ({}, {"directions": {"latency": "minimise"}}, "did you mean 'minimize'?"),
        ({}, {"duplicates": "last"}, "unknown treatment of duplicates 'last'"),
        ({}, {"on_bad_rows": "drp"}, "did you mean 'drop'?"),
        ({}, {"arch_column": "archs"}, "did you mean 'arch'?"),
        ({}, {"space": "nasbench20"}, "did you mean 'nasbench201'?"),
        ({"latency [ms]": 1.0}, {}, "'latency' and 'latency [ms]' would both be called"),
    ],
)
def test_what_is_lacking_is_asked_for(columns, options, message):
    with pytest.raises(HwbenchError) as caught:
        made(frame(**columns), **options)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_architectures_are_found_by_content():
    source = frame(device="cpu").rename(columns={"arch": "cell of mine"})
    table, report = made(source)
    np.testing.assert_array_equal(table.archs, ARCHS)
    assert any("'device' is left out" in note for note in report.notes)
    with pytest.raises(HwbenchError, match="which column holds the architecture strings"):
        made(source.rename(columns={"cell of mine": "x"}).assign(x="a"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xls", b"", "must end in .csv, .tsv, .* save it as .xlsx"),
        ("t.csv", b"arch,latency\n", "rows below it"),
        ("t.csv", b"arch,latency\na\n", r"row 2, \(whole row\): has 1 cells, the header 2"),
        ("t.csv", b"a\0b\n1\n", "NUL bytes"),
        ("t.csv", b"\xff\xfe\n", "is no UTF-16-LE text"),
        ("t.csv", b"arch,arch\n1,2\n", "two columns are called 'arch'"),
        ("t.csv", b"a," * 20_000 + b"\n1\n", "columns are too many"),
        ("t.parquet", b"PAR1", "cannot be read as Parquet"),
    ],
)
def test_broken_files_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HwbenchError, match=message) as caught:
        made(path)
    assert str(path) in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(content=st.binary(max_size=300), suffix=st.sampled_from([".csv", ".parquet"]))
def test_any_bytes_are_read_or_refused(tmp_path, content, suffix):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"arch,latency\n" + content if suffix == ".csv" else content)
    with pytest.raises(HwbenchError):
        made(path)


def test_spaces_too_large_to_be_indexed():
    space = get_space("fbnet")
    strings = space.to_strings(space.sample(5, 0))
    source = pd.DataFrame({"arch": [*strings, strings[0]], "latency": np.arange(1.0, 7.0)})
    found = problems(source, space="fbnet")
    assert found["row"].tolist() == [5]
    table, _ = made(source, space="fbnet", duplicates="first")
    assert list(table.keys) == strings


# ---------------------------------------------------------------------- text files


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_every_number_comes_back_to_the_last_bit(tmp_path, values):
    lines = [f"{text},{value!r}\n" for text, value in zip(STRINGS, values, strict=False)]
    reading = Reading(measured=values)
    table, _ = made(written(tmp_path, "arch,score\n" + "".join(lines)), reading=reading, **SCORE)
    np.testing.assert_array_equal(table.column("score"), values)


@pytest.mark.parametrize("strange", ["", " 7.5 "])  # then each cell is read by itself
def test_many_digits_come_back_to_the_last_bit(tmp_path, strange):
    values = np.random.default_rng(0).random(len(SPACE)) * 100
    strings = SPACE.to_strings(SPACE.all_architectures())
    lines = [f"{text},{value!r}\n" for text, value in zip(strings, values.tolist(), strict=True)]
    lines[0] = f"{strings[0]},{strange}\n"
    values[0] = float(strange or "nan")
    table, _ = made(written(tmp_path, "arch,latency\n" + "".join(lines)), missing_values="keep")
    np.testing.assert_array_equal(table.column("latency"), values)


def test_whole_numbers_stay_whole(tmp_path):
    exact = 2**53 + 1  # no float64
    text = f"arch,params\n{STRINGS[0]},{exact}\n{STRINGS[1]},3\n"
    for source in (
        written(tmp_path, text),
        pd.DataFrame({"arch": STRINGS[:2], "params": [exact, 3]}),
    ):
        table, _ = made(source, units={"params": "1"})
        assert table.metrics["params"].tolist() == [exact, 3]
        assert table.metrics["params"].dtype == np.int64


@pytest.mark.parametrize(
    "cell",
    ["0x10", "1_000", "True", "1d5", "\uff11", "1e999", "9" * 5000, "-Infinity", "1 2", "--1"],
)
def test_what_is_no_number_is_no_number(tmp_path, cell):
    rows = f"{STRINGS[0]};1\n{STRINGS[1]};{cell}\n"
    found = problems(written(tmp_path, "arch;latency\n" + rows))
    assert found[["row", "column"]].to_numpy().tolist() == [[3, "latency"]]
    assert found["problem"][0] == f"holds {cell[:40]!r}, which is no finite number"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(tmp_path, end):
    lines = ["", "arch,latency,note", "", f'{STRINGS[0]},1,"two', 'lines"', "", f"{STRINGS[1]},x,"]
    path = tmp_path / "mine.csv"
    path.write_bytes(end.join(lines).encode())
    assert problems(path)["row"].tolist() == [7]


def test_rows_of_another_length_are_named_with_all_others(tmp_path):
    rows = [
        f"{STRINGS[0]},1",
        f"{STRINGS[1]},1,1",
        STRINGS[2],
        f"{STRINGS[3]},x",
        f"{STRINGS[4]},5",
    ]
    path = written(tmp_path, "arch,latency\n" + "\n".join(rows))
    found = problems(path)
    assert found[["row", "column"]].to_numpy().tolist() == [
        [3, "(whole row)"],
        [4, "(whole row)"],
        [5, "latency"],
    ]
    assert found["problem"][0] == (
        "has 3 cells, the header 2 (separator ',': one inside a number or an architecture needs "
        "quotes around it)"
    )
    table, report = made(path, on_bad_rows="drop")
    assert table.frame["arch"].tolist() == [STRINGS[0], STRINGS[4]]
    assert (report.rows_read, report.rows_kept) == (5, 2)


def test_separators_in_quoted_names_do_not_count(tmp_path):
    path = written(tmp_path, f'"arch";"latency, mean, of; 3"\n{STRINGS[0]};1.5\n')
    table, _ = made(path, units={"latency, mean, of; 3": "ms"})
    assert table.column("latency_mean_of_3").tolist() == [1.5]


def test_names_of_several_lines_are_shown_on_one(tmp_path):
    path = written(tmp_path, f'arch,"lat\n\tency\x1b"\n{STRINGS[0]},x\n')
    assert problems(path, units={"lat ency": "ms"}, directions={"lat ency": "minimize"})[
        "column"
    ].tolist() == ["lat ency"]
    with pytest.raises(HwbenchError, match="say the unit of lat_ency; ") as caught:
        made(written(tmp_path, f'arch,"lat\nency"\n{STRINGS[0]},1\n'), units={})
    assert len(str(caught.value).splitlines()) == 1


def test_a_column_of_decimal_commas_is_read(tmp_path):
    rows = "".join(f"{text};3,25;{place}\n" for place, text in enumerate(STRINGS, 1))
    for header in ("latency [ms]", "latency"):
        path = written(tmp_path, f"arch;{header};energy_mj\n{rows}")
        table, report = made(path, units={} if "[" in header else UNITS)
        assert table.column("latency").tolist() == [3.25] * 6
        assert any("',' stands before decimals: 3,25 is 3.25" in note for note in report.notes)


def test_columns_without_names_are_left_out(tmp_path):
    rows = "".join(f"{place},{text},{place}.5,,\n" for place, text in enumerate(STRINGS))
    table, report = made(written(tmp_path, ",arch,latency,,\n" + rows))
    assert list(table.metrics) == ["latency"]
    assert sum("is left out: it holds no metric" in note for note in report.notes) == 1


def test_the_error_tells_the_first_problems_and_the_report_all(tmp_path):
    rows = "".join(f"x{place},1\n" for place in range(50))
    path = written(tmp_path, "arch,latency\n" + rows)
    with pytest.raises(OwnTableError) as caught:
        made(path)
    message, report = str(caught.value), caught.value.report
    first = (
        "50 bad rows: row 2 and 49 rows more (3, 4, 5, 6, 7, ...), arch: architecture 'x0' is no"
    )
    assert message.startswith(f"{path}: {first}")
    assert message.count("is no NAS-Bench-201 string") == 1
    assert message.endswith("without these rows: --bad-rows drop")
    assert report.problems["row"].tolist() == list(range(2, 52))
    assert [f"'x{place}'" in text for place, text in enumerate(report.problems["problem"])] == (
        [True] * 50
    )
    assert sum("NAS-Bench-201 string" in line for line in report.lines()) == 1


# ---------------------------------------------------------------------- architectures


def test_the_same_architecture_written_in_two_ways_is_one():
    space = get_space("nasbench101")
    cell = "conv3x3-bn-relu:0|maxpool3x3:0|output:12"
    same = "maxpool3x3:0|conv3x3-bn-relu:0|output:12"
    other = "maxpool3x3:0|output:1"
    source = pd.DataFrame({"arch": [cell, other, f" {other}\t", same], "latency": [1.0, 2, 3, 4]})
    found = problems(source, space="nasbench101")
    assert found["row"].tolist() == [2, 3]
    assert [text.rpartition(" stands in ")[2] for text in found["problem"]] == [
        "row 1 already",
        "row 0 already",
    ]
    table, _ = made(source, space="nasbench101", duplicates="mean")
    assert table.column("latency").tolist() == [2.5, 2.5]
    np.testing.assert_array_equal(table.keys, space.indices_of(space.from_strings([cell, other])))


def test_mean_leaves_empty_cells_out():
    source = pd.concat([frame(), frame(latency=[np.nan, 4, 5, 6, 7, np.nan])])
    source.iloc[5, 1] = np.nan
    table, _ = made(source, duplicates="mean", missing_values="keep")
    np.testing.assert_array_equal(table.column("latency"), [1, 3, 4, 5, 6, np.nan])


def test_rows_that_hold_no_architecture_are_found_among_many():
    strings = SPACE.to_strings(SPACE.all_architectures())
    bad = {7: None, 4000: "|none~0|", 4001: 3.5, 9999: " ", 15624: "y" * 20_000}
    for row, cell in bad.items():
        strings[row] = cell
    source = pd.DataFrame({"arch": strings, "latency": 1.0})
    found = problems(source)
    assert found["row"].tolist() == list(bad)
    assert "no NAS-Bench-201 string" in found["problem"][1]
    assert found["problem"].str.len().max() <= 500
    table, report = made(source, on_bad_rows="drop")
    assert report.missing == len(bad)
    assert list(report.missing_examples) == SPACE.to_strings(SPACE.architectures_at(list(bad)[:3]))
    np.testing.assert_array_equal(
        table.keys, np.setdiff1d(np.arange(len(SPACE)), list(bad)), strict=True
    )


def test_the_column_of_architectures_may_begin_with_broken_ones():
    cells = ["x", None, "", *STRINGS]
    source = pd.DataFrame({"cell": cells, "latency": 1.0, "note": "z"})
    found = problems(source)
    assert found["row"].tolist() == [0, 1, 2]
    assert set(found["column"]) == {"cell"}


def test_of_two_columns_named_like_architectures_the_one_that_parses_is_taken():
    table, _ = made(frame(net="resnet"))
    assert list(table.metrics) == ["latency"]
    with pytest.raises(HwbenchError, match="which column holds") as caught:
        made(frame(net=STRINGS))
    assert "there are arch, latency, net" in str(caught.value)
    assert list(made(frame(net=STRINGS), arch_column="net")[0].metrics) == ["latency"]


@pytest.mark.parametrize("space", ["darts", "nasbench_macro", "transnas_macro", "transnas_micro"])
def test_every_space_can_be_imported(space):
    archs = get_space(space).sample(8, 0)
    source = pd.DataFrame({"a": get_space(space).to_strings(archs), "latency": np.arange(1.0, 9.0)})
    table, _ = made(source, space=space)
    np.testing.assert_array_equal(table.archs, archs)


# ---------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("cifar10_edgegpu_latency", "minimize"),
        ("class_scene.train_loss_max", "minimize"),
        ("class_scene.train_top1_max", "maximize"),
        ("segmentsemantic.test_mIoU_max", "maximize"),
        ("testAccuracy", "maximize"),
        ("ImageNet16-120_params_M", "minimize"),
        ("latency2", "minimize"),
        ("accelerator_latency", "minimize"),
        ("macro_accuracy", "maximize"),
        ("inaccuracy", None),
        ("room_layout.train_neg_loss_max", None),
        ("accuracy_std", None),
        ("flops_per_second", None),
        ("accuracy_loss", None),
        ("arithmetic_intensity", None),
        ("bitmap", None),
    ],
)
def test_directions_are_told_by_whole_words(name, direction):
    assert guess_direction(name) == direction


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        ("ms", "ms"), ("Milliseconds", "ms"), ("\u00b5s", "us"), ("\u03bcs", "us"), ("mJ", "mJ"),
        ("mj", "mJ"), ("MJ", "MJ"), ("mW", "mW"), ("MW", "MW"), ("M", "1e6"), ("m", "m"),
        ("MIB", "MiB"), ("mb", "MB"), ("Mb", "Mb"), ("Percent", "%"), ("furlong", "furlong"),
        ("a\nb", "a b"), (" ", ""),
    ],
)  # fmt: skip
def test_units_are_written_in_one_way_without_losing_their_meaning(given, unit):
    assert normal_unit(given) == unit
    assert normal_unit(unit) == unit


@pytest.mark.parametrize(
    ("header", "unit"),
    [("train_time_s", "s"), ("energy_J", "J"), ("power_mW", "mW"), ("memory (MiB)", "MiB")],
)
def test_short_units_behind_what_they_measure(header, unit):
    table, _ = made(pd.DataFrame({"arch": STRINGS, header: 1.5}), units={})
    assert [card.unit for card in table.card.columns.values()] == [unit]


@pytest.mark.parametrize("header", ["latency_p", "latency []", "latency ( )", "params_s", "ms"])
def test_what_is_no_unit_is_asked_for(header):
    with pytest.raises(HwbenchError, match="say the unit of "):
        made(pd.DataFrame({"arch": STRINGS, header: 1.5}), units={})
    with pytest.raises(HwbenchError, match="say the unit of "):
        made(pd.DataFrame({"arch": STRINGS, header: 1.5}), units={header: "  "})


def test_all_columns_that_lack_a_unit_are_listed():
    names = [f"latency{place}" for place in range(30)]
    with pytest.raises(HwbenchError) as caught:
        made(frame(**dict.fromkeys(names, 1.0)))
    assert f"say the unit of {', '.join(names)} (clear are latency [ms]); " in str(caught.value)


def test_columns_can_be_left_out():
    source = frame(m1=[1, 2, 3, 4, 1, 2], arch_index=np.arange(6))
    table, report = made(source, ignore=["m1"])
    assert list(table.metrics) == ["latency"]
    assert "column 'm1' is left out, as asked" in report.notes
    assert table.card.recipes[0]["notes"] == list(report.notes)
    with pytest.raises(HwbenchError, match="column of the frame to be ignored 'm2'; did you mean"):
        made(source, ignore=["m2"])


@pytest.mark.parametrize("name", ["arch!", "arch_index ", "hwbench_index"])
def test_names_of_the_tables_own_columns_are_refused(name):
    source = pd.DataFrame({"arch_str": STRINGS, name: 1.0, "latency": 2.0})
    with pytest.raises(HwbenchError, match="a name that every table keeps"):
        made(source, units={**UNITS, name: "1"})


def test_name_that_no_table_can_have_is_refused():
    with pytest.raises(HwbenchError, match="table name 'My Table': use lower-case letters"):
        made(frame(), name="My Table")


# ---------------------------------------------------------------------- frames


@pytest.mark.parametrize(
    "cells",
    [
        [True] * 6,
        np.array([True] * 6, dtype=object),
        [[1, 2]] * 6,
        [{}] * 6,
        [np.arange(3)] * 6,
        np.arange(6) * 1j,
        pd.date_range("2020-01-01", periods=6),
        pd.to_timedelta(np.arange(6), "s"),
        pd.Series([10**400] * 6, dtype=object),
        pd.Series([10**5000] * 6, dtype=object),
        pd.Categorical(["a", "b"] * 3),
        pd.Series(["\ud800"] * 6, dtype=object),
    ],
)
def test_cells_of_other_kinds_are_no_numbers(cells):
    source = pd.DataFrame({"arch": STRINGS}).assign(latency=cells)
    found = problems(source)
    assert found["row"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found["problem"].str.contains("no finite number|is empty").all()


@pytest.mark.parametrize("cell", ["", "-", None, np.nan, decimal.Decimal("sNaN")])
@pytest.mark.parametrize("missing_values", ["refuse", "keep"])
def test_a_column_that_nobody_has_filled_in_is_said_once(cell, missing_values):
    source = pd.DataFrame({"arch": STRINGS}).assign(latency=[cell] * 6)
    expected = "the frame: column 'latency' is empty in all 6 rows; fill in what was measured"
    with pytest.raises(HwbenchError, match=expected):
        made(source, missing_values=missing_values)


def test_a_column_that_is_empty_beside_one_that_is_not_is_kept_as_asked():
    source = pd.DataFrame({"arch": STRINGS, "latency": 2.5, "energy": [""] * 6})
    table, _ = made(source, units={"latency": "ms", "energy": "mJ"}, missing_values="keep")
    assert table.frame["energy"].isna().all()
    assert problems(source, units={"latency": "ms", "energy": "mJ"})["column"].unique() == "energy"


@pytest.mark.parametrize(
    "cells",
    [
        pd.array([1, 2, 3, 4, 5, None], dtype="Int64"),
        pd.array([1, 2, 3, 4, 5, None], dtype="Float64"),
        pd.array(["1", "2", "3", "4", "5", None], dtype="string"),
        pd.Categorical([1, 2, 3, 4, 5, None]),
        np.array([1, 2, 3, 4, 5, math.nan], dtype=np.float32),
        [1, 2.0, "3", decimal.Decimal(4), np.int8(5), pd.NaT],
        ["1", " 2", "+3", ".4e1", "5.", "N/A"],
    ],
)
def test_numbers_of_any_kind_are_read(cells):
    source = frame().assign(latency=cells)
    table, _ = made(source, missing_values="keep")
    np.testing.assert_array_equal(table.column("latency"), [1, 2, 3, 4, 5, np.nan])
    assert problems(source)["row"].tolist() == [5]


def test_the_frame_is_left_as_it_was():
    source = frame(**{"energy [mJ]": ["1", "2", "3", "4", "5", "6"]})
    source.index = list("uvwxyz")
    before = source.copy(deep=True)
    table, _ = made(source)
    pd.testing.assert_frame_equal(source, before)
    assert list(table.frame.index) == list(range(6))


# ---------------------------------------------------------------------- hostile files


def parquet(tmp_path, columns, **options):
    path = tmp_path / "mine.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd", **options)
    return path


def repeated(text, times):
    places = pa.array(np.zeros(times, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(places, pa.array([text]))


@pytest.mark.parametrize("column", ["arch", "latency", "no.te"])
@pytest.mark.parametrize("store_schema", [True, False])
def test_a_kilobyte_that_stands_for_gigabytes_is_survived(tmp_path, column, store_schema):
    n_rows = 20_000
    columns = {"arch": repeated(STRINGS[0], n_rows), "latency": np.ones(n_rows)}
    columns[column] = repeated("y" * 1_000_000, n_rows)
    path = parquet(tmp_path, columns, store_schema=store_schema)
    assert path.stat().st_size < 3000
    found = problems(path)
    assert len(found) >= n_rows - 1
    assert found["problem"].str.len().max() < 500


def test_claims_of_parquet_files_are_limited(tmp_path, monkeypatch):
    path = parquet(tmp_path, {"arch": pa.nulls(100, pa.string()), "latency": np.ones(100)})
    for limit, message in (
        ("MOST_CELLS", "100 rows of 2 columns are more than the 10 cells that are read"),
        ("MOST_COLUMNS", "2 columns are too many, at most 1 are"),
        ("MOST_BYTES", "bytes are more than the 1 that are read"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(own_rows, limit, {"MOST_CELLS": 10}.get(limit, 1))
            with pytest.raises(HwbenchError, match=message):
                made(path)
    with pytest.raises(HwbenchError, match=r"claims 3[0-9,]{10} bytes once unpacked, more than"):
        made(parquet(tmp_path, {"arch": ["x" * 300_000_000], "latency": [1.0]}))


def test_cells_of_text_files_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(own_rows, "MOST_CELLS", 35)
    with pytest.raises(HwbenchError, match="6 rows of 2 columns are more than the 35 cells"):
        made(written(tmp_path, "arch,latency\n" + "x,1\n" * 20))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([b"a"]),
        pa.array([b"a"], pa.binary(1)),
    ],
)
def test_columns_that_are_neither_numbers_nor_text_are_named(tmp_path, column):
    path = parquet(tmp_path, {"arch": STRINGS[:1], "latency": [1.0], "other": column})
    with pytest.raises(HwbenchError, match=r"the column 'other' is of type .*leave it out"):
        made(path)


def test_times_are_no_metrics_wherever_they_are(tmp_path):
    when = pa.array([0], pa.timestamp("us", "Nowhere/At_all"))
    path = parquet(tmp_path, {"arch": STRINGS[:1], "latency": [1.0], "when": when})
    table, report = made(path)
    assert list(table.metrics) == ["latency"]
    assert "column 'when' is left out: it holds no metric" in report.notes


def test_devices_pipes_and_folders_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe.csv", "zero.csv", "folder.csv"):
        with pytest.raises(HwbenchError, match="is no regular file"):
            made(tmp_path / name)
    with pytest.raises(HwbenchError, match="no such file"):
        made(tmp_path / "absent.csv")
    with pytest.raises(HwbenchError, match="cannot be read"):
        made("a\0b.csv")


def refused_in_one_line(error):
    assert len(str(error).splitlines()) == 1
    if isinstance(error, OwnTableError):
        assert all(len(line.splitlines()) == 1 for line in error.report.lines())


PIECES = [
    *STRINGS, f" {STRINGS[0]} ", "|none~0|", "latency", "latency [ms]", "energy (mJ)", "arch",
    "1", "-2.5", "1e5", "3,25", "nan", "inf", "x", "0x1", "", '"', '""', "\0", "\n", "\r\n",
    ",", ";", "\t", "\u2028",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    header=st.sampled_from(["arch,latency\n", "arch;latency [ms];energy_mj\n", "", "\ufeffa,a\n"]),
    pieces=st.lists(st.sampled_from(PIECES), max_size=30),
    options=st.fixed_dictionaries(
        {
            "duplicates": st.sampled_from(["refuse", "first", "mean"]),
            "on_bad_rows": st.sampled_from(["refuse", "drop"]),
            "missing_values": st.sampled_from(["refuse", "keep"]),
        }
    ),
)
def test_texts_made_of_likely_pieces_are_read_or_refused(tmp_path, header, pieces, options):
    path = tmp_path / "t.csv"
    path.write_bytes((header + "".join(pieces)).encode())
    try:
        table, report = made(path, **options)
    except HwbenchError as error:
        refused_in_one_line(error)
        return
    assert 0 < len(table) == report.rows_kept <= report.rows_read
    assert not np.isinf(table.metrics.to_numpy(dtype=float)).any()
    assert all(len(line.splitlines()) == 1 for line in report.lines())
    if options["missing_values"] == "refuse":
        assert not table.metrics.isna().to_numpy().any()
    table.save(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(Table.read(tmp_path / "t.parquet").frame, table.frame)


@pytest.fixture(scope="module")
def small_parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "whole.parquet"
    frame(note="a", count=np.arange(6)).to_parquet(path)
    return path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_damaged_parquet_is_read_or_refused(tmp_path, small_parquet, data):
    content = bytearray(small_parquet)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    try:
        made(path, units={**UNITS, "count": "1"}, directions={"count": "minimize"})
    except HwbenchError as error:
        refused_in_one_line(error)


# ---------------------------------------------------------------------- published tables


def test_published_table_comes_back_bit_for_bit(shared_data):
    published = pd.read_parquet(shared_data / "hwnas_nb201.parquet")
    metrics = [name for name in published if name not in ("arch_index", "arch_str")]
    units = dict.fromkeys(metrics, "1")
    directions = dict.fromkeys(metrics, "minimize")
    table, report = made(published, units=units, directions=directions, missing_values="keep")
    assert len(table) == 15625
    assert report.missing == 0
    for name in metrics:
        np.testing.assert_array_equal(table.column(name), published[name])
    assert table.card.columns["cifar10_raspi4_latency"].noise.n_pairs == 1500
    with pytest.raises(OwnTableError) as caught:
        made(published, units=units, directions=directions)
    found = caught.value.report.problems
    tpu = published["cifar10_edgetpu_latency"].isna()
    assert found.loc[found["column"] == "cifar10_edgetpu_latency", "row"].tolist() == (
        np.flatnonzero(tpu).tolist()
    )
    assert set(found["column"]) == {
        f"{data}_edgetpu_latency" for data in ("cifar10", "cifar100", "ImageNet16-120")
    }


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_published_file_comes_back_bit_for_bit(shared_data, tmp_path, suffix):
    published = pd.read_parquet(shared_data / "hwnas_nb201.parquet")
    path = tmp_path / f"mine{suffix}"
    if suffix == ".csv":
        published.to_csv(path, index=False, lineterminator="\r\n", sep=";")
    else:
        published.to_parquet(path)
    units = {name: "1" for name in published if name not in ("arch_index", "arch_str")}
    directions = dict.fromkeys((name for name in units if "intensity" in name), "maximize")
    table, _ = made(path, units=units, directions=directions, missing_values="keep")
    assert len(table.card.columns) == 30
    for name in units:
        np.testing.assert_array_equal(table.column(name), published[name])
    table, _ = made(path, units=units, directions=directions, on_bad_rows="drop")
    assert len(table) == len(published.dropna())


def test_a_published_table_of_another_space_is_read_as_it_is(shared_data):
    columns = [f"m{place}" for place in range(1, 7)]
    path = shared_data / "transnas_macro.parquet"
    metrics = [name for name in pq.read_schema(path).names if name not in ("arch", *columns)]
    options = {
        "space": "transnas_macro",
        "ignore": columns,
        "units": dict.fromkeys(metrics, "1"),
        "directions": {name: "maximize" for name in metrics if "neg_loss" in name},
    }
    found = problems(path, **options)  # some losses were infinite
    assert set(found["problem"]) == {"holds 'inf', which is no finite number"}
    assert found["row"].unique().tolist() == [3051]
    table, report = made(path, on_bad_rows="drop", **options)
    assert (report.rows_kept, report.missing) == (3255, 1)
    assert report.missing_examples == (pd.read_parquet(path, columns=["arch"])["arch"][3051],)
    assert list(table.metrics) == metrics
    directions = {name: card.direction for name, card in table.card.columns.items()}
    assert directions["jigsaw.test_top1_max"] == "maximize"
    assert directions["jigsaw.test_loss_max"] == "minimize"
    assert directions["room_layout.test_neg_loss_max"] == "maximize"
