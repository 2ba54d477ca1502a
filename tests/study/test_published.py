"""Linear regression and the lookup table give the published scores on the published tables."""

import pytest

import hwbench as hb
from hwbench.tables.public.benchmarks import fetch_benchmark

SIZES = (55, 124, 276, 614, 1366, 3036, 6748, 15000)
# LAUBE Table A.2: Kendall's tau of linear regression at SIZES.
PUBLISHED = {
    "ImageNet16-120.raspi4_latency": (0.606, 0.676, 0.705, 0.716, 0.715, 0.723, 0.728, 0.729),
    "cifar100.pixel3_latency": (0.732, 0.780, 0.797, 0.803, 0.806, 0.809, 0.812, 0.812),
    "cifar10.edgegpu_latency": (0.724, 0.790, 0.806, 0.819, 0.820, 0.822, 0.830, 0.829),
    "cifar100.edgegpu_energy": (0.732, 0.793, 0.812, 0.821, 0.821, 0.823, 0.831, 0.831),
    "ImageNet16-120.eyeriss_arithmetic_intensity": (
        0.748,
        0.805,
        0.817,
        0.827,
        0.825,
        0.832,
        0.843,
        0.846,
    ),
}


# LAUBE Table A.2, rows as there: linear regression at 124 samples, and the lookup table.
ALL_TABLES = {
    "ImageNet16-120.raspi4_latency": (0.676, 0.443),
    "cifar100.pixel3_latency": (0.780, 0.484),
    "cifar10.edgegpu_latency": (0.790, 0.175),
    "cifar100.edgegpu_energy": (0.793, 0.221),
    "ImageNet16-120.eyeriss_arithmetic_intensity": (0.805, 0.861),
    "cifar10.pixel3_latency": (0.780, 0.475),
    "cifar10.raspi4_latency": (0.787, 0.462),
    "cifar100.raspi4_latency": (0.786, 0.445),
    "ImageNet16-120.pixel3_latency": (0.786, 0.509),
    "cifar100.edgegpu_latency": (0.793, 0.191),
    "cifar10.edgegpu_energy": (0.792, 0.183),
    "ImageNet16-120.edgegpu_energy": (0.797, 0.280),
    "ImageNet16-120.edgegpu_latency": (0.799, 0.277),
    "cifar10.eyeriss_arithmetic_intensity": (0.811, 0.826),
    "cifar100.eyeriss_arithmetic_intensity": (0.811, 0.830),
    "ImageNet16-120.fpga_latency": (0.936, 0.965),
    "ImageNet16-120.fpga_energy": (0.935, 0.965),
    "ImageNet16-120.eyeriss_latency": (0.954, 0.989),
    "cifar10.eyeriss_latency": (0.959, 0.995),
    "cifar100.eyeriss_latency": (0.963, 0.998),
    "cifar10.eyeriss_energy": (0.985, 0.996),
    "ImageNet16-120.eyeriss_energy": (0.985, 0.998),
    "cifar100.eyeriss_energy": (0.985, 0.998),
    "cifar10.fpga_energy": (0.987, 0.999),
    "cifar100.fpga_energy": (0.987, 0.999),
    "cifar100.fpga_latency": (0.987, 0.999),
    "cifar10.fpga_latency": (0.987, 0.999),
}
# LAUBE Table 5.1: by device and metric the lookup table, and linear regression at 124 samples.
BY_DEVICE = {
    "raspi4_latency": (0.45, 0.75),
    "fpga_latency": (0.99, 0.97),
    "eyeriss_latency": (0.99, 0.96),
    "pixel3_latency": (0.49, 0.78),
    "edgegpu_latency": (0.21, 0.79),
    "fpga_energy": (0.99, 0.97),
    "eyeriss_energy": (1.00, 0.99),
    "edgegpu_energy": (0.23, 0.79),
    "eyeriss_arithmetic_intensity": (0.84, 0.81),
}


@pytest.fixture(scope="module")
def hw_nas_bench(shared_data):
    """The table made of the published files."""
    return fetch_benchmark("hw-nas-bench", mirror=shared_data / "raw")


def mean_taus(table, columns, **settings):
    """Mean tau by column and training size."""
    targets = [hb.Target.of(table, column, key=f"hw:{column}") for column in columns]
    spec = hb.StudySpec(targets=tuple(each.key for each in targets), test_size=625, **settings)
    trials = hb.run_study(spec, targets=targets).trials
    assert trials["error"].isna().all()
    column = trials["target"].str.removeprefix("hw:")
    return trials.groupby([column, "training_size"])["kendall_tau"].mean()


@pytest.fixture(scope="module")
def taus(hw_nas_bench):
    seeds = tuple(range(20))
    return mean_taus(
        hw_nas_bench, PUBLISHED, predictors=("linear",), training_sizes=SIZES, seeds=seeds
    )


@pytest.fixture(scope="module")
def linear_taus(hw_nas_bench):
    seeds = tuple(range(20))
    found = mean_taus(
        hw_nas_bench, ALL_TABLES, predictors=("linear",), training_sizes=(124,), seeds=seeds
    )
    return found.droplevel("training_size")


@pytest.fixture(scope="module")
def lookup_taus(hw_nas_bench):
    found = mean_taus(
        hw_nas_bench, ALL_TABLES, predictors=("lookup_table",), training_sizes=(124,), seeds=(0,)
    )
    return found.droplevel("training_size")


@pytest.mark.parametrize("column", PUBLISHED)
@pytest.mark.parametrize("size", SIZES)
def test_linear_regression_as_published(taus, column, size):
    published = PUBLISHED[column][SIZES.index(size)]
    assert taus[column, size] == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize("column", ALL_TABLES)
def test_every_table_as_published(linear_taus, lookup_taus, column):
    linear, lookup = ALL_TABLES[column]
    assert linear_taus[column] == pytest.approx(linear, abs=0.02)
    assert lookup_taus[column] == pytest.approx(lookup, abs=0.005)


@pytest.mark.parametrize("metric", BY_DEVICE)
def test_every_device_as_published(linear_taus, lookup_taus, metric):
    columns = [column for column in ALL_TABLES if column.partition(".")[2] == metric]
    assert len(columns) == 3
    lookup, linear = BY_DEVICE[metric]
    assert lookup_taus[columns].mean() == pytest.approx(lookup, abs=0.006)
    assert linear_taus[columns].mean() == pytest.approx(linear, abs=0.02)
