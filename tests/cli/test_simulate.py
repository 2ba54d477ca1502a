"""`hwbench simulate`."""

import json

import pandas as pd
import pytest

TARGETS = ["--accuracy", "small:test_accuracy", "--metric", "small:latency"]
TWO_METRICS = ["--accuracy", "hw-nas-bench:cifar10.test_accuracy"] + [
    word
    for device in ("edgegpu", "raspi4")
    for word in ("--metric", f"hw-nas-bench:cifar10.{device}_latency")
]
SCENARIO = """
title = "t"
[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [50, 100]
deviations = [0.0, 0.4]
repeats = 20
predictors = ["ridge"]
training_sizes = [30]
fits = 2
"""


def test_expectation_of_a_tau(hwbench, own_table):
    line = ["simulate", "expect", *TARGETS, "--tau", "0.7", "--candidates", "100"]
    assert "nine in ten" in hwbench(*line).out
    found = json.loads(hwbench(*line, "--json").out)
    assert found["measures"]["kendall_tau"]["mean"] == pytest.approx(0.7, abs=0.02)
    worse = json.loads(hwbench(*line, "--json", "--tau", "0.4").out)
    assert worse["deviation"] > found["deviation"]
    assert worse["measures"]["mra_all"]["mean"] > found["measures"]["mra_all"]["mean"]


def test_expectation_of_a_fitted_predictor(hwbench, own_table):
    line = ["simulate", "expect", *TARGETS, "--predictor", "ridge", "--samples", "60"]
    line += ["--candidates", "100", "--repeats", "3", "--json"]
    found = json.loads(hwbench(*line).out)
    assert 0.3 < found["measures"]["kendall_tau"]["mean"] < 1
    assert found == json.loads(hwbench(*line).out)
    few = json.loads(hwbench(*line, "--samples", "8").out)
    assert few["deviation"] > found["deviation"]


def test_expectation_on_the_embedded_table(hwbench):
    line = ["simulate", "expect", "--tau", "0.8", "--candidates", "5000", "--repeats", "50"]
    out = hwbench(*line).out
    targets = ("hw-nas-bench:cifar10.test_accuracy", "hw-nas-bench:cifar10.edgegpu_latency")
    assert "5000 candidates, {} against {}".format(*targets) in out


def test_limits_and_budgets(hwbench, own_table):
    line = ["simulate", "select", *TARGETS, "--candidates", "100", "--deviation", "0.5", "--json"]
    free = json.loads(hwbench(*line).out)
    bound = json.loads(hwbench(*line, "--limit", "1.0", "--budget", "2").out)
    assert "regret" not in free
    assert bound["regret"]["mean"] > 0
    assert 0 < bound["infeasible_share"]["mean"] < 1
    assert bound["n_selected"]["most"] <= 2


def test_several_metrics_are_selected_by_jointly(hwbench):
    line = ["simulate", "select", "--accuracy", "nb201-digits:test_accuracy", "--repeats", "5"]
    line += ["--metric", "nb201-digits:latency", "--metric", "nb201-digits:peak_memory", "--json"]
    joint = json.loads(hwbench(*line).out)
    single = json.loads(hwbench(*line[:-3], "--json").out)
    assert joint["n_selected"]["mean"] > single["n_selected"]["mean"]


@pytest.mark.parametrize(
    "line",
    [
        ["select", "--metric", "fraction:latency", "--candidates", "100"],
        ["select", "--metric", "fraction:latency", "--metric", "fraction:throughput",
         "--candidates", "100", "--repeats", "3"],
        ["expect", "--metric", "fraction:latency", "--candidates", "100", "--tau", "0.7"],
        ["equivalent", "--metric", "fraction:latency", "--measured", "120", "--candidates", "200"],
    ],
)  # fmt: skip
def test_what_was_done_to_columns_is_said(hwbench, refused, unit_tables, line):
    command = ["simulate", *line, "--accuracy"]
    notes = json.loads(hwbench(*command, "fraction:test_accuracy", "--json").out)["notes"]
    assert "it was multiplied by 100" in notes[0]
    assert len(notes) == 1 + ("fraction:throughput" in line)
    text = hwbench(*command, "fraction:test_accuracy").out
    assert all(f"Note: {note}" in text for note in notes)
    assert (
        json.loads(hwbench(*command, "percent:test_accuracy", "--json").out)["notes"] == notes[1:]
    )
    assert "use fraction:test_accuracy" in refused(*command, "fraction:test_error")


def test_a_scenario_says_what_was_done_to_columns(hwbench, unit_tables, tmp_path):
    path, folder = tmp_path / "mine.toml", tmp_path / "run"
    path.write_text(SCENARIO.replace("small:", "fraction:"))
    wanted = "fraction:test_accuracy holds fractions (unit 1): it was multiplied by 100"
    assert f"Note: {wanted}" in hwbench("simulate", "run", path, "-o", folder, "-w", "1").out
    assert hwbench("report", "write", folder).code == 0
    assert wanted in (folder / "report.html").read_text(encoding="utf-8")


def test_equivalent_predictor(hwbench, own_table):
    line = ["simulate", "equivalent", *TARGETS, "--measured", "120", "--candidates", "200"]
    found = json.loads(hwbench(*line, "--json").out)
    assert 0 < found["tau"] < 1
    assert f"tau of {found['tau']:.2f}" in hwbench(*line).out
    assert "even guesses" in hwbench(*line, "--measured", "2").out


def test_a_scenario_with_real_predictors_and_both_pairings(hwbench, own_table, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO)
    out = hwbench("simulate", "run", path, "-o", tmp_path / "run", "-w", "2").out
    assert "ridge, 30" in out
    rows = pd.read_parquet(tmp_path / "run" / "simulation.parquet")
    assert len(rows) == 2 * 2 * 20 + 2 * 2
    assert hwbench("report", "write", tmp_path / "run").code == 0
    fields = SCENARIO[: SCENARIO.index("predictors")] + 'pairing = ["true", "as_published"]\n'
    path.write_text(fields)
    out = hwbench("simulate", "run", path, "-o", tmp_path / "run", "-w", "1").out
    assert "pairing as_published" in out
    assert hwbench("report", "write", tmp_path / "run").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["expect", *TARGETS], "give one of --tau, --deviation and --predictor"),
        (["expect", *TARGETS, "--tau", "0.5", "--deviation", "1"], "give one of"),
        (["expect", *TARGETS, "--tau", "1.5", "--candidates", "50"], "tau must be at most 1"),
        (["expect", *TARGETS, "--tau", "1e-9", "--candidates", "50"], "as small as 1e-09"),
        (
            ["expect", *TARGETS, "--tau", "0.5"],
            "1000 candidates asked for, but small:test_accuracy and small:latency share 200",
        ),
        (["expect", *TARGETS, "--deviation", "-1", "--candidates", "50"], "at least 0"),
        (["expect", *TARGETS, "--predictor", "rigde", "--candidates", "50"], "mean 'ridge'"),
        (["expect", *TARGETS, "--predictor", "ridge", "--samples", "300"], "latency has 200"),
        (
            ["expect", *TARGETS, "--predictor", "ridge", "--error-growth", "1"],
            "--predictor goes without",
        ),
        (["select", *TARGETS, "--deviations", "mixt"], "did you mean 'mixed'"),
        (["select", *TARGETS, "--pairing", "publisht"], "did you mean 'as_published'"),
        (["select", *TARGETS, "--reference-front", "spaces"], "did you mean 'space'"),
        (["select", *TARGETS, "--limit", "nan"], "limit must be a finite number"),
        (
            ["select", *TWO_METRICS, "--limit", "1"],
            "--limit goes with one --metric, not with 2",
        ),
        (
            ["select", *TARGETS, "--metric", "small:latency"],
            "small:latency is named twice, as metric and as metric; drop it, or",
        ),
        (
            ["select", *TARGETS, "--limit", "-3"],
            "limit -3 of small:latency: none of 200 architectures keeps it; the least there is",
        ),
        (
            ["equivalent", *TARGETS, *TARGETS[:2], *TARGETS[:2]],
            "3 --accuracy for 1 --metric",
        ),
        (
            ["equivalent", *TARGETS, "--measured", "300"],
            "the number of measured candidates must lie in 2 .. 199, not 300",
        ),
        (["equivalent", *TARGETS, "--measured", "20000"], "measured candidates must lie in"),
        (["equivalent", *TARGETS, "--measure", "hypervolum"], "did you mean 'hypervolume'"),
    ],
)
def test_wrong_arguments_are_refused(refused, own_table, arguments, message):
    assert message in refused("simulate", *arguments)


@pytest.mark.slow
def test_the_published_study(hwbench, hwbench_home, shared_data, tmp_path):
    hwbench("tables", "fetch", "hw-nas-bench", "--mirror", shared_data / "raw")
    hwbench("simulate", "run", "paper-selection", "-o", tmp_path / "run", "-w", "2")
    rows = pd.read_parquet(tmp_path / "run" / "simulation.parquet")
    assert len(rows) == 660_000
    assert hwbench("report", "write", tmp_path / "run").code == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "The published code sorts the metric values" in page


def test_an_estimate_before_starting(hwbench, refused, own_table, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO)
    shown = hwbench("simulate", "estimate", path, "-w", 3)
    assert shown.code == 0, shown
    assert "80 selections, 2 fits of predictors, about" in shown.out
    assert "with 3 workers" in shown.out
    data = json.loads(hwbench("simulate", "estimate", path, "--json").out)
    assert (data["selections"], data["fits"]) == (80, 2)
    kinds = [(row["predictor"], row["size"], row["number"]) for row in data["work"]]
    assert kinds == [(None, 50, 40), (None, 100, 40), ("ridge", 30, 2)]
    assert data["cpu_seconds"] == pytest.approx(sum(row["seconds"] for row in data["work"]))
    assert refused("simulate", "estimate", "search-quick") == (
        "scenario search-quick has no section [simulation]"
    )
