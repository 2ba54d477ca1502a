"""Put two runs side by side, paired by seed: python reports/join_runs.py RUN_A RUN_B."""

import argparse
from pathlib import Path

import pandas as pd

import hwbench as hb

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("one", type=Path, metavar="RUN_A")
parser.add_argument("other", type=Path, metavar="RUN_B")
arguments = parser.parse_args()

# What two trials must share to be compared; with the seed they have drawn the same rows.
keys = ["target", "predictor", "encoding", "training_size", "seed"]
pairs = pd.merge(
    hb.read_trials(arguments.one)[[*keys, "kendall_tau", "fit_seconds"]],
    hb.read_trials(arguments.other)[[*keys, "kendall_tau", "fit_seconds"]],
    on=keys,
    suffixes=("_a", "_b"),
    validate="one_to_one",
)
pairs["difference"] = pairs["kendall_tau_b"] - pairs["kendall_tau_a"]
pairs["speed_up"] = pairs["fit_seconds_a"] / pairs["fit_seconds_b"]

summary = pairs.groupby(keys[:-1]).agg(
    seeds=("seed", "size"),
    tau_a=("kendall_tau_a", "mean"),
    tau_b=("kendall_tau_b", "mean"),
    difference=("difference", "mean"),
    b_is_better=("difference", lambda values: (values > 0).mean()),
    speed_up=("speed_up", "median"),
)
table = arguments.other / f"beside-{arguments.one.name}.csv"
summary.to_csv(table)
print(table)
