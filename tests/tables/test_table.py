import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.files import file_digest
from hwbench.tables import Table, load_table, merge_tables
from hwbench.tables.table_file import CARD_KEY, read_card


def rewritten(table, path, *, frame=None, card=None):
    """Write a table's file with another frame or another text as its card."""
    text = table.card.model_dump_json() if card is None else card
    arrow = pa.Table.from_pandas(table.frame if frame is None else frame, preserve_index=False)
    pq.write_table(arrow.replace_schema_metadata({CARD_KEY: text}), path)
    return path


def read_whole(path):
    return Table.read(path).frame


def refusal(path, function=read_whole):
    with pytest.raises(HwbenchError) as caught:
        function(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


def test_holds_what_its_card_names(small_table):
    assert len(small_table) == 200
    assert repr(small_table) == "<Table small: 200 architectures x 2 metrics>"
    assert small_table.space.name == "nasbench201"
    assert list(small_table.frame) == ["arch", "hwbench_index", "latency", "test_accuracy"]
    assert list(small_table.metrics) == ["latency", "test_accuracy"]
    assert small_table.archs.shape == (200, 6)
    np.testing.assert_array_equal(
        small_table.space.from_strings(small_table.frame["arch"]), small_table.archs
    )
    latency = small_table.column("latency")
    assert latency.dtype == np.float64
    np.testing.assert_array_equal(latency, small_table.frame["latency"])


def test_comes_back_from_its_file_whole(small_table, tmp_path):
    path = tmp_path / "folder" / "t.parquet"
    small_table.save(path)
    again = Table.read(path)
    pd.testing.assert_frame_equal(again.frame, small_table.frame)
    assert again.card == small_table.card == read_card(path)
    assert again.card.recipes[0]["list"] == [1, 2]


def test_opened_table_travels_to_another_process_without_its_file(small_table, tmp_path):
    path = tmp_path / "t.parquet"
    small_table.save(path)
    opened = Table.read(path)
    sent = pickle.dumps(opened)
    path.unlink()
    again = pickle.loads(sent)  # noqa: S301
    np.testing.assert_array_equal(again.column("latency"), small_table.column("latency"))
    np.testing.assert_array_equal(again.archs, small_table.archs)
    pd.testing.assert_frame_equal(again.frame, small_table.frame)
    assert again.card == small_table.card


def test_threads_send_a_table_side_by_side():
    table = load_table("nb201-digits")
    whole = len(pickle.dumps(table))
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda _: len(pickle.dumps(table)), range(400)))
    assert set(sizes) == {whole}


def test_opened_table_does_not_see_its_successor(small_table, tmp_path):
    path = tmp_path / "t.parquet"
    small_table.save(path)
    opened = Table.read(path)
    Table(small_table.frame.assign(latency=1.0), small_table.card).save(path)
    np.testing.assert_array_equal(opened.column("latency"), small_table.column("latency"))
    assert (Table.read(path).column("latency") == 1.0).all()


def test_damage_is_noticed_where_it_is_used(small_table, tmp_path):
    path = tmp_path / "t.parquet"
    small_table.save(path)
    file = pq.ParquetFile(path)
    place = [file.schema.names.index(name) for name in ("latency", "test_accuracy")]
    starts = [file.metadata.row_group(0).column(i).data_page_offset for i in place]
    content = bytearray(path.read_bytes())
    content[starts[0] + 200] ^= 0xFF
    path.write_bytes(content)
    opened = Table.read(path)
    np.testing.assert_array_equal(
        opened.column("test_accuracy"), small_table.column("test_accuracy")
    )
    with pytest.raises(HwbenchError, match="cannot be read as Parquet"):
        opened.column("latency")
    with pytest.raises(HwbenchError, match="cannot be read as Parquet"):
        _ = opened.frame


def test_same_table_gives_the_same_bytes(small_table, tmp_path):
    for name in ("a", "b"):
        small_table.save(tmp_path / name)
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")


def test_integer_columns_stay_integers(small_table, tmp_path):
    frame = small_table.frame.assign(latency=np.arange(200))
    Table(frame, small_table.card).save(tmp_path / "t.parquet")
    assert Table.read(tmp_path / "t.parquet").frame["latency"].dtype == np.int64


def test_plain_readers_see_the_rows(small_table, tmp_path):
    small_table.save(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), small_table.frame)


def test_unknown_column_names_the_nearest(small_table):
    with pytest.raises(HwbenchError, match=r"column of table small 'latensy'.*'latency'"):
        small_table.column("latensy")


def test_saving_below_a_regular_file_is_refused(small_table, tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "t.parquet"
    assert refusal(path, small_table.save).startswith("cannot be written")


# ---------------------------------------------------------------------- broken frames and files


def test_architecture_may_stand_only_once(small_table):
    frame = small_table.frame
    twice = pd.concat([frame, frame.iloc[[7]]])
    with pytest.raises(HwbenchError) as caught:
        Table(twice, small_table.card)
    assert f"architecture {frame['arch'].iloc[7]} stands twice" in str(caught.value)


@pytest.mark.parametrize("column", ["arch", "hwbench_index", "latency"])
def test_missing_column_is_named(small_table, tmp_path, column):
    path = rewritten(small_table, tmp_path / "t", frame=small_table.frame.drop(columns=column))
    assert refusal(path) == f"table small: the column '{column}' is missing"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("hwbench_index", np.arange(200) - 1, "'hwbench_index' must hold places 0 .. 15624"),
        ("hwbench_index", np.arange(200) + 15500, "'hwbench_index' must hold places 0 .. 15624"),
        ("hwbench_index", np.arange(200) / 2, "'hwbench_index' must hold places 0 .. 15624"),
        (
            "hwbench_index",
            [str(i) for i in range(200)],
            "'hwbench_index' must hold places 0 .. 15624",
        ),
        ("latency", ["fast"] * 200, "'latency' holds no numbers"),
        ("latency", [None] * 200, "'latency' holds no numbers"),
    ],
)
def test_column_of_wrong_values_is_named(small_table, tmp_path, column, value, message):
    frame = small_table.frame.assign(**{column: value})
    assert message in refusal(rewritten(small_table, tmp_path / "t", frame=frame))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"licence"', '"license"', "license"),
        ('"direction":"minimize"', '"direction":"smaller"', "columns.latency.direction"),
        ('"name":"small"', '"name":"Small Table"', "name"),
        ('"seeds":[0,1]', '"seeds":"many"', "columns.test_accuracy.seeds"),
    ],
)
@pytest.mark.parametrize("function", [Table.read, read_card])
def test_broken_card_is_refused_with_the_place(small_table, tmp_path, old, new, place, function):
    text = small_table.card.model_dump_json()
    assert old in text
    path = rewritten(small_table, tmp_path / "t", card=text.replace(old, new, 1))
    assert refusal(path, function).startswith(f"its card is broken at '{place}'")


@pytest.mark.parametrize("card", ["", "no json", "[]", b"\xff"])
def test_card_that_is_no_json_object_is_refused(small_table, tmp_path, card):
    assert "card is broken" in refusal(rewritten(small_table, tmp_path / "t", card=card))


def test_card_of_an_unknown_space_is_refused(small_table, tmp_path):
    text = small_table.card.model_dump_json().replace("nasbench201", "nasbench202")
    assert "did you mean 'nasbench201'" in refusal(
        rewritten(small_table, tmp_path / "t", card=text)
    )


@pytest.mark.parametrize("function", [Table.read, read_card])
def test_what_is_no_table_is_refused(small_table, tmp_path, function):
    small_table.save(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    path = tmp_path / "t.parquet"
    assert refusal(path, function) == "no such file"
    for content in (b"", b"latency\n1.0\n", b"PAR1", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        assert refusal(path, function).startswith("cannot be read as Parquet")
    small_table.frame.to_parquet(path)
    assert refusal(path, function).startswith("a Parquet file, but no hwbench table")
    folder = tmp_path / "folder.parquet"
    folder.mkdir()
    assert refusal(folder, function) == "cannot be read, it is no regular file"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_damaged_file_is_read_or_refused(small_table, tmp_path, data):
    path = tmp_path / "t.parquet"
    small_table.save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    message = f"{path}: read"
    try:
        _ = Table.read(path).frame
    except HwbenchError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1


# ---------------------------------------------------------------------- merging


def test_merge_keeps_what_both_hold(make_table):
    left = make_table("left", n_archs=9000, columns=["latency"], seed=1)
    right = make_table("right", n_archs=9000, columns=["test_accuracy"], seed=2)
    merged = merge_tables([left, right], left.card.model_copy(update={"name": "both"}))
    common = set(left.frame["hwbench_index"]) & set(right.frame["hwbench_index"])
    assert set(merged.frame["hwbench_index"]) == common
    assert list(merged.card.columns) == ["latency", "test_accuracy"]
    assert merged.card.name == "both"
    assert merged.card.recipes == left.card.recipes + right.card.recipes
    for part in (left, right):
        for column in part.card.columns:
            expected = part.frame.set_index("hwbench_index").loc[
                merged.frame["hwbench_index"], column
            ]
            np.testing.assert_array_equal(merged.frame[column], expected)
    assert merged.space.to_strings(merged.archs) == list(merged.frame["arch"])


def other_latencies(table):
    card = table.card.model_copy(update={"name": "other"})
    return Table(table.frame.assign(latency=table.frame["latency"] * 2)[::-1], card)


def test_merge_refuses_a_column_with_other_values(small_table):
    with pytest.raises(HwbenchError, match=r"column 'latency' stands in two .* other a prefix"):
        merge_tables([small_table, other_latencies(small_table)], small_table.card)


def test_merge_keeps_equal_columns_once_and_prefixes_the_others(small_table):
    other = other_latencies(small_table)
    merged = merge_tables([small_table, other], small_table.card, prefixes={"other": "slow_"})
    assert list(merged.metrics) == ["latency", "test_accuracy", "slow_latency"]
    np.testing.assert_array_equal(merged.column("latency"), small_table.column("latency"))
    np.testing.assert_array_equal(merged.column("slow_latency"), 2 * merged.column("latency"))
    assert merged.card.columns["slow_latency"] == small_table.card.columns["latency"]
    with pytest.raises(HwbenchError, match="column 'latency' stands in two"):
        merge_tables(
            [small_table, Table(other.frame.assign(test_accuracy=1.0), other.card)],
            small_table.card,
            prefixes={"small": "x_"},
        )


def test_merge_refuses_different_spaces(make_table):
    left = make_table("left", columns=["latency"])
    right = make_table("right", space="nasbench_macro", columns=["test_accuracy"])
    with pytest.raises(HwbenchError, match=r"right \(space nasbench_macro\) with left \(space nas"):
        merge_tables([left, right], left.card)


def test_merge_refuses_tables_with_nothing_in_common(make_table):
    left = make_table("left", columns=["latency"])
    right = make_table("right", columns=["test_accuracy"])
    left = Table(left.frame.iloc[:50], left.card)
    right = Table(right.frame.iloc[50:], right.card)
    with pytest.raises(HwbenchError, match="no architecture in common"):
        merge_tables([left, right], left.card)


def test_tables_of_earlier_versions_are_read(small_table, tmp_path):
    path = tmp_path / "old.parquet"
    former = small_table.frame.rename(columns={"hwbench_index": "arch_index"})
    rewritten(small_table, path, frame=former)
    found = Table.read(path)
    pd.testing.assert_frame_equal(found.frame, small_table.frame)
    np.testing.assert_array_equal(Table.read(path).archs, small_table.archs)
    again = tmp_path / "new.parquet"
    found.save(again)
    assert pq.read_schema(again).names[:2] == ["arch", "hwbench_index"]


def test_rows_are_looked_up_by_texts(small_table):
    texts = small_table.frame["arch"].tolist()
    found = small_table.look_up([texts[5], texts[2], texts[5]])
    assert found["arch"].tolist() == [texts[5], texts[2], texts[5]]
    np.testing.assert_array_equal(found["latency"], small_table.column("latency")[[5, 2, 5]])
    rest = small_table.space.all_architectures()
    absent = rest[small_table.space.rows_among(rest, small_table.keys) < 0][0]
    with pytest.raises(HwbenchError, match=r"1 of 2 architectures are not in it, .* row 1"):
        small_table.look_up([texts[0], small_table.space.to_string(absent)])
