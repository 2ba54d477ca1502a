import pickle
import re

import numpy as np
import pandas as pd
import pytest

from hwbench.spaces import get_space
from hwbench.tables.converters.hw_nas_bench import convert_hw_nas_bench

SPACE = get_space("nasbench201")
DATASETS = {"cifar10": (32, 10), "cifar100": (32, 100), "ImageNet16-120": (16, 120)}
UNITS = {
    "edgegpu_latency": "ms",
    "edgegpu_energy": "mJ",
    "raspi4_latency": "ms",
    "edgetpu_latency": "ms",
    "pixel3_latency": "ms",
    "eyeriss_latency": "ms",
    "eyeriss_energy": "mJ",
    "eyeriss_arithmetic_intensity": "ops/byte",
    "fpga_latency": "ms",
    "fpga_energy": "mJ",
}
REEXPORTS = [f"hw_{dataset}.csv" for dataset in DATASETS]
ACCURACIES = [
    f"nb201_{dataset}_val_test_v1_0.pickle"
    for dataset in ("cifar10-valid", "cifar100", "ImageNet16-120")
]
PLACES = (4000, 3, 15_624, 0)


@pytest.fixture(scope="module")
def reexport(raw):
    return convert_hw_nas_bench([raw(name) for name in [*REEXPORTS, *ACCURACIES]])


@pytest.fixture(scope="module")
def hardware(shared_data):
    """The published metrics of all cells in the space's order."""
    frame = pd.read_parquet(shared_data / "hwnas_nb201.parquet")
    frame.index = SPACE.indices_of(SPACE.from_strings(frame["arch_str"]))
    return frame.sort_index()


# ---------------------------------------------------------------------- the re-export


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("metric", UNITS)
def test_every_metric_of_every_cell_is_the_published_one(reexport, hardware, same, dataset, metric):
    found = reexport.column(f"{dataset}.{metric}")
    assert len(found) == 15_625
    assert same(found, hardware[f"{dataset}_{metric}"])
    missing = 4699 if metric == "edgetpu_latency" else 0
    assert int(np.isnan(found).sum()) == missing
    card = reexport.card.columns[f"{dataset}.{metric}"]
    assert (card.unit, card.direction, card.dataset) == (UNITS[metric], "minimize", dataset)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize(("split", "name"), [("valid", "val"), ("test", "test")])
def test_accuracies_are_joined(reexport, published, same, dataset, split, name):
    expected = published("nb201_accuracy", reexport, key="arch_str")
    found = reexport.column(f"{dataset}.{split}_accuracy")
    assert same(found, expected[f"{dataset}_{name}_200ep_mean_v1_0"])


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("count", ["params", "flops"])
def test_parameters_and_flops_are_those_of_each_dataset(reexport, published, dataset, count):
    expected = published("nb201_archs", reexport, key="arch_str")[f"{dataset}_{count}_M_derived"]
    name = {"params": "parameters", "flops": "flops"}[count]
    found = reexport.column(f"{dataset}.{name}")
    np.testing.assert_allclose(found / 1e6, expected, rtol=0, atol=1e-6)
    assert reexport.frame[f"{dataset}.{name}"].dtype.kind == "i"


def test_table_holds_all_cells_in_order(reexport):
    assert reexport.frame["hwbench_index"].tolist() == list(range(15_625))
    assert len(reexport.card.columns) == 3 * (len(UNITS) + 4)
    assert len(reexport.card.recipes[0]["files"]) == 6
    assert "Accuracies are those of NAS-Bench-201." in reexport.card.description


def test_noise_is_told_of_what_is_measured_and_not_of_what_follows(reexport):
    columns = reexport.card.columns
    assert columns["cifar100.edgegpu_latency"].noise.deviation > 0
    assert columns["cifar100.edgegpu_latency"].noise.tau_ceiling < 1
    assert columns["cifar100.flops"].noise.tau_ceiling == 1


def test_hardware_alone_is_a_table(raw, steps):
    table = convert_hw_nas_bench([raw("hw_cifar100.csv")], progress=steps)
    names = [*UNITS, "parameters", "flops"]
    wanted = [f"cifar100.{name}" for name in names]
    assert [name for name in table.card.columns if name.startswith("cifar100.")] == wanted
    assert "Without accuracies" in table.card.description
    steps.check()


HEADER = ",".join(["net", *UNITS])
ROW = ",".join(["1.5"] * len(UNITS))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"net,x\n1,{ROW}\n", "edgegpu_latency"),
        (f'{HEADER}\n"(0, 1, 2, 3, 4)",{ROW}\n', "row 0: net '.0, 1, 2, 3, 4.' must be 6"),
        (f'{HEADER}\n"(0, 1, 2, 3, 4, 5)",{ROW}\n', "row 0: net"),
        (f'{HEADER}\n"(0, 1, 2, 3, 4, True)",{ROW}\n', "row 0: net"),
        (f"{HEADER}\n__import__('os'),{ROW}\n", "row 0: net"),
        (
            f'{HEADER}\n"(0, 1, 2, 3, 4, 0)",{ROW}\n"(0, 1, 2, 3, 4, 0)",{ROW}\n',
            "row 1: .* stands twice",
        ),
        (f'{HEADER}\n"(0, 1, 2, 3, 4, 0)",{ROW.replace("1.5", "fast", 1)}\n', "fast"),
        (f'{HEADER}\n"(0, 1, 2, 3, 4, 0)",{ROW.replace("1.5", "0", 1)}\n', "row 0: edgegpu"),
        (f'{HEADER}\n"(0, 1, 2, 3, 4, 0)",{ROW.replace("1.5", "-2", 1)}\n', "row 0: edgegpu"),
        (f'{HEADER}\n"(0, 1, 2, 3, 4, 0)",{ROW.replace("1.5", "inf", 1)}\n', "row 0: edgegpu"),
    ],
)
def test_broken_reexports_are_named(tmp_path, refusal, text, message):
    path = tmp_path / "hw_cifar10.csv"
    path.write_text(text)
    found = refusal(convert_hw_nas_bench, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


# ---------------------------------------------------------------------- the authors' pickle


@pytest.fixture
def content():
    """A few cells in the authors' form, their two unmeasured values marked as they mark them."""
    rng = np.random.default_rng(0)
    strings = SPACE.to_strings(SPACE.architectures_at(PLACES))
    half = {}
    for dataset in DATASETS:
        half[dataset] = {metric: rng.uniform(0.1, 9, len(PLACES)).tolist() for metric in UNITS}
        half[dataset]["edgetpu_latency"][1] = -1
        half[dataset]["config"] = [
            {"name": "infer.tiny", "C": 16, "N": 5, "arch_str": text, "num_classes": 10}
            for text in strings
        ]
    return {"nasbench201": half, "fbnet": {}}


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "HW-NAS-Bench-v1_0.pickle"
        path.write_bytes(pickle.dumps(content))
        return path

    return write


def test_authors_pickle_is_read_value_by_value(content, file, same, steps):
    table = convert_hw_nas_bench([file(content)], progress=steps)
    order = np.argsort(PLACES)
    assert table.frame["hwbench_index"].tolist() == sorted(PLACES)
    assert "4 of its 15625" in table.card.description
    for dataset, (size, classes) in DATASETS.items():
        for metric in UNITS:
            values = np.array(content["nasbench201"][dataset][metric], dtype=float)
            expected = np.where(values == -1, np.nan, values)[order]
            assert same(table.column(f"{dataset}.{metric}"), expected), metric
        flops = SPACE.flops(table.archs, input_size=size, classes=classes)
        assert (table.column(f"{dataset}.flops") == flops).all()
    steps.check()


def test_authors_pickle_and_reexport_make_the_same_table(reexport, content, file, raw):
    for dataset, metrics in content["nasbench201"].items():
        for metric in UNITS:
            values = reexport.column(f"{dataset}.{metric}")[list(PLACES)]
            metrics[metric] = [-1 if np.isnan(value) else float(value) for value in values]
    table = convert_hw_nas_bench([file(content), *(raw(name) for name in ACCURACIES)])
    expected = reexport.frame.iloc[sorted(PLACES)].reset_index(drop=True)
    assert list(table.card.columns) == list(reexport.card.columns)
    pd.testing.assert_frame_equal(table.frame, expected, check_exact=True)
    for name, card in table.card.columns.items():
        same_meaning = reexport.card.columns[name].model_copy(update={"noise": None})
        assert card == same_meaning


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.pop("nasbench201"), "the key 'nasbench201'"),
        (lambda c: c["nasbench201"].pop("cifar100"), "cifar100 must hold config"),
        (lambda c: c["nasbench201"]["cifar100"].pop("fpga_energy"), "cifar100 must hold"),
        (
            lambda c: c["nasbench201"]["cifar100"]["fpga_energy"].pop(),
            "fpga_energy.*3 values for 4",
        ),
        (
            lambda c: c["nasbench201"]["cifar100"]["fpga_energy"].__setitem__(2, "x"),
            "fpga_energy holds something that is no number",
        ),
        (
            lambda c: c["nasbench201"]["cifar100"]["fpga_energy"].__setitem__(2, 0.0),
            "row 2: cifar100 fpga_energy is 0.0",
        ),
        (
            lambda c: c["nasbench201"]["cifar10"]["config"][3].pop("arch_str"),
            "every config of cifar10 must hold an arch_str",
        ),
        (
            lambda c: c["nasbench201"]["cifar10"]["config"][3].update(arch_str="|x~0|"),
            "row 3: architecture '.x~0.'",
        ),
        (
            lambda c: c["nasbench201"]["cifar10"]["config"].__setitem__(
                3, c["nasbench201"]["cifar10"]["config"][0]
            ),
            "row 3: .*stands twice",
        ),
    ],
)
def test_broken_pickles_are_named(content, file, refusal, spoil, message):
    spoil(content)
    path = file(content)
    found = refusal(convert_hw_nas_bench, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


def test_metrics_given_twice_are_refused(content, file, raw, refusal):
    found = refusal(convert_hw_nas_bench, file(content), raw("hw_cifar10.csv"))
    assert "two of the files hold the metric cifar10.edgegpu_latency" in found


def test_accuracies_without_hardware_are_refused(raw, refusal):
    found = refusal(convert_hw_nas_bench, raw(ACCURACIES[0]))
    assert "no file holds hardware metrics; expected HW-NAS-Bench-v1_0.pickle" in found
