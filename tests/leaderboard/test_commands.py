"""`hwbench leaderboard` as its user types it."""

import json
import sys

import pytest

from hwbench.cli import main


@pytest.fixture
def hwbench(shipped, monkeypatch, capsys):
    """Run a command line on the small leaderboard; gives its exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hwbench", "leaderboard", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        return (code, *capsys.readouterr())

    return run


def test_standings_are_printed_and_given_as_json(hwbench):
    code, out, _ = hwbench("--target", "small:latency", "--size", 40)
    assert code == 0
    assert "small:latency, 40 measurements" in out
    assert "FLOPs alone" in out
    assert max(map(len, out.splitlines())) <= 80
    found = json.loads(hwbench("--target", "small:latency", "--size", 40, "--json")[1])
    assert found["size"] == 40
    assert {"ridge", "bayesian_ridge_counts", "random"} <= {
        each["predictor"] for each in found["entries"]
    }
    assert all(each["elo"] is not None for each in found["entries"])
    short = hwbench("--target", "small:latency", "--most", 1)[1]
    assert "more; --most" in short
    assert short.count(" alone ") >= 2  # what ranks for nothing is never left out
    for score in ("spearman", "pearson", "precision_at_10"):
        of_score = hwbench("--target", "small:latency", "--size", 40, "--score", score)[1]
        assert "FLOPs alone" in of_score
        assert "Random order" in of_score
        assert max(map(len, of_score.splitlines())) <= 80
    assert "did you mean '40'? use: hwbench" in hwbench("--size", 100)[2]


def test_what_there_is_is_listed(hwbench):
    listed = json.loads(hwbench("--list", "--json")[1])
    assert [(each["kind"], each["target"]) for each in listed] == [
        ("latency", "small:latency"),
        ("accuracy", "small:test_accuracy"),
    ]
    assert listed[0]["sizes"] == "10 40"


def test_a_study_is_added_shown_and_removed(hwbench, run_study, own_card, hwbench_home):
    own_card("mine", "My own")
    run = run_study("theirs", ("mine",))
    code, out, _ = hwbench("add", run)
    assert code == 0
    assert f"kept in {hwbench_home / 'leaderboard' / 'theirs'}" in out
    assert "by theirs" in hwbench("--target", "small:latency")[1].replace("\n", " ")
    assert "by theirs" not in hwbench("--target", "small:latency", "--own")[1]
    (hwbench_home / "leaderboard" / "theirs" / "study_runs.json").write_text("{")
    code, out, err = hwbench("--target", "small:latency")
    assert code == 0
    assert "warning: contribution theirs is left out" in err
    assert "removed" in hwbench("remove", "theirs")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--size", "41"), "'41'"),
        (("--space", "nasbench210"), "nasbench201"),
        (("--score", "kendal_tau"), "did you mean 'kendall_tau'"),
        (("add", "nowhere"), "holds no study"),
        (("remove", "nobody"), "unknown contribution 'nobody'"),
    ],
)
def test_refusals_are_one_line(hwbench, arguments, message):
    code, out, err = hwbench(*arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


def test_the_page_is_written(hwbench, tmp_path):
    code, out, _ = hwbench("page", "-o", tmp_path / "page.html")
    assert code == 0
    assert str(tmp_path / "page.html") in out
    assert "small:latency" in (tmp_path / "page.html").read_text(encoding="utf-8")
