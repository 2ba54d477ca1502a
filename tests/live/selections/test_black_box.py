"""Selections by a search that asks the trained supernet."""

import numpy as np
import pytest
import torch

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.live.metric import make_metric
from hwbench.live.ranking import Evaluator
from hwbench.live.search import make_search
from hwbench.live.selections.black_box import BlackBox, candidates_of
from hwbench.live.supernets.part import SupernetPart
from hwbench.progress import silent_stage
from hwbench.spaces import get_space
from hwbench.testing.live_example import example_config

CPU = torch.device("cpu")
LATENCY = "hw-nas-bench:cifar10.pixel3_latency"


@pytest.fixture
def search(request):
    """An untrained search in a space, while torch's generator is seeded."""
    name, operations = request.param
    space = {"name": name, "operations": operations, "channels": 2, "depth": 1}
    with seeded(0, CPU, 1):
        yield make_search(example_config("spos", space=space, ranking={"architectures": 2}), CPU)


@pytest.fixture
def judged(monkeypatch):
    """Let the supernet's word be a formula of the architecture; gives what was asked for."""
    asked = []

    def evaluate(self, archs, part="validation", progress=None):
        import pandas as pd

        rows = np.atleast_2d(archs)
        asked.extend(map(tuple, rows.tolist()))
        return pd.DataFrame({"accuracy": rows.sum(axis=1) * 1.0, "loss": -rows.sum(axis=1) * 1.0})

    monkeypatch.setattr(Evaluator, "evaluate", evaluate)
    return asked


CELLS = pytest.mark.parametrize("search", [("nasbench201", "all")], indirect=True)


@pytest.mark.parametrize("predictor", [None, "linear"])
def test_metrics_of_a_space_serve_its_parts(predictor):
    space = get_space("nasbench1shot1_1")
    metric = make_metric("nasbench101:parameters", space, predictor=predictor, samples=300)
    archs = space.sample(50, seed=1)
    np.testing.assert_array_equal(metric.true_values_of(archs), space.parameters(archs))
    assert np.isfinite(metric.values_of(archs)).all()


@CELLS
@pytest.mark.parametrize("strategy", ["random", "local_search", "regularised_evolution", "nsga2"])
def test_a_limit_costs_no_evaluation(search, judged, strategy):
    selection = BlackBox(
        strategy=strategy, evaluations=60, n_initial=20, metric="flops", limit=40e6
    )
    arch = selection.select(search, silent_stage)
    assert arch.shape == (1, 6)
    assert len(judged) == len(set(judged)) == len(selection.found) == 60
    space = get_space("nasbench201")
    flops = space.flops(np.array(judged))
    assert flops.max() <= 40e6
    np.testing.assert_array_equal(selection.found["metric"], flops)
    sums = np.array(judged).sum(axis=1)
    assert arch.sum() == sums.max()


@CELLS
def test_a_front_is_of_accuracy_and_predicted_metric(search, judged):
    selection = BlackBox(
        strategy={"name": "nsga2", "population_size": 10},
        evaluations=60,
        n_initial=20,
        metric=LATENCY,
        predictor="ridge",
        samples=60,
    )
    archs = selection.select(search, silent_stage)
    metric = make_metric(LATENCY, get_space("nasbench201"), predictor="ridge", samples=60, seed=0)
    told = metric.values_of(np.array(judged))
    np.testing.assert_allclose(selection.found["metric"], told, rtol=1e-5)
    assert not np.allclose(told, metric.true_values_of(np.array(judged)))
    sums = np.array(judged).sum(axis=1)
    front = [
        place
        for place in range(60)
        if not np.any(
            (sums >= sums[place]) & (told <= told[place])
            & ((sums > sums[place]) | (told < told[place]))
        )
    ]  # fmt: skip
    assert {tuple(row) for row in archs.tolist()} == {judged[place] for place in front}
    assert archs.sum(axis=1).tolist() == sorted(archs.sum(axis=1), reverse=True)


@pytest.mark.parametrize("search", [("darts", "s2"), ("darts", "all")], indirect=True)
def test_spaces_that_cannot_be_enumerated_are_searched(search, judged):
    supernet = search.supernet
    limit = float(np.median(supernet.space.flops(supernet.sample(50, np.random.default_rng(0)))))
    selection = BlackBox(evaluations=40, n_initial=10, metric="flops", limit=limit)
    arch = selection.select(search, silent_stage)
    archs = np.array(judged)
    assert len(archs) == 40
    assert supernet.holds(archs).all()
    assert supernet.space.flops(archs).max() <= limit
    assert arch.sum() == archs.sum(axis=1).max()


@pytest.mark.parametrize("search", [("darts", "s1")], indirect=True)
def test_what_a_supernet_holds_is_what_it_can_compute(search):
    supernet = search.supernet
    archs = np.concatenate(
        [supernet.sample(20, np.random.default_rng(1)), supernet.space.sample(50, seed=1)]
    )

    def computed(arch):
        try:
            supernet.choices_of(arch)
        except HwbenchError:
            return False
        return True

    held = supernet.holds(archs)
    assert held.tolist() == [computed(arch) for arch in archs]
    assert held[:20].all()
    assert not held.all()
    assert not supernet.holds_everything
    part = SupernetPart(supernet)
    assert part.contains(part.sample(30, np.random.default_rng(0))).all()


@pytest.mark.parametrize("search", [("nasbench201", "no-zero")], indirect=True)
def test_the_operations_of_a_supernet_bound_the_search(search, judged):
    BlackBox(evaluations=30, n_initial=5).select(search, silent_stage)
    assert np.array(judged).min() == 1
    assert candidates_of(search.supernet).shape == (4096, 6)


def test_a_start_leaves_something_to_choose():
    assert BlackBox().n_initial == 50
    assert BlackBox(evaluations=20).n_initial == 10
    assert BlackBox(evaluations=20, n_initial=19).n_initial == 19
    with pytest.raises(HwbenchError, match=r"n_initial = 20 makes all 20 .* --set n_initial=10"):
        BlackBox(evaluations=20, n_initial=20)


@CELLS
def test_more_evaluations_than_architectures_are_refused(search):
    space = search.supernet.space
    with pytest.raises(HwbenchError, match=r"30000 evaluations asked for, .* 15,625 arch.*=1000"):
        BlackBox(evaluations=30000).check(space, None)
    BlackBox(evaluations=15625).check(space, None)


@CELLS
def test_a_limit_that_nothing_keeps_is_one_line(search):
    with pytest.raises(HwbenchError, match=r"no architecture has a flops within the limit 1; the"):
        BlackBox(metric="flops", limit=1.0).select(search, silent_stage)


@pytest.mark.parametrize("search", [("darts", "all")], indirect=True)
def test_a_limit_that_nearly_nothing_keeps_ends(search):
    with pytest.raises(HwbenchError, match="nearly none keeps the limit; choose a wider one"):
        BlackBox(metric="flops", limit=1.0).select(search, silent_stage)


@CELLS
def test_larger_may_be_better(search, judged):
    metric = "hw-nas-bench:cifar10.test_accuracy"
    selection = BlackBox(evaluations=30, n_initial=10, metric=metric, limit=90.0)
    selection.select(search, silent_stage)
    assert selection.found["metric"].min() >= 90.0
    assert selection.metric.direction == "maximize"


@CELLS
def test_evolution_learns_from_the_supernet(search, judged):
    found = {}
    for strategy in ("random", "regularised_evolution"):
        selection = BlackBox(strategy=strategy, evaluations=120, n_initial=30)
        found[strategy] = selection.select(search, silent_stage).sum()
    assert found["regularised_evolution"] > found["random"]
