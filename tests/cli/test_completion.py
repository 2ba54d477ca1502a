"""What the tab key offers."""

import subprocess
import sys

import pytest

import hwbench
from hwbench.cli import completion
from hwbench.live.recipes import recipe_files
from hwbench.runs.scenario import scenario_files
from hwbench.spaces import list_spaces
from hwbench.tables import load_table, table_files
from hwbench.tables.public.catalogue import benchmark_files


@pytest.mark.parametrize(
    ("complete", "names"),
    [
        (completion.predictors, hwbench.list_predictors),
        (completion.scenarios, scenario_files),
        (completion.tables, table_files),
        (completion.spaces, list_spaces),
        (completion.benchmarks, benchmark_files),
        (completion.searches, lambda: recipe_files("published")),
        (completion.sweeps, lambda: recipe_files("sweeps")),
    ],
)
def test_offers_every_name_there_is(complete, names, hwbench_home):
    assert sorted(complete("")) == sorted(names())
    first = sorted(names())[0]
    assert first in complete(first[:2])
    assert complete("no such") == []


def test_offers_columns_of_embedded_and_own_tables(own_table):
    found = completion.columns("nb201-digits:lat")
    assert found == ["nb201-digits:latency", "nb201-digits:latency_min", "nb201-digits:latency_iqr"]
    metrics = load_table("small").metrics
    assert completion.columns("small:") == [f"small:{column}" for column in metrics]


def test_a_shell_gets_them():
    result = subprocess.run(
        [sys.executable, "-m", "hwbench"],
        env={
            "_HWBENCH_COMPLETE": "complete_zsh",
            "_TYPER_COMPLETE_ARGS": "hwbench predictors show rid",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ridge" in result.stdout
