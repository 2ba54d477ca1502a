"""Searches on the leaderboard's page: only strategies that were run on all devices are compared."""

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.leaderboard.searches import search_sections


@pytest.fixture
def folder(tmp_path):
    rows = [
        (strategy, f"help-x:{device}", seed, step, share + 0.01 * seed)
        for strategy, share in (("good", 0.9), ("poor", 0.5), ("part", 0.7))
        for device in ("a", "b")
        for seed in range(3)
        for step in (150, 350)
        if strategy != "part" or device == "a"
    ]
    rows.append(("good", "tuned:c", 0, 350, 0.1))  # of a device on which defaults were chosen
    names = ["strategy", "metric_target", "seed", "evaluation", "hypervolume_share"]
    pd.DataFrame(rows, columns=names).to_parquet(tmp_path / "search.parquet")
    return tmp_path


def test_strategies_stand_by_elo_with_their_shares(folder):
    (section,) = search_sections(folder)
    (table,) = (block for block in section.blocks if block.kind == "table")
    assert [row.title for row in table.rows] == ["good", "poor"]
    elo, first, second, searches = table.rows[0].cells
    assert elo.value > table.rows[1].cells[0].value
    assert first.value == second.value == pytest.approx(0.91)
    assert "±" in first.text
    assert searches.value == 6


def test_what_is_not_kept_is_left_out_and_what_is_broken_is_named(folder, tmp_path):
    assert search_sections(tmp_path / "nowhere") == []
    pd.DataFrame({"strategy": ["a"]}).to_parquet(folder / "search.parquet")
    with pytest.raises(HwbenchError, match="column 'metric_target' is missing"):
        search_sections(folder)
