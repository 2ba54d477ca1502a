"""Writing a report, beside plotly writing the same figures itself: `make bench`."""

import json
import re

import plotly.graph_objects as go
import pytest

from hwbench.report import write_report
from hwbench.report.page import render
from hwbench.results.run import read_run
from hwbench.runs.run import run_scenario

SCENARIO = """title = "Report"

[study]
targets = ["macro-cpu:latency", "nb201-digits:latency"]
predictors = ["linear", "ridge", "bayesian_linear_regression", "svm", "lookup_table"]
training_sizes = [25, 55, 124]
seeds = [0, 1, 2, 3, 4]
test_size = 625

[simulation]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency"]
n_candidates = [100, 1000, 15625]
deviations = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
repeats = 200
seed = 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    (place / "report.toml").write_text(SCENARIO)
    return run_scenario(str(place / "report.toml"), place / "run", workers=1)


@pytest.mark.benchmark(group="a page of a study and a simulation")
def test_the_whole_page(benchmark, folder):
    assert len(benchmark(lambda: render(read_run(folder)))) > 1_000_000


@pytest.mark.benchmark(group="a page of a study and a simulation")
def test_plotly_writes_the_figures_alone(benchmark, folder):
    text = write_report(folder).read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.DOTALL)
    figures = [json.loads(each) for each in found]

    def by_plotly():
        pages = [
            # Colours that the page's style sheet names are left out.
            go.Figure(each["data"], each["layout"], skip_invalid=True).to_html(
                include_plotlyjs=place == 0, full_html=False
            )
            for place, each in enumerate(figures)
        ]
        return "".join(pages)

    assert len(benchmark(by_plotly)) > 1_000_000
