"""Kinds of files that people have: what is read, what is asked, and that nothing is guessed."""

import json
import os
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.advise.measurements import read_measurements
from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables.own.asking import FLAGS, UnclearError
from hwbench.tables.own.numbers import Marks, NumberStyle, written_number
from hwbench.tables.own.options import Reading
from hwbench.tables.own.plausible import no_measurements
from hwbench.tables.own.repeats import settle
from hwbench.tables.own.table import OwnTableError, own_table

SPACE = get_space("nasbench201")
ARCHS = SPACE.to_strings(SPACE.sample(12, 3))
TIMES = [2.4, 2.613, 3.326, 2.839, 3.652, 3.665, 2.378, 3.891, 2.904, 3.317, 2.73, 3.443]
FRAME = pd.DataFrame({"arch": ARCHS, "latency_ms": TIMES})


def made(source, **options):
    return own_table(source, space="nasbench201", name="mine", **options)


def values(source, **options):
    table = made(source, **options)[0]
    (column,) = table.card.columns
    return table.column(column).tolist()


def asked(source, message, **options):
    """The options that the refusal of a file proposes."""
    with pytest.raises(UnclearError, match=message) as caught:
        made(source, **options)
    assert len(str(caught.value).splitlines()) == 1
    return [" ".join(answer.flags()) for answer in caught.value.answers]


@pytest.fixture
def written(tmp_path):
    """Write a file of the twelve architectures with a cell of numbers each."""

    def write(cells, header="arch,latency_ms", separator=",", name="my.csv", before=""):
        rows = [f"{arch}{separator}{cell}\n" for arch, cell in zip(ARCHS, cells, strict=True)]
        path = tmp_path / name
        path.write_text(f"{before}{header}\n{''.join(rows)}", encoding="utf-8")
        return path

    return write


def replaced(place, cell):
    return [cell if each == place else time for each, time in enumerate(TIMES)]


# ---------------------------------------------------------------------- no measurements


@pytest.mark.parametrize(
    ("header", "cell"),
    [("arch,latency_ms", -1), ("arch,latency_ms", 0), ("arch,energy [mJ]", 0),
     ("arch,power_mw", -5), ("arch,memory (MiB)", 0), ("arch,throughput (fps)", 0)],
)  # fmt: skip
def test_what_no_quantity_can_be_is_named_by_row(written, header, cell):
    path = written(replaced(3, cell), header)
    answers = asked(path, rf"1 bad row: row 5, .*: holds {cell}, which is no measurement: no ")
    assert answers == ["--missing-values keep", "--bad-rows drop"]
    assert len(made(path, on_bad_rows="drop")[0]) == 11
    table, report = made(path, missing_values="keep")
    assert np.isnan(table.metrics.iloc[3, 0])
    assert any(
        f"row 5: holds {cell}" in note and "kept as missing" in note for note in report.notes
    )


def test_a_value_far_beyond_all_others_is_a_mark_unless_it_was_measured(written):
    cells = [9999 if place in (2, 5) else time for place, time in enumerate(TIMES)]
    path = written(cells)
    asked(path, r"row 4 and 1 row more \(7\), .* looks like a mark .*--measured 9999")
    assert values(path, reading=Reading(measured=[9999])) == cells
    assert len(values(path, on_bad_rows="drop")) == 10


def test_a_unit_that_is_said_tells_what_cannot_be():
    frame = pd.DataFrame({"arch": ARCHS, "value": replaced(3, 0)})
    assert len(read_measurements(frame, SPACE)) == 12
    with pytest.raises(UnclearError, match=r"row 3, value: holds 0, .* no time is 0"):
        read_measurements(frame, SPACE, unit="ms")
    asked(frame, "row 3, value: holds 0, .* no time is 0", units={"value": "ms"})


@pytest.mark.parametrize(
    ("numbers", "name", "unit", "marks"),
    [
        ([1, 2, 3, -1], "score", None, [-1]),
        ([-3, 2, 3, -1], "score", None, []),
        ([90, 91, 92, 0], "accuracy", "%", [0]),
        ([90, 91, 10, 10], "accuracy", "%", []),  # chance is measured often enough
        ([90, 101, 91, 92], "accuracy", "%", [101]),
        ([1, 2, 3, 500, 500, 500], "latency", "ms", [500]),
        ([1, 2, 3, 500], "latency", "ms", []),
        ([1, 2, 3, 2147483647], "latency", "us", [2147483647]),
        ([900, 950, 990, 999], "latency", "us", []),
        ([0, 0, 3, 4], "skips", "1", []),
        ([np.nan, 1, 2, 3], "latency", "ms", []),
        ([-2, 5, 6, 7], "params", "1", [-2]),
    ],
)
def test_marks_are_told_from_measurements(numbers, name, unit, marks):
    found = no_measurements(np.array(numbers, dtype=float), name, unit)
    assert [each.value for each in found] == marks
    assert no_measurements(np.array(numbers, dtype=float), name, unit, measured=marks) == []


# ---------------------------------------------------------------------- conditions


def long(column, conditions, repeats=1):
    frames = [
        FRAME.assign(**{column: value, "latency_ms": [time * factor for time in TIMES]})
        for factor, value in enumerate(conditions, 1)
        for _ in range(repeats)
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize(
    ("column", "conditions"),
    [("device", ["a", "b"]), ("device", [0, 1]), ("batch_size", [1, 8]),
     ("num_threads", [1, 4]), ("Board", ["x", "y"]),
     ("date", ["2024-01-01", "2024-02-01"]), ("precision", ["fp32", "int8"]),
     ("colour", ["red", "blue"])],
)  # fmt: skip
def test_rows_of_different_conditions_are_no_repeats(column, conditions):
    frame = long(column, conditions)
    answers = asked(frame, f"are no repeats, .*: column '{column}' holds {conditions[0]} .12 rows")
    assert answers == [
        f"--where {column}={conditions[0]}",
        f"--pivot {column}",
        f"--pool {column} --duplicates median",
    ]
    with pytest.raises(UnclearError, match=f"--where {column}"):
        read_measurements(frame, SPACE)
    second = Reading(where={column: str(conditions[1])})
    assert values(frame, reading=second) == [2 * time for time in TIMES]
    assert read_measurements(frame, SPACE, reading=second).values[0] == 4.8
    table, _ = made(frame, reading=Reading(pivot=[column]))
    assert len(table.card.columns) == 2
    assert table.metrics.iloc[0].tolist() == [2.4, 4.8]


def test_conditions_that_are_measured_on_other_architectures_each_are_not_mixed_either():
    frame = FRAME.assign(device=["a", "b"] * 6)
    asked(frame, "cannot be compared: column 'device' holds a .6 rows., b .6 rows")
    assert len(made(frame.assign(device="a"))[0]) == 12


@pytest.mark.parametrize(
    "column",
    [{"run": [1, 2]}, {"seed": [0, 1]}, {"temperature_c": [41, 42]}, {"run_id": ["a", "b"]}],
)
def test_columns_that_number_repeats_are_no_conditions(column):
    ((name, each),) = column.items()
    frame = long(name, each)
    assert asked(frame, "12 repeated architectures") == [
        "--duplicates median", "--duplicates first",
    ]  # fmt: skip
    assert len(read_measurements(frame, SPACE).all_values) == 24


def test_two_conditions_are_named_in_one_command():
    frame = pd.concat([long("device", ["a", "b"]).assign(batch=size) for size in (1, 8)])
    answers = asked(frame, "column 'device' .*; column 'batch'")
    assert answers[:2] == ["--where device=a --where batch=1", "--pivot device --pivot batch"]
    one = Reading(where={"device": "a", "batch": "1"})
    assert values(frame, reading=one) == TIMES
    assert len(made(frame, reading=Reading(pivot=["device", "batch"]))[0].card.columns) == 4
    with pytest.raises(HwbenchError, match=r"unknown value of column 'device' .* 'c'"):
        made(frame, reading=Reading(where={"device": "c"}))


def test_devices_of_wide_files_are_in_the_names_of_columns():
    wide = FRAME.rename(columns={"latency_ms": "pixel_latency_ms"}).assign(pi_latency_ms=TIMES)
    table, _ = made(wide, devices="{device}_latency_ms")
    assert [card.device for card in table.card.columns.values()] == ["pixel", "pi"]
    with pytest.raises(HwbenchError, match="no column has the form"):
        made(wide, devices="{device}-energy")


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        ([f"{time:.4f}" for time in TIMES], 2.4),
        ([f"{time}".replace(".", ",") for time in TIMES], 2.4),
        (["1.240,5", *[f"1.{int(time * 100)},5" for time in TIMES[1:]]], 1240.5),
        (["1,234,567", *[f"{int(time * 1000):,}" for time in TIMES[1:]]], 1234567),
        ([f"{int(time)} {int(time * 1000) % 1000:03d}" for time in TIMES], 2400),
        ([f"{int(time)}'{int(time * 1000) % 1000:03d}" for time in TIMES], 2400),
        ([f"{time} ms" for time in TIMES], 2.4),
        ([f"{time}\u00b10.05" for time in TIMES], 2.4),
        ([f"\u2009{time}E+00" for time in TIMES], 2.4),
        (["2.678", "4892", *[f"{time:.3f}" for time in TIMES[2:]]], 2.678),
    ],
)
def test_marks_and_units_that_are_unmistakable_are_read(written, cells, first):
    assert values(written(cells, "arch;latency_ms", ";"))[0] == first


def test_three_decimals_alone_are_decimals(written):
    assert values(written([f"{time:.3f}" for time in TIMES])) == TIMES


@pytest.mark.parametrize(
    ("cells", "separator", "mark"),
    [
        (["2,678"] * 12, ";", ","),
        (['"2,678"'] * 12, ",", ","),
        (["2.678", "489"] * 6, ",", "."),
        (["2.678"] * 12, ";", "."),
    ],
)
def test_three_digits_behind_every_mark_are_asked_for(written, cells, separator, mark):
    path = written(cells, f"arch{separator}latency_us", separator)
    answers = asked(path, f"column 'latency_us', row 2: '2{mark}678' is 2678 or 2.678 ")
    assert answers == [f"--thousands {mark}", f"--decimal {mark}"]
    assert values(path, reading=Reading(thousands=mark))[0] == 2678
    assert values(path, reading=Reading(decimal=mark))[0] == 2.678


def test_a_column_that_does_not_tell_follows_one_that_does(tmp_path):
    path = tmp_path / "my.csv"
    rows = "".join(f"{arch};2,4;1,234\n" for arch in ARCHS)
    path.write_text(f"arch;latency_ms;energy_mj\n{rows}")
    table, report = made(path)
    assert table.metrics.iloc[0].tolist() == [2.4, 1.234]
    assert any("as in column 'latency_ms'" in note for note in report.notes)


numbers = st.floats(0.0101, 9e8).map(lambda value: round(value, 2))


@given(st.lists(numbers, min_size=2, max_size=6), st.sampled_from([(",", "."), (".", ",")]))
def test_numbers_of_any_country_come_back(written_values, style):
    decimal, thousands = style
    marks = Marks.none()
    texts = []
    for value in written_values:
        text = f"{value:,.2f}"
        texts.append(text.translate(str.maketrans({",": thousands, ".": decimal})))
    read = [written_number(text) for text in texts]
    for place, each in enumerate(read):
        marks.see(place, each.digits, each.power)
    found = marks.style(";")
    assert found == NumberStyle(decimal, found.thousands)  # two decimals always tell
    said = NumberStyle(decimal, thousands)
    assert [each.value(said) for each in read] == written_values


def test_units_in_cells_become_one_and_must_not_contradict(written):
    mixed = written(["890 us", *[f"{time} ms" for time in TIMES[1:]]], "arch,latency")
    table, report = made(mixed)
    assert table.column("latency")[0] == pytest.approx(0.89)
    assert any("those in us were converted" in note for note in report.notes)
    asked(
        written([f"{time} ms" for time in TIMES], "arch,latency_us"), "in us by its header.*in ms"
    )
    asked(written(["5", *[f"{time} ms" for time in TIMES[1:]]], "arch,latency"), "1 state no unit")
    with pytest.raises(HwbenchError, match="row 2: is in J, the others are in ms"):
        made(written(["5 J", *[f"{time} ms" for time in TIMES[1:]]], "arch,latency"))


def test_percent_that_holds_fractions_is_refused(written):
    cells = [0.9 + place / 200 for place in range(12)]
    assert asked(written(cells, "arch,test_acc [%]"), "100 times too small") == [
        "--unit test_acc=1"
    ]


@pytest.mark.parametrize("cell", ["#N/A", "<NA>", "-", "", "NULL", "nan", "\u2014", "n.a."])
def test_spellings_of_nothing_are_missing(written, cell):
    path = written(replaced(0, cell))
    assert asked(path, "row 2, latency_ms: is empty") == [
        "--missing-values keep", "--bad-rows drop",
    ]  # fmt: skip
    assert np.isnan(values(path, missing_values="keep")[0])


@pytest.mark.parametrize(
    ("cell", "why"), [("OOM", "no finite number"), ("2. Apr", "a date"), ("9" * 5000, "no finite")]
)
def test_other_words_are_bad_and_can_be_said_to_mean_nothing(written, cell, why):
    path = written(replaced(0, cell))
    asked(path, f"row 2, latency_ms: holds .*{why}", missing_values="keep")
    if len(cell) < 9:
        said = Reading(missing=[cell])
        assert np.isnan(values(path, missing_values="keep", reading=said)[0])


# ---------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "before",
    ["sep=,\n", "# made by bench.py\n# on, a, board\n", "Results of board A\n\n", "Board A,\n,\n",
     "Measured 2024,by me\n"],
)  # fmt: skip
def test_lines_before_the_header_are_passed_over(written, before):
    assert values(written(TIMES, before=before)) == TIMES


def test_units_on_the_line_below_the_header(tmp_path):
    path = tmp_path / "my.csv"
    rows = "".join(f"{arch},{time},{2 * time}\n" for arch, time in zip(ARCHS, TIMES, strict=True))
    path.write_text(f"arch,latency,energy\n-,[ms],[mJ]\n{rows}")
    table, report = made(path)
    assert [card.unit for card in table.card.columns.values()] == ["ms", "mJ"]
    assert "line 2 holds the units of the columns" in report.notes


def test_units_below_a_header_that_names_what_a_column_holds(tmp_path):
    path = tmp_path / "my.csv"
    rows = "".join(f"{arch},{time}\n" for arch, time in zip(ARCHS, TIMES, strict=True))
    path.write_text(f"arch,latency\nstring,ms\n{rows}")
    assert values(path) == TIMES


def test_files_without_a_header_keep_their_first_row(written, tmp_path):
    rows = written(TIMES).read_text().split("\n", 1)[1]
    path = tmp_path / "none.csv"
    path.write_text(rows)
    assert asked(path, "no line of column names .*say the unit of column_2") == [
        "--unit column_2=ms"
    ]
    assert values(path, units={"column_2": "ms"}) == TIMES
    path.write_text(f"# arch,latency_ms\n{rows}")
    assert values(path) == TIMES
    path.write_text(f"1,2\narch,latency_ms\n{rows}")
    assert values(path, reading=Reading(header_line=2)) == TIMES
    path.write_text(f"{ARCHS[0]},fast\n{rows}")  # no header, and a broken first row
    assert asked(path, "row 1, column_2: holds 'fast'", units={"column_2": "ms"}) == [
        "--bad-rows drop"
    ]


def test_a_broken_first_row_is_not_taken_for_the_header(written):
    path = written(TIMES)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "|broken~0|,fast", *lines[1:]]))
    asked(path, "2 bad rows|1 bad row")


# ---------------------------------------------------------------------- columns


def test_what_columns_are_is_asked_for_in_one_message():
    frame = FRAME.rename(columns={"latency_ms": "latency"}).assign(foo=TIMES, n_runs=100, note="x")
    answers = asked(frame, "say the unit of latency, foo and which way is better for foo; without")
    assert answers[0] == "--unit latency=ms --ignore foo"
    assert values(frame, units={"latency": "ms"}, ignore=["foo"]) == TIMES


def test_deviations_are_the_noise_of_their_metric():
    frame = FRAME.assign(latency_std_ms=0.5)
    table, report = made(frame)
    noise = table.card.columns["latency_ms"].noise
    assert (noise.method, noise.deviation) == ("deviations", 0.5)
    assert 0.3 < noise.tau_ceiling < 0.9
    runs, _ = made(frame.assign(n_runs=100))
    assert runs.card.columns["latency_ms"].noise.deviation == pytest.approx(0.05)
    assert "column 'latency_std_ms' is the noise of 'latency_ms'" in report.notes
    measured = read_measurements(frame, SPACE)
    assert measured.deviations.tolist() == [0.5] * 12


@pytest.mark.parametrize(
    ("columns", "name"),
    [(["run1_ms", "run2_ms"], "run_ms"), (["latency_rep1 [ms]", "latency_rep2 [ms]"], "latency"),
     (["latency_ms_trial_1", "latency_ms_trial_2"], "latency_ms")],
)  # fmt: skip
def test_columns_of_repeats_are_one_metric(columns, name):
    frame = pd.DataFrame({"arch": ARCHS, columns[0]: TIMES, columns[1]: [t + 0.2 for t in TIMES]})
    table, _ = made(frame, units={} if "ms" in name or "[" in columns[0] else {name: "ms"})
    assert list(table.card.columns) == [name]
    np.testing.assert_allclose(table.column(name), np.array(TIMES) + 0.1)
    assert table.card.columns[name].noise.method == "repeats"
    measured = read_measurements(frame, SPACE)
    assert (len(measured), len(measured.all_values)) == (12, 24)


def test_numbered_columns_are_repeats_where_it_is_said():
    frame = FRAME.rename(columns={"latency_ms": "latency_1"}).assign(latency_2=TIMES)
    with pytest.raises(UnclearError, match=r"--repeats 'latency_\*'"):
        read_measurements(frame, SPACE)
    said = Reading(repeats=["latency_*"])
    assert values(frame, reading=said, units={"latency": "ms"}) == TIMES
    with pytest.raises(HwbenchError, match="fits 0 columns"):
        made(frame, reading=Reading(repeats=["energy*"]))


def test_statistics_of_one_metric_by_a_bar():
    frame = pd.DataFrame({"arch": ARCHS, "latency|mean": TIMES, "latency|std": 0.1})
    table, _ = made(frame, units={"latency|mean": "ms"})
    assert table.card.columns["latency_mean"].noise.deviation == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "is_metric"),
    [("latency_bs1_ms", True), ("cpu_latency_ms", True), ("model_size_mb", True),
     ("epoch_time_s", True), ("batch_size", False), ("run_id", False), ("n_runs", False),
     ("temperature_c", False), ("timestamp_ms", False), ("clock_mhz", False), ("threads", False)],
)  # fmt: skip
def test_names_tell_metrics_from_what_was_noted_beside_them(name, is_metric):
    frame = FRAME.assign(**{name: 5.5 if is_metric else 5})
    columns = list(made(frame)[0].card.columns)
    assert columns == ["latency_ms", *([name] if is_metric else [])]


def test_a_model_is_that_of_the_board_where_architectures_stand_elsewhere():
    frame = FRAME.rename(columns={"arch": "cell of mine"}).assign(model="pixel 3")
    assert made(frame)[0].frame["arch"].tolist() == ARCHS
    assert made(FRAME.rename(columns={"arch": "model"}))[0].frame["arch"].tolist() == ARCHS


def test_a_column_for_each_position_is_an_architecture():
    archs = SPACE.from_strings(ARCHS)
    names = np.array(SPACE.choices[0])[archs]
    frame = pd.DataFrame(names, columns=SPACE.positions).assign(latency_ms=TIMES)
    table, _ = made(frame)
    assert table.frame["arch"].tolist() == ARCHS


# ---------------------------------------------------------------------- repeats


def test_repeats_are_settled_as_asked_and_robustly_by_default():
    frame = pd.concat([FRAME, FRAME, FRAME], ignore_index=True)
    frame.loc[12 + 4, "latency_ms"] = 90.0
    for way, value in (("mean", (2 * 3.652 + 90) / 3), ("median", 3.652), ("min", 3.652),
                       ("first", 3.652)):  # fmt: skip
        table, report = made(frame, duplicates=way)
        assert table.column("latency_ms")[4] == pytest.approx(value)
    _, report = made(frame, duplicates="mean")
    assert any("outlier, which moves the mean" in note for note in report.notes)
    measured = read_measurements(frame, SPACE)
    assert measured.values[4] == 3.652
    assert any("one is an outlier: the median" in note for note in measured.notes)
    assert read_measurements(frame, SPACE, duplicates="mean").values[4] > 30


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 9) | st.just(float("nan"))), min_size=1),
    st.sampled_from(["mean", "median", "min", "first"]),
)
def test_repeats_are_settled_as_pandas_does(pairs, way):
    groups = np.array([group for group, _ in pairs])
    numbers = np.array([value for _, value in pairs])
    found = settle(numbers, groups, 4, way)
    by = pd.Series(numbers).groupby(groups)
    expected = getattr(by, way)().reindex(range(4))
    np.testing.assert_allclose(found.values, expected)
    np.testing.assert_allclose(found.deviations, by.std().reindex(range(4)), atol=1e-9)
    np.testing.assert_array_equal(found.counts, by.count().reindex(range(4)).fillna(0))


# ---------------------------------------------------------------------- containers


def _zstandard(path):
    with pa.OSFile(str(path), "wb") as file, pa.CompressedOutputStream(file, "zstd") as packed:
        packed.write(FRAME.to_csv(index=False).encode())


CONTAINERS = {
    "a.csv.gz": lambda path: FRAME.to_csv(path, index=False),
    "a.csv.bz2": lambda path: FRAME.to_csv(path, index=False),
    "a.tsv.xz": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "a.csv.zst": _zstandard,
    "utf16.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-16"),
    "records.json": lambda path: FRAME.to_json(path, orient="records"),
    "columns.json": lambda path: FRAME.to_json(path),
    "split.json": lambda path: FRAME.to_json(path, orient="split"),
    "lines.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "lines.json": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "lines.jsonl.gz": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "by_arch.json": lambda path: path.write_text(
        json.dumps({arch: {"latency_ms": time} for arch, time in zip(ARCHS, TIMES, strict=True)})
    ),
    "by_metric.json": lambda path: path.write_text(
        json.dumps({"latency_ms": dict(zip(ARCHS, TIMES, strict=True))})
    ),
    "wrapped.json": lambda path: path.write_text(
        json.dumps({"board": "x", "results": FRAME.to_dict("records")})
    ),
    "lists.json": lambda path: path.write_text(
        json.dumps([["arch", "latency_ms"], *FRAME.to_numpy().tolist()])
    ),
    "frame.pkl": lambda path: FRAME.to_pickle(path),
    "dictionaries.pickle": lambda path: path.write_bytes(
        pickle.dumps({arch: {"latency_ms": time} for arch, time in zip(ARCHS, TIMES, strict=True)})
    ),
    "words.txt": lambda path: FRAME.to_csv(path, index=False, sep=" "),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_hold_the_same_rows(tmp_path, name):
    path = tmp_path / name
    CONTAINERS[name](path)
    table, _ = made(path)
    assert table.frame["arch"].tolist() == ARCHS
    assert table.column("latency_ms").tolist() == TIMES
    assert read_measurements(path, SPACE).values.tolist() == TIMES


def test_dictionaries_by_architecture_hold_one_number_or_its_repeats(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dict(zip(ARCHS, TIMES, strict=True))))
    assert values(path, units={"value": "ms"}) == TIMES
    path.write_text(json.dumps({arch: [t, t + 0.2] for arch, t in zip(ARCHS, TIMES, strict=True)}))
    np.testing.assert_allclose(
        values(path, units={"value": "ms"}, duplicates="mean"), np.array(TIMES) + 0.1
    )
    nested = [{"arch": arch, "latency_ms": {"mean": t, "std": 0.1}}
              for arch, t in zip(ARCHS, TIMES, strict=True)]  # fmt: skip
    path.write_text(json.dumps(nested))
    assert made(path)[0].card.columns["latency_ms_mean"].noise.method == "deviations"


def test_workbooks_are_read_and_their_sheets_asked_for(tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as book:
        FRAME.to_excel(book, sheet_name="board a", index=False, startrow=3)
        FRAME.assign(latency_ms=1.5).to_excel(book, sheet_name="board b", index=False)
    answers = asked(path, "several sheets hold something .board a, board b")
    assert answers == ["--sheet board a", "--sheet board b"]
    assert values(path, reading=Reading(sheet="board a")) == TIMES
    with pytest.raises(HwbenchError, match="did you mean 'board b'"):
        made(path, reading=Reading(sheet="bord b"))
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(HwbenchError, match="is no workbook"):
        made(path)


def test_percent_that_a_workbook_shows_is_percent(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["arch", "test_acc"])
    for place, arch in enumerate(ARCHS):
        book.active.append([arch, 0.9 + place / 200])
        book.active.cell(place + 2, 2).number_format = "0.0%"
    path = tmp_path / "a.xlsx"
    book.save(path)
    table, _ = made(path)
    assert table.card.columns["test_acc"].unit == "%"
    assert table.column("test_acc")[0] == 90.0


class _Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_pickle_is_run(tmp_path):
    path, trace = tmp_path / "a.pkl", tmp_path / "trace"
    path.write_bytes(pickle.dumps({arch: _Evil(trace) for arch in ARCHS}))
    with pytest.raises(HwbenchError):
        made(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", b"no gzip", "cannot be (read|unpacked)"),
        ("a.csv.zst", b"no zstd", "cannot be (read|unpacked)"),
        ("a.csv.xz", b"no xz", "cannot be unpacked"),
        ("a.json", b"{", "line 1"),
        ("a.json", b"[]", "holds no rows; expected a list of records"),
        ("a.jsonl", b'{"arch": 1}\n{', "line 2: is no JSON"),
        ("a.pkl", b"nonsense", "a.pkl"),
        ("a.ods", b"", "save it as .xlsx or .csv"),
        ("a.csv", b"arch,latency [\xb5s]\nx,1\n", "is no UTF-8"),
    ],
)
def test_broken_containers_are_refused_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HwbenchError, match=message) as caught:
        made(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


# ---------------------------------------------------------------------- refusals


def test_one_cause_is_told_once_for_its_column(written):
    path = written(["fast"] * 12)
    with pytest.raises(OwnTableError) as caught:
        made(path, units={"latency_ms": "ms"})
    assert str(caught.value).count("no finite number") == 1
    assert "row 2 and 11 rows more" in str(caught.value)
    assert len(caught.value.report.problems) == 12


@pytest.mark.parametrize(
    "wrong",
    [{"decimal": ";"}, {"thousands": "x"}, {"decimal": ",", "thousands": ","}, {"pivot": "device"},
     {"header_line": -1}],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(wrong):
    with pytest.raises(HwbenchError):
        Reading(**wrong)


def test_every_argument_that_a_refusal_names_is_an_option():
    from typer.main import get_command

    from hwbench.cli.app import app

    commands = get_command(app).commands
    offered = {flag for name in ("advise", "tables") for flag in _flags(commands[name])}
    assert set(FLAGS.values()) <= offered


def _flags(command):
    inner = getattr(command, "commands", {}).values()
    own = {flag for parameter in command.params for flag in parameter.opts}
    return own.union(*(_flags(each) for each in inner))
