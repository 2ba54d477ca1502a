"""A package outside the tree, installed by pip: its parts are listed, checked, and used.

`tests/plug_in` is that package: a graph space with its supernet, a predictor, a search strategy, an
architecture strategy and a runtime, with their cards, a scenario, a live search and a table.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
STRING = "conv3x3|skip|conv3x3|none|skip|conv3x3|skip"

COMMANDS = """
import sys
from hwbench.cli import main
for command in sys.argv[1:]:
    sys.argv = ["hwbench", *command.split()]
    print("##", command)
    print("##", command, file=sys.stderr)
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code or 0
    print("##", code)
"""
"""Command lines one after the other: starting a process takes most of the time."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder that pip has installed the package into."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "plug_in"
    shutil.copytree(ROOT / "tests" / "plug_in", source)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--no-index", "--target", folder, source),
        ],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [sys.executable, "-P", source / "make_table.py"],  # -P: the installed one is meant
        env=_environment(folder, folder),
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def broken(site, tmp_path):
    """A copy of it whose modules raise an error, and with a torn card."""
    folder = tmp_path / "broken"
    shutil.copytree(site, folder)
    for name in ("space", "annealing", "tempered", "hamming"):
        (folder / "hwbench_ladder" / f"{name}.py").write_text("import a_library_that_is_gone\n")
    (folder / "hwbench_ladder" / "predictors" / "torn.toml").write_text("title = \n")
    return folder


def _environment(site, home):
    paths = os.pathsep.join(map(str, (ROOT, site)))
    return {**os.environ, "PYTHONPATH": paths, "HWBENCH_HOME": str(home), "COLUMNS": "300"}


@pytest.fixture
def python(site, tmp_path):
    """Run code where the package is installed; gives stdout and stderr."""

    def run(code, *arguments, site=site):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            env=_environment(site, tmp_path / "home"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return run


@pytest.fixture
def hwbench(python):
    """Run command lines where the package is installed; gives exit code, stdout, stderr of each."""

    def run(*commands, **options):
        out, err = python(COMMANDS, *commands, **options)
        outs, errs = out.split("## ")[1:], err.split("## ")[1:]
        codes, outs = outs[1::2], outs[::2]
        return [
            SimpleNamespace(
                code=int(code),
                out=out.removeprefix(f"{command}\n"),
                err=err.removeprefix(f"{command}\n"),
            )
            for command, code, out, err in zip(commands, codes, outs, errs, strict=True)
        ]

    return run


def test_its_parts_are_listed(hwbench):
    expected = {
        "predictors list": "hamming_mean",
        "predictors show hamming_mean": "hwbench_ladder.hamming:HammingMean",
        "spaces list": "2187",
        f"spaces show ladder {STRING}": "conv3x3",
        "search list --json": "Simulated annealing",
        "live list": "ladder_tempered",
        "live show ladder_tempered --recipe small": "last = 0.3",
        "tables list": "ladder-made",
        "tables show ladder-made": "2187 of the 2187 architectures of ladder",
        "tables runtimes": "weight_reading",
        "tables runtimes --json": "hwbench-ladder 1.0",
        "live parts --json": "hwbench-ladder 1.0",
    }
    told = hwbench(*expected)
    for (command, text), each in zip(expected.items(), told, strict=True):
        assert each.code == 0, each
        assert text in each.out, command
        assert each.err == "", command
    parts = [row for row in json.loads(told[-1].out) if row["from"] == "hwbench-ladder 1.0"]
    assert [(row["part"], row["name"]) for row in parts] == [
        ("strategy", "tempered"),
        ("supernet", "ladder"),
    ]


def test_its_parts_keep_what_the_rest_relies_on(python):
    python("""
from hwbench.testing import (
    check_architecture_strategy, check_predictor, check_search_strategy, check_space,
)

check_space("ladder")
check_predictor("hamming_mean", space="ladder")
check_search_strategy("annealing", space="ladder")
check_architecture_strategy("tempered")
""")


def test_a_study_and_a_search_use_them(hwbench, tmp_path):
    run = tmp_path / "run"
    (told,) = hwbench(f"benchmark ladder -o {run}")
    assert told.code == 0, told.err
    assert "hamming_mean" in told.out
    assert "Simulated annealing" in told.out
    record = json.loads((run / "run.json").read_text())
    assert record["predictors"]["hamming_mean"]["cost"] == 1
    page = (run / "report.html").read_text()
    assert "Hamming mean" in page
    assert "Lookup table needs 15 measurements of its own" in page
    assert 'aria-label="Cell: 0 to' in page  # ladders of the front are drawn


def test_a_live_search_uses_them_and_its_page_draws_what_was_found(hwbench, tmp_path):
    run = tmp_path / "live"
    told = hwbench(
        f"live run ladder_tempered --recipe small -o {run}",
        f"live rank {run} --architectures 5 --passes 1 --json",
        f"report write {run}",
    )
    assert [each.code for each in told] == [0, 0, 0], told
    found = json.loads((run / "result.json").read_text())["architecture"]
    assert len(found.split("|")) == 7
    assert json.loads(told[1].out)["ranked"] == 5
    page = (run / "report.html").read_text()
    assert found in page
    assert 'aria-label="Cell:' in page


def test_its_runtime_measures(hwbench):
    measured, told, wrong = hwbench(
        "tables measure ladder --name read --limit 3 --rounds 1 --runtime weight_reading "
        "--set gigabytes_per_second=2 -o read.parquet",
        "tables show read.parquet --json",
        "tables measure ladder --name read2 --runtime weight_reding",
    )
    assert (measured.code, told.code, wrong.code) == (0, 0, 2)
    card = json.loads(told.out)
    assert card["title"].endswith("measured on an accelerator by a formula")
    assert card["recipes"][0]["options"] == {"gigabytes_per_second": 2.0}
    assert "did you mean 'weight_reading'?" in wrong.err


def test_a_fitted_model_is_read_where_its_package_is_trusted(hwbench):
    fitted, refused, told = hwbench(
        "fit --target ladder-made:latency --predictor hamming_mean --samples 50 -o model.hwb",
        f"predict model.hwb {STRING}",
        f"predict model.hwb {STRING} --trust hwbench_ladder --std --json",
    )
    assert (fitted.code, refused.code, told.code) == (0, 2, 0)
    assert "--trust hwbench_ladder" in refused.err
    assert json.loads(told.out)[0]["arch"] == STRING


def test_where_it_is_broken_the_rest_works(broken, hwbench):
    gone = "raises ModuleNotFoundError: No module named 'a_library_that_is_gone'"
    torn = "torn.toml: is no valid TOML"
    listings = {
        "spaces list": ("nasbench201", gone),
        "search list": ("local_search", gone),
        "live parts": ("gdas", gone),
        "live list": ("gdas", gone),
        "predictors list": ("ridge", torn),
        "tables list": ("ladder-made", ""),
    }
    uses = {
        f"spaces show ladder {STRING}": gone,
        "live run ladder_tempered --recipe small": gone,
        "tables show ladder-made": gone,
        "benchmark ladder": gone,
        "fit --target nb201-digits:latency --predictor hamming_mean --samples 9 -o m.hwb": gone,
        "predictors show torn": torn,
    }
    told = dict(zip([*listings, *uses], hwbench(*listings, *uses, site=broken), strict=True))
    for command, (listed, reason) in listings.items():
        assert told[command].code == 0, command
        assert listed in told[command].out, command
        assert reason in told[command].err, command
    for command, reason in uses.items():
        assert told[command].code == 2, command
        assert told[command].out == "", command
        assert reason in told[command].err, command
        assert len(told[command].err.strip().splitlines()) == 1, command
    for command in (command for command, each in told.items() if gone in each.err):
        assert "the package hwbench-ladder 1.0 cannot be used" in told[command].err, command


def test_the_shell_offers_its_names_though_it_is_broken(broken, python):
    (broken / "hwbench_ladder" / "__init__.py").write_text("1 / 0\n")
    out, err = python(
        """
from hwbench.cli import completion
print(completion.predictors("ham"), completion.spaces("lad"), completion.scenarios("lad"))
print(completion.tables("lad"), completion.columns("ladder-made:"))
""",
        site=broken,
    )
    assert out.splitlines() == [
        "['hamming_mean'] ['ladder'] ['ladder']",
        "['ladder-made'] ['ladder-made:latency', 'ladder-made:accuracy']",
    ]
    assert err == ""
