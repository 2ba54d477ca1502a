import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import typer

from hwbench.cli import models
from hwbench.errors import HwbenchError
from hwbench.predictors.model_file import load_model, read_model_card
from hwbench.tables import load_table


@pytest.fixture
def run(monkeypatch, capsys, own_table):
    """Run one of the two commands in this process; gives its exit code and stdout."""
    monkeypatch.setenv("COLUMNS", "300")
    app = typer.Typer()
    app.command()(models.fit)
    app.command()(models.predict)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["hwbench", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            app()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        assert code == 0, err
        return SimpleNamespace(out=out, err=err)

    return call


@pytest.fixture
def fitted(run, tmp_path):
    """A model fitted to 150 of the small table's 200 rows; gives its path."""
    path = tmp_path / "latency.hwb"
    command = ["fit", "--target", "small:latency", "--predictor", "bayesian_linear_regression"]
    run(*command, "--samples", 150, "-o", path)
    return path


def test_fit_says_what_it_did_and_saves(run, tmp_path):
    path = tmp_path / "folder" / "latency.hwb"
    out = run(
        "fit", "--target", "small:latency", "--predictor", "ridge", "--samples", 150, "-o", path
    ).out
    assert "ridge fitted to 150 architectures of small:latency [ms] in " in out
    assert "Kendall's tau on 50 other architectures: 0." in out
    assert f"model: {path}" in out
    card = read_model_card(path)
    assert (card.target, card.unit, card.training_size) == ("small:latency", "ms", 150)
    assert card.predictor == "ridge"
    assert card.held_out == 50
    assert f"{card.kendall_tau:.3f}" in out
    assert len(set(card.training_archs)) == 150


def test_fit_looks_for_the_best_where_none_is_named(run, tmp_path):
    path = tmp_path / "best.hwb"
    command = ["fit", "--target", "small:latency", "--samples", 20, "--preset", "fast", "-o", path]
    command += ["--workers", 1]
    out = run(*command).out
    model = load_model(path)
    chosen = model.leaderboard().query("status == 'chosen'").iloc[0]
    assert f"{model.predictor} fitted to 20 architectures of small:latency [ms] in " in out
    assert f"{chosen['kendall_tau']:.3f}" in out
    assert "flops" in out
    assert f"Kendall's tau to expect on other architectures: {model.expected_tau.value:.2f}" in out
    assert "Kendall's tau on 180 other architectures: " in out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--preset", "god"], "did you mean 'good'"),
        (["--preset", "fast", "--predictor", "ridge"], "give one of them"),
        (["--encoding", "counts"], "--encoding is for a predictor that is named"),
        (["--trials", 3], "--trials is for a predictor that is named"),
        (["--samples", 999], "999 samples"),
    ],
)
def test_the_best_and_a_named_predictor_do_not_mix(run, tmp_path, options, reason):
    with pytest.raises(HwbenchError, match=reason):
        run("fit", "--target", "small:latency", "-o", tmp_path / "m.hwb", *options)


def test_fit_takes_all_rows_by_default(run, tmp_path):
    path = tmp_path / "m.hwb"
    told = json.loads(
        run(
            "fit", "--target", "small:latency", "--predictor", "ridge", "-o", path, "--json",
            "--encoding", "counts",
        ).out
    )  # fmt: skip
    assert told["training_size"] == 200
    assert "kendall_tau" not in told
    table = load_table("small")
    model = load_model(path).regressor
    assert model.encoding == "counts"
    expected = model.fit(table.archs, table.column("latency")).predict(table.archs)
    np.testing.assert_allclose(load_model(path).predict(table.archs), expected)


def test_fit_learns_from_other_devices(run, tmp_path, devices_table):
    path = tmp_path / "m.hwb"
    command = ["fit", "--target", "devices:b", "--predictor", "transfer_gaussian_process"]
    sources = [part for name in "ab" for part in ("--source", f"devices:{name}")]
    told = json.loads(run(*command, *sources, "--samples", 15, "-o", path, "--json").out)
    assert told["kendall_tau"] > 0.8
    model = load_model(path).regressor
    assert model.estimator_.sources.names == ("devices:a",)
    with pytest.raises(HwbenchError, match="name their columns as sources"):
        run(*command, "-o", path)
    with pytest.raises(HwbenchError, match="--source-samples says how much of each --source"):
        run(*command, "--source-samples", 30, "-o", path)
    with pytest.raises(HwbenchError, match="learns from no other device"):
        run(*command[:-1], "ridge", *sources, "-o", path)


def test_fit_to_listed_architectures(run, tmp_path):
    table = load_table("small")
    listed = tmp_path / "archs.txt"
    listed.write_text("\n".join([*table.frame["arch"][:30], "", table.frame["arch"][0]]))
    told = json.loads(
        run(
            "fit", "--target", "small:latency", "--predictor", "ridge", "-o", tmp_path / "m.hwb",
            "--architectures", listed, "--json",
        ).out
    )  # fmt: skip
    assert (told["training_size"], told["held_out"]) == (30, 170)
    model = load_model(tmp_path / "m.hwb").regressor
    np.testing.assert_allclose(
        model.predict(table.archs),
        model.fit(table.archs[:30], table.column("latency")[:30]).predict(table.archs),
    )


def test_seed_draws_samples(run, tmp_path):
    taus = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        command = ["fit", "--target", "small:latency", "--predictor", "ridge", "--samples", 50]
        command += ["--seed", seed, "-o", tmp_path / f"{name}.hwb", "--json"]
        taus.append(json.loads(run(*command).out)["kendall_tau"])
    assert taus[0] == taus[1] != taus[2]
    assert (tmp_path / "a.hwb").read_bytes() == (tmp_path / "b.hwb").read_bytes()


def test_fit_searches_hyper_parameters(run, tmp_path):
    command = ["fit", "--target", "small:latency", "--predictor", "ridge", "--trials", 5]
    out = run(*command, "--samples", 60, "-o", tmp_path / "m.hwb").out
    assert "best of 5 configurations: " in out
    told = json.loads(run(*command, "--samples", 60, "-o", tmp_path / "m.hwb", "--json").out)
    assert told["configurations"] == 5
    assert load_model(tmp_path / "m.hwb").regressor.tuning_.best == told["chosen"]


def test_lookup_table_takes_its_neighbourhood(run, make_table, hwbench_home, tmp_path):
    table = make_table("whole", n_archs=15625)
    table.save(hwbench_home / "tables" / "whole.parquet")
    command = ["fit", "--target", "whole:latency", "--predictor", "lookup_table"]
    out = run(*command, "-o", tmp_path / "m.hwb").out
    assert "lookup_table fitted to 25 architectures" in out
    assert "tau on 625 other architectures" in out


def test_predict_named_architectures(run, fitted):
    table = load_table("small")
    names = table.frame["arch"][:3].tolist()
    expected, deviation = load_model(fitted).predict(table.archs[:3], return_std=True)
    rows = json.loads(run("predict", fitted, *names, "--json", "--std").out)
    assert [row["arch"] for row in rows] == names
    np.testing.assert_allclose([row["prediction"] for row in rows], expected, rtol=1e-12)
    np.testing.assert_allclose([row["deviation"] for row in rows], deviation, rtol=1e-12)
    text = run("predict", fitted, *names).out
    assert "small:latency [ms]" in text
    for name, value in zip(names, expected, strict=True):
        assert name in text
        assert f"{value:.6g}" in text


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_everything_into_a_file(run, fitted, tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    assert f"15625 predictions: {path}" in run("predict", fitted, "--all", "-o", path).out
    frame = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    model = load_model(fitted)
    assert list(frame) == ["arch", "prediction"]
    archs = model.space.all_architectures()
    assert frame["arch"].tolist() == model.space.to_strings(archs)
    np.testing.assert_allclose(frame["prediction"], model.predict(archs), rtol=1e-12)


@pytest.mark.parametrize("suffix", ["txt", "csv", "parquet"])
def test_predict_a_file_of_architectures(run, fitted, tmp_path, suffix):
    table = load_table("small")
    path = tmp_path / f"in.{suffix}"
    frame = table.frame[["arch", "latency"]].head(7)
    if suffix == "txt":
        path.write_text("\n".join(frame["arch"]) + "\n")
    elif suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    rows = json.loads(run("predict", fitted, "--architectures", path, "--json").out)
    assert [row["arch"] for row in rows] == frame["arch"].tolist()


def test_column_of_architectures_can_be_named(run, fitted, tmp_path):
    table = load_table("small")
    path = tmp_path / "in.csv"
    pd.DataFrame({"cell": table.frame["arch"][:4], "note": 1}).to_csv(path, index=False)
    out = run("predict", fitted, "--architectures", path, "--arch-column", "cell", "--json").out
    assert len(json.loads(out)) == 4


NB201 = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "MODEL"], "give architectures, or --architectures FILE, or --all"),
        (["predict", "MODEL", NB201, "--all"], "give architectures, or"),
        (["predict", "MODEL", "--all"], "15625 predictions are too many to be shown"),
        (["predict", "MODEL", "--all", "-o", "x.xlsx"], "must end in .csv or .parquet"),
        (["predict", "MODEL", "|nor_conv_9x9~0|"], "nor_conv_9x9"),
        (["predict", "gone.hwb", "--all"], "gone.hwb: no such file"),
        (["predict", "RIDGE", NB201, "--std"], "predicts no standard deviations"),
        (["predict", "MODEL", "--architectures", "gone.txt"], "gone.txt: no such file"),
        (["predict", "MODEL", "--architectures", "gone.csv"], "gone.csv: no such file"),
        (["predict", "MODEL", "--architectures", "bad.txt"], "bad.txt: row 2, architecture: "),
        (["predict", "MODEL", "--architectures", "empty.txt"], "holds no architecture"),
        (["predict", "MODEL", "--architectures", "none.csv"], "which column holds the arch"),
        (
            ["predict", "MODEL", "--architectures", "two.csv", "--arch-column", "cel"],
            "did you mean 'cell'?",
        ),
        (["fit", "--predictor", "ridge", "-o", "m.pkl"], "must end in .hwb"),
        (["fit", "--predictor", "rigde", "-o", "m.hwb"], "did you mean 'ridge'?"),
        (["fit", "--predictor", "ridge", "-o", "m.hwb", "--samples", "999"], "has 200"),
        (
            ["fit", "--predictor", "ridge", "-o", "m.hwb", "--seconds", "0"],
            "fit: seconds must be above 0",
        ),
        (["fit", "--predictor", "lookup_table", "-o", "m.hwb"], "are not in table small"),
        (
            ["fit", "--predictor", "ridge", "-o", "m.hwb", "--samples", "9", "--architectures",
             "bad.txt"],
            "either --samples or --architectures",
        ),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(run, fitted, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.txt").write_text(f"{NB201}\n|nor_conv_9x9~0|\n")
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "two.csv").write_text(f"cell,other\n{NB201},1\n")
    (tmp_path / "none.csv").write_text("cell,other\nx,1\n")
    if arguments[0] == "fit":
        arguments = ["fit", "--target", "small:latency", *arguments[1:]]
    if "RIDGE" in arguments:
        command = ["fit", "--target", "small:latency", "--predictor", "ridge"]
        run(*command, "-o", tmp_path / "ridge.hwb")
    named = {"MODEL": str(fitted), "RIDGE": str(tmp_path / "ridge.hwb")}
    with pytest.raises(HwbenchError) as error:
        run(*[named.get(argument, argument) for argument in arguments])
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "m.hwb").exists()


def test_a_model_of_other_classes_says_who_must_trust_it(run, tmp_path, own_table, hwbench_home):
    card = hwbench_home / "predictors" / "nearest.toml"
    card.parent.mkdir(exist_ok=True)
    card.write_text(
        'title = "Nearest"\nfamily = "kernel"\npaper = "-"\n'
        'estimator = "sklearn.neighbors:KNeighborsRegressor"\n'
    )
    path = tmp_path / "nearest.hwb"
    command = ["fit", "--target", "small:latency", "--predictor", "nearest", "-o", path]
    assert f"must trust it: hwbench predict {path} --trust sklearn" in run(*command).out
    assert json.loads(run(*command, "--json").out)["needs_trust"] == ["sklearn"]
    arch = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    assert json.loads(run("predict", path, arch, "--trust", "sklearn", "--json").out)
    with pytest.raises(HwbenchError, match="no predictor of hwbench is made of"):
        run("predict", path, arch)


@pytest.fixture
def measurements(tmp_path, own_table):
    """The small table's latencies as a file, and those of another batch; gives its path."""
    path = tmp_path / "my latencies.csv"
    frame = load_table("small").frame
    frame["latency_ms"] = frame["latency"].map("{:.6f}".format)
    frame["batch8_ms"] = frame["latency"] * 7
    frame[["arch", "latency_ms", "batch8_ms"]].to_csv(path, index=False)
    return path


@pytest.mark.parametrize("named", ["by option", "behind the file"])
def test_fit_to_a_file_of_measurements(run, hwbench, measurements, tmp_path, named):
    path = tmp_path / "mine.hwb"
    target = (
        ("--target", measurements, "--metric", "latency_ms")
        if named == "by option"
        else ("--target", f"{measurements}:latency_ms")
    )
    out = run(
        "fit", *target, "--space", "nasbench201", "--predictor", "bayesian_linear_regression",
        "--samples", 150, "-o", path,
    ).out  # fmt: skip
    said = "fitted to 150 architectures of my latencies.csv:latency_ms [ms] in "
    assert said in out
    own, table = load_model(path), tmp_path / "table.hwb"
    run("fit", "--target", "small:latency", "--predictor", "bayesian_linear_regression",
        "--samples", 150, "-o", table)  # fmt: skip
    archs = load_table("small").archs
    np.testing.assert_allclose(own.predict(archs), load_model(table).predict(archs), rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FILE"], "is a file of measurements, no table; .*: hwbench fit .* --space SPACE"),
        (["FILE:latency_ms"], "is a file of measurements, no table"),
        (
            ["FILE", "--space", "nasbench201"],
            r"several .* say which .*`hwbench fit .* --metric lat",
        ),
        (["FILE", "--space", "nasbench21", "--metric", "latency_ms"], "did you mean 'nasbench201'"),
        (["FILE:latncy", "--space", "nasbench201"], "'latncy'; did you mean 'latency_ms'"),
        (["small:latency", "--space", "nasbench201"], "no such file .*: leave out --space"),
        (["none.csv", "--space", "nasbench201"], "none.csv: no such file of measurements"),
        (["small:latency", "--bad-rows", "drop"], "--bad-rows is for files of measurements, and"),
        (["small:latency", "--where", "a=b"], "--where is for files of measurements, and small:la"),
    ],
)
def test_wrong_targets_are_one_line(refused, measurements, tmp_path, arguments, message):
    target, *options = arguments
    line = refused(
        "fit", "--target", target.replace("FILE", str(measurements)), *options,
        "--predictor", "ridge", "-o", tmp_path / "m.hwb",
    )  # fmt: skip
    assert re.search(message, line)
    assert not (tmp_path / "m.hwb").exists()
