"""Every command and snippet of the README works."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hwbench.predictors import PredictorCard
from hwbench.spaces.card_space import SpaceCard

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


COMMANDS = [line for block in _blocks("console") for line in block.splitlines() if line]
OURS = [line for line in COMMANDS if line.startswith("hwbench ")]


MY_CSV = """arch,latency
|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|,3.25
|skip_connect~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|,1.5
"""
MY_CSV += "".join(
    f"|{first}~0|+|{second}~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|,{2 + i + j / 10}\n"
    for i, first in enumerate(("none", "nor_conv_1x1", "nor_conv_3x3"))
    for j, second in enumerate(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"))
)


def _run(commands, folder):
    (folder / "my.csv").write_text(MY_CSV)
    for command in commands:
        result = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=folder,
            env={**os.environ, "HWBENCH_HOME": str(folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"


def test_only_known_kinds_of_commands():
    assert set(COMMANDS) - set(OURS) == {"make benchmark", "make test"}


def test_quick_commands(tmp_path):
    public = "hw-nas-bench"
    _run([line for line in OURS if "quick" not in line and public not in line], tmp_path)


def test_commands_on_a_public_benchmark(tmp_path, shared_data, monkeypatch):
    monkeypatch.setenv("HWBENCH_MIRROR", str(shared_data / "raw"))
    commands = [line for line in OURS if "hw-nas-bench" in line]
    assert "hwbench tables fetch hw-nas-bench" in commands
    _run(commands, tmp_path)


@pytest.mark.slow
def test_commands_on_the_quick_scenario(tmp_path):
    _run([command for command in OURS if "quick" in command], tmp_path)


@pytest.mark.parametrize("line", [line for block in _blocks("sh") for line in block.splitlines()])
def test_commands_for_clusters_have_options_that_exist(line):
    command = re.search(r"hwbench (study \w+)", line)[1].split()
    shown = subprocess.run(
        [sys.executable, "-m", "hwbench", *command, "--help"],
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    given = re.findall(r"--[\w-]+", line.partition("hwbench")[2])
    assert all(option in shown for option in given)


@pytest.mark.parametrize("snippet", _blocks("python"))
def test_python(snippet):
    names = {}
    exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102  our own README
    if "strategy" in names:
        assert len(names["strategy"].archs) == 200
        assert (names["found"][:, 1] <= 6).all()
        return
    assert names["X"].shape == (15625, 30)
    assert names["X"].dtype == "float32"
    assert len(names["losses"]) == 50


@pytest.mark.parametrize("card", _blocks("toml"))
def test_cards(card):
    content = tomllib.loads(card)
    model = SpaceCard if "layers" in content else PredictorCard
    model.model_validate(content)


@pytest.mark.parametrize("path", re.findall(r"\]\(([\w./-]+)\)", TEXT))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()
