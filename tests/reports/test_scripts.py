"""The analysis scripts that users copy from run on the folder of a real study."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwbench.live.sweep import run_sweep
from hwbench.runs.run import run_scenario

REPORTS = Path(__file__).resolve().parents[2] / "reports"
EVIDENCE, LIVE_EVIDENCE = "search_evidence.py", "live_evidence.py"
PR_DARTS_EVIDENCE, COMPRESS_EVIDENCE = "pr_darts_evidence.py", "compress_evidence.py"
LATENCY = "shufflenasnet_latency.py"
LEADERBOARD = ("leaderboard_figure.py", "leaderboard_results.py", "leaderboard_study.py")
LEDGER = "ledger_results.py"
ALL_EVIDENCE = (
    *(EVIDENCE, LIVE_EVIDENCE, PR_DARTS_EVIDENCE, COMPRESS_EVIDENCE, LATENCY),
    *(*LEADERBOARD, LEDGER),
)
"""Of the documentation, not of a user's run."""
SCRIPTS = sorted(path.name for path in REPORTS.glob("*.py") if path.name not in ALL_EVIDENCE)

SCENARIO = """title = "Tiny"

[study]
targets = ["macro-cpu:latency", "nb201-digits:latency"]
predictors = ["linear", "ridge", "lookup_table"]
training_sizes = [20, 40]
seeds = [0, 1, 2]
test_size = 60
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    (place / "tiny.toml").write_text(SCENARIO)
    return run_scenario(str(place / "tiny.toml"), place / "tiny", workers=1)


def run_script(name, *arguments):
    command = [sys.executable, REPORTS / name, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return Path(result.stdout.splitlines()[-1].strip())


def test_there_are_four_short_scripts_and_each_is_listed():
    assert len(SCRIPTS) == 4
    listed = (REPORTS / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name} " in listed for name in ALL_EVIDENCE)
    for name in SCRIPTS:
        assert f"`{name} " in listed
        assert len((REPORTS / name).read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "join_runs.py"])
def test_a_script_writes_what_it_says(name, folder):
    written = run_script(name, folder)
    assert written.parent == folder
    assert written.stat().st_size > 100


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_explains_itself(name):
    command = [sys.executable, REPORTS / name, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"reports/{name}" in " ".join(shown.split())


def test_a_join_with_itself_finds_no_difference(folder):
    joined = pd.read_csv(run_script("join_runs.py", folder, folder))
    assert len(joined) == 2 * (2 * 2 + 1)  # targets x (predictors x sizes + the lookup table)
    assert (joined["difference"] == 0).all()
    assert (joined["speed_up"] == 1).all()


def test_the_own_metric_is_what_it_says(folder):
    scores = pd.read_csv(run_script("own_metric.py", folder), index_col=[0, 1, 2])
    predictions = pd.read_parquet(folder / "predictions.parquet")
    key = ("macro-cpu:latency", "ridge", 40)
    found = []
    for seed in (0, 1, 2):
        trial = predictions[
            (predictions["target"] == key[0])
            & (predictions["predictor"] == key[1])
            & (predictions["training_size"] == key[2])
            & (predictions["seed"] == seed)
        ]
        order = [np.argsort(trial[name].to_numpy())[:6] for name in ("prediction", "truth")]
        found.append(len(set(order[0]) & set(order[1])) / 6)
    assert scores.loc[key, "recall_mean"] == pytest.approx(np.mean(found))


def test_the_latex_table_marks_the_best(folder):
    text = run_script("latex_table.py", folder).read_text()
    assert text.startswith("\\begin{tabular}{llrr}")
    assert text.count("\\textbf") >= 4  # the best of two targets at two sizes
    assert "macro-cpu:latency" in text
    assert "Ridge regression" in text


CONCEPTS = REPORTS.parent / "docs" / "concepts"
PAGE, LIVE_PAGE = CONCEPTS / "search-results.md", CONCEPTS / "live-results.md"


def written_anew(script, page, path, *options):
    """A page's text, and what the script makes of it when its tables have been taken out."""
    text = page.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(<!-- table: .*? -->\n).*?(<!-- end -->)", r"\1\2", text, flags=re.S))
    assert path.read_text(encoding="utf-8") != text
    run_script(script, "--page", path, *options)
    return text, path.read_text(encoding="utf-8")


def test_the_page_of_live_searches_is_what_its_results_give(tmp_path):
    figures = tmp_path / "figures.html"
    text, found = written_anew(LIVE_EVIDENCE, LIVE_PAGE, tmp_path / "page.md", "--figures", figures)
    assert found == text


def test_the_page_of_compressions_is_what_its_results_give(tmp_path):
    page = CONCEPTS / "compress-results.md"
    text, found = written_anew(COMPRESS_EVIDENCE, page, tmp_path / "page.md")
    assert found == text


LIVE = """title = "Tiny {strategy}"
data = {{ validation_share = 0.5 }}
space = {{ name = "nasbench201", channels = 2, depth = 1 }}
strategy = {{ name = "{strategy}" }}
trainer = {{ name = "{trainer}", epochs = 2, batch_size = 128 }}
selection = {{ name = "{selection}" }}
[ranking]
architectures = 4
target = "hw-nas-bench:cifar10.test_accuracy"
calibration = {{ passes = 1 }}
"""
SWEEP = """title = "Tiny"
argument = "search"
values = ["{path}/darts.toml", "{path}/spos.toml"]
seeds = [0, 1]
[selections.ranked]
name = "ranking"
"""
LIVE_TABLES = """
<!-- table: rankings of run -->
<!-- end -->
<!-- table: methods of run+other -->
<!-- end -->
<!-- table: choices of run -->
<!-- end -->
<!-- table: selections of run -->
<!-- end -->
<!-- words: rankings of run -->
<!-- end -->
<!-- words: methods of run -->
<!-- end -->
<!-- words: collapse of run -->
<!-- end -->
<!-- words: selections of run -->
<!-- end -->
<!-- table: rankings of other -->
<!-- end -->
<!-- table: values of run -->
<!-- end -->
<!-- table: strongest of run -->
<!-- end -->
<!-- table: resources of run -->
<!-- end -->
<!-- words: regret of run -->
<!-- end -->
<!-- words: noise of run
**Is noise left?** Here: -->
<!-- end -->
<!-- words: window of other+run
**When should weights be split?** In time: -->
Answered.
<!-- end -->
<!-- not run -->
<!-- end -->
"""


@pytest.mark.slow
def test_sweeps_are_added_to_the_results_of_live_searches(tmp_path):
    parts = (("darts", "bilevel", "strength"), ("spos", "single_level", "ranking"))
    for strategy, trainer, selection in parts:
        text = LIVE.format(strategy=strategy, trainer=trainer, selection=selection)
        (tmp_path / f"{strategy}.toml").write_text(text)
    (tmp_path / "sweep.toml").write_text(SWEEP.format(path=tmp_path))
    frame = run_sweep(tmp_path / "sweep.toml", tmp_path / "run")
    page, figures, results = tmp_path / "page.md", tmp_path / "figures.html", tmp_path / "results"
    options = ("--results", results, "--page", page, "--figures", figures)
    for _ in range(2):  # the same searches again take their places
        page.write_text(LIVE_TABLES)
        assert run_script(LIVE_EVIDENCE, tmp_path / "run", *options) == figures
        text = page.read_text()
        assert len(pd.read_parquet(results / "live_runs.parquet")) == 4
        assert len(pd.read_parquet(results / "live_epochs.parquet")) == 8
        assert len(pd.read_parquet(results / "live_selections.parquet")) == 4
        assert len(pd.read_parquet(results / "live_rankings.parquet")) == 16
        assert len(pd.read_parquet(results / "live_strengths.parquet")) == 2 * 6 * 5
    darts = frame[frame["value"] == "darts"]
    first, second = darts["true_value"]
    assert f"| Tiny darts | {(first + second) / 2:.2f} | " in text
    assert f"| {first:.2f}, {second:.2f} |" in text
    taus = ", ".join(f"{tau:.2f}" for tau in darts["kendall_tau"])
    assert f"| **darts** | {darts['kendall_tau'].mean():.3f} | " in text
    assert text.count("| its cells by FLOPs | ") == text.count("| its cells by parameters | ") == 2
    assert f"| {taus} |" in text
    assert "| `darts` | ranked |" in text
    assert "| one random cell (nasbench201, all) | " in text
    assert text.count("No search has ended yet.") == 1
    said = f"`darts` {darts['kendall_tau'].mean():.2f} (2 seeds), "
    assert said in text
    assert "skip connections of 6" in text
    strengths = pd.read_parquet(results / "live_strengths.parquet")
    best = strengths.loc[strengths.groupby(["run", "position"])["strength"].idxmax()]
    assert set(best["run"]) == {"darts-seed0", "darts-seed1"}
    pools = (best["operation"] == "avg_pool_3x3").sum() / 2
    strongest = text.partition("table: strongest")[2].partition("<!-- end")[0]
    assert (f" {pools:.1f} " in strongest) == (pools > 0)
    noise = "Noise is the strongest candidate with `darts` on 0.0 of 6 edges (2 seeds)"
    assert f" -->\n\n**Is noise left?** Here:\n\n{noise}" in text
    split = "When should weights be split?"
    assert f"**{split}** In time: -->\n\n<!-- end -->" in text  # no question without an answer
    assert f"Still to be run:\n\n- {split} `hwbench live sweep other`\n" in text
    values = text.partition("table: values")[2].partition("<!-- end")[0]
    spos = frame[frame["value"] == "spos"].set_index("seed")["true_value"]
    change = (spos - darts.set_index("seed")["true_value"]).mean()
    assert f"| `spos` | 2 | {spos.mean():.2f} | {change:.2f} | " in values
    best_there_is = pd.read_parquet(results / "live_runs.parquet")["best_possible"].iloc[0]
    regret = best_there_is - spos.mean()
    assert f"Tiny spos {regret:.2f} (2 seeds)" in text
    assert "| `darts` | 2 | " in text.partition("table: resources")[2]
    assert "Tiny darts (" in text
    assert "from the supernets of `spos` ranked selects better cells in" in text


def test_the_page_of_searches_is_what_its_results_give(tmp_path):
    text, found = written_anew(EVIDENCE, PAGE, tmp_path / "page.md")
    assert found == text
    for free in ("Random search", "FLOPs alone", "Operation counts alone"):
        assert text.count(f"| {free} |") >= 5  # three tables of fronts, and differences


def test_searches_of_a_run_are_added_to_the_results(tmp_path):
    """A row a strategy, device, checkpoint and seed; the same search again takes its place."""
    shutil.copy(PAGE, tmp_path / "page.md")
    results = tmp_path / "results.parquet"
    pd.read_parquet(REPORTS / "results" / "search.parquet").to_parquet(results)
    before = pd.read_parquet(results)
    run = tmp_path / "run" / "search_parts"  # of a run that has not ended
    run.mkdir(parents=True)
    rows = before[before["strategy"] == "Random search"].head(3).assign(hypervolume_share=0.125)
    rows.to_parquet(run / "part.parquet")
    rows.assign(seed=77, evaluation=200).to_parquet(run / "other.parquet")  # no checkpoint
    run_script(EVIDENCE, run.parent, "--results", results, "--page", tmp_path / "page.md")
    after = pd.read_parquet(results)
    assert len(after) == len(before)
    assert (after["hypervolume_share"] == 0.125).sum() == 3


@pytest.mark.slow
def test_shufflenasnets_are_measured_beside_enas(tmp_path):
    options = ("--cells", "1", "--rounds", "1", "--runtimes", "torch-eager")
    found = pd.read_csv(run_script(LATENCY, tmp_path, *options))
    assert found["network"].tolist()[0] == "ENAS"
    assert found["speed_up"][0] == 1.0
    printed = {"A, f = 64": 0.80, "B, f = 96": 1.79, "B, f = 128": 3.10}  # LAUBE Table 3.1
    ours = found.set_index("network").loc[list(printed), "parameters_M"]
    np.testing.assert_allclose(ours, list(printed.values()), rtol=0.02)
