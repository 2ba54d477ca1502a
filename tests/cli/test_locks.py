"""Every command that writes a run folder waits for nobody and touches nothing of another's."""

import hashlib
from pathlib import Path

import pytest

SCENARIO = """
title = "Mine"
[study]
targets = ["small:latency"]
predictors = ["ridge"]
training_sizes = [10]
seeds = [0, 1]
test_size = 100
[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [50]
deviations = [0.5]
repeats = 5
[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = ["random"]
evaluations = 20
checkpoints = [10, 20]
n_initial = 10
seeds = [0]
"""

SWEEP = """
title = "two"
search = "{search}"
argument = "trainer.batch_size"
values = [32]
baseline = false
seeds = [0]
"""


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def scenario(own_table, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def folder(hwbench, scenario, tmp_path):
    """A run folder in which all three parts are done."""
    folder = tmp_path / "run"
    assert hwbench("benchmark", scenario, "-o", folder, "-w", 1).code == 0
    assert not (folder / ".lock").exists()
    return folder


def test_commands_of_scenarios(folder, scenario, held_elsewhere, refused, tmp_path):
    before = contents(folder)
    held_elsewhere(folder)
    for command in (
        ["study", "run", scenario, "-o", folder],
        ["study", "run", scenario, "-o", folder, "--fresh"],
        ["study", "resume", folder],
        ["study", "retry-failed", folder],
        ["study", "merge", folder, folder],
        ["study", "compact", folder],
        ["simulate", "run", scenario, "-o", folder],
        ["search", "run", scenario, "-o", folder],
        ["benchmark", scenario, "-o", folder],
        ["benchmark", scenario, "-o", folder, "--fresh"],
        ["report", "write", folder],
    ):
        message = refused(*command)
        assert message.startswith(f"{folder}: another process is writing it (process "), command
        assert contents(folder) == before, command


def test_a_page_elsewhere_has_not_to_wait(folder, held_elsewhere, hwbench, tmp_path):
    held_elsewhere(folder)
    page = tmp_path / "page.html"
    assert hwbench("report", "write", folder, "-o", page).code == 0
    assert page.exists()


def test_commands_of_live_searches(held_elsewhere, refused, tmp_path, tiny_search):
    search, sweep = tiny_search(), tmp_path / "two.toml"
    sweep.write_text(SWEEP.format(search=search))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.toml").write_bytes(search.read_bytes())
    (folder / "result.json").write_text('{"architecture": "x"}')
    before = contents(folder)
    held_elsewhere(folder)
    for command in (
        ["live", "run", search, "-o", folder],
        ["live", "run", search, "-o", folder, "--fresh"],
        ["live", "rank", folder],
        ["live", "sweep", sweep, "-o", folder],
        ["live", "sweep", sweep, "-o", folder, "--fresh"],
    ):
        message = refused(*command)
        assert message.startswith(f"{folder}: another process is writing it (process "), command
        assert contents(folder) == before, command


def test_vae_training(held_elsewhere, refused, tmp_path):
    held_elsewhere(tmp_path / "vae.npz", "file")
    message = refused("vae", "train", "nasbench201", "-o", tmp_path / "vae.npz", "--graphs", 50)
    assert message.startswith(f"{tmp_path}/vae.npz: another process is writing it (process ")
    assert not Path(tmp_path / "vae.npz").exists()
