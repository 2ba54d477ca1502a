"""HW-NAS-Bench's FBNet half: costs of single layers, whose sum is a network's cost.

The file holds no networks. It holds, for each of eight metrics, the cost of every layer by a key
that tells its kind and shape. The table holds the networks that tell all of it: the space's
baseline, every network that differs from it in one layer, and a sample for comparing predictors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.spaces.fbnet.skeleton import BLOCKS, LayerShape, network_shape
from hwbench.spaces.fbnet.space import OPERATIONS
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files, make_table
from hwbench.tables.converters.hw_nas_bench import METRICS, PICKLES, load_half
from hwbench.tables.converters.nasbench201 import is_accuracy_file
from hwbench.tables.table import Table

_EXPECTED = "HW-NAS-Bench-v1_0.pickle"
SAMPLED = 5000
SEED = 0
DATASETS = {"cifar100": (32, 100), "ImageNet": (224, 1000)}  # image size, classes
LAYER_METRICS = tuple(
    name for name in METRICS if name not in ("edgetpu_latency", "eyeriss_arithmetic_intensity")
)


def convert_hw_nas_bench_fbnet(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of HW-NAS-Bench's FBNet half.

    Parameters
    ----------
    paths : `HW-NAS-Bench-v1_0.pickle`, or a folder that holds it.
    progress : called with (metrics done, metrics in all).

    Returns
    -------
    The baseline, its neighbours and `SAMPLED` networks drawn by seed `SEED`; columns such as
    `ImageNet.pixel3_latency`, each the exact sum of the layers' published costs.

    Raises
    ------
    HwbenchError
        Where the file is absent, or lacks the cost of a layer.
    """
    files = listed_files(paths, _is_known, expected=_EXPECTED)
    if len(files) != 1:
        raise HwbenchError(f"hw-nas-bench-fbnet: give one file, {_EXPECTED}, not {len(files)}")
    costs = load_half(files[0], "fbnet")
    space = get_space("fbnet")
    archs = np.unique(
        np.concatenate(
            [
                space.baseline[None, :],
                space.neighbours(space.baseline),
                space.sample(SAMPLED, SEED),
            ]
        ),
        axis=0,
    )
    values: dict[str, NDArray[np.float64]] = {}
    cards: dict[str, ColumnCard] = {}
    total = len(DATASETS) * len(LAYER_METRICS)
    progress(0, total)
    for dataset in DATASETS:
        for metric in LAYER_METRICS:
            name = f"{dataset}.{metric}"
            if not isinstance(costs.get(metric), Mapping):
                raise HwbenchError(f"{files[0]}: fbnet lacks the metric {metric}")
            base, by_layer = layer_costs(costs[metric], dataset, f"{files[0]}: {metric}")
            values[name] = base + _sum(by_layer, archs)
            unit, title = METRICS[metric]
            cards[name] = ColumnCard(
                title=title,
                unit=unit,
                direction="minimize",
                dataset=dataset,
                device=metric.partition("_")[0],
                source="HW-NAS-Bench v1.0, sum of the costs of the layers",
            )
            progress(len(values), total)
    note = (
        "Every number is the sum of published costs of layers, so a predictor that adds up layers "
        f"is exact; {SAMPLED} networks are drawn by seed {SEED}, with the baseline's neighbours."
    )
    frame = pd.DataFrame(values)
    return make_table("hw-nas-bench-fbnet", archs, frame, cards, files=files, note=note)


def _is_known(path: Path) -> bool:
    return path.suffix in PICKLES and not is_accuracy_file(path)


def layer_costs(
    costs: Mapping[Any, Any], dataset: str, place: str
) -> tuple[float, NDArray[np.float64]]:
    """What is around the choices costs, and each operation at each layer.

    Parameters
    ----------
    costs : of one metric, by the file's keys.
    dataset : "cifar100" or "ImageNet".
    place : for messages.

    Returns
    -------
    The cost of stem, header, pooling and classifier; float64 of shape (22, 9).
    """
    size, classes = DATASETS[dataset]
    space = get_space("fbnet")
    shape = network_shape(space.skeleton(input_size=size, classes=classes))
    last, head = shape.layers[-1], shape.head_channels
    around = (
        _convolution_key(shape.stem, 3),
        _convolution_key(LayerShape(last.out_channels, head, 1, last.out_size), 1),
        f"AvgP_H{last.out_size}_W{last.out_size}_Cin{head}_Cout{head}_kernel{last.out_size}_stride1",
        f"FC_Cin{head}_Cout{classes}",
    )
    base = sum(_cost(costs, key, place) for key in around)
    by_layer = [
        [_cost(costs, _layer_key(operation, layer), place) for operation in OPERATIONS]
        for layer in shape.layers
    ]
    return base, np.array(by_layer)


def _sum(by_layer: NDArray[np.float64], archs: IntArray) -> NDArray[np.float64]:
    total: NDArray[np.float64] = by_layer[np.arange(archs.shape[1]), archs].sum(axis=1)
    return total


def _cost(costs: Mapping[Any, Any], key: str, place: str) -> float:
    if key not in costs:
        raise HwbenchError(f"{place}: lacks the layer {key}")
    cost = costs[key]
    number = isinstance(cost, int | float | np.integer | np.floating)
    if not number or not math.isfinite(cost):
        raise HwbenchError(f"{place}: the cost of {key} is no number: {str(cost)[:40]!r}")
    return float(cost)


def _sizes(layer: LayerShape) -> str:
    return f"H{layer.size}_W{layer.size}_Cin{layer.in_channels}_Cout{layer.out_channels}"


def _convolution_key(layer: LayerShape, kernel_size: int) -> str:
    return f"ConvNorm_{_sizes(layer)}_kernel{kernel_size}_stride{layer.stride}_group1"


def _layer_key(operation: str, layer: LayerShape) -> str:
    if operation not in BLOCKS:
        return f"Skip_{_sizes(layer)}_stride{layer.stride}"
    kernel_size, expansion, groups = BLOCKS[operation]
    return (
        f"ConvBlock_{_sizes(layer)}_exp{expansion}_kernel{kernel_size}_stride{layer.stride}"
        f"_group{groups}"
    )
