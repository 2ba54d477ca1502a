"""A target is opened once and knows what its numbers mean."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.tables import Table, Target, load_target


@pytest.mark.parametrize("text", ["", "small", ":", "small:", ":latency"])
def test_the_text_must_name_table_and_column(text):
    with pytest.raises(HwbenchError, match="must have the form table:column"):
        load_target(text)


def test_a_target_carries_what_its_table_says(own_table):
    for name in ("small", str(own_table)):
        target = load_target(f"{name}:latency")
        assert (target.key, target.table_name, target.column) == (
            f"{name}:latency",
            name,
            "latency",
        )
        assert target.table.card.name == "small"
        np.testing.assert_array_equal(target.values, target.table.frame["latency"])
        assert target.values.dtype == np.float64
        assert (target.title, target.unit, target.direction) == ("latency", "ms", "minimize")
        assert target.sign == 1
        assert target.device is None
        assert target.space.name == "nasbench201"
    assert load_target("small:test_accuracy").sign == -1


def test_a_target_of_a_table_at_hand_is_the_one_that_is_loaded(devices_table):
    given, loaded = Target.of(devices_table, "b2"), hb.load_target("devices:b2")
    assert (
        (given.key, given.table_name)
        == (loaded.key, loaded.table_name)
        == (
            "devices:b2",
            "devices",
        )
    )
    assert given.device == loaded.device == "b"
    np.testing.assert_array_equal(given.values, loaded.values)
    renamed = Target.of(devices_table, "b2", key="mine:latency")
    assert (renamed.key, renamed.table_name, renamed.title) == ("mine:latency", "mine", "b2")


def test_an_unknown_column_names_the_nearest(own_table):
    with pytest.raises(HwbenchError, match="'test_acuracy'; did you mean 'test_accuracy'"):
        load_target("small:test_acuracy")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gap_is_refused_and_the_row_named_or_kept(small_table, hwbench_home, value):
    frame = small_table.frame.copy()
    frame.loc[[5, 9], "latency"] = value
    Table(frame, small_table.card).save(hwbench_home / "tables" / "gaps.parquet")
    assert np.isfinite(load_target("gaps:test_accuracy").values).all()
    with pytest.raises(HwbenchError, match=r"2 values are missing or infinite, .* row 5") as caught:
        load_target("gaps:latency")
    assert frame["arch"].iloc[5] in str(caught.value)
    kept = load_target("gaps:latency", missing="keep")
    assert (~np.isfinite(kept.values)).sum() == 2


@pytest.mark.parametrize("name", ["nasbench201", "darts"])
def test_values_of_architectures_are_those_of_their_rows(make_table, name):
    space = hb.get_space(name)
    archs = space.sample(20, seed=3)
    frame = make_table(n_archs=12, columns=["latency"]).metrics
    card = make_table(columns=["latency"]).card.model_copy(update={"space": name})
    target = Target.of(Table.from_archs(archs[:12], frame, card), "latency")
    order = np.random.default_rng(0).permutation(20)
    expected = np.append(target.values, [np.nan] * 8)[order]
    np.testing.assert_array_equal(target.values_of(archs[order]), expected)


def test_another_space_is_refused(own_table):
    target = load_target("small:latency")
    assert target.check_space("nasbench201", "cost") is target
    with pytest.raises(HwbenchError, match="cost: small:latency is of the space nasbench201, not"):
        target.check_space("darts", "cost")
