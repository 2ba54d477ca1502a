"""What commands print of a run: medians beside means, also of runs of older versions."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwbench.cli.by_size import size_lines
from hwbench.cli.search import print_search
from hwbench.cli.summary import print_simulation

OLD = Path(__file__).parents[1] / "old" / "0.1.0" / "run"


@pytest.fixture
def shown(tmp_path, capsys, monkeypatch):
    """What a printer prints of the run of hwbench 0.1.0, after changes to its simulation."""
    folder = tmp_path / "run"
    shutil.copytree(OLD, folder)
    monkeypatch.setenv("COLUMNS", "300")

    def printed(printer, change=None):
        path = folder / "simulation.parquet"
        if change is not None:
            change(pd.read_parquet(path)).to_parquet(path)
        printer(folder)
        return capsys.readouterr().out

    return printed


def test_simulations_are_medians_with_nine_in_ten_and_means(shown):
    losses = np.array([0.0, 1.0, 80.0])

    def change(rows):
        rows = rows[:3].assign(mra_all=losses, deviation=0.5)
        return rows.assign(hypervolume_share=[1.0, 0.9, 0.2], igd_plus=0.25, epsilon_additive=0.5)

    out = shown(print_simulation, change)
    low, high = np.quantile(losses, [0.05, 0.95])
    # Behind the quantiles the mean, of which one selection makes nearly all.
    assert f"1.00 ({low:.2f}-{high:.2f}; 27.00)" in out
    assert "HV: share of the true front's hypervolume" in out
    assert out.splitlines()[3].endswith("0.90")


def test_older_runs_are_shown_without_what_they_lack(shown):
    out = shown(print_simulation)
    assert "verified picks" in out
    assert "median over selections" in out
    assert "HV" not in out


def test_older_searches_are_normalised_by_their_true_front(shown):
    out = shown(print_search)
    assert "on objectives normalised by the true front" in out
    assert "as published" in out
    assert "additive epsilon" in out
    verified = pd.read_parquet(OLD / "search_verified.parquet")
    assert f"{verified['mra_all'].mean():.2f}" in out


def test_training_sizes_without_room_are_said():
    rows = [("ridge", dict.fromkeys((10, 20, 30, 40, 50, 60), "0.500"))]
    assert size_lines(rows, [10, 20, 30, 40, 50, 60], 51)[0].split()[1:] == [
        *("10", "20", "30", "40", "50", "60")
    ]
    heading, line, left_out = size_lines(rows, [10, 20, 30, 40, 50, 60], 40)
    assert heading.split() == ["predictor", "10", "30", "40", "60"]
    assert line.split() == ["ridge", *["0.500"] * 4]
    assert left_out == "no room for 20, 50"
