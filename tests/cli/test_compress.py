"""`hwbench compress`: what it prints, writes and refuses."""

import json

import pytest

QUICK = (
    "--images", "digits", "--recipe", "small", "--set", "training.epochs=4",
    "--set", "training.last_epochs=1", "--budget", 0.3,
)  # fmt: skip


def test_run_prints_what_came_of_it_and_report_makes_a_page(hwbench, tmp_path):
    folder = tmp_path / "run"
    command = ("compress", "run", "lenet_300_100", *QUICK, "-o", folder, "--seeds", 2)
    command += ("--method", "sparse_bayes", "--method", "magnitude", "--onnx")
    told = json.loads(hwbench(*command, "--json").out)
    assert [(row["method"], row["seeds"]) for row in told] == [
        ("whole", 2),
        ("sparse_bayes", 2),
        ("magnitude", 2),
    ]
    assert told[0]["lost"] == 0
    assert all(row["flops_share"] <= 0.3 for row in told[1:])
    assert all(row["latency_ratio"] > 0 for row in told)
    again = hwbench(*command)
    assert again.code == 0
    assert "sparse Bayesian learning, to 30 % of the FLOPs" in again.out
    assert f"hwbench compress report {folder}" in again.out
    assert (folder / "networks" / "magnitude-0.3-seed1" / "network.onnx").stat().st_size > 1000
    made = hwbench("compress", "report", folder)
    assert made.code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "of its FLOPs" in page
    assert "Beside the best baseline under the same budget" in page
    elsewhere = tmp_path / "page.html"
    assert hwbench("compress", "report", folder, "-o", elsewhere).code == 0
    assert elsewhere.is_file()
    refused = hwbench("report", "write", folder)
    assert refused.code == 2
    assert f"hwbench compress report {folder}" in refused.err


def test_a_file_says_all(hwbench, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'network = "lenet_300_100"\nimages = "digits"\nrecipe = "small"\nmethods = ["random"]\n'
        "budgets = [0.5]\n[training]\nepochs = 4\nlast_epochs = 1\n[latency]\nrounds = 0\n"
    )
    folder = tmp_path / "run"
    told = hwbench("compress", "run", path, "-o", folder, "--json")
    rows = json.loads(told.out)
    assert [row["method"] for row in rows] == ["whole", "random"]
    assert rows[1]["latency_ratio"] is None


def test_parts_are_listed(hwbench):
    rows = json.loads(hwbench("compress", "parts", "--json").out)
    names = {(row["part"], row["name"]) for row in rows}
    assert ("network", "resnet18") in names
    assert ("compression method", "geometric_median") in names
    assert ("recipe", "published") in names
    assert all(row["what"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lenet_30_100",), "did you mean 'lenet_300_100'"),
        (("missing.py:network",), "there is no file missing.py"),
        (("lenet_5", "--images", "digits"), "needs images of 16 pixels or more"),
        (("lenet_5", "--method", "magnitud"), "did you mean 'magnitude'"),
        (("lenet_5", "--set", "training.epohs=3"), "did you mean 'epochs'"),
        (("lenet_5", "--budget", "1.5"), "must be below 1"),
        (("lenet_5", "--recipe", "smal"), "did you mean 'small'"),
        (("lenet_5", "--runtime", "onnx"), "onnxruntime"),
        (("missing.toml",), "missing.toml"),
    ],
)
def test_run_says_in_one_line_what_is_wrong(hwbench, tmp_path, arguments, words):
    told = hwbench("compress", "run", *arguments, "-o", tmp_path / "run")
    assert told.code == 2
    assert words in told.err
    assert told.err.count("\n") == 1


def test_report_says_what_is_missing(hwbench, tmp_path):
    told = hwbench("compress", "report", tmp_path)
    assert told.code == 2
    assert "holds no run of compressions" in told.err
