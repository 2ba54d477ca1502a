"""The lookup table is exactly a baseline plus measured differences."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.predictors.models.lookup_table import LookupTable
from hwbench.predictors.neighbourhood import neighbourhood

# LAUBE Table A.2, last column.
PUBLISHED = {
    "ImageNet16-120_raspi4_latency": 0.443,
    "cifar100_pixel3_latency": 0.484,
    "cifar10_edgegpu_latency": 0.175,
    "cifar100_edgegpu_energy": 0.221,
    "ImageNet16-120_eyeriss_arithmetic_intensity": 0.861,
}


@pytest.mark.parametrize(("name", "size"), [("nasbench201", 25), ("nasbench_macro", 17)])
def test_neighbourhood_is_one_baseline_and_all_single_changes(name, size):
    archs = neighbourhood(hb.get_space(name))
    assert archs.shape[0] == size
    assert ((archs != archs[0]).sum(axis=1) == [0, *[1] * (size - 1)]).all()


def test_is_exact_on_an_additive_metric():
    space = hb.get_space("nasbench201")
    cost = np.random.default_rng(0).uniform(size=(6, 5))
    everything = space.all_architectures()
    truth = cost[np.arange(6), everything].sum(axis=1)
    training = neighbourhood(space, baseline=[2, 0, 1, 4, 3, 1])
    model = LookupTable().fit(training, cost[np.arange(6), training].sum(axis=1))
    np.testing.assert_array_equal(model.baseline_, [2, 0, 1, 4, 3, 1])
    np.testing.assert_allclose(model.predict(everything), truth)


def test_order_of_the_neighbourhood_does_not_matter():
    space = hb.get_space("nasbench_macro")
    training = neighbourhood(space)
    targets = np.random.default_rng(1).normal(size=len(training))
    order = np.random.default_rng(2).permutation(len(training))
    everything = space.all_architectures()
    np.testing.assert_allclose(
        LookupTable().fit(training, targets).predict(everything),
        LookupTable().fit(training[order], targets[order]).predict(everything),
    )


def test_unmeasured_changes_are_free():
    model = LookupTable().fit([[0, 0], [1, 0]], [5.0, 7.0])
    np.testing.assert_allclose(model.predict([[1, 0], [0, 1], [1, 1], [0, 4]]), [7, 5, 7, 5])


@pytest.mark.parametrize("column", PUBLISHED)
def test_published_scores(shared_data, column):
    frame = pd.read_parquet(shared_data / "hwnas_nb201.parquet", columns=["arch_str", column])
    space = hb.get_space("nasbench201")
    archs = space.from_strings(frame["arch_str"])
    latency = frame[column].to_numpy()
    place = np.argsort(space.indices_of(archs))
    training = place[space.indices_of(neighbourhood(space))]
    model = hb.make_predictor("lookup_table", space=space).fit(archs[training], latency[training])
    tau = kendalltau(latency, model.predict(archs)).statistic
    assert tau == pytest.approx(PUBLISHED[column], abs=0.001)
