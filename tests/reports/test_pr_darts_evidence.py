"""What PR-DARTS claims, in small: children inherit; derived cells stand beside random ones."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from hwbench.live.config import config_of
from hwbench.live.run import run_live

SCRIPT = Path(__file__).resolve().parents[2] / "reports" / "pr_darts_evidence.py"


def _run(*arguments):
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_children_begin_where_their_parents_are(tmp_path):
    sizes = ("--channels", 2, "--images", 400, "--before", 12, "--after", 1, "--seeds", 2)
    told = _run("children", "-o", tmp_path, *sizes)
    assert "grow_kernel" in told
    found = pd.read_csv(tmp_path / "children.csv")
    found["above"] = found["loss"] - found["parent"]
    above = found.set_index(["transformation", "weights", "epoch", "seed"])["above"].sort_index()
    for way in ("grow_kernel", "widen"):
        assert above[way, "inherited", 0].abs().max() < 1e-5
        assert (above[way, "random", 0] > 0.1).all()
        assert (above[way, "inherited", 1] < above[way, "random", 1]).all()
    assert (above["insert", "inherited", 0].abs() > 0.1).all()  # its ReLU cuts
    before = (tmp_path / "children.csv").read_bytes()
    _run("children", "-o", tmp_path, *sizes)  # goes on where it stopped
    assert (tmp_path / "children.csv").read_bytes() == before


@pytest.mark.slow
def test_derived_cells_stand_beside_random_ones_of_their_size(tmp_path):
    tree = {
        "title": "tiny",
        "data": {"validation_share": 0.5, "subset": {"name": "random", "images": 40}},
        "space": {"name": "pr_darts", "operations": "initial", "channels": 2, "depth": 1},
        "strategy": {
            "name": "pr_darts",
            "epochs": [1, 1],
            "grace": [0, 0],
            "prune": [1, 1],
            "replace": [1, 0],
        },
        "trainer": {"name": "bilevel", "epochs": 2, "batch_size": 16},
        "selection": {"name": "strength"},
    }
    run_live(config_of(tree, where="tiny.toml"), tmp_path / "run")
    out = tmp_path / "cells"
    told = _run("cells", tmp_path / "run", "-o", out, "--channels", 2, "--epochs", 1)
    assert "derived - random" in told
    frame = pd.read_csv(out / "cells.csv")
    assert list(frame["cells"]) == ["derived", "random"]
    derived, drawn = frame["parameters"]
    assert abs(drawn / derived - 1) <= 0.05
