import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables.own import OwnTableError, own_table

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(6, 1)
STRINGS = SPACE.to_strings(ARCHS)
UNITS = {"latency": "ms"}


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
    assert sorted(found.index) == [3, 4, 5, 6, 7, 8]
    assert "did you mean 'nor_conv_3x3'" in found[3]
    assert "'fast', which is no finite number" in found[4]
    assert "stands in row 2 already" in found[5]
    assert "write 3.25 with a point" in found[6]
    assert "is empty" in found[7]
    assert "'inf'" in found[8]

    table, report = made(path, on_bad_rows="drop", duplicates="mean", missing_values="keep")
    assert list(table.frame["arch"]) == [STRINGS[0], STRINGS[3], STRINGS[5]]
    np.testing.assert_array_equal(table.column("latency"), [2.5, np.nan, 6])
    assert (report.rows_read, report.rows_kept) == (8, 3)
    assert any("row 3, arch" in line for line in report.lines())
    table, _ = made(path, on_bad_rows="drop", duplicates="first")
    np.testing.assert_array_equal(table.column("latency"), [1, 6])


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
    source = pd.DataFrame({"arch": STRINGS, header: np.arange(6.0)})
    table, report = made(source, units={}, directions={name: "minimize"})
    assert {key: card.unit for key, card in table.card.columns.items()} == {name: unit}
    assert any(unit in note for note in report.notes)


def test_directions_are_taken_from_names_and_told():
    source = frame(test_accuracy=np.arange(6.0))
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
        ({}, {"units": {}}, "say the unit of latency: --unit latency=ms"),
        ({}, {"units": {"latncy": "ms"}}, "did you mean 'latency'?"),
        ({"glow": 1.0}, {"units": {**UNITS, "glow": "1"}}, "which way is better for glow"),
        ({}, {"directions": {"latency": "minimise"}}, "did you mean 'minimize'?"),
        ({}, {"duplicates": "last"}, "unknown treatment of duplicates 'last'"),
        ({}, {"on_bad_rows": "drp"}, "did you mean 'drop'?"),
        ({}, {"arch_column": "archs"}, "did you mean 'arch'?"),
        ({}, {"space": "nasbench20"}, "did you mean 'nasbench201'?"),
        ({"latency [ms]": 1.0}, {}, "two columns would be called 'latency'"),
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
        ("t.xlsx", b"", "must end in .csv, .tsv or .parquet"),
        ("t.csv", b"arch,latency\n", "rows below it"),
        ("t.csv", b"arch,latency\na\n", "line 2 has 1 cells, the header 2"),
        ("t.csv", b"a\0b\n1\n", "NUL bytes"),
        ("t.csv", b"\xff\xfe\n", "cannot be read as UTF-8"),
        ("t.csv", b"arch,arch\n1,2\n", "two columns are called 'arch'"),
        ("t.csv", b"," * 20_000 + b"\n1\n", "columns are too many"),
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
    source = pd.DataFrame({"arch": [*strings, strings[0]], "latency": np.arange(6.0)})
    found = problems(source, space="fbnet")
    assert found["row"].tolist() == [5]
    table, _ = made(source, space="fbnet", duplicates="first")
    assert list(table.keys) == strings


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
