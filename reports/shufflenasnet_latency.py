"""Measure how much faster ShuffleNASNets are than ENAS.

python reports/shufflenasnet_latency.py FOLDER. The claim is a factor of 2.00 to 2.05 on a GPU
(LAUBE 610, Fig. 3.6). The published cells are drawn alone and cannot be read, so pairs of cells
stand for them that have the printed size (Table 3.1) and, as these do, two identities in the normal
cell. ENAS is the network of its publication, on CIFAR-10. Two other paths past the reduction cells
are printed to take 2 % and 16 % longer (LAUBE 3.4.5). All are visited in turns; stopped, the same
command goes on.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import hwbench as hb
from hwbench.files import write_text
from hwbench.spaces.shufflenasnet.cells import IDENTITY
from hwbench.tables.made.measure import measure
from hwbench.tables.made.recipe import MeasureRecipe

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path, help="gets what was measured, and latency.csv")
parser.add_argument("--cells", type=int, default=5, help="pairs of cells of each size")
parser.add_argument("--rounds", type=int, default=5, help="visits to each network")
parser.add_argument("--runtimes", nargs="+", default=["torch-eager", "onnxruntime"])
parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1])
arguments = parser.parse_args()

cells, networks = hb.load_space("shufflenasnet"), hb.load_space("published_networks")
ENAS = networks.from_strings(["ENAS"])
# Of a variant: millions of parameters (Table 3.1), and the skeleton. A has no normalisation.
VARIANTS = {
    "A, f = 64": (0.80, {"channels": 64, "depth": 5, "batch_normalisation": False}),
    "B, f = 96": (1.79, {"channels": 96, "depth": 5}),
    "B, f = 96, separable bypass": (
        1.79,
        {"channels": 96, "depth": 5, "bypass": "separable_convolutions"},
    ),
    "B, f = 96, cell as bypass": (1.79, {"channels": 96, "depth": 5, "bypass": "cell"}),
    "B, f = 128": (3.10, {"channels": 128, "depth": 5}),
    "B, f = 128, N = 4": (3.10, {"channels": 128, "depth": 4}),
}


def of_printed_size(millions: float, skeleton: dict) -> np.ndarray:
    """Pairs of cells within 2 % of a size in the plain network of five cells a stage, drawn."""
    drawn = cells.sample(100_000, seed=0)
    _, operations = cells.blocks(drawn)
    drawn = drawn[(operations[:, 0] == IDENTITY).sum(axis=1) == 2]
    plain = {**skeleton, "depth": 5, "bypass": "factorized_reduction"}
    sizes = cells.parameters(drawn, **plain) / 1e6
    return drawn[np.abs(sizes / millions - 1) < 0.02][: arguments.cells]


rows = []
for runtime in arguments.runtimes:
    for batch_size in arguments.batch_sizes:
        where = arguments.folder / f"{runtime}-{batch_size}"
        shared = {"runtime": runtime, "batch_size": batch_size}
        jobs = {"ENAS": (networks, ENAS, {"channels": 36, "depth": 5})}
        for name, (millions, skeleton) in VARIANTS.items():
            jobs[name] = (cells, of_printed_size(millions, skeleton), skeleton)
        found = {}
        for rounds in range(1, arguments.rounds + 1):  # more rounds go on where fewer ended
            for name, (space, archs, skeleton) in jobs.items():
                recipe = MeasureRecipe(**shared, rounds=rounds, skeleton=skeleton)
                journal = where / f"{name.replace(' ', '')}.journal"
                found[name] = measure(space, recipe, journal, archs=archs).milliseconds
        enas = found["ENAS"]
        for name, (space, archs, skeleton) in jobs.items():
            rows.append(
                {
                    "network": name,
                    **shared,
                    "cells": len(archs),
                    "parameters_M": space.parameters(archs, **skeleton).mean() / 1e6,
                    "FLOPs_M": space.flops(archs, **skeleton).mean() / 1e6,
                    "latency_ms": np.median(found[name]),
                    "fastest_ms": found[name].min(axis=(0, 2)).mean(),
                    "speed_up": np.median(enas) / np.median(found[name]),
                    "speed_up_of_fastest": enas.min() / found[name].min(axis=(0, 2)).mean(),
                }
            )

table = pd.DataFrame(rows)
path = arguments.folder / "latency.csv"
write_text(path, table.to_csv(index=False))
print(table.round(3).to_string(index=False))
print(path)
