"""A run folder is written whole, and nothing of the user's in it is touched."""

import json

import pandas as pd
import pytest

from hwbench.cli.summary import print_simulation, print_study
from hwbench.errors import HwbenchError
from hwbench.runs.run import run_scenario

SCENARIO = """
title = "Small"
[study]
targets = ["small:latency"]
predictors = ["ridge"]
training_sizes = [20]
seeds = [0]
test_size = 50
"""

SIMULATION = """
[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [50]
deviations = [0.2]
repeats = 3
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


def test_a_folder_of_another_kind_is_left_alone(tmp_path, scenario):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "compress.toml").touch()
    with pytest.raises(HwbenchError, match="holds a comparison of compressed networks; choose"):
        run_scenario(scenario, tmp_path / "run", fresh=True)
    assert not (tmp_path / "run" / "scenario.toml").exists()


def test_a_run_goes_on_and_keeps_its_sessions(tmp_path, scenario):
    folder = tmp_path / "run"
    run_scenario(scenario, folder)
    before = (folder / "study.parquet").read_bytes()
    run_scenario(scenario, folder)
    assert (folder / "study.parquet").read_bytes() == before
    record = json.loads((folder / "run.json").read_text())
    assert [session["trials_run"] for session in record["sessions"]] == [1, 0]
    assert record["seconds"] == pytest.approx(sum(each["seconds"] for each in record["sessions"]))
    assert record["started"] == record["sessions"][0]["started"]
    assert set(record["study"]["targets"]) == {"small:latency"}


def test_a_simulation_joins_a_study_of_the_same_scenario(tmp_path, hwbench_home, scenario):
    path = tmp_path / "both.toml"
    path.write_text(SCENARIO + SIMULATION)
    folder = tmp_path / "run"
    run_scenario(str(path), folder, parts=("study",))
    run_scenario(str(path), folder, parts=("simulation",))
    assert (folder / "study.parquet").exists()
    assert (folder / "simulation.parquet").exists()
    path.write_text(SCENARIO + SIMULATION.replace("repeats = 3", "repeats = 4"))
    with pytest.raises(HwbenchError, match="its simulation has another spec"):
        run_scenario(str(path), folder, parts=("study",))
    run_scenario(str(path), folder)
    assert len(pd.read_parquet(folder / "simulation.parquet")) == 4


def test_one_trial_of_a_sampled_predictor_stands_under_its_size(tmp_path, scenario, capsys):
    print_study(run_scenario(scenario, tmp_path / "run"))
    printed = capsys.readouterr().out
    assert "Kendall's tau by number of measurements" in printed
    assert "20" in printed
    assert "of its own" not in printed


def test_what_is_printed_keeps_to_the_terminal(
    tmp_path, hwbench_home, scenario, monkeypatch, capsys
):
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "both.toml"
    path.write_text(SCENARIO + SIMULATION)
    folder = run_scenario(str(path), tmp_path / "run")
    print_study(folder)
    print_simulation(folder)
    printed = capsys.readouterr().out
    assert printed.startswith("Which predictor?")
    assert "median over selections" in printed
    assert "not measured" in printed
    lines = [line for line in printed.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    assert len(lines) < 45


def test_a_later_simulation_keeps_what_the_study_is_held_against(tmp_path, hwbench_home, scenario):
    path = tmp_path / "both.toml"
    path.write_text(SCENARIO + SIMULATION)
    folder = tmp_path / "run"
    run_scenario(str(path), folder, parts=("study",))
    before = json.loads((folder / "run.json").read_text())
    assert before["baselines"]["small:latency"]["random"] == 0.0
    run_scenario(str(path), folder, parts=("simulation",))
    after = json.loads((folder / "run.json").read_text())
    assert after["baselines"] == before["baselines"]


def test_columns_that_do_not_go_together_are_found_before_the_study(tmp_path, unit_tables):
    path = tmp_path / "both.toml"
    study = SCENARIO.replace("small:", "percent:")
    simulation = SIMULATION.replace("small:latency", "percent:latency")
    path.write_text(study + simulation.replace("small:test_accuracy", "percent:test_error"))
    with pytest.raises(HwbenchError, match="use percent:test_accuracy"):
        run_scenario(str(path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_was_done_to_columns_stays_in_the_record(tmp_path, unit_tables):
    path, folder = tmp_path / "both.toml", tmp_path / "run"
    study, simulation = (text.replace("small:", "fraction:") for text in (SCENARIO, SIMULATION))
    path.write_text(study + simulation)
    for parts in (("simulation",), ("study",)):
        run_scenario(str(path), folder, parts=parts)
        notes = json.loads((folder / "run.json").read_text())["notes"]
        assert [note.split()[0] for note in notes["simulation"]] == ["fraction:test_accuracy"]
