"""A record of wrong types is one line in every command that reads it, whatever the field."""

import copy
import json
import shutil

import pytest
from typer.testing import CliRunner

from hwbench.cli.app import app
from hwbench.errors import HwbenchError
from hwbench.results.names import RECORD
from hwbench.results.record import read_record
from hwbench.runs.run import run_scenario

SCENARIO = """
title = "Hostile"
[study]
targets = ["small:latency"]
predictors = ["ridge"]
training_sizes = [10]
seeds = [0]
test_size = 20

[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [20]
deviations = [0.5]
repeats = 4

[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = ["random"]
evaluations = 10
checkpoints = [5, 10]
n_initial = 5
seeds = [0]
"""
DEEP = [[]]
for _ in range(400):
    DEEP = [DEEP]
WRONG = (
    None, True, -1, 0, 7, 10**400, 0.5, float("nan"), float("inf"), "", "a", "3/2", "\ud800",
    [], [1], ["a"], [None], [[]], [{}], {}, {"a": 1}, {"a": None}, {"a": []}, {"a": {"a": 1}}, DEEP,
)  # fmt: skip


@pytest.fixture
def whole(own_table, tmp_path):
    """A run folder of all parts, and the scenario that it is of."""
    scenario = tmp_path / "hostile.toml"
    scenario.write_text(SCENARIO)
    folder = run_scenario(str(scenario), tmp_path / "whole")
    return folder, scenario


def places(value, path=()):
    """The path of every field, those inside too; of a list its first entry."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def changed(record, path, value):
    record = copy.deepcopy(record)
    inside = record
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return record


def commands(folder, whole, scenario):
    """Every command that reads the record of a folder, without those that would run something."""
    other = folder.with_name("merged")
    yield ["study", "status", folder]
    yield ["study", "resume", folder]
    yield ["study", "retry-failed", folder]
    yield ["study", "merge", other, folder]
    yield ["study", "merge", folder, whole]
    yield ["study", "run", scenario, "-o", folder]
    yield ["simulate", "run", scenario, "-o", folder]
    yield ["search", "run", scenario, "-o", folder]
    yield ["benchmark", "run", scenario, "-o", folder]
    yield ["report", "write", folder]
    yield ["report", "compare", folder, whole, "-o", folder.with_name("compare.html")]
    yield ["report", "compare", whole, folder, "-o", folder.with_name("compare.html")]


def wrong_records(record, values):
    record = {**record, "description": "of a stranger", "search_failures": [
        {"strategy": "random", "metric_target": "m", "seed": 0, "error": "Traceback\nE: no"}
    ]}  # fmt: skip
    record["left_out"] = [{"predictor": "p", "reason": "r", "encoding": "e", "target": "t"}]
    record["notes"] = {"search": ["a note"]}
    for path in places(record):
        if (path[0] == "tables" and len(path) > 5) or (path[0] == "predictors" and len(path) > 2):
            continue  # shown as they are, or not at all
        for value in values:
            yield path, value, changed(record, path, value)


def check(command):
    result = CliRunner().invoke(app, [str(each) for each in command], catch_exceptions=True)
    error = result.exception
    assert error is None or isinstance(error, HwbenchError | SystemExit), (command, repr(error))
    if isinstance(error, HwbenchError):
        assert "\n" not in str(error)
    return error


def run_in_turn(whole, scenario, tmp_path, values):
    """Give every wrong record to one command, each command in its turn.

    Returns
    -------
    What was no line of ours, and how many were tried.
    """
    record = json.loads((whole / RECORD).read_text())
    found, count = [], 0
    for count, (path, value, wrong) in enumerate(wrong_records(record, values), start=1):
        folder = tmp_path / "wrong"
        for each in (folder, tmp_path / "merged"):
            shutil.rmtree(each, ignore_errors=True)
        shutil.copytree(whole, folder)
        (folder / RECORD).write_text(json.dumps(wrong), encoding="utf-8")
        every = list(commands(folder, whole, scenario))
        command = every[count % len(every)]
        try:
            check(command)
        except AssertionError as error:
            found.append(f"{path} = {str(value)[:40]}: {error}")
    return found, count


def test_every_field_of_every_wrong_type_is_read_or_refused_in_one_line(whole, tmp_path):
    folder, _ = whole
    record = json.loads((folder / RECORD).read_text())
    refusals = []
    for _, _, wrong in wrong_records(record, WRONG):
        (tmp_path / RECORD).write_text(json.dumps(wrong), encoding="utf-8")
        try:
            read_record(tmp_path)
        except HwbenchError as error:
            refusals.append(str(error))
    assert len(refusals) > 1000
    assert all(each.startswith(str(tmp_path / RECORD)) for each in refusals)
    assert not any("\n" in each for each in refusals)


@pytest.mark.slow
def test_wrong_records_are_one_line_in_every_command(whole, tmp_path):
    found, count = run_in_turn(*whole, tmp_path, (None, -1, 0.5, "a", [1], [{}], {"a": {"a": 1}}))
    assert not found, found[:20]
    assert count > 500
