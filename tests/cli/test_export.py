"""From suggested architectures to files, through a board, to advice."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from hwbench.export.manifest import COLUMNS
from hwbench.predictors.model_file import load_model
from hwbench.spaces import get_space
from hwbench.tables import load_table

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "board.md"
SPACE = get_space("nasbench_macro")
SMALL = ("--space", "nasbench_macro", "--channels", 4, "--input-size", 16)
ONE, OTHER = "02012100", "12121212"


def manifest_of(folder):
    return pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)


@pytest.fixture
def board(tmp_path):
    """Measure a folder as the page says: its script in a process that knows nothing of hwbench."""
    [script] = re.findall(r"```py\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    path = tmp_path / "a board" / "measure.py"
    path.parent.mkdir()
    path.write_text(script)
    known = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def measure(folder):
        subprocess.run(
            [sys.executable, "-P", path, "manifest.csv"], cwd=folder, env=known, check=True
        )

    return measure


def test_the_loop(hwbench, hwbench_home, board, tmp_path):
    folder = tmp_path / "board"
    suggest = ("--space", "nasbench_macro", "--suggest", "-o", folder)
    export = ("export", *SMALL, "--architectures", folder / "suggestions.csv", "-o", folder)
    assert hwbench("advise", "--budget", 12, *suggest).code == 0
    made = hwbench(*export)
    assert made.code == 0, made.err
    assert "12 networks of nasbench_macro written as onnx opset 17 for images of 1x3x16x16" in (
        made.out
    )
    command = re.search(r"then: hwbench (.*)", made.out)[1].split()

    board(folder)
    first = manifest_of(folder)
    assert (first["latency_ms"].astype(float) > 0).all()
    advice = hwbench(
        *command, "-o", tmp_path / "advice", "-w", 1,
        "--predictors", "bayesian_linear_regression:onehot",
    )  # fmt: skip
    assert advice.code == 0, advice.err
    assert "latency_ms [ms]" in advice.out
    model = load_model(tmp_path / "advice" / "model.hwb")
    assert model.card.unit == "ms"
    assert model.predict(SPACE.sample(3, 0)).shape == (3,)

    # Again: new architectures join the folder, and those alone are measured.
    assert hwbench("advise", folder / "manifest.csv", "--budget", 3, *suggest).code == 0
    assert hwbench(*export).code == 0
    second = manifest_of(folder)
    assert second["arch"].is_unique
    pd.testing.assert_frame_equal(second.head(12), first)
    assert list(second["latency_ms"].tail(3)) == [""] * 3
    board(folder)
    pd.testing.assert_frame_equal(manifest_of(folder).head(12), first)
    result = hwbench(
        "tables", "import", "--space", "nasbench_macro", folder / "manifest.csv", "--name", "mine"
    )
    assert result.code == 0, result.err
    table = load_table("mine")
    assert table.card.columns["latency_ms"].unit == "ms"
    assert table.card.columns["latency_ms"].direction == "minimize"
    measured = manifest_of(folder).set_index("arch")["latency_ms"].astype(float)
    assert len(table) == 15
    assert dict(zip(table.frame["arch"], table.column("latency_ms"), strict=True)) == (
        measured.to_dict()
    )


def test_architectures_on_the_command_line(hwbench, tmp_path):
    folder = tmp_path / "files"
    result = hwbench("export", ONE, "[1,2,1,2,1,2,1,2]", *SMALL, "-o", folder, "--json",
                     "--batch-size", 2, "--classes", 7, "--input-channels", 1)  # fmt: skip
    told = json.loads(result.out)
    assert told["written"] == [f"nasbench_macro-{ONE}.onnx", f"nasbench_macro-{OTHER}.onnx"]
    assert told["unchecked"] == told["kept"] == 0
    manifest = manifest_of(folder)
    assert list(manifest) == list(COLUMNS)
    assert list(manifest["arch"]) == [ONE, OTHER]
    assert set(manifest["input_shape"]) == {"2x1x16x16"}
    assert set(manifest["checked_by"]) == {"onnxruntime"}


@pytest.mark.parametrize("to", ["torchscript", "onnx"])
def test_some_drawn(hwbench, tmp_path, to):
    result = hwbench("export", *SMALL, "--limit", 2, "--seed", 3, "--to", to, "-o", tmp_path / "f")
    assert result.code == 0, result.err
    assert list(manifest_of(tmp_path / "f")["arch"]) == SPACE.to_strings(SPACE.sample(2, 3))


def test_options_of_one_space_alone(hwbench, tmp_path):
    few = ("--space", "autosnn", "--limit", 1, "--input-size", 16, "-o", tmp_path)
    result = hwbench("export", *few, "--skeleton", "time_steps=2")
    assert result.code == 0, result.err
    settings = json.loads((tmp_path / "export.json").read_text())["settings"]
    assert settings["time_steps"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([ONE], r"name the search space with --space \(hwbench spaces list\)"),
        (
            ["--space", "nasbench_macro"],
            "give architectures, .*: hwbench export --space nasbench_m",
        ),
        ([ONE, *SMALL, "--limit", 3], "give architectures, or --architectures FILE, or --limit N"),
        ([ONE, "--space", "nasbench_mcro"], "did you mean 'nasbench_macro'"),
        (["0201210", *SMALL], "'0201210' is no .* string; expected 8 digits, .* such as 02012100"),
        ([ONE, *SMALL, "--to", "onxx"], "unknown format to export to 'onxx'; did you mean 'onnx'"),
        ([ONE, *SMALL, "--opset", 9], "export: opset must be at least 11, not 9"),
        ([ONE, *SMALL, "--opset", 21], "export: opset must be at most 20, not 21"),
        ([ONE, *SMALL, "--batch-size", 0], "export: batch_size must be above 0, not 0"),
        ([ONE, *SMALL, "--classes", 0], "skeleton: classes must be above 0, not 0"),
        ([ONE, *SMALL, "--skeleton", "time_steps=4"], "unknown skeleton option 'time_steps'"),
        ([*SMALL, "--architectures", "none.csv"], "none.csv: no such file"),
        (["--space", "enas_macro", "--limit", 1], "enas_macro has no networks.*: autosnn, .*darts"),
        (
            ["|nor_conv_3x3~0|+|skip~0|none~1|+|none~0|none~1|none~2|", "--space", "nasbench201"],
            "unknown operation 'skip'; did you mean 'skip_connect'",
        ),
        (["3", "--space", "nasbench201"], "`hwbench export 3 --space .* --arch-format official-in"),
    ],
)
def test_wrong_use_is_one_line(refused, tmp_path, arguments, message):
    folder = tmp_path / "files"
    assert re.search(message, refused("export", *arguments, "-o", folder))
    assert not folder.exists()


def test_a_manifest_without_measurements_says_so(hwbench, refused, tmp_path):
    assert hwbench("export", *SMALL, "--limit", 3, "-o", tmp_path).code == 0
    path = tmp_path / "manifest.csv"
    expected = (
        f"{path}: column 'latency_ms' is empty in all 3 rows; fill in what was measured, then run "
        "the same command again"
    )
    assert refused("advise", path, "--space", "nasbench_macro") == expected
    assert refused("tables", "import", "--space", "nasbench_macro", path, "--name", "x") == expected


def test_a_missing_library_is_one_line(refused, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    line = refused("export", ONE, *SMALL, "-o", tmp_path / "files")
    assert line == (
        "export: --to onnx needs onnx, which is not installed: pip install 'hwbench[onnx]'"
    )
    assert not (tmp_path / "files").exists()
