import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
import typer

from hwbench.advise.work import DEFAULT_WORK
from hwbench.cli.app import app
from hwbench.spaces import get_space


@pytest.fixture
def my_csv(tmp_path):
    space = get_space("nasbench201")
    archs = space.sample(30, seed=0)
    noise = np.random.default_rng(0).normal(size=30)
    path = tmp_path / "my.csv"
    pd.DataFrame(
        {"arch": space.to_strings(archs), "latency": space.flops(archs) / 1e7 + 0.1 * noise}
    ).to_csv(path, index=False)
    return path


def test_advice(hwbench, my_csv, tmp_path):
    out = tmp_path / "advice"
    command = ("advise", my_csv, "--space", "nasbench201", "--unit", "ms", "-o", out, "-w", 1)
    result = hwbench(*command, "--predictors", "bayesian_linear_regression,svm:counts")
    assert result.code == 0, result.err
    assert result.out.startswith("No model here: FLOPs alone, which need no measurement, rank ")
    assert "Note: column" not in result.out
    assert {path.name for path in out.iterdir()} == {
        "model.hwb", "advice.json", "advice.html", "run.json", "picks.csv",
    }  # fmt: skip
    predicted = hwbench("predict", out / "model.hwb", "--all", "-o", tmp_path / "all.csv")
    assert predicted.code == 0


def test_json(hwbench, my_csv, tmp_path):
    out = tmp_path / "advice"
    result = hwbench(
        "advise", my_csv, "--space", "nasbench201", "-o", out, "-w", 1,
        "--predictors", "bayesian_linear_regression:counts", "--json",
    )  # fmt: skip
    numbers = json.loads(result.out)
    assert numbers["encoding"] == "counts"
    assert numbers["files"]["model"] == str(out / "model.hwb")


def test_the_next_commands_are_whole(hwbench, my_csv, tmp_path, monkeypatch):
    frame = pd.read_csv(my_csv)
    space = get_space("nasbench201")
    live = space.encode(space.from_strings(frame["arch"]), "counts")
    frame.assign(latency=1 + live @ np.arange(live.shape[1]) ** 2).to_csv(my_csv, index=False)
    out = tmp_path / "my advice"
    result = hwbench(
        "advise", my_csv, "--space", "nasbench201", "--unit=ms", "-o", out, "-w", 1, "--seed", 3,
        "--work", 100, "--predictors", "bayesian_linear_regression:counts",
    )  # fmt: skip
    assert result.code == 0, result.err
    printed = result.out.partition("Next:\n")[2].partition("\nmodel: ")[0].splitlines()
    steps = [line.strip(" :") for line in printed[::2]]
    commands = [shlex.split(line)[1:] for line in printed[1::2]]
    first = [step.split()[0].strip(":,") for step in steps]
    assert first == ["predict", "suggest", "export", "verify", "then"]
    known = typer.main.get_command(app).commands
    for words in commands:
        if words[0] == "export" and "export" not in known:
            continue
        offered = {flag for each in known[words[0]].params for flag in each.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= offered
    for words, written in zip(commands[:2], ("predictions.csv", "suggestions.csv"), strict=True):
        assert hwbench(*words).code == 0
        assert (out / written).is_file()
    assert len(pd.read_csv(out / "suggestions.csv")) == 30
    picks = pd.read_csv(out / "picks.csv")
    assert f"export the {len(picks)} picks" in result.out
    assert commands[3][commands[3].index("--architectures") + 1] == str(out / "picks.csv")
    assert commands[4] == [
        "advise", str(my_csv), "--space", "nasbench201", "--unit=ms", "--seed", "3",
        "-o", str(tmp_path / "my advice-again"),
    ]  # fmt: skip


def test_minutes_say_the_work_that_does_the_same(hwbench, my_csv, tmp_path):
    given = ("advise", my_csv, "--space", "nasbench201", "--unit", "ms", "-w", 1)
    given = (*given, "--predictors", "bayesian_linear_regression,svm:counts")
    timed = hwbench(*given, "--minutes", 5, "-o", tmp_path / "one")
    (work,) = re.findall(r"--work (\d+) in place of --minutes does the same again", timed.out)
    assert hwbench(*given, "--work", work, "-o", tmp_path / "two").code == 0
    one, two = ((tmp_path / name / "advice.json").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("rows", [None, 0, 5, 30])
def test_suggestions(hwbench, my_csv, tmp_path, rows):
    given = []
    if rows is not None:
        pd.read_csv(my_csv).head(rows).to_csv(my_csv, index=False)
        given = [my_csv]
    out = tmp_path / "next"
    result = hwbench(
        "advise", *given, "--space", "nasbench201", "--budget", 7, "--suggest", "-o", out
    )
    assert result.code == 0, result.err
    suggested = pd.read_csv(out / "suggestions.csv")["arch"]
    assert len(set(suggested)) == 7
    assert not set(suggested) & set(pd.read_csv(my_csv)["arch"] if rows else ())
    get_space("nasbench201").from_strings(suggested)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give a file of measurements, or --budget N --suggest"),
        (("--suggest",), "--suggest and --budget N go together"),
        (("--budget", "5"), "--suggest and --budget N go together"),
        (("nowhere.csv",), "nowhere.csv: no such file"),
        (("nowhere.csv", "--seconds", "30"), "--seconds is no more; --minutes 0.5 plans for that"),
        (("nowhere.csv", "--minutes", "0"), "minutes must be above 0"),
        (("nowhere.csv", "--minutes", "1", "--work", "9"), "give one of them"),
    ],
)
def test_wrong_commands(refused, options, message):
    assert message in refused("advise", *options, "--space", "nasbench201")


def test_the_space_is_asked_for(refused, my_csv):
    assert "name the search space with --space" in refused("advise", my_csv)
    assert "did you mean 'nasbench201'" in refused("advise", my_csv, "--space", "nasbench20")


def test_bad_rows_are_named(refused, my_csv):
    lines = my_csv.read_text().splitlines()
    lines[3] = "nonsense,3"
    my_csv.write_text("\n".join(lines))
    assert "1 bad row: row 4, arch: " in refused("advise", my_csv, "--space", "nasbench201")


def test_the_help_says_how_much_work_there_is_by_default(hwbench):
    assert f"by default {DEFAULT_WORK}," in hwbench("advise", "--help").out
