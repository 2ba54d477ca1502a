"""`hwbench study`: what it prints of a run folder, and what it refuses."""

import json
from pathlib import Path

import pytest

from hwbench.study import read_trials

STUDY = """
title = "Mine"
[study]
targets = ["small:latency", "small:test_accuracy"]
predictors = ["ridge", "linear", "lookup_table"]
training_sizes = [10, 40, 90]
seeds = [0, 1, 2]
test_size = 100
"""


@pytest.fixture
def scenario(own_table, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def folder(hwbench, scenario, tmp_path):
    folder = tmp_path / "run"
    result = hwbench("study", "run", scenario, "-o", folder, "-w", 1)
    assert result.code == 0, result
    return folder


def test_status_counts_failures_and_says_what_to_do(hwbench, folder):
    shown = hwbench("study", "status", folder)
    assert shown.code == 0
    # The small table lacks the lookup table's neighbourhood.
    assert "38 of 38 trials are done, 2 of them failed" in shown.out
    assert "2 x lookup_table: LookupError: the table lacks" in shown.out
    assert f"hwbench study retry-failed {folder}" in shown.out
    data = json.loads(hwbench("study", "status", folder, "--json").out)
    assert (data["trials"], data["done"], data["failed"], data["missing"]) == (38, 38, 2, 0)
    assert data["predictors"][0] == {
        **{"predictor": "linear", "encoding": "onehot"},
        **{"trials": 18, "done": 18, "failed": 0, "missing": 0},
    }


def test_retry_failed_runs_them_again(hwbench, folder):
    shown = hwbench("study", "retry-failed", folder, "-w", 1)
    assert shown.code == 0
    assert shown.out.startswith("2 trials were run")
    assert hwbench("study", "resume", folder, "-w", 1).out.startswith("0 trials were run")


ENTRY = ("target", "predictor", "encoding")


def test_results_as_listings_and_as_json(hwbench, folder):
    scores = json.loads(hwbench("study", "scores", folder, "--json").out)
    learned = [row for row in scores if row["training_size"]]
    assert len(learned) == 2 * 2 * 3
    free = [row for row in scores if not row["training_size"]]
    assert {row["predictor"] for row in free} == {"flops", "parameters", "operations", "random"}
    assert len(free) == 2 * 4
    shown = hwbench("study", "scores", folder).out
    assert "FLOPs, not measured" in shown
    assert "nan" not in shown
    assert scores[0]["seeds"] == 3
    assert scores[0]["kendall_tau_low"] <= scores[0]["kendall_tau"]
    assert f"{scores[0]['kendall_tau']:.3f}" in shown
    size = str(scores[0]["training_size"])
    in_full = hwbench("study", "scores", folder, "--size", size).out
    assert f"{scores[0]['kendall_tau']:.3f} (" in in_full
    at_size = json.loads(hwbench("study", "scores", folder, "--size", size, "--json").out)
    assert {row["training_size"] for row in at_size} == {0, int(size)}
    needed = json.loads(hwbench("study", "samples-needed", folder, "--tau", 0.5, "--json").out)
    assert {row["predictor"] for row in needed if row["encoding"] != "none"} == {"ridge", "linear"}
    for row in free:
        (same,) = [each for each in needed if all(each[key] == row[key] for key in ENTRY)]
        assert same["samples"] == (0 if row["kendall_tau"] >= 0.5 else None)
    assert "Kendall's tau of 0.5" in hwbench("study", "samples-needed", folder, "--tau", 0.5).out
    assert "not reached" in hwbench("study", "samples-needed", folder, "--tau", 1).out
    ranks = json.loads(hwbench("study", "ranks", folder, "--json").out)
    assert sum(ranks["ranks"].values()) == pytest.approx(3.0)
    assert ranks["not_measured"]["random"] == 3.0
    assert "Random order, not measured" in hwbench("study", "ranks", folder).out
    assert ranks["critical_difference"] is ranks["p_value"] is ranks["not_told_apart"] is None
    assert "it takes 5" in ranks["why_not"]
    shown = " ".join(hwbench("study", "ranks", folder).out.split())
    assert "no claim is made of differences: " + ranks["why_not"] in shown
    assert "critical difference" not in shown
    deviations = json.loads(hwbench("study", "deviations", folder, "--json").out)
    assert len(deviations) == 2 * 2 * 3
    assert "p norm" in hwbench("study", "deviations", folder, "--single").out


def test_scores_are_shown_by_size_the_best_first(hwbench, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    scores = json.loads(hwbench("study", "scores", folder, "--json").out)
    target = scores[0]["target"]
    title, name, sizes, *lines, further = hwbench(
        *("study", "scores", folder, "--target", target)
    ).out.splitlines()
    assert title == "Kendall's tau by number of measurements, mean over 3 seeds"
    assert name == target
    assert sizes.split() == ["predictor", "10", "40", "90"]
    for line in lines:
        own = [row for row in scores if row["target"] == target]
        own = [
            row for row in own if row["encoding"] != "none" and line.startswith(row["predictor"])
        ]
        found = [f"{row['kendall_tau']:.3f}" for row in own]
        assert line.split()[1:] == found or "not measured" in line
    means = [sum(map(float, line.split()[-3:])) for line in lines]
    assert means[:2] == sorted(means[:2], reverse=True)
    assert means[2:] == sorted(means[2:], reverse=True)
    assert further.endswith(f"hwbench study scores {folder} --size 90")
    errors = hwbench("study", "scores", folder, "--score", "mae").out
    assert errors.startswith("mae by number of measurements")
    assert "not measured" not in errors


def test_a_table_of_results_stands_under_its_target(hwbench, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("samples-needed", "deviations"):
        found = json.loads(hwbench("study", command, folder, "--json").out)
        targets = sorted({row["target"] for row in found})
        for shown in (targets, targets[:1]):
            chosen = [word for target in shown for word in ("--target", target)]
            lines = hwbench("study", command, folder, *chosen).out.splitlines()
            titles = [
                line.split(",")[0].strip() for line in lines if line.startswith(tuple(targets))
            ]
            assert titles == shown
    largest = hwbench("study", "deviations", folder).out
    assert largest.count(", 90 measurements") == 2
    assert hwbench("study", "deviations", folder, "--size", 10).out.count(", 10 measurements") == 2


@pytest.mark.parametrize("command", ["scores", "samples-needed", "deviations"])
def test_results_of_a_run_whose_record_knows_nothing_of_what_is_free(hwbench, command):
    old = Path(__file__).parents[1] / "old" / "0.1.0" / "run"
    found = hwbench("study", command, old)
    assert found.code == 0, found
    assert "ridge" in found.out
    assert "predictor " in found.out


def test_an_estimate_before_starting(hwbench, scenario):
    shown = hwbench("study", "estimate", scenario, "-w", 2)
    assert shown.code == 0
    assert "38 trials, about" in shown.out
    assert "with 2 workers" in shown.out
    data = json.loads(hwbench("study", "estimate", scenario, "-w", 2, "--json").out)
    assert data["trials"] == 38
    assert data["wall_seconds"] == pytest.approx(data["cpu_seconds"] / 2)


def test_the_same_command_goes_on_and_another_study_is_refused(
    hwbench, refused, folder, scenario, own_table, small_table
):
    assert hwbench("study", "run", scenario, "-o", folder, "-w", 1).code == 0
    scenario.write_text(STUDY.replace("[10, 40, 90]", "[10, 40]"))
    message = refused("study", "run", scenario, "-o", folder)
    assert message == (
        f"{folder}: holds results of another run (study.training_sizes: [10, 40, 90] there, "
        "[10, 40] now); choose another folder with -o, or replace them with --fresh"
    )
    assert "38 of 38" in hwbench("study", "status", folder).out
    assert hwbench("study", "run", scenario, "-o", folder, "-w", 1, "--fresh").code == 0
    assert "26 of 26" in hwbench("study", "status", folder).out

    frame = small_table.frame.copy()
    frame.loc[3, "latency"] *= 2
    type(small_table)(frame, small_table.card).save(own_table)
    message = refused("study", "resume", folder)
    assert "values of targets.small:latency" in message


def test_a_study_may_ask_for_more(hwbench, refused, folder, scenario, tmp_path):
    more = STUDY.replace("[0, 1, 2]", "[0, 1, 2, 3]").replace('"linear",', '"linear", "svm",')
    scenario.write_text(more.replace("[10, 40, 90]", "[5, 10, 40, 90]"))
    before = read_trials(folder)
    assert hwbench("study", "run", scenario, "-o", folder, "-w", 1).code == 0
    grown = read_trials(folder)
    assert len(grown) == 2 * (3 * 4 * 4 + 1)
    assert set(before["trial"]) < set(grown["trial"])
    record = json.loads((folder / "run.json").read_text())
    assert [each["trials_run"] for each in record["sessions"]] == [38, len(grown) - 38]
    assert set(record["predictors"]) == {"ridge", "linear", "svm", "lookup_table"}
    assert hwbench("study", "resume", folder, "-w", 1).out.startswith("0 trials were run")
    scenario.write_text(more.replace("[0, 1, 2, 3]", "[3, 2, 1, 0]"))
    assert "study.training_sizes" in refused("study", "run", scenario, "-o", folder)


def test_shards_and_merging(hwbench, scenario, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (1, 2):
        assert hwbench("study", "run", scenario, "--shard", f"{place}/2", "-w", 1).code == 0
    assert (tmp_path / "runs" / "mine.2-of-2" / "study.parquet").exists()
    shown = hwbench("study", "status", "runs/mine.1-of-2")
    assert "19 of 19 trials" in shown.out
    shown = hwbench("study", "merge", "runs/mine", "runs/mine.1-of-2", "runs/mine.2-of-2")
    assert "38 trials were added" in shown.out
    assert "38 of 38 trials" in shown.out
    assert hwbench("study", "compact", "runs/mine").out.startswith("38 trials in")
    assert hwbench("report", "write", "runs/mine").code == 0


def test_a_shard_s_folder_is_not_taken_for_another(hwbench, refused, scenario, tmp_path):
    folder = tmp_path / "run"
    assert hwbench("study", "run", scenario, "--shard", "1/2", "-o", folder, "-w", 1).code == 0
    message = refused("study", "run", scenario, "--shard", "2/2", "-o", folder)
    assert "shard: 1/2 there, 2/2 now" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "gone"], "gone: holds no run, its run.json is missing"),
        (["resume", "gone"], "gone: holds no run, its run.json is missing"),
        (["merge", "whole", "gone"], "gone: holds no study"),
        (["compact", "gone"], "gone: holds no results of a study"),
        (["scores", "gone"], "gone: no such run folder"),
        (["samples-needed", "{folder}", "--tau", "2"], "tau must lie between -1 and 1, not 2"),
        (["scores", "{folder}", "--score", "tau"], "did you mean 'kendall_tau'?"),
        (["scores", "{folder}", "--size", "41"], "did you mean '40'?"),
        (["deviations", "{folder}", "--size", "41"], "did you mean '40'?"),
        (["samples-needed", "{folder}", "--target", "a:b"], "unknown target of the study 'a:b'"),
        (["ranks", "{folder}", "--size", "41"], "did you mean '40'?"),
        (["run", "{scenario}", "--shard", "3/2"], "--shard 3/2: must have the form I/N"),
        (["run", "{scenario}", "--shard", "x"], "--shard x: must have the form I/N"),
        (["run", "{scenario}", "--backend", "rai"], "unknown backend 'rai'; did you mean 'ray'?"),
        (["run", "{scenario}", "--address", "a:1"], "the backend 'local' has none"),
        (["estimate", "quik"], "did you mean 'quick'?"),
    ],
)
def test_wrong_use(refused, folder, scenario, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    given = [part.format(folder=folder, scenario=scenario) for part in arguments]
    assert message in refused("study", *given)


def test_a_broken_record_is_named(refused, folder, scenario):
    (folder / "run.json").write_text("{")
    assert "run.json: cannot be read as JSON" in refused("study", "status", folder)
    assert "run.json: cannot be read as JSON" in refused("study", "run", scenario, "-o", folder)
    (folder / "run.json").unlink()
    assert "holds results of a study without run.json" in refused(
        "study", "run", scenario, "-o", folder
    )
