"""What `hwbench new` writes works at once: it passes its own tests, and installs by pip."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hwbench import HwbenchError
from hwbench.live.config import config_of
from hwbench.runs.scenario import Scenario
from hwbench.scaffold import KINDS, find_kind, write_card, write_package
from hwbench.scaffold.writing import check_name, requirement
from hwbench.spaces import get_space
from hwbench.testing import check_predictor, check_space
from hwbench.version import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
ALL = [(name, False) for name in KINDS] + [("space", True)]
TRAINING = ("architecture-strategy",)
"""Kinds whose checks train on every supernet, for more than ten seconds."""
IDS = [f"{name}-graph" if graph else name for name, graph in ALL]


@pytest.fixture
def made(tmp_path, monkeypatch, hwbench_home):
    """Write a package and put it on the import path; what it imports is forgotten in the end."""

    def make(kind, *, graph=False):
        name = f"of_my_own_{'graph' if graph else kind}".replace("-", "_")
        scaffold = write_package(find_kind(kind, graph=graph), name, tmp_path / name)
        monkeypatch.syspath_prepend(tmp_path / name)
        return scaffold

    yield make
    for module in [each for each in sys.modules if each.startswith("hwbench_of_my_own")]:
        del sys.modules[module]


def promises_of(scaffold):
    """The tests of a package, each as a function without arguments."""
    path = scaffold.folder / "tests" / f"test_{scaffold.name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, function in vars(module).items():
        if name.startswith("test_"):
            marks = getattr(function, "pytestmark", [])
            checks = [check for mark in marks for check in mark.args[1]]
            yield from [lambda f=function, c=check: f(c) for check in checks] or [function]


@pytest.mark.parametrize(
    ("kind", "graph"),
    [pytest.param(*each, marks=[pytest.mark.slow] * (each[0] in TRAINING)) for each in ALL],
    ids=IDS,
)
def test_its_own_tests_pass(made, kind, graph):
    tests = list(promises_of(made(kind, graph=graph)))
    assert len(tests) >= 5
    for test in tests:
        test()


@pytest.mark.parametrize(("kind", "graph"), ALL, ids=IDS)
def test_what_it_writes_is_formatted_and_whole(made, kind, graph):
    scaffold = made(kind, graph=graph)
    options = ["--isolated", "--line-length", "100"]
    for command in (["check", "--select", "E,F,I,W,B,UP,RUF"], ["format", "--check"]):
        if kind == "space" and graph and command[0] == "check":
            command += ["--ignore", "RUF012"]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options, "."],
            cwd=scaffold.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert (scaffold.folder / scaffold.part).is_file()
    for path in scaffold.files:
        text = (scaffold.folder / path).read_text(encoding="utf-8")
        assert not re.search(r"\{[{%]|[%}]\}|NAME\b|PACKAGE\b", text), path
        assert text.endswith("\n"), path
    project = tomllib.loads((scaffold.folder / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == [requirement()]
    groups = {group for group, _ in scaffold.kind.groups}
    assert set(project["entry-points"]) == groups
    readme = (scaffold.folder / "README.md").read_text(encoding="utf-8")
    assert all(command in readme for _, command in scaffold.steps)


def test_its_scenarios_and_searches_are_valid(made):
    """The part named by its import path: the name is known once the package is installed."""
    for kind in ("predictor", "encoding", "strategy"):
        scaffold = made(kind)
        folder = scaffold.folder / f"hwbench_{scaffold.name}"
        card = folder / "predictors" / f"{scaffold.name}.toml"
        named = str(card) if kind == "predictor" else path_of(scaffold)
        text = (folder / "simulations" / f"{scaffold.name}.toml").read_text(encoding="utf-8")
        Scenario.model_validate(tomllib.loads(text.replace(f'"{scaffold.name}"', f'"{named}"')))
    for kind in ("architecture-strategy", "selection"):
        scaffold = made(kind)
        folder = scaffold.folder / f"hwbench_{scaffold.name}" / "simulations" / "live" / "small"
        text = (folder / f"{scaffold.name}.toml").read_text(encoding="utf-8")
        named = text.replace(f'"{scaffold.name}"', f'"{path_of(scaffold)}"')
        assert named != text
        config_of(tomllib.loads(named), where=kind)


def path_of(scaffold):
    project = tomllib.loads((scaffold.folder / "pyproject.toml").read_text())["project"]
    group, _ = scaffold.kind.groups[0]
    return project["entry-points"][group][scaffold.name]


def test_a_card_alone_is_found_where_it_lies(hwbench_home):
    write_card(find_kind("predictor"), "near_by")
    check_predictor("near_by")
    write_card(find_kind("space"), "my_layers")
    check_space("my_layers", samples=10)
    assert get_space("my_layers").n_architectures == 18


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("predictor", "ridge", "'ridge' is the name of another predictor; free is 'my_ridge'"),
        ("encoding", "onehot", "'onehot' is the name of another encoding"),
        ("space", "nasbench201", "'nasbench201' is the name of another search space"),
        ("strategy", "nsga2", "is the name of another"),
        ("architecture-strategy", "darts", "is the name of another"),
        ("selection", "strength", "is the name of another"),
        ("runtime", "torch", None),
        ("converter", "nasbench201", "is the name of another"),
        ("predictor", "My-Model", "'My-Model' is no name of a part; .* such as 'my_model'"),
        ("predictor", "MyModel", "such as 'my_model'"),
        ("predictor", "2fast", "such as 'fast'"),
        ("predictor", "", "'' is no name of a part"),
        ("predictor", "../up", "such as 'up'"),
        ("predictor", "lambda", "is a word of Python"),
        ("predictor", "é", "is no name of a part"),
        ("predictor", "a" * 41, "40 at most"),
    ],
)
def test_names(kind, name, message, hwbench_home):
    if message is None:
        check_name(find_kind(kind), name)
        return
    with pytest.raises(HwbenchError, match=message) as caught:
        check_name(find_kind(kind), name)
    assert len(str(caught.value).splitlines()) == 1


def test_nothing_is_overwritten(tmp_path, hwbench_home):
    kind = find_kind("predictor")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.py").write_text("kept\n")
    for folder in (tmp_path / "there", tmp_path / "there" / "mine.py"):
        with pytest.raises(HwbenchError, match="is there already"):
            write_package(kind, "of_my_own", folder)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.py"]
    write_card(kind, "near_by", tmp_path)
    with pytest.raises(HwbenchError, match="is there already"):
        write_card(kind, "near_by", tmp_path)
    with pytest.raises(HwbenchError, match="needs code"):
        write_card(find_kind("strategy"), "mine")
    with pytest.raises(HwbenchError, match="did you mean 'predictor'"):
        find_kind("predictr")


def test_it_requires_this_version_and_not_the_next():
    lower, upper = re.fullmatch(r"hwbench>=([\d.]+),<([\d.]+)", requirement()).groups()
    numbers = [tuple(map(int, each.split("."))) for each in (lower, __version__, upper)]
    assert numbers == sorted(numbers)
    assert numbers[1][:2] == numbers[0]


@pytest.mark.slow
def test_pip_installs_every_kind_and_hwbench_lists_it(tmp_path, hwbench_home):
    site = tmp_path / "site"
    names = []
    for (kind, graph), label in zip(ALL, IDS, strict=True):
        names.append(f"mine_{label.replace('-', '_')}")
        write_package(find_kind(kind, graph=graph), names[-1], tmp_path / names[-1])
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--target", site),
            *(tmp_path / name for name in names),
        ],
        check=True,
        capture_output=True,
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, site)))}
    listed = ""
    for words in (
        *(("predictors", "list"), ("spaces", "list"), ("spaces", "encodings"), ("search", "list")),
        *(("live", "parts"), ("tables", "runtimes"), ("tables", "benchmarks")),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "hwbench", *words, "--json"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        listed += " ".join(str(list(row.values())) for row in json.loads(done.stdout))
    assert [name for name in names if name not in listed] == []
