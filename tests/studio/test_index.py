"""What the list says of runs: their kind, state and progress, without reading their rows."""

import html
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from hwbench.locks import LOCK, holder_of, is_locked, only_writer
from hwbench.studio.app import make_app
from hwbench.studio.best import Bests
from hwbench.studio.index import RunIndex
from hwbench.studio.rates import Rates
from hwbench.studio.settings import Settings
from hwbench.studio.summary import Progress

LIVE = """title = "Live"
[space]
name = "nasbench201"
[strategy]
name = "darts"
[trainer]
name = "bilevel"
epochs = 8
"""


def write_live(folder, epochs, *, ended=False):
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(LIVE)
    pd.DataFrame({"epoch": range(epochs)}).to_parquet(folder / "metrics.parquet")
    if ended:
        (folder / "result.json").write_text("{}")


def test_each_kind_of_run_is_counted(runs):
    write_live(runs / "live" / "going", 3)
    write_live(runs / "live" / "done", 8, ended=True)
    (runs / "sweep").mkdir()
    (runs / "sweep" / "sweep.toml").write_text(
        'title = "S"\nsearch = "darts"\nargument = "a"\nvalues = [1, 2]\nseeds = [0, 1, 2]\n'
        "[also]\nb = [1, 2]\n"
    )
    pd.DataFrame({"value": ["1"] * 4}).to_parquet(runs / "sweep" / "sweep.parquet")
    write_live(runs / "sweep" / "inner", 8)
    recipe = {"kind": "train", "space": "nasbench201"}
    lines = [{"recipe": recipe}, {"index": 1}, {"index": 2}]
    (runs / "mine.journal").write_text("".join(json.dumps(each) + "\n" for each in lines))
    found = {each.name: each for each in RunIndex(runs).all()}
    assert set(found) == {"small", "live/going", "live/done", "sweep", "mine.journal"}
    assert found["small"].parts == (Progress("study", "trials", 4, 4, ended=True),)
    assert found["live/going"].parts == (Progress("live search", "epochs", 3, 8),)
    assert found["live/done"].parts == (Progress("live search", "epochs", 8, 8, ended=True),)
    assert found["sweep"].parts == (Progress("sweep", "searches", 4, 15),)
    assert found["mine.journal"].parts == (Progress("training", "results", 2),)
    states = {name: each.state for name, each in found.items()}
    assert states == dict.fromkeys(found, "stopped") | {
        "small": "finished",
        "live/done": "finished",
    }


def test_a_run_is_summed_up_again_when_a_file_of_it_changes(runs, monkeypatch):
    index = RunIndex(runs)
    write_live(runs / "live", 3)
    assert index.summary("live").current.done == 3
    pd.DataFrame({"epoch": range(5)}).to_parquet(runs / "live" / "metrics.parquet")
    assert index.summary("live").current.done == 5
    monkeypatch.setattr("hwbench.studio.index._summed_up", None)  # would be an error to call
    assert index.summary("live").current.done == 5


@pytest.mark.parametrize("file", ["run.json", "study.parquet"])
def test_a_broken_run_is_listed_and_says_why(runs, file):
    (runs / "small" / file).write_bytes(b"{ broken")
    found = RunIndex(runs).summary("small")
    assert found.state == "broken"
    assert file in found.problem


@pytest.mark.parametrize("broken", ["cut", "list", "number", "missing"])
def test_one_broken_run_breaks_nothing_else(runs, broken):
    shutil.copytree(runs / "small", runs / "other")
    record = runs / "other" / "run.json"
    text = record.read_text()
    given = {"cut": text[: len(text) // 2], "list": "[]", "number": '{"title": 3, "spec": 4}'}
    if broken == "missing":
        for name in ("run.json", "scenario.toml"):
            (runs / "other" / name).unlink()
    else:
        record.write_text(given[broken])
    settings = Settings(runs)
    client = TestClient(make_app(settings), base_url="http://127.0.0.1:1")
    text = client.get(f"/runs?token={settings.token}").text
    assert 'data-value="small"' in text
    assert 'data-value="other"' in text
    for path in ("/run?name=other", "/run/now?name=other", "/compare?name=other&name=small"):
        assert client.get(path).status_code == 200, path
    report = client.get("/run/report?name=other").json()["body"]
    page = client.get("/run?name=other").text
    words = html.unescape(report + page)
    if broken != "missing":
        assert words.count(str(record)) == 1  # once, not above and below
        assert "Traceback" not in words
    assert 'id="summary"' in client.get("/run/report?name=small").json()["body"]


def test_no_row_of_a_study_is_read_for_the_list(runs, monkeypatch):
    def read(*_, **__):
        raise AssertionError("rows were read")

    monkeypatch.setattr("pyarrow.parquet.read_table", read)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.read", read)
    assert RunIndex(runs).all()[0].current.done == 4


def test_the_best_so_far_is_found_beside_the_list(runs):
    bests = Bests(runs)
    summary = RunIndex(runs).summary("small")
    assert bests.get(summary) is None
    end = time.monotonic() + 60
    while bests.get(summary) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    trials = pd.read_parquet(runs / "small" / "study.parquet")
    tau = trials[trials["training_size"] == 40]["kendall_tau"].mean()
    assert bests.get(summary) == f"tau {tau:.3f} (ridge, 40 measurements)"
    bests.close()


def test_who_writes_a_folder_is_known_and_is_not_disturbed(runs):
    folder = runs / "small"
    assert holder_of(folder / LOCK) is None
    with only_writer(folder):
        assert holder_of(folder / LOCK).process == os.getpid()
        assert is_locked(folder / LOCK) is Path("/proc/locks").exists()
        assert RunIndex(runs).summary("small").state == "running"
    assert RunIndex(runs).summary("small").state == "finished"


def test_a_forged_lock_names_nobody(runs):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        told = {"process": other.pid, "since": "now", "command": "hwbench"}
        for text in (json.dumps(told), '{"process": "x"}', "[" * 1000, "", "\xff" * 3000):
            (runs / "small" / LOCK).write_text(text)
            assert holder_of(runs / "small" / LOCK) is None
            assert RunIndex(runs).summary("small").state == "finished"
    finally:
        other.kill()
        other.wait()


def test_rates_are_of_what_was_watched_else_of_the_only_session():
    now = [1000.0]
    rates = Rates(lambda: now[0])
    record = {"started": "1970-01-01T00:00:00+00:00", "sessions": [{}]}
    assert rates.rate("a", 500, record) == pytest.approx(0.5)
    assert rates.rate("a", 500, {**record, "sessions": [{}, {}]}) is None
    rates.seen("a", 500)
    now[0] += 10
    rates.seen("a", 530)
    assert rates.rate("a", 530, {}) == pytest.approx(3.0)
    rates.seen("a", 2)  # begun anew
    assert rates.rate("a", 2, {}) is None
