"""Rebuild the tables of docs/concepts/search-results.md: python reports/search_evidence.py [RUN ...].

Run folders that are given are added to reports/results/search.parquet first, a row a strategy,
device, checkpoint and seed; what it holds of the same search is replaced.
"""

import argparse
import re
from pathlib import Path

import pandas as pd
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINTS = [150, 350, 550]
KEYS = ["strategy", "accuracy_target", "metric_target", "evaluation", "seed"]
OURS, RIVAL = "Algorithm 1, ours", "Bayesian optimisation, Gaussian process"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("runs", type=Path, nargs="*", metavar="RUN", help="run folders of searches")
parser.add_argument("--results", type=Path, default=ROOT / "reports/results/search.parquet")
parser.add_argument("--page", type=Path, default=ROOT / "docs/concepts/search-results.md")
arguments = parser.parse_args()

if arguments.runs:
    frames = [pd.read_parquet(run / "search.parquet") for run in arguments.runs]
    new = pd.concat(frame[frame["evaluation"].isin(CHECKPOINTS)] for frame in frames)
    known = [pd.read_parquet(arguments.results)] if arguments.results.exists() else []
    rows = pd.concat([*known, new[[*KEYS, "hypervolume_share"]]])
    rows = rows.drop_duplicates(KEYS, keep="last").sort_values(KEYS, ignore_index=True)
    rows.to_parquet(arguments.results, compression="zstd")
results = pd.read_parquet(arguments.results)
results["benchmark"], results["device"] = results["metric_target"].str.split(":").str
results["device"] = results["device"].str.replace(r"\.latency|cifar100\.|_latency", "", regex=True)
shares = results.set_index(["strategy", "benchmark", "device", "seed", "evaluation"])
shares = shares["hypervolume_share"].unstack()  # a row a search, a column a checkpoint


def shown(values, form="{:.3f}"):
    """Mean, half of its 95 % interval by Student's t, and how many."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem() if len(values) > 1 else float("nan")
    return form.format(values.mean()) + (f" ± {half:.3f}" if len(values) > 1 else "")


def lines(frame, first):
    """A Markdown table."""
    head = [first, *map(str, frame.columns)]
    body = [[name, *row] for name, row in zip(frame.index, frame.to_numpy(), strict=True)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *body])


def fronts(benchmark, checkpoint):
    """A row a strategy, a column a device: mean and interval over seeds."""
    values = shares.xs(benchmark, level="benchmark")[checkpoint]
    values = values[~values.index.get_level_values("strategy").isin(VARIANTS)]
    cells = values.groupby(["strategy", "device"]).agg(shown).unstack().fillna("")
    order = values.groupby("strategy").mean().sort_values(ascending=False).index
    seeds = values.groupby(["strategy", "device"]).size().groupby("strategy").agg(["min", "max"])
    cells["seeds"] = [f"{a}" if a == b else f"{a} to {b}" for a, b in seeds.loc[cells.index].values]
    return lines(cells.loc[order], f"after {checkpoint}")
