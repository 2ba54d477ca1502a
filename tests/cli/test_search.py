"""`hwbench search`: listing, running, and refusals of one line."""

import json

import pytest

from hwbench.search import list_strategies

SCENARIO = """
title = "Searches"
[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = [
    "random",
    {{ name = "predictor_guided", parameters = {{ predictor = "{predictor}" }} }},
]
evaluations = 40
checkpoints = [20, 40]
n_initial = 10
seeds = [0, 1]
predicted_metric = {{ predictor = "ridge", training_sizes = [20], repeats = 5 }}
[search.limits]
"small:latency" = [1.0]
"""


@pytest.fixture
def scenario(own_table, tmp_path):
    def write(predictor="ridge"):
        path = tmp_path / "mine.toml"
        path.write_text(SCENARIO.format(predictor=predictor))
        return path

    return write


def test_list(hwbench):
    listed = json.loads(hwbench("search", "list", "--json").out)
    assert [row["name"] for row in listed] == list_strategies()
    assert all(row["title"] and row["family"] and row["paper"] for row in listed)
    text = hwbench("search", "list", columns=300).out
    assert "Regularised evolution" in text
    assert "tournament_size=10" in text


def test_run_and_report(hwbench, scenario, tmp_path):
    folder = tmp_path / "run"
    result = hwbench("search", "run", scenario(), "-o", folder, "-w", 1)
    assert result.code == 0, result
    shown = " ".join(result.out.split())
    assert "Share of the true front's hypervolume by evaluations, on objectives normalised" in shown
    assert "as published, down to accuracy 0: median of 2 seeds (quartiles), mean" in shown
    assert "Distance from the true front after 40 evaluations" in shown
    assert "Random search" in result.out
    assert "(best there is)" in result.out
    assert "MRA of verified picks" in result.out
    page = hwbench("report", "write", folder)
    assert page.code == 0, page
    text = (folder / "report.html").read_text(encoding="utf-8")
    for part in ('id="search"', "search-hypervolume-0", "search-limits-0-40", "search-mra-all-0"):
        assert part in text


def test_refusals(refused, scenario, tmp_path):
    assert "did you mean 'ridge'" in refused("search", "run", scenario("ridg"), "-w", 1)
    assert "unknown scenario" in refused("search", "run", "nothing")
    broken = tmp_path / "broken.toml"
    broken.write_text('title = "t"\n[search]\naccuracy = "small:a"\nstrategies = ["random"]\n')
    assert "key 'search.metrics' is missing" in refused("search", "run", broken)
    simulation = tmp_path / "simulation.toml"
    simulation.write_text(
        'title = "t"\n[simulation]\naccuracy = "small:test_accuracy"\n'
        'metrics = ["small:latency"]\nn_candidates = [10]\ndeviations = [0.1]\n'
    )
    assert "no section [search]" in refused("search", "run", simulation)


def test_an_estimate_before_starting(hwbench, refused, scenario, tmp_path):
    shown = hwbench("search", "estimate", scenario(), "-w", 2)
    assert shown.code == 0, shown
    assert "8 searches, 320 evaluations, about" in shown.out
    assert "with 2 workers" in shown.out
    data = json.loads(hwbench("search", "estimate", scenario(), "-w", 2, "--json").out)
    assert (data["searches"], data["evaluations"], data["workers"]) == (8, 320, 2)
    assert [(row["searches"], row["fits"]) for row in data["strategies"]] == [(4, 2), (4, 2)]
    slowest = max(row["slowest"] for row in data["strategies"])
    assert data["wall_seconds"] == max(data["cpu_seconds"] / 2, slowest)
    other = tmp_path / "other.toml"
    other.write_text(scenario().read_text().replace("[search", "[study"))
    assert "unknown key" in refused("search", "estimate", other)
    assert refused("search", "estimate", "quick") == "scenario quick has no section [search]"
