"""What is seen of runs while they go on, and how pages hear of it."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwbench.results.names import SEARCH_PARTS
from hwbench.studio.commands import in_words, resume_command, start_command
from hwbench.studio.events import _changes
from hwbench.studio.index import RunIndex
from hwbench.studio.processes import Jobs
from hwbench.studio.rates import Rates
from hwbench.studio.summary import Progress, Summary
from hwbench.studio.watch_page import RunPages
from hwbench.studio.watching import now_blocks
from hwbench.studio.watching.journals import journal_blocks
from hwbench.studio.watching.search import search_blocks


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
