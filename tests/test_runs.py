"""A run folder is written whole, and nothing of the user's in it is touched."""

import pytest

from hwbench.cli.summary import print_study
from hwbench.runs import run_scenario

SCENARIO = """
title = "Small"
[study]
targets = ["small:latency"]
predictors = ["ridge"]
training_sizes = [20]
seeds = [0]
test_size = 50
"""


@pytest.fixture
def scenario(tmp_path, hwbench_home, make_table):
    make_table("small").save(hwbench_home / "tables" / "small.parquet")
    path = tmp_path / "scenario-given.toml"
    path.write_text(SCENARIO)
    return str(path)


def test_other_files_of_the_folder_stay(tmp_path, scenario):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "mine.parquet").write_text("precious")
    (folder / "simulation.parquet").write_text("of an earlier run")
    run_scenario(scenario, folder)
    assert (folder / "mine.parquet").read_text() == "precious"
    assert not (folder / "simulation.parquet").exists()
    assert (folder / "study.parquet").exists()
    assert (folder / "scenario.toml").read_text() == SCENARIO


def test_one_trial_of_a_sampled_predictor_stands_under_its_size(tmp_path, scenario, capsys):
    print_study(run_scenario(scenario, tmp_path / "run"))
    printed = capsys.readouterr().out
    assert "20" in printed
    assert "own" not in printed
