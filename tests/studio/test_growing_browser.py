"""Searches, measurements and broken runs while they are watched, in a headless browser."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from hwbench.results.names import SEARCH_PARTS

TARGETS = ("nb201-digits:test_accuracy", "nb201-digits:latency")


def write_search(folder, seed):
    """The part of a search that has ended: the better, the later its seed."""
    (folder / SEARCH_PARTS).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    accuracy, metric = TARGETS
    pd.DataFrame(
        {
            "strategy": "random",
            "name": "random",
            "accuracy_target": accuracy,
            "metric_target": metric,
            "goal": "front",
            "limit": np.nan,
            "seed": seed,
            "evaluation": np.arange(1, 9),
            "arch": [f"a{seed}-{place}" for place in range(8)],
            "accuracy": rng.uniform(50, 90, 8) + 10 * seed,
            "metric": rng.uniform(1, 9, 8),
            "hypervolume": np.linspace(0.1, 0.5, 8),
            "hypervolume_share": np.linspace(0.2, 0.5, 8) + 0.1 * seed,
            "seconds": 0.01,
        }
    ).to_parquet(folder / SEARCH_PARTS / f"{seed}.parquet")


@pytest.mark.slow
def test_searches_and_measurements_grow_and_broken_runs_say_so(browser, serve, small_run, tmp_path):
    runs = tmp_path / "runs"
    for name in ("cut", "failed"):
        shutil.copytree(small_run, runs / name)
    record = runs / "cut" / "run.json"
    record.write_bytes(record.read_bytes()[:300])
    trials = pd.read_parquet(runs / "failed" / "study.parquet").astype({"error": object})
    trials["exception"] = trials["exception"].astype(object)
    trials.loc[0, ["exception", "error"]] = ["ValueError", "Traceback\nValueError: <img src=x>"]
    trials.loc[0, "kendall_tau"] = np.nan
    trials.to_parquet(runs / "failed" / "study.parquet")
    spec = {"search": {"accuracy": TARGETS[0], "metrics": [TARGETS[1]], "strategies": ["random"]}}
    (runs / "search").mkdir()
    (runs / "search" / "run.json").write_text(json.dumps({"title": "Searches", "spec": spec}))
    write_search(runs / "search", 0)
    journal = runs / "mine.journal"
    lines = [
        {"recipe": {"kind": "measure", "space": "nasbench201"}},
        {"round": 0, "row": 1, "ms": [2]},
    ]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    studio = serve(runs)
    browser.view(1280)
    browser.open(studio.address)
    rows = "document.querySelectorAll('#runs-table tbody tr')"
    browser.until(f"{rows}.length === 4")
    broken = (
        "[...document.querySelectorAll('#runs-table .problem')].map((each) => each.textContent)"
    )
    (said,) = browser.run(broken)
    assert said.startswith(f"{record}: cannot be read as JSON")

    # A front and a hypervolume grow with the seeds that end.
    browser.open(f"{studio.origin}/run?name=search")
    browser.until("document.documentElement.dataset.watching === 'yes'")
    browser.until("document.querySelector('#now-front-0 .main-svg') !== null")
    highest = "Math.max(...document.querySelector('#now-{}-0 .plot').data.at(-1).y)"
    before = [browser.run(highest.format(each)) for each in ("front", "hypervolume")]
    browser.run("globalThis.stayed = true")
    write_search(runs / "search", 3)
    browser.until(f"{highest.format('front')} > {before[0]}")
    assert browser.run(highest.format("hypervolume")) == pytest.approx(before[1] + 0.15)

    # So do measurements, with what failed; at the end they are a table.
    browser.open(f"{studio.origin}/run?name=mine.journal")
    browser.until("document.documentElement.dataset.watching === 'yes'")
    browser.until("document.querySelector('#now-ms .plot')?.data?.[0].y.length === 1")
    with journal.open("a") as file:
        for line in ({"round": 0, "row": 2, "ms": [3]}, {"round": 0, "row": 3, "failure": "busy"}):
            file.write(json.dumps(line) + "\n")
    browser.until("document.querySelector('#now-ms .plot').data[0].y.length === 3")
    assert browser.run("document.querySelector('#failures tbody th').textContent") == "busy"
    (runs / "mine.parquet").write_bytes(b"")
    journal.unlink()
    browser.until("document.querySelector('.state')?.textContent === 'finished'")

    # What failed shows its traceback when it is unfolded; a broken run shows one line.
    browser.open(f"{studio.origin}/run?name=failed")
    browser.until("document.querySelector('#report #summary') !== null")
    browser.run(
        "[...document.querySelectorAll('#grows summary')]"
        ".find((each) => each.textContent.includes('raceback')).click()"
    )
    text = "document.querySelector('#grows details[open] pre').textContent"
    assert "ValueError: <img src=x>" in browser.run(text)
    browser.open(f"{studio.origin}/run?name=cut")
    browser.until("document.querySelector('#report')?.textContent.includes('nothing to report')")
    assert browser.run("document.querySelectorAll('.problem, .warning').length") == 1
    assert browser.run("document.images.length") == 0
    for name in ("search", "failed", "cut"):
        browser.view(390, dark=True)
        browser.open(f"{studio.origin}/run?name={name}")
        browser.until("document.documentElement.dataset.drawn !== undefined")
        assert browser.run("document.documentElement.scrollWidth") <= 390, name
    assert browser.errors == []
    assert browser.outside(studio.origin) == []
