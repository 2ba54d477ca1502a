import json

import numpy as np
import pandas as pd
import pytest

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
    assert result.out.startswith("To predict latency [ms] use ")
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
