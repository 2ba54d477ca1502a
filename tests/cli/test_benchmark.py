"""`hwbench benchmark`: its presets are scenarios, and say how long they take."""

import re

import pytest

from hwbench.cli.benchmark import SCENARIO_OF, Preset
from hwbench.cli.words import duration_in_words
from hwbench.runs.scenario import load_scenario

STUDY_TABLES = {
    "hw-nas-bench:cifar100.edgegpu_energy",
    "hw-nas-bench:cifar100.pixel3_latency",
    "hw-nas-bench:cifar10.edgegpu_latency",
    "hw-nas-bench:ImageNet16-120.eyeriss_arithmetic_intensity",
    "hw-nas-bench:ImageNet16-120.raspi4_latency",
}


@pytest.mark.parametrize("preset", Preset)
def test_a_preset_is_the_published_study_and_says_how_long_it_takes(hwbench, preset):
    scenario = load_scenario(SCENARIO_OF[preset])
    assert set(scenario.study.targets) == STUDY_TABLES
    assert scenario.study.tuning is not None
    shown = " ".join(hwbench("benchmark", "--help").out.replace("│", " ").split())
    stated = rf"{preset.value} (takes )?(about|at most) {duration_in_words(scenario.minutes)}"
    assert re.search(stated, shown)


def test_the_quick_one_compares_all_families():
    study = load_scenario("quick").study
    wanted = {"auto", "bananas", "gcn", "lookup_table", "mlp_small", "structural_gaussian_process"}
    assert wanted <= set(study.predictors)
    assert len(study.predictors) >= 12
    assert list(study.training_sizes) == [11, 25, 55, 124, 276, 614]
    assert len(study.seeds) >= 5
    assert load_scenario("quick").minutes <= 8


def test_a_preset_and_a_scenario_are_one_too_many(refused):
    assert "give one of the two" in refused("benchmark", "quick", "--preset", "good")
    assert "did you mean 'quick'?" in refused("benchmark", "quik")


@pytest.mark.parametrize(
    ("minutes", "words"), [(7, "7 minutes"), (180, "3 hours"), (60 * 24 * 9, "9 days")]
)
def test_durations(minutes, words):
    assert duration_in_words(minutes) == words
