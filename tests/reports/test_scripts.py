"""The analysis scripts that users copy from run on a real run folder."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "reports").glob("*.py"))


@pytest.fixture
def run_folder(tmp_path):
    rows = [
        {"target": "t:latency", "title": title, "training_size": size, "kendall_tau": 0.5}
        for title in ("Ridge", "Forest")
        for size in (25, 55)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "study.parquet")
    return tmp_path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_writes_what_it_says(script, run_folder):
    result = subprocess.run(
        [sys.executable, script, run_folder], capture_output=True, text=True, check=True
    )
    assert Path(result.stdout.strip()).exists()
