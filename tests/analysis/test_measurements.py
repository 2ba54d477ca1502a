"""Which columns are of one measurement: by their cards, and by the order they give."""

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.measurements import FEWEST_SHARED, measurements

RUNS = "4 rounds x 2 runs in interleaved random order; torch-eager"


def column(source, unit="ms", **others):
    return {"title": "t", "unit": unit, "direction": "minimize", "source": source, **others}


TABLES = {
    "own": {
        "space": "nasbench201",
        "columns": {
            "latency": column(f"median of {RUNS}"),
            "latency_min": column(f"least disturbed of {RUNS}"),
            "latency_iqr": column(f"spread of {RUNS}"),
            "onnx": column("median of 2 rounds x 4 runs; onnxruntime"),
            "parameters": column("formula, images of 32x32 pixels", "1"),
            "flops": column("formula, images of 32x32 pixels", "1"),
        },
    },
    "again": {"space": "nasbench201", "columns": {"latency": column(f"median of {RUNS}")}},
    "fpga": {
        "space": "nasbench201",
        "columns": {
            "latency": column("published", device="fpga"),
            "energy": column("published", "mJ", device="fpga"),
        },
    },
    "other": {"space": "fbnet", "columns": {"latency": column("published", device="fpga")}},
}


def test_statistics_of_the_same_runs_are_one_measurement():
    columns = TABLES["own"]["columns"]
    found = measurements([f"own:{name}" for name in columns], TABLES)
    assert found == {
        "own:latency": "own:latency",
        "own:latency_min": "own:latency",
        "own:latency_iqr": "own:latency",
        "own:onnx": "own:onnx",  # other runs
        "own:parameters": "own:parameters",  # no statistic, and not the same number
        "own:flops": "own:flops",
    }
    # Another table was measured another time, whatever its card says.
    assert measurements(["own:latency", "again:latency"], TABLES)["again:latency"] != "own:latency"
    assert measurements(["own:latency", "own:latency_min"], {}) == {
        "own:latency": "own:latency",
        "own:latency_min": "own:latency_min",
    }


@pytest.mark.parametrize(
    ("factor", "noise", "same"), [(7.0, 0.0, True), (-7.0, 0.0, True), (1.0, 0.5, False)]
)
def test_columns_of_one_order_are_one_measurement(factor, noise, same):
    generator = np.random.default_rng(0)
    values = pd.Series(generator.gamma(4.0, size=200), index=generator.permutation(1000)[:200])
    energy = factor * values + noise * generator.normal(size=200)
    targets = ["fpga:latency", "fpga:energy"]
    # Test architectures that only one of them has do not matter.
    truths = {"fpga:latency": values[:150], "fpga:energy": energy[::-1][:150]}
    found = measurements(targets, TABLES, truths)
    assert (found["fpga:energy"] == "fpga:latency") is same
    few = {name: each[: FEWEST_SHARED - 1] for name, each in truths.items()}
    few["fpga:energy"] = energy[: FEWEST_SHARED - 1]
    assert measurements(targets, TABLES, few)["fpga:energy"] == "fpga:energy"


def test_numbers_of_two_spaces_name_other_architectures():
    values = pd.Series(np.arange(50.0))
    targets = ["fpga:latency", "other:latency"]
    assert len(set(measurements(targets, TABLES, dict.fromkeys(targets, values)).values())) == 2


def test_sameness_goes_on_from_one_to_the_next():
    values = pd.Series(np.random.default_rng(1).normal(size=60))
    targets = ["own:latency_min", "fpga:latency", "own:latency"]
    truths = {"own:latency": values, "fpga:latency": 2 * values}
    assert set(measurements(targets, TABLES, truths).values()) == {"own:latency_min"}
