"""The package as a user gets it: light imports, a wheel that carries everything."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import grimp
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import hwbench as hb
from hwbench.scaffold import KINDS, package_files

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "sklearn", "pandas", "scipy", "plotly", "xgboost", "lightgbm", "ngboost")


def test_import_is_light():
    code = "import sys, hwbench; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(HEAVY) & set(loaded)


def test_public_names_exist_and_are_documented():
    for name in hb.__all__:
        assert getattr(hb, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hb.nothing  # noqa: B018


def test_nothing_but_public_names_is_listed():
    assert dir(hb) == sorted([*hb.__all__, "__version__"])
    assert dir(hb.plot) == sorted(hb.plot.__all__)
    assert hb.load_space("nasbench201") is hb.get_space("nasbench201")
    code = "import hwbench; hwbench.load_space('nasbench201'); print(*dir(hwbench))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == dir(hb)


def test_no_circle_between_files():
    """Of the imports at any place of a file, but for those that type checkers alone read."""
    graph = grimp.build_graph("hwbench", exclude_type_checking_imports=True, cache_dir=None)
    edges = [(one, other) for one in graph.modules
             for other in graph.find_modules_directly_imported_by(one)]  # fmt: skip
    place = {module: number for number, module in enumerate(sorted(graph.modules))}
    rows, columns = zip(*((place[one], place[other]) for one, other in edges), strict=True)
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(place), len(place)))
    count, component = connected_components(matrix, directed=True, connection="strong")
    circles = [
        [module for module, number in place.items() if component[number] == circle]
        for circle in np.flatnonzero(np.bincount(component, minlength=count) > 1)
    ]
    assert len(edges) > 1000
    assert circles == []


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment that has the built wheel, away from the clone; libraries are borrowed."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    site = next(environment.glob("lib/python*/site-packages"))
    wheel = next(folder.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", site, wheel],
        check=True,
        capture_output=True,
    )
    # The dependencies are this environment's own; hwbench itself must come from the wheel alone.
    libraries = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(
        "".join(f"{entry}\n" for entry in [libraries] if entry.is_dir())
    )
    return environment / "bin" / "python", site


def _run(python, *arguments, cwd):
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [python, "-W", "error::UserWarning:hwbench", *arguments],
        cwd=cwd,
        env={**variables, "HWBENCH_HOME": str(cwd / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_finds_its_cards_scenarios_and_tables(installed, tmp_path):
    python, site = installed
    code = (
        "import hwbench as hb; from hwbench.tables import table_files;"
        "from hwbench.runs.scenario import scenario_files;"
        "print(hb.__file__); print(len(hb.list_predictors()));"
        "print(*table_files()); print(*scenario_files());"
        "from hwbench.scaffold import KINDS, package_files;"
        "print(sum(len(package_files(kind, 'mine')) for kind in KINDS.values()))"
    )
    result = _run(python, "-c", code, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    file, predictors, tables, scenarios, scaffolds = result.stdout.splitlines()
    assert file.startswith(str(site))
    assert int(predictors) == len(hb.list_predictors())
    assert {"nb201-digits", "macro-cpu"} <= set(tables.split())
    assert "quick" in scenarios.split()
    assert int(scaffolds) == sum(len(package_files(kind, "mine")) for kind in KINDS.values())


def test_wheel_runs_a_small_benchmark(installed, tmp_path):
    python, _ = installed
    scenario = tmp_path / "small.toml"
    scenario.write_text(
        """
title = "Small"
[study]
targets = ["macro-cpu:latency"]
predictors = ["ridge", "lookup_table"]
training_sizes = [25, 55]
seeds = [0, 1]
[simulation]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency"]
n_candidates = [100]
deviations = [0.0, 0.5]
repeats = 5
"""
    )
    result = _run(python, "-m", "hwbench", "benchmark", str(scenario), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    page = tmp_path / "runs" / "small" / "report.html"
    assert str(page) in result.stdout
    assert page.stat().st_size > 100_000


@pytest.mark.slow
def test_wheel_runs_the_quick_benchmark(installed, tmp_path):
    python, _ = installed
    result = _run(python, "-m", "hwbench", "benchmark", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "runs" / "quick" / "report.html").exists()
