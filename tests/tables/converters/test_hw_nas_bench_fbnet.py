"""The keys are written out here from the benchmark's own network, not taken from the space."""

import math
import pickle
import re

import numpy as np
import pytest

from hwbench.spaces import get_space
from hwbench.tables.converters.hw_nas_bench_fbnet import convert_hw_nas_bench_fbnet

SPACE = get_space("fbnet")
METRICS = {
    "edgegpu_latency": "ms",
    "edgegpu_energy": "mJ",
    "raspi4_latency": "ms",
    "pixel3_latency": "ms",
    "eyeriss_latency": "ms",
    "eyeriss_energy": "mJ",
    "fpga_latency": "ms",
    "fpga_energy": "mJ",
}
BLOCKS = [(1, 3, 1), (1, 3, 2), (3, 3, 1), (6, 3, 1), (1, 5, 1), (1, 5, 2), (3, 5, 1), (6, 5, 1)]
# Layers in a row, size of their input, channels in and out, stride.
LAYERS = {
    "cifar100": [
        (1, 32, 16, 16, 1),
        (1, 32, 16, 24, 1), (3, 32, 24, 24, 1),
        (1, 32, 24, 32, 2), (3, 16, 32, 32, 1),
        (1, 16, 32, 64, 2), (3, 8, 64, 64, 1),
        (1, 8, 64, 112, 1), (3, 8, 112, 112, 1),
        (1, 8, 112, 184, 2), (3, 4, 184, 184, 1),
        (1, 4, 184, 352, 1),
    ],
    "ImageNet": [
        (1, 112, 16, 16, 1),
        (1, 112, 16, 24, 2), (3, 56, 24, 24, 1),
        (1, 56, 24, 32, 2), (3, 28, 32, 32, 1),
        (1, 28, 32, 64, 2), (3, 14, 64, 64, 1),
        (1, 14, 64, 112, 1), (3, 14, 112, 112, 1),
        (1, 14, 112, 184, 2), (3, 7, 184, 184, 1),
        (1, 7, 184, 352, 1),
    ],
}  # fmt: skip
AROUND = {
    "cifar100": [
        "ConvNorm_H32_W32_Cin3_Cout16_kernel3_stride1_group1",
        "ConvNorm_H4_W4_Cin352_Cout1504_kernel1_stride1_group1",
        "AvgP_H4_W4_Cin1504_Cout1504_kernel4_stride1",
        "FC_Cin1504_Cout100",
    ],
    "ImageNet": [
        "ConvNorm_H224_W224_Cin3_Cout16_kernel3_stride2_group1",
        "ConvNorm_H7_W7_Cin352_Cout1984_kernel1_stride1_group1",
        "AvgP_H7_W7_Cin1984_Cout1984_kernel7_stride1",
        "FC_Cin1984_Cout1000",
    ],
}


def layer_keys(size, in_channels, out_channels, stride):
    shape = f"H{size}_W{size}_Cin{in_channels}_Cout{out_channels}"
    blocks = [
        f"ConvBlock_{shape}_exp{expansion}_kernel{kernel}_stride{stride}_group{groups}"
        for expansion, kernel, groups in BLOCKS
    ]
    return [*blocks, f"Skip_{shape}_stride{stride}"]


def keys_of(dataset):
    """For each of the 22 layers the keys of its nine operations."""
    return [layer_keys(*shape) for count, *shape in LAYERS[dataset] for _ in range(count)]


@pytest.fixture
def costs():
    """Costs in the authors' form, all different."""
    rng = np.random.default_rng(0)
    keys = [key for dataset in LAYERS for layer in keys_of(dataset) for key in layer]
    keys += [key for around in AROUND.values() for key in around]
    keys = [*sorted(set(keys)), "Add_H4_W4_Cin8_Cout8_stride1"]  # one that no network has
    assert len(keys) == 2 * (12 * 9 + 4) + 1
    return {metric: {key: float(rng.uniform(0.01, 5)) for key in keys} for metric in METRICS}


@pytest.fixture
def file(tmp_path):
    def write(costs):
        path = tmp_path / "HW-NAS-Bench-v1_0.pickle"
        path.write_bytes(pickle.dumps({"nasbench201": {}, "fbnet": costs}))
        return path

    return write


def test_every_cost_is_the_sum_over_the_layers(costs, file, steps):
    table = convert_hw_nas_bench_fbnet([file(costs)], progress=steps)
    assert list(table.card.columns) == [f"{d}.{m}" for d in LAYERS for m in METRICS]
    for dataset in LAYERS:
        keys = keys_of(dataset)
        assert len(keys) == 22
        for metric, unit in METRICS.items():
            known = costs[metric]
            found = table.column(f"{dataset}.{metric}")
            for row in range(0, len(table), 37):
                chosen = zip(keys, table.archs[row], strict=True)
                parts = [known[layer[operation]] for layer, operation in chosen]
                expected = math.fsum(parts + [known[key] for key in AROUND[dataset]])
                assert found[row] == pytest.approx(expected, rel=1e-14)
            card = table.card.columns[f"{dataset}.{metric}"]
            assert (card.unit, card.direction, card.dataset) == (unit, "minimize", dataset)
    assert "sum of published costs" in table.card.description
    steps.check()


def test_table_holds_the_neighbourhood_and_a_sample(costs, file):
    table = convert_hw_nas_bench_fbnet([file(costs)])
    strings = set(table.frame["arch"])
    wanted = [SPACE.baseline[None, :], SPACE.neighbours(SPACE.baseline), SPACE.sample(5000, 0)]
    assert len(wanted[1]) == 22 * 8
    assert set(SPACE.to_strings(np.concatenate(wanted))) == strings
    assert len(strings) == len(table) == 1 + 22 * 8 + 5000
    again = convert_hw_nas_bench_fbnet([file(costs)])
    assert again.frame.equals(table.frame)


def test_numpy_numbers_are_numbers(costs, file):
    plain = convert_hw_nas_bench_fbnet([file(costs)])
    made = {m: {k: np.float64(v) for k, v in known.items()} for m, known in costs.items()}
    assert convert_hw_nas_bench_fbnet([file(made)]).frame.equals(plain.frame)


def test_accuracies_beside_the_file_are_passed_over(costs, file):
    path = file(costs)
    (path.parent / "nb201_cifar100_val_test_v1_0.pickle").write_bytes(b"")
    assert len(convert_hw_nas_bench_fbnet([path.parent])) == 5177


LAST_SKIP = layer_keys(7, 184, 352, 1)[-1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.pop("pixel3_latency"), "lacks the metric pixel3_latency"),
        (lambda c: c["fpga_energy"].pop(LAST_SKIP), f"fpga_energy: lacks the layer {LAST_SKIP}"),
        (
            lambda c: c["fpga_energy"].pop("FC_Cin1984_Cout1000"),
            "fpga_energy: lacks the layer FC_Cin1984_Cout1000",
        ),
        (lambda c: c["fpga_energy"].update({LAST_SKIP: "x"}), f"{LAST_SKIP} is no number"),
        (lambda c: c["fpga_energy"].update({LAST_SKIP: None}), f"{LAST_SKIP} is no number"),
        (lambda c: c["fpga_energy"].update({LAST_SKIP: math.nan}), f"{LAST_SKIP} is no number"),
        (lambda c: c.update(raspi4_latency=[1.0]), "lacks the metric raspi4_latency"),
    ],
)
def test_broken_costs_are_named(costs, file, refusal, spoil, message):
    spoil(costs)
    path = file(costs)
    found = refusal(convert_hw_nas_bench_fbnet, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


def test_other_files_are_refused(tmp_path, file, refusal):
    path = tmp_path / "other.pickle"
    path.write_bytes(pickle.dumps({"nasbench201": {}}))
    assert "the key 'fbnet'" in refusal(convert_hw_nas_bench_fbnet, path)
    file({})
    assert "not 2" in refusal(convert_hw_nas_bench_fbnet, tmp_path)
