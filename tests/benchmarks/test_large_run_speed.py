"""Reading a run folder of 100,000 trials with 10 million predictions: `make bench`."""

import shutil

import pytest

import hwbench as hb
from hwbench.analysis.comparison import score_summary
from hwbench.report import write_report
from hwbench.results.study_predictions import iter_predictions
from hwbench.runs.merging import compact_study
from hwbench.runs.status import study_status
from tests.large_run import make_large_run

N_TRIALS = 100_000

pytestmark = pytest.mark.benchmark(group="a run folder of 100,000 trials")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return make_large_run(tmp_path_factory.mktemp("runs") / "parts")


@pytest.fixture(scope="module")
def folder(parts):
    whole = parts.with_name("whole")
    shutil.copytree(parts, whole)
    assert compact_study(whole) == N_TRIALS
    return whole


def test_compacting(benchmark, parts, tmp_path):
    def setup():
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(parts, tmp_path / "run")
        return (tmp_path / "run",), {}

    assert benchmark.pedantic(compact_study, setup=setup, rounds=2) == N_TRIALS


def test_status(benchmark, folder):
    assert benchmark.pedantic(study_status, (folder,), rounds=3)["done"] == N_TRIALS


def test_scores(benchmark, folder):
    summary = benchmark.pedantic(lambda: score_summary(hb.read_trials(folder)), rounds=1)
    assert summary["seeds"].sum() == N_TRIALS


def test_a_page(benchmark, folder):
    page = benchmark.pedantic(write_report, (folder,), rounds=1)
    assert page.stat().st_size < 6_000_000


def test_all_predictions_at_once(benchmark, folder):
    assert len(benchmark.pedantic(hb.read_predictions, (folder,), rounds=1)) == 100 * N_TRIALS


def test_all_predictions_some_at_a_time(benchmark, folder):
    def count():
        return sum(len(frame) for frame in iter_predictions(folder))

    assert benchmark.pedantic(count, rounds=1) == 100 * N_TRIALS
