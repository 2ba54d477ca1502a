"""Simulated selections beside loops over moocore and scipy: ratios within one run are what counts.

Every test of a group does the same number of selections. The rivals are given candidates and
predictions; ours draws them.
"""

import moocore
import numpy as np
import pytest
from scipy import stats

from hwbench.simulation import SimulationSpec, run_simulation
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import deviation_model, draw_deviations
from hwbench.simulation.kendall import kendall_tau
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.selection import Options, simulate

SIZES = [100, 1000, 15625]
SELECTIONS = 110
DEVIATION = 0.3
TEN_MORE = np.linspace(0.2, 0.4, 11)  # 11 deviations from the same draws, as in a grid
METRICS = (
    "latency",
    "latency_min",
    "peak_memory",
    "onnxruntime_latency",
    "onnxruntime_latency_min",
)


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(1)
    metric = generator.normal(size=SIZES[-1])
    accuracy = 70 + 5 * metric + 2 * generator.normal(size=SIZES[-1])
    return accuracy, metric


@pytest.fixture(scope="module")
def landscape(table):
    return Landscape.of(*table)


@pytest.fixture(scope="module")
def drawn(table):
    """Accuracies, metrics and predictions of a few selections, by number of candidates."""
    accuracy, metric = table
    scaled = (metric - metric.mean()) / metric.std()
    generator = np.random.default_rng(2)
    found = {}
    for n in SIZES:
        found[n] = []
        for _ in range(5):
            rows = generator.permutation(SIZES[-1])[:n]
            errors = draw_deviations(deviation_model("mixed"), n, DEVIATION, generator)
            found[n].append((accuracy[rows], scaled[rows], scaled[rows] + errors))
    return found


def _options(with_tau):
    return Options(deviation_model("mixed"), Conventions(), with_tau=with_tau)


def _rival(selections, work):
    for i in range(SELECTIONS):
        work(*selections[i % len(selections)])


def _group(n, what):
    return f"{SELECTIONS} selections from {n} candidates, {what}"


@pytest.mark.parametrize("with_tau", [False, True], ids=["", "tau"])
@pytest.mark.parametrize("n", SIZES)
def test_simulated(benchmark, landscape, n, with_tau):
    benchmark.group = _group(n, "with tau" if with_tau else "without tau")
    options = _options(with_tau)
    result = benchmark(simulate, landscape, n, [DEVIATION], options, repeats=SELECTIONS, seed=0)
    assert len(result) == SELECTIONS


@pytest.mark.parametrize("with_tau", [False, True], ids=["", "tau"])
@pytest.mark.parametrize("n", SIZES)
def test_simulated_in_a_grid_of_eleven_deviations(benchmark, landscape, n, with_tau):
    benchmark.group = _group(n, "with tau" if with_tau else "without tau")
    options = _options(with_tau)
    result = benchmark(simulate, landscape, n, TEN_MORE, options, repeats=SELECTIONS // 11, seed=0)
    assert result.shape[0] * result.shape[1] == SELECTIONS


@pytest.mark.parametrize("n", SIZES)
def test_front_and_hypervolume_by_moocore(benchmark, drawn, n):
    benchmark.group = _group(n, "without tau")
    benchmark.pedantic(_rival, (drawn[n], _by_moocore), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("n", SIZES)
def test_one_pass_over_accuracies_and_metrics(benchmark, drawn, n):
    benchmark.group = _group(n, "without tau")
    benchmark.pedantic(_rival, (drawn[n], _one_pass), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("n", SIZES)
def test_front_and_hypervolume_by_moocore_and_tau_by_scipy(benchmark, drawn, n):
    benchmark.group = _group(n, "with tau")

    def work(accuracy, metric, predicted):
        _by_moocore(accuracy, metric, predicted)
        stats.kendalltau(metric, predicted)

    benchmark.pedantic(_rival, (drawn[n], work), rounds=3, warmup_rounds=1)


def _by_moocore(accuracy, metric, predicted):
    """Predicted front and the hypervolume of what it is worth; no losses."""
    front = moocore.is_nondominated(np.column_stack([-accuracy, predicted]))
    worth = np.column_stack([-accuracy[front] / 100, metric[front]])
    return moocore.hypervolume(worth, ref=[0.0, 1.1 * metric.max()])


def _one_pass(accuracy, metric, predicted):
    return accuracy.sum() + metric.sum()


@pytest.mark.parametrize("n", SIZES)
def test_tau(benchmark, drawn, n):
    benchmark.group = f"Kendall's tau of {n} values"
    _, metric, predicted = drawn[n][0]
    assert benchmark(kendall_tau, metric, predicted) > 0


@pytest.mark.parametrize("n", SIZES)
def test_tau_by_scipy(benchmark, drawn, n):
    benchmark.group = f"Kendall's tau of {n} values"
    _, metric, predicted = drawn[n][0]
    assert benchmark(lambda: stats.kendalltau(metric, predicted).statistic) > 0


@pytest.mark.benchmark(group="the full grid of 330,000 selections, two workers")
def test_full_grid(benchmark):
    spec = SimulationSpec(
        accuracy="nb201-digits:test_accuracy",
        metrics=tuple(f"nb201-digits:{metric}" for metric in METRICS),
        n_candidates=(100, 500, 1000, 2000, 5000, 15625),
        deviations=tuple(i / 10 for i in range(11)),
        disconnected=True,  # all cells are candidates, as in the published study
    )
    result = benchmark.pedantic(run_simulation, (spec,), {"workers": 2}, rounds=1)
    assert len(result.selections) == 330_000
    assert result.selections["kendall_tau"].notna().all()
