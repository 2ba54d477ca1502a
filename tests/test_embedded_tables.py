"""The tables that come with hwbench are whole, plausible and small."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import hwbench as hb
from hwbench.assets import asset_files

FILES = asset_files("data", ".parquet")


ROWS = {"nb201-digits": 15625, "macro-cpu": 6561, "transnas-macro-cpu": 3256}
"""Whole spaces that were measured and trained by hwbench itself."""

DRAWN = {"autosnn-digits": 300}
"""Parts of spaces, drawn at random, that were trained by hwbench; the rest is of the literature."""


@pytest.mark.parametrize(("name", "rows"), ROWS.items())
def test_holds_every_architecture_once_and_no_gap(name, rows):
    table = hb.load_table(name)
    assert len(table) == len(table.space) == rows
    np.testing.assert_array_equal(np.sort(table.frame["hwbench_index"]), np.arange(rows))
    assert table.space.to_strings(table.archs) == list(table.frame["arch"])
    assert np.isfinite(table.metrics.to_numpy(dtype=float)).all()


@pytest.mark.parametrize("name", FILES)
def test_explains_itself(name):
    card = hb.load_table(name).card
    assert card.name == name
    assert card.licence != "unspecified"
    for recipe in card.recipes:
        if name in {*ROWS, *DRAWN}:
            assert recipe["machine"]["processor"]
            assert recipe["versions"]["torch"]
        else:
            assert all(file["licence"] and file["commit"] for file in recipe["files"])
    for column in card.columns.values():
        assert column.unit
        assert column.source


def test_spiking_networks_are_drawn_and_differ():
    table = hb.load_table("autosnn-digits")
    assert len(table) == len(table.frame["arch"].unique()) == DRAWN["autosnn-digits"]
    accuracy, spikes = table.column("test_accuracy"), table.column("spikes")
    assert accuracy.max() > 80
    assert np.ptp(accuracy) > 20
    assert spikes.max() > 1.5 * spikes.min() > 0
    # Poolings and stem fire whatever the blocks do: blocks without neurons fire the least.
    skips = (table.archs == table.space.choices[0].index("skip")).sum(axis=1)
    assert spearmanr(skips, spikes).statistic < -0.3
    np.testing.assert_allclose(table.column("spike_energy"), 1.7e-3 * spikes, rtol=1e-6)
    skeleton = table.card.recipes[0]["skeleton"]
    np.testing.assert_array_equal(
        table.column("parameters"), table.space.parameters(table.archs, **skeleton)
    )


def test_all_are_small():
    assert sum(path.stat().st_size for path in FILES.values()) < 12e6


def test_latency_is_dearer_for_more_work():
    for name in ROWS:
        table = hb.load_table(name)
        assert spearmanr(table.column("latency"), table.column("flops")).statistic > 0.5


def test_counts_are_the_formulas():
    for name in ROWS:
        table = hb.load_table(name)
        skeleton = table.card.recipes[0]["skeleton"]
        flops = table.space.flops(table.archs, **skeleton)
        parameters = table.space.parameters(table.archs, **skeleton)
        np.testing.assert_array_equal(table.column("flops"), flops)
        np.testing.assert_array_equal(table.column("parameters"), parameters)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("column", ["latency", "latency_min", "onnxruntime_latency"])
def test_latencies_say_how_noisy_they_are(name, column):
    noise = hb.load_table(name).card.columns[column].noise
    assert noise.method == ("twins" if name == "nb201-digits" else "halves")
    assert 0.4 < noise.kendall_tau < noise.tau_ceiling < 1


@pytest.mark.parametrize("name", ROWS)
def test_two_runtimes_agree_about_what_is_slow(name):
    table = hb.load_table(name)
    eager, onnx = table.column("latency_min"), table.column("onnxruntime_latency_min")
    assert spearmanr(eager, onnx).statistic > 0.5


def test_accuracies_spread_and_equal_functions_share_theirs():
    table = hb.load_table("nb201-digits")
    accuracy = table.column("test_accuracy")
    low, high = np.percentile(accuracy, [5, 95])
    assert high - low > 10
    assert len(table.card.columns["test_accuracy"].seeds) >= 2
    classes = table.space.function_classes(table.archs)
    np.testing.assert_array_equal(accuracy, accuracy[classes])


def test_accuracies_say_how_far_two_trainings_agree():
    noise = hb.load_table("nb201-digits").card.columns["test_accuracy"].noise
    assert noise.method == "seeds"
    assert noise.kendall_tau == pytest.approx(0.39, abs=0.01)
    assert noise.kendall_tau < noise.tau_ceiling < 0.8
