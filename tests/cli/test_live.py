import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from hwbench import write_report
from hwbench.cli.app import app
from hwbench.results.live import read_live_run
from hwbench.results.retrainings import read_retrainings
from hwbench.toml import to_toml


def _run(*arguments):
    return CliRunner().invoke(app, ["live", *map(str, arguments)])


@pytest.fixture
def tiny(tiny_search):
    return tiny_search()


def test_list_names_every_search():
    rows = json.loads(_run("list", "--json").stdout)
    assert {("darts", "published"), ("spos", "small")} <= {
        (row["name"], row["recipe"]) for row in rows
    }
    assert "proxyless_nas" in _run("list").stdout


def test_show_prints_a_tree_that_runs_the_same(tmp_path):
    result = _run("show", "spos", "--recipe", "small")
    path = tmp_path / "copy.toml"
    path.write_text(result.stdout)
    assert _run("show", path).stdout == result.stdout
    assert "momentum = 0.9" in result.stdout


def test_run_rank_and_retrain(tiny, tmp_path):
    folder = tmp_path / "run"
    result = _run("run", tiny, "-o", folder, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["architecture"]
    assert found.startswith("|nor_conv")
    csv = tmp_path / "ranking.csv"
    options = ["--architectures", 4, "--passes", 1, "--target", "nb201-digits:test_accuracy"]
    result = _run("rank", folder, *options, "-o", csv, "--json")
    assert result.exit_code == 0, result.output
    ranked = json.loads(result.stdout)
    assert ranked["ranked"] == len(pd.read_csv(csv)) == 4
    assert -1 <= ranked["measures"]["kendall_tau"] <= 1
    small = ["--channels", 2, "--depth", 1, "--epochs", 1, "--cutout", 0, "--no-flip"]
    result = _run("retrain", folder, *small, "--json", "--seed", 0, "--seed", 1)
    assert result.exit_code == 0, result.output
    trained = json.loads(result.stdout)
    (together,) = trained["summary"]
    assert (together["architecture"], together["seeds"]) == (found, [0, 1])
    accuracies = [each["test_accuracy"] for each in trained["retrainings"]]
    assert together["test_accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert together["test_accuracy_deviation"] == pytest.approx(pd.Series(accuracies).std())
    words = " ".join(_run("retrain", folder, *small, "--seed", 0, "--seed", 1).stdout.split())
    assert f"{sum(accuracies) / 2:.2f} ± {pd.Series(accuracies).std():.2f} % on test" in words
    live = read_live_run(folder)
    assert live.retrained.mean == pytest.approx(sum(accuracies) / 2)
    page = write_report(folder).read_text(encoding="utf-8")
    assert f"<b>{live.retrained.accuracy}</b> on test images" in page
    printed = _run("rank", folder, *options).stdout
    assert "kendall tau" in printed
    assert "is a stand-in and no truth: trainings of 1 epoch on digits" in " ".join(printed.split())


def test_cells_of_a_table_are_trained_without_a_search(tmp_path):
    cells = ["-o", tmp_path, "--table", "hw-nas-bench", "--sample", 2, "--data", "digits"]
    small = ["--recipe", "nasbench201", "--channels", 2, "--depth", 1, "--epochs", 1]
    result = _run("retrain", *cells, *small)
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert words.count("true value of the table hw-nas-bench: ") == 2
    assert "(test accuracy on cifar10)" in words
    (first, _) = read_retrainings(tmp_path)
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert f"{first.architecture}: <b>{first.test_accuracy:.2f} %</b> on test images" in page


ONE = ["--space", "nasbench201", "--arch", "|none~0|", "--data", "digits"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "hwbench live retrain -o FOLDER --space SPACE --arch ARCH"),
        (["run", "-o", "other"], "name either the run folder of a finished search"),
        (["-o", "other"], "--space SPACE --arch ARCH, or a table"),
        (["-o", "other", "--space", "nasbench201"], "name a space and architectures of it"),
        (["-o", "other", "--space", "nasbench210", *ONE[2:]], "did you mean 'nasbench201'"),
        (["-o", "other", *ONE], "none~0"),
        (["-o", "other", "--table", "hw-nas-bench"], "--best N or --sample N"),
        (["-o", "other", "--best", "3"], "--best and --sample choose from --table TABLE"),
        (["-o", "o", "--space", "darts", "--table", "hw-nas-bench", "--best", "1"], "nasbench201"),
        (["run", "--best", "3", "--table", "hw-nas-bench"], "name a folder with -o instead"),
        (["run", "--recipe", "dart"], "unknown recipe 'dart'; did you mean 'darts'"),
        (["run", "--label-smoothing", "1.5"], "label_smoothing must be below 1"),
    ],
)
def test_what_cannot_be_retrained_is_one_line(refused, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("live", "retrain", *arguments)
    assert not list(tmp_path.iterdir())


def test_select_says_first_what_it_truly_found(tiny, tmp_path, refused):
    folder = tmp_path / "run"
    _run("run", tiny, "-o", folder)
    few = ["--set", "evaluations=8", "--set", "n_initial=4"]
    limit = ["--set", "metric=flops", "--set", "limit=110e6", "--set", "strategy.name=random"]
    printed = _run("select", folder, "--method", "black_box", *few, *limit)
    assert printed.exit_code == 0, printed.output
    words = " ".join(printed.stdout.split())
    assert words.startswith("What was found truly has ")
    assert "the one with the most FLOPs" in words
    assert "Random search, FLOPs within 1.1e+08" in words
    front = ["--set", "metric=hw-nas-bench:cifar10.pixel3_latency", "--set", "strategy=nsga2"]
    words = " ".join(_run("select", folder, "--method", "black_box", *few, *front).stdout.split())
    assert "truly cover" in words
    assert "architectures drawn at random" in words
    again = [*few, *front, "--json"]
    result = json.loads(_run("select", folder, "--method", "black_box", *again).stdout)
    assert result["label"] == "black_box-nsga2"
    other = ["--method", "black_box", "--set", "strategy=nsga2"]
    assert "give this one a name with --label" in refused("live", "select", folder, *other)


def test_a_run_begins_with_what_was_found_is_truly_worth(tiny, tmp_path):
    printed = " ".join(_run("run", tiny, "-o", tmp_path / "run").stdout.split())
    assert printed.startswith("What was found truly has ")
    assert "of 15,625, better than" in printed
    assert printed.index("One architecture drawn at random has") < printed.index("weight sets")
    assert "validation accuracy, supernet's weights" in printed
    again = " ".join(_run("truth", tmp_path / "run").stdout.split())
    assert again.partition(" One architecture")[0] == printed.partition(" One architecture")[0]
    options = ["--target", "hw-nas-bench:cifar100.test_accuracy", "--json"]
    truth = json.loads(_run("truth", tmp_path / "run", *options).stdout)
    assert truth["dataset"] == "cifar100"


def test_sweep_prints_a_row_for_each_value(tiny, tmp_path):
    path = tmp_path / "sweep.toml"
    sweep = {
        "title": "rates",
        "search": str(tiny),
        "argument": "trainer.learning_rate",
        "values": [0.1],
        "baseline": False,
        "seeds": [0, 1],
    }
    path.write_text(to_toml(sweep))
    result = _run("sweep", path, "-o", tmp_path / "sweep", "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert row["value"] == "0.1"
    printed = _run("sweep", path, "-o", tmp_path / "sweep").stdout
    assert f"{row['test_accuracy']:.4g} ± {row['test_accuracy_deviation']:.2g}" in printed
    assert f"{row['true_value']:.4g}" in printed
    assert "True values: test accuracy on cifar10 in the table hw-nas-bench." in printed
    assert "One architecture drawn at random has" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "dartz", "--recipe", "small"], "did you mean 'darts'"),
        (["run", "darts", "--recipe", "smal"], "unknown recipe 'smal'; did you mean 'small'"),
        (["run", "absent.toml"], "absent.toml: no such file"),
        (["run", "spos", "--recipe", "small", "--device", "tpu9"], "device 'tpu9'"),
        (["rank", "absent"], "absent: holds no live search"),
        (["select", "absent", "--method", "ranking"], "absent: holds no live search"),
        (["select", "absent", "--method", "strenght"], "absent: holds no live search"),
        (["select", "absent", "--method", "strength", "--set", "k"], "must be KEY=VALUE"),
        (["truth", "absent"], "absent: holds no finished search"),
        (["retrain", "absent"], "absent: holds no finished search"),
        (["compare", "-o", "new", "--arch", "MobileNetV2"], "did you mean 'MobileNet-V2'"),
        (["compare", "-o", "new", "--data", "digits", "--set", "epoch=3"], "did you mean 'epochs'"),
        (["compare", "-o", "new", "--data", "digits", "--runtime", "onnx"], "onnxruntime"),
        (["sweep", "windows"], "did you mean 'window'"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(
    refused, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in refused("live", *arguments)


def test_an_estimate_before_starting(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = _run("estimate", tiny, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["epochs"], found["ranked"], found["evaluated"]) == (1, None, 0)
    assert found["images"] == {"train": 90, "validation": 808, "test": 899}
    assert [row["epochs"] for row in found["timed"]] == [1]
    assert found["seconds"] > found["training_seconds"] > 0
    assert found["memory_mb"] > 0
    shown = _run("estimate", tiny).stdout
    assert "training, 1 epoch: about" in shown
    assert "on cpu with 1 thread" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]
