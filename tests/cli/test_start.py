"""The command line as a whole: it starts light and explains itself."""

import json
import subprocess
import sys

import pytest

from hwbench import __version__

HEAVY = ("torch", "sklearn", "pandas", "scipy", "plotly", "xgboost", "lightgbm", "ngboost")
GROUPS = {
    "tables": ["list", "show", "measure", "train", "merge", "export"],
    "predictors": ["list", "show"],
    "spaces": ["list", "show"],
    "study": ["run", "estimate", "status", "resume", "retry-failed", "merge", "compact", "ranks"],
    "simulate": ["run", "select"],
    "live": ["list", "show", "run", "rank", "retrain", "sweep"],
    "report": ["write", "compare"],
    "vae": ["train", "evaluate", "sample"],
}


@pytest.mark.parametrize("arguments", [["--help"], ["tables", "measure", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys, json; from hwbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: print('\\n', json.dumps([stop.code, *sys.modules]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    exit_code, *modules = json.loads(result.stdout.splitlines()[-1])
    assert exit_code == 0
    assert not set(HEAVY) & set(modules)


def test_module_and_command_are_one():
    result = subprocess.run(
        [sys.executable, "-m", "hwbench", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"{__version__}\n"
    assert result.stderr == ""


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_group(hwbench, option):
    result = hwbench(option)
    assert result.code == 0
    assert all(group in result.out for group in [*GROUPS, "benchmark"])


@pytest.mark.parametrize("group", GROUPS)
def test_help_of_a_group_names_its_commands(hwbench, group):
    text = hwbench(group, "--help").out
    assert all(command in text for command in GROUPS[group])


@pytest.mark.parametrize(
    "command", [["benchmark"], *([group, name] for group in GROUPS for name in GROUPS[group])]
)
def test_every_command_has_help(hwbench, command):
    result = hwbench(*command, "--help")
    assert result.code == 0
    assert "Usage" in result.out
    assert result.err == ""


@pytest.mark.parametrize("arguments", [["nothing"], ["tables", "lst"], ["tables", "list", "--jsn"]])
def test_wrong_usage_ends_with_code_2_and_no_traceback(hwbench, arguments):
    result = hwbench(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert arguments[-1] in result.err


def test_error_in_a_process_of_its_own_is_one_line_and_code_2():
    command = [sys.executable, "-m", "hwbench", "predictors", "show", "ridg"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    said = "hwbench: unknown predictor 'ridg'; did you mean 'ridge'?"
    assert result.stderr == f"{said} use: hwbench predictors show ridge\n"
