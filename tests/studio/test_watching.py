"""What is seen of runs while they go on, and how pages hear of it."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.results.names import SEARCH_PARTS
from hwbench.studio.best import Bests, best_of_study
from hwbench.studio.commands import in_words, resume_command, start_command
from hwbench.studio.comparing import compared
from hwbench.studio.events import _changes
from hwbench.studio.folders import OutsideError
from hwbench.studio.index import RunIndex
from hwbench.studio.processes import Jobs
from hwbench.studio.rates import Rates
from hwbench.studio.rendering import STATIC
from hwbench.studio.summary import Progress, Summary
from hwbench.studio.watch_page import RunPages
from hwbench.studio.watching import now_blocks
from hwbench.studio.watching.journals import journal_blocks
from hwbench.studio.watching.live import live_blocks
from hwbench.studio.watching.search import search_blocks
from hwbench.studio.watching.study import study_blocks


@pytest.fixture
def stopped(runs):
    """A study of which half of the trials are there, one of them failed."""
    path = runs / "small" / "study.parquet"
    trials = pd.read_parquet(path).iloc[:2].copy()
    trials["exception"] = trials["exception"].astype(object)
    trials["error"] = trials["error"].astype(object)
    trials.loc[trials.index[1], ["exception", "error"]] = [
        "ValueError",
        "Traceback (most recent call last):\nValueError: <b>it broke</b>",
    ]
    trials.loc[trials.index[1], "kendall_tau"] = np.nan
    trials.to_parquet(path)
    return runs


def test_a_study_shows_curves_and_tracebacks(stopped):
    summary = RunIndex(stopped).summary("small")
    assert summary.parts == (Progress("study", "trials", 2, 4, 1),)
    assert summary.state == "stopped"
    curves, notice, code = now_blocks(summary, stopped / "small")
    assert (curves.kind, notice.kind, code.kind) == ("figure", "notice", "code")
    assert len(curves.data) == 1
    assert notice.text == "1 trial failed."
    assert "it broke" in notice.details[0]
    assert code.text.startswith("Traceback")
    assert "Ridge" in code.title or "ridge" in code.title.lower()


@pytest.fixture
def uneven(runs):
    """A study in which one predictor has two targets, and another the easy one of them alone."""
    path = runs / "small" / "study.parquet"
    trials = pd.read_parquet(path)
    hard = trials.assign(target="nb201-digits:latency_min", kendall_tau=0.1)
    ahead = trials.assign(predictor="ahead", title="Ahead", kendall_tau=0.99)
    pd.concat([trials.assign(kendall_tau=0.9), hard, ahead]).to_parquet(path)
    return runs


def test_who_has_fewer_targets_than_others_is_not_ahead_of_them(uneven):
    folder = uneven / "small"
    assert best_of_study(folder) == "tau 0.500 (ridge, 40 measurements)"
    (curves,) = study_blocks(folder)
    assert "2 targets" in curves.title
    assert {value for line in curves.data for value in line["y"]} == {0.5}


def test_the_page_of_a_run_is_its_report_and_says_how_to_go_on(stopped):
    index = RunIndex(stopped)
    pages = RunPages(index, Jobs(stopped), Rates())
    now = pages.now("small")
    assert now.resume == f"hwbench study resume {stopped / 'small'}"
    assert (now.rate, now.job, now.log) == (None, "", "")
    names = [section.name for section in pages.report("small")]
    assert names[0] == "summary"
    assert "provenance" in names
    assert pages.report("small") is pages.report("small")  # not made twice


def search_rows(strategy, seed, evaluations=6):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "strategy": strategy,
            "name": strategy,
            "accuracy_target": "t:accuracy",
            "metric_target": "t:latency",
            "goal": "front",
            "limit": np.nan,
            "seed": seed,
            "evaluation": np.arange(1, evaluations + 1),
            "arch": [f"a{seed}-{place}" for place in range(evaluations)],
            "accuracy": rng.uniform(50, 90, evaluations),
            "metric": rng.uniform(1, 9, evaluations),
            "hypervolume": np.linspace(0.1, 0.5, evaluations),
            "hypervolume_share": np.linspace(0.2, 0.9, evaluations),
            "seconds": 0.01,
        }
    )


def test_searches_show_hypervolume_and_front_as_they_end(runs):
    folder = runs / "search"
    parts = folder / SEARCH_PARTS
    parts.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (text,) = search_blocks(folder)
    assert text.text == "No search has ended yet."
    search_rows("random", 0).to_parquet(parts / "a.parquet")
    (parts / "b.parquet").write_bytes(b"cut off")
    (group,) = search_blocks(folder)
    assert [each.title for each in group.blocks] == ["Hypervolume", "Front"]
    search_rows("nsga2", 1).to_parquet(parts / "c.parquet")
    (group,) = search_blocks(folder)
    assert [each.title for each in group.legend] == ["nsga2", "random"]
    hypervolume, front = group.blocks
    assert max(hypervolume.data[-1]["y"]) == pytest.approx(0.9)
    for trace in front.data:
        assert trace["x"] == sorted(trace["x"])
        assert trace["y"] == sorted(trace["y"])


def test_a_journal_shows_its_numbers_in_their_order(tmp_path):
    path = tmp_path / "mine.journal"
    recipe = {"kind": "measure", "space": "nasbench201", "rounds": [1]}
    records = [{"row": 3, "times": [2.0, 4.0, 3.0]}, {"row": 1, "times": [5.0]}]
    lines = [{"recipe": recipe}, *records]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines) + '{"row": 9, "tim')
    *figures, facts = journal_blocks(path)
    times = next(each for each in figures if each.name == "now-times")
    assert times.data[0]["y"] == [3.0, 5.0]
    assert facts.rows["space"] == "nasbench201"


def test_what_failed_in_a_measurement_is_listed_until_it_has_come(runs):
    path = runs / "mine.journal"
    failed = [{"round": 0, "row": row, "failure": "device <b>is</b> busy"} for row in (1, 2)]
    came = [{"round": 0, "row": 3, "ms": [2.0, 4.0, 3.0]}, {"round": 0, "row": 1, "ms": [5.0]}]
    lines = [{"recipe": {"kind": "measure", "space": "nasbench201"}}, *failed, *came]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    summary = RunIndex(runs).summary("mine.journal")
    assert summary.parts == (Progress("measurement", "results", 3, failed=1),)
    notice, table, times, _ = now_blocks(summary, path)
    assert notice.text == "1 of 3 results failed."
    assert [row.title for row in table.rows] == ["device <b>is</b> busy"]
    assert [cell.text for cell in table.rows[0].cells] == ["0", "2"]
    assert (times.title, times.data[0]["y"]) == ("time (ms)", [5.0, None, 3.0])
    pages = RunPages(RunIndex(runs), Jobs(runs), Rates())
    assert "go on with the command that began it" in pages.now("mine.journal").why_not


def test_a_journal_that_has_become_a_table_is_no_missing_run(runs):
    pages = RunPages(RunIndex(runs), Jobs(runs), Rates())
    with pytest.raises(HwbenchError, match="no such run"):
        pages.now("mine.journal")
    (runs / "mine.parquet").write_bytes(b"")
    now = pages.now("mine.journal")
    assert (now.summary.state, now.resume, now.why_not) == ("finished", "", "")
    assert str(runs / "mine.parquet") in now.blocks[0].text
    assert pages.report("mine.journal") == []
    with pytest.raises(OutsideError):
        pages.now("../mine.journal")


CELL = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"
LIVE = """title = "Live"
[data]
name = "digits"
[space]
name = "nasbench201"
[strategy]
name = "darts"
[trainer]
epochs = 8
"""


def write_epochs(folder, epochs):
    """A live search that has come so far."""
    (folder / "config.toml").write_text(LIVE)
    pd.DataFrame(
        {
            "epoch": range(epochs),
            "learning_rate": 0.1,
            "train_loss": np.linspace(2.3, 1, epochs),
            "validation_loss": np.linspace(2.4, 2, epochs),
            "train_accuracy": np.linspace(10, 80, epochs),
            "validation_accuracy": np.linspace(10, 70, epochs),
            "architecture": CELL,
            "true_value": np.linspace(60, 90.5, epochs),
            "best_true_value": np.linspace(60, 91.25, epochs),
            "true_percentile": np.linspace(1, 43.5, epochs),
        }
    ).to_parquet(folder / "metrics.parquet")
    pd.DataFrame(
        [
            {
                "epoch": epoch,
                "position": f"0->{place}",
                "operation": name,
                "probability": 0.5,
                "strength": 0.0,
            }
            for epoch in range(epochs)
            for place in range(1, 11)
            for name in ("none", "skip_connect")
        ]
    ).to_parquet(folder / "strengths.parquet")


def test_a_live_search_shows_what_it_would_derive_and_how_it_trains(runs):
    folder = runs / "live"
    folder.mkdir()
    (folder / "config.toml").write_text(LIVE)
    assert [each.text for each in live_blocks(folder)] == ["No epoch has ended yet."]
    write_epochs(folder, 3)
    said, drawn, training, strengths = now_blocks(RunIndex(runs).summary("live"), folder)
    words = " ".join(said.sentences)
    assert "After epoch 3 the search would select" in words
    assert "<b>90.50</b>, better than 43.5 % of all" in words
    assert "The best so far was 91.25" in words
    assert drawn.text == CELL
    assert drawn.image.count("<path") >= 3
    titles = ["Loss", "Accuracy", "True value of what would be selected"]
    assert [each.title for each in training.blocks] == titles
    for figure in training.blocks[:2]:  # in both figures training is solid
        assert [trace["line"]["dash"] for trace in figure.data] == ["solid", "dash"]
        assert figure.caption == "Solid: training; dashed: validation."
    assert training.blocks[1].data[0]["y"][-1] == 80
    assert len(strengths.blocks) == 8
    assert strengths.text == "The first 8 of 10 positions."


@pytest.mark.parametrize(("stop", "total"), [("", 8), ("stop_after = 5\n", 5)])
def test_a_live_search_is_as_long_as_it_trains(runs, stop, total):
    (runs / "live").mkdir()
    write_epochs(runs / "live", 2)
    (runs / "live" / "config.toml").write_text(LIVE + stop)
    found = RunIndex(runs).summary("live").parts
    assert found == (Progress("live search", "epochs", 2, total),)


def test_cells_are_drawn_as_in_reports():
    style = STATIC["style.css"][1]()
    assert ".cell .edge { fill: none;" in style  # else edges are filled, black


@pytest.mark.parametrize("content", ['{"architecture": 3}', "[]", '{"arch'])
def test_a_result_that_is_none_is_said_in_a_line(runs, content):
    (runs / "live").mkdir()
    write_epochs(runs / "live", 8)
    (runs / "live" / "result.json").write_text(content)
    pages = RunPages(RunIndex(runs), Jobs(runs), Rates())
    pages.now("live")
    (section,) = pages.report("live")
    (notice,) = section.blocks
    assert notice.kind == "notice"
    assert "live" in notice.text
    assert "\n" not in notice.text
    bests = Bests(runs)
    page = compared(RunIndex(runs), bests, ["live", "small"])
    bests.close()
    assert [each.kind for each in page.sections[0].blocks].count("notice") >= 1


@pytest.mark.parametrize(
    ("part", "file", "words"),
    [
        ("study", None, "hwbench study resume runs/a"),
        ("search", "scenario.toml", "hwbench search run runs/a/scenario.toml -o runs/a"),
        ("simulation", "scenario.toml", "hwbench simulate run runs/a/scenario.toml -o runs/a"),
        ("live search", "config.toml", "hwbench live run runs/a/config.toml -o runs/a"),
        ("sweep", "sweep.toml", "hwbench live sweep runs/a/sweep.toml -o runs/a"),
    ],
)
def test_the_command_that_goes_on_with_a_run(tmp_path, monkeypatch, part, file, words):
    monkeypatch.chdir(tmp_path)
    folder = Path("runs/a")
    folder.mkdir(parents=True)
    if file is not None:
        (folder / file).write_text("")
    summary = Summary("a", "A", "stopped", (Progress(part, "units", 1, 2),))
    assert in_words(resume_command(summary, folder)) == words


def test_a_config_is_started_with_words_that_no_shell_reads():
    words = start_command("live", Path("a; rm -rf x.toml"), Path("runs/$(b)"))
    assert in_words(words) == "hwbench live run 'a; rm -rf x.toml' -o 'runs/$(b)'"


def test_pages_hear_of_changes_alone(monkeypatch):
    monkeypatch.setattr("hwbench.studio.events.INTERVAL", 0)
    states = iter([1, 1, 1, 2, 2, 3])
    looked = []

    class Request:
        async def is_disconnected(self):
            return len(looked) == 6

    def look():
        looked.append(next(states))
        return looked[-1]

    async def heard():
        return [each async for each in _changes(Request(), look)]

    assert [each["event"] for each in asyncio.run(heard())] == ["watching", "changed", "changed"]
