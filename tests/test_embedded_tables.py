"""The tables that come with hwbench are whole, plausible and small."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import hwbench as hb
from hwbench.assets import asset_files

FILES = asset_files("data", ".parquet")


@pytest.mark.parametrize(("name", "rows"), [("nb201-digits", 15625), ("macro-cpu", 6561)])
def test_holds_every_architecture_once_and_no_gap(name, rows):
    table = hb.load_table(name)
    assert len(table) == len(table.space) == rows
    np.testing.assert_array_equal(np.sort(table.frame["arch_index"]), np.arange(rows))
    assert table.space.to_strings(table.archs) == list(table.frame["arch"])
    assert np.isfinite(table.metrics.to_numpy(dtype=float)).all()


@pytest.mark.parametrize("name", FILES)
def test_explains_itself(name):
    card = hb.load_table(name).card
    assert card.name == name
    assert card.licence != "unspecified"
    for recipe in card.recipes:
        assert recipe["machine"]["processor"]
        assert recipe["versions"]["torch"]
    for column in card.columns.values():
        assert column.unit
        assert column.source


def test_all_are_small():
    assert sum(path.stat().st_size for path in FILES.values()) < 3e6


def test_latency_is_dearer_for_more_work():
    for name in FILES:
        table = hb.load_table(name)
        assert spearmanr(table.column("latency"), table.column("flops")).statistic > 0.5


def test_counts_are_the_formulas():
    for name in FILES:
        table = hb.load_table(name)
        np.testing.assert_array_equal(table.column("flops"), table.space.flops(table.archs))
        np.testing.assert_array_equal(
            table.column("parameters"), table.space.parameters(table.archs)
        )


def test_accuracies_spread_and_equal_functions_share_theirs():
    table = hb.load_table("nb201-digits")
    accuracy = table.column("test_accuracy")
    low, high = np.percentile(accuracy, [5, 95])
    assert high - low > 10
    assert len(table.card.columns["test_accuracy"].seeds) >= 2
    classes = table.space.function_classes(table.archs)
    np.testing.assert_array_equal(accuracy, accuracy[classes])
