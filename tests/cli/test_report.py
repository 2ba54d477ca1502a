"""`hwbench report` on the folder of a small study."""

import shutil

import pandas as pd
import pytest

SCENARIO = """title = "Small"

[study]
targets = ["macro-cpu:latency"]
predictors = ["linear", "ridge"]
training_sizes = [20, 40]
seeds = [0, 1, 2]
test_size = 60
"""


@pytest.fixture
def runs(hwbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SCENARIO)
    assert hwbench("study", "run", "small.toml", "-o", "a", "-w", "1").code == 0
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    path = tmp_path / "b" / "study.parquet"
    study = pd.read_parquet(path)
    study.assign(kendall_tau=study["kendall_tau"] - 0.01).to_parquet(path)
    return tmp_path


def test_a_run_is_written_and_two_are_compared(hwbench, refused, runs):
    result = hwbench("report", "write", "a")
    assert (result.code, result.err) == (0, "")
    assert (runs / "a" / "report.html").exists()
    assert "compare" in refused("report", "write", "a", "b")

    result = hwbench("report", "compare", "a", "b")
    assert result.out == "report: compare.html\n"
    text = (runs / "compare.html").read_text(encoding="utf-8")
    assert "4 of 4 differences are significant" in text
    assert "B is better in 0, worse in 4" in text
    assert hwbench("report", "compare", "a", "b", "-o", "pages/c.html").code == 0
    assert (runs / "pages" / "c.html").exists()
