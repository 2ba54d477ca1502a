"""Accuracies and metrics are joined by one set of rules, whoever selects by them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.search.tables import SearchTable
from hwbench.spaces import get_space
from hwbench.tables import ColumnCard, Table, TableCard, Target
from hwbench.tables.pairs import Accuracies, Pair, load_accuracies

SPACE = get_space("nasbench201")
UNITS = {
    "accuracy": ("%", "maximize"),
    "share": ("1", "maximize"),
    "error": ("%", "minimize"),
    "loss": ("1", "minimize"),
    "neg_loss": ("1", "maximize"),
    "latency": ("ms", "minimize"),
    "energy": ("mJ", "minimize"),
    "throughput": ("1/s", "maximize"),
}


DISCONNECTED = [
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
]


def some_archs(n_archs, seed, space="nasbench201"):
    """Architectures, none of them without a path to its output."""
    archs = get_space(space).sample(n_archs + 20, seed)
    return archs[get_space(space).connected(archs)][:n_archs]


def table_of(columns, archs=None, *, name="t", space="nasbench201", **cards):
    """A table of columns whose units and directions are those of `UNITS`."""
    n_archs = len(next(iter(columns.values())))
    archs = some_archs(n_archs, 0, space) if archs is None else archs
    card = TableCard(
        name=name,
        title=name,
        space=space,
        created="2026-01-01",
        columns={
            column: ColumnCard(
                **{
                    "title": column,
                    "unit": UNITS[column][0],
                    "direction": UNITS[column][1],
                    "source": "made",
                    **cards.get(column, {}),
                }
            )
            for column in columns
        },
    )
    return Table.from_archs(archs, pd.DataFrame(columns), card)


def numbers(n_archs=30, seed=0):
    """A column of each kind, an accuracy and its share of 1 the same."""
    generator = np.random.default_rng(seed)
    accuracy = generator.uniform(10, 95, n_archs)
    latency = generator.uniform(1, 9, n_archs)
    return {
        "accuracy": accuracy,
        "share": accuracy / 100,
        "error": 100 - accuracy,
        "neg_loss": -1 / accuracy,
        "latency": latency,
        "energy": generator.uniform(1, 9, n_archs),
        "throughput": 1 / latency,
    }


def paired(table, accuracy, *metrics):
    return Pair.of(
        Target.of(table, accuracy, missing="keep"),
        [Target.of(table, metric, missing="keep") for metric in metrics],
    )


# ---------------------------------------------------------------------- rows


def test_rows_stand_in_the_order_of_the_space_whatever_that_of_the_tables():
    archs, columns = some_archs(40, 1), numbers(40)
    found = []
    for seed in range(3):
        orders = [np.random.default_rng([seed, i]).permutation(40) for i in range(2)]
        first, second = (
            table_of({column: columns[column][order]}, archs[order], name=column)
            for column, order in zip(("accuracy", "latency"), orders, strict=True)
        )
        found += Pair.of(Target.of(first, "accuracy"), [Target.of(second, "latency")])
    expected = np.argsort(SPACE.keys_of(archs))
    for pair in found:
        np.testing.assert_array_equal(pair.archs, archs[expected])
        np.testing.assert_array_equal(pair.keys, SPACE.keys_of(pair.archs))
        np.testing.assert_array_equal(pair.accuracy, columns["accuracy"][expected])
        np.testing.assert_array_equal(pair.metric, columns["latency"][expected])
        assert pair.notes == ()


@pytest.mark.parametrize("space", ["nasbench201", "darts"])
def test_only_shared_architectures_are_paired(space):
    archs, columns = some_archs(30, 2, space), numbers(30)
    first = table_of({"share": columns["share"][:20]}, archs[:20], name="a", space=space)
    second = table_of({"latency": columns["latency"][12:]}, archs[12:], name="b", space=space)
    (pair,) = Pair.of(Target.of(first, "share"), [Target.of(second, "latency")])
    assert len(pair) == 8
    assert pair.n_left_out == 0  # those that a table does not hold are none of its rows
    place = {tuple(arch): row for row, arch in enumerate(archs.tolist())}
    rows = [place[tuple(arch)] for arch in pair.archs.tolist()]
    assert set(rows) == set(range(12, 20))
    np.testing.assert_allclose(pair.accuracy, 100 * columns["share"][rows])
    np.testing.assert_array_equal(pair.metric, columns["latency"][rows])
    apart = table_of({"latency": columns["latency"][:11]}, archs[19:], name="b", space=space)
    with pytest.raises(HwbenchError, match="one architecture has a number in each of a:share, b:l"):
        Pair.of(Target.of(first, "share"), [Target.of(apart, "latency")])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [Pair, SearchTable])
def test_rows_without_a_number_are_left_out_and_counted(value, kind):
    columns = numbers()
    columns["accuracy"][[3, 4]] = value
    columns["throughput"][[4, 9]] = value
    table = table_of(columns)
    (pair,) = kind.of(
        Target.of(table, "accuracy", missing="keep"),
        [Target.of(table, "throughput", missing="keep")],
    )
    assert isinstance(pair, kind)
    kept = np.setdiff1d(np.arange(30), [3, 4, 9])
    assert (len(pair), pair.n_left_out) == (27, 3)
    assert sorted(pair.accuracy) == sorted(columns["accuracy"][kept])
    assert sorted(-pair.metric) == sorted(columns["throughput"][kept])
    assert pair.notes[-1].startswith("3 architectures that lack a number in one of t:accuracy, t:t")


def test_several_metrics_have_the_rows_of_all():
    columns = numbers()
    columns["latency"][7] = np.nan
    table = table_of(columns)
    pairs = paired(table, "accuracy", "latency", "energy", "throughput")
    assert [pair.metric_target for pair in pairs] == ["t:latency", "t:energy", "t:throughput"]
    assert [pair.sign for pair in pairs] == [1, 1, -1]
    order = np.argsort(table.keys)
    order = order[order != 7]
    for pair, column in zip(pairs, ("latency", "energy", "throughput"), strict=True):
        assert len(pair) == 29
        np.testing.assert_array_equal(pair.keys, table.keys[order])
        np.testing.assert_array_equal(pair.metric, pair.sign * columns[column][order])
    # A metric's note stands with that metric alone.
    assert not any("negated" in note for note in pairs[0].notes)
    assert any("t:throughput" in note and "negated" in note for note in pairs[2].notes)


@given(st.data())
def test_pairs_are_those_of_a_dictionary(data):
    """Against a loop over dictionaries, with tables of any rows and holes."""
    archs = some_archs(12, 5)
    keys = SPACE.keys_of(archs)
    value = st.sampled_from([0.25, 0.5, 1.0, np.nan, np.inf])
    tables, known = [], []
    for name in ("accuracy", "throughput"):
        rows = data.draw(st.lists(st.integers(0, 11), min_size=1, unique=True))
        values = data.draw(st.lists(value, min_size=len(rows), max_size=len(rows)))
        tables.append(table_of({name: np.array(values)}, archs[rows], name=name))
        known.append(dict(zip(keys[rows].tolist(), values, strict=True)))
    targets = [
        Target.of(table, name, missing="keep")
        for table, name in zip(tables, ("accuracy", "throughput"), strict=True)
    ]
    shared = sorted(known[0].keys() & known[1].keys())
    whole = [key for key in shared if np.isfinite([known[0][key], known[1][key]]).all()]
    if len(whole) < 2:
        with pytest.raises(HwbenchError, match="two are the least"):
            Pair.of(targets[0], targets[1:])
        return
    (pair,) = Pair.of(targets[0], targets[1:])
    assert pair.keys.tolist() == whole
    assert pair.accuracy.tolist() == [known[0][key] for key in whole]
    assert pair.metric.tolist() == [-known[1][key] for key in whole]
    assert pair.n_left_out == len(shared) - len(whole)


@pytest.mark.parametrize("kind", [Pair, SearchTable])
def test_cells_whose_output_no_path_reaches_are_paired_where_asked_for(kind):
    archs = np.concatenate([some_archs(28, 0), SPACE.from_strings(DISCONNECTED)])
    target, metrics = (
        Target.of(table_of(numbers(), archs), "accuracy"),
        [Target.of(table_of(numbers(), archs), "latency")],
    )
    (pair,) = kind.of(target, metrics)
    assert (len(pair), pair.n_left_out, pair.n_disconnected) == (28, 0, 2)
    assert SPACE.connected(pair.archs).all()
    assert pair.notes == ("2 architectures whose output no path reaches are no candidates.",)
    with pytest.raises(HwbenchError, match=r"29 candidates .* share 28 architectures; 2 more"):
        pair.check_candidates(29)
    with pytest.raises(HwbenchError, match=r"share 28 architectures$"):
        pair.check_candidates(31)
    (whole,) = kind.of(target, metrics, disconnected=True)
    assert (len(whole), whole.n_disconnected, whole.notes) == (30, 0, ())


# ---------------------------------------------------------------------- units and directions


def test_fractions_are_turned_into_percent_and_that_is_said():
    table = table_of(numbers())
    (pair,), (same,) = paired(table, "share", "latency"), paired(table, "accuracy", "latency")
    np.testing.assert_allclose(pair.accuracy, same.accuracy, rtol=1e-14)
    assert same.notes == ()
    assert pair.notes == (
        "t:share holds fractions (unit 1): it was multiplied by 100, so that accuracies are in % "
        "and losses of accuracy in percentage points.",
    )


@pytest.mark.parametrize(("unit", "factor"), [("%", 1), ("percent", 1), ("1", 100)])
def test_the_unit_alone_says_what_is_a_percentage(unit, factor):
    table = table_of({"share": np.array([0.25, 1.0]), "latency": np.ones(2)}, share={"unit": unit})
    (pair,) = paired(table, "share", "latency")
    assert sorted(pair.accuracy) == [0.25 * factor, factor]


@pytest.mark.parametrize("column", ["neg_loss", "throughput"])
def test_scores_enter_as_they_are_and_that_is_said(column):
    columns = numbers()
    table = table_of(columns)
    (pair,) = paired(table, column, "latency")
    np.testing.assert_array_equal(np.sort(pair.accuracy), np.sort(columns[column]))
    (note,) = pair.notes
    assert f"t:{column}" in note
    assert "is a score, not an accuracy in %: it enters as it is" in note
    assert ("beyond 0 .. 1" in note) == (column == "neg_loss")


@pytest.mark.parametrize("column", ["error", "latency"])
def test_a_column_to_be_minimised_is_no_accuracy(column):
    table = table_of(numbers())
    message = rf"t:{column} \({column}\) is better the smaller it is, so it is no accuracy; use t:"
    with pytest.raises(HwbenchError, match=message):
        paired(table, column, "energy")


def test_the_way_out_is_the_column_that_is_most_alike():
    columns = {name: np.arange(1.0, 4.0) for name in ("loss", "accuracy", "share", "neg_loss")}
    tested = {"dataset": "cifar10", "split": "test"}
    table = table_of(
        columns,
        loss=tested,
        accuracy={"dataset": "cifar10", "split": "valid"},
        share=tested,
        neg_loss={"dataset": "cifar100", "split": "test"},
    )
    with pytest.raises(HwbenchError, match=r"use t:share$"):
        paired(table, "loss", "loss")
    alone = table_of({"loss": np.arange(1.0, 4.0)})
    with pytest.raises(HwbenchError, match="name one of another table of nasbench201"):
        paired(alone, "loss", "loss")


def test_the_way_out_of_a_published_loss(shared_data, hwbench_home):
    from hwbench.tables.public.benchmarks import fetch_benchmark

    table = fetch_benchmark("transnas-bench-101-macro", mirror=shared_data / "raw")
    name = table.card.name
    for loss, better in (
        ("class_scene.test_loss", "class_scene.test_top1"),
        ("normal.valid_l1_loss", "normal.valid_ssim"),
        ("room_layout.test_loss", "room_layout.test_neg_loss"),
    ):
        with pytest.raises(HwbenchError, match=rf"use {name}:{better}$"):
            paired(table, loss, "class_scene.train_time")
    (similar,) = paired(table, "autoencoder.test_ssim", "class_scene.train_time")
    assert 0 < similar.accuracy.min() < similar.accuracy.max() < 100
    (negative,) = paired(table, "room_layout.test_neg_loss", "class_scene.train_time")
    assert negative.accuracy.max() < 0


def test_spaces_must_be_the_same():
    columns = {"accuracy": np.arange(3.0), "latency": np.arange(3.0)}
    first, second = table_of(columns), table_of(columns, space="darts", name="d")
    with pytest.raises(
        HwbenchError, match="t:accuracy is of space nasbench201, d:latency of darts"
    ):
        Pair.of(Target.of(first, "accuracy"), [Target.of(second, "latency")])


# ---------------------------------------------------------------------- accuracies alone


def test_accuracies_are_the_known_ones_in_order(hwbench_home):
    columns = numbers()
    columns["share"][[2, 3]] = np.nan, np.inf
    table = table_of(columns)
    table.save(hwbench_home / "tables" / "t.parquet")
    found = load_accuracies("t:share", "nasbench201")
    assert isinstance(found, Accuracies)
    assert len(found) == 28
    order = np.argsort(table.keys)
    order = order[~np.isin(order, [2, 3])]
    np.testing.assert_array_equal(found.archs, table.archs[order])
    np.testing.assert_allclose(found.values, columns["accuracy"][order])
    others = SPACE.sample(5, 99)
    asked = np.concatenate([table.archs[:5], others])
    expected = np.append(100 * columns["share"][:5], [np.nan] * 5)
    np.testing.assert_allclose(
        found.values_of(asked), np.where(np.isinf(expected), np.nan, expected)
    )
    assert "multiplied by 100" in found.notes[0]


def test_accuracies_that_cannot_be_had(hwbench_home):
    columns = numbers(3)
    columns["share"][:2] = np.nan
    table_of(columns).save(hwbench_home / "tables" / "t.parquet")
    for text, space, message in (
        ("t:share", "nasbench201", "accuracy t:share holds fewer than two numbers"),
        ("t:accuracy", "darts", "accuracy: t:accuracy is of the space nasbench201, not darts"),
        ("t:error", "nasbench201", "use t:accuracy"),
        ("t:shar", "nasbench201", "did you mean 'share'"),
    ):
        with pytest.raises(HwbenchError, match=message):
            load_accuracies(text, space)


def test_a_limit_is_kept_by_one_at_least():
    columns = {"accuracy": np.arange(1.0, 5.0), "latency": [2.0, 3.0, 4.0, 5.0]}
    table = table_of({**columns, "throughput": [9.0, 8.0, 7.0, 6.0]})
    faster, slower = paired(table, "accuracy", "throughput", "latency")
    slower.check_limit(2.0)
    faster.check_limit(9.0)
    with pytest.raises(HwbenchError, match=r"limit 1 of t:latency: none of 4 .* the least .* is 2"):
        slower.check_limit(1.0)
    with pytest.raises(HwbenchError, match=r"limit 10 of t:throughput: .* the most there is is 9"):
        faster.check_limit(10.0)


def test_a_column_is_named_once():
    table = table_of({"accuracy": np.arange(1.0, 5.0), "latency": np.arange(2.0, 6.0)})
    with pytest.raises(HwbenchError, match="t:accuracy is named twice, as accuracy and as metric"):
        paired(table, "accuracy", "accuracy")
