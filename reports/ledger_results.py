"""Keep what the ledger needs: python reports/ledger_results.py RUN ...

A run folder of the scenario paper-selection gives reports/results/simulated_selections.parquet, a
row a mean as LAUBE Fig. 5.6 and 5.7 draw them; one of paper-few-shot, or of a copy with fewer
seeds, gives few_shot.parquet, a row a fit on a device of a set. What these held before is replaced.
"""

import argparse
from pathlib import Path

import pandas as pd

from hwbench.results.frames import write_frame
from hwbench.results.leaderboard import results_folder
from hwbench.results.names import SIMULATION
from hwbench.results.record import read_record, spec_of
from hwbench.results.study_reading import read_trials


def selections(run: Path) -> pd.DataFrame:
    """Means over metrics: losses by deviation over all numbers, hypervolumes without errors."""
    names = ["pairing", "metric_target", "n_candidates", "deviation"]
    measures = ["mra_all", "mra_pareto", "hypervolume"]
    rows = pd.read_parquet(run / SIMULATION, columns=[*names, *measures, "repeat"])
    repeats = rows["repeat"].nunique()
    found = []
    for pairing, own in rows.groupby("pairing"):
        means = own.groupby(["n_candidates", "deviation", "metric_target"])[measures].mean()
        losses = means.groupby("deviation")[["mra_all", "mra_pareto"]].mean()
        volumes = means.xs(0.0, level="deviation").groupby("n_candidates")[["hypervolume"]].mean()
        for what, table in (("loss", losses), ("volume", volumes)):
            long = table.rename_axis("at").reset_index().melt("at", var_name="measure")
            found.append(long.assign(what=what, pairing=pairing, repeats=repeats))
    return pd.concat(found, ignore_index=True)


def few_shot(run: Path) -> pd.DataFrame:
    """A row a fit on a device of a set; who learns from no other device counts for each set.

    Beside its scores stand the study's trimming and the Spearman correlation of FLOPs alone.
    """
    record = read_record(run)
    study, free = spec_of(record, "study"), record["set_baselines"]
    sets = study["device_sets"]
    columns = ["target", "predictor", "training_size", "seed", "spearman", "kendall_tau"]
    trials = read_trials(run, [*columns, "device_set"]).dropna(subset=["spearman"])
    learned_from = trials.pop("device_set").fillna("")
    parts = [
        trials[trials["target"].isin(each["targets"]) & learned_from.isin(["", each["name"]])]
        .assign(device_set=each["name"])
        .replace({"predictor": rf" \({each['name']}\)$"}, {"predictor": ""}, regex=True)
        for each in sets
    ]
    found = pd.concat(parts, ignore_index=True)
    flops = found["target"].map(lambda target: free[target].get("flops"))
    return found.assign(trimming=study["trimming"], flops=flops)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
parser.add_argument("--results", type=Path, default=results_folder())
arguments = parser.parse_args()

for folder in arguments.runs:
    simulated = (folder / SIMULATION).exists()
    name = "simulated_selections" if simulated else "few_shot"
    path = arguments.results / f"{name}.parquet"
    frame = selections(folder) if simulated else few_shot(folder)
    if not simulated and path.exists():  # studies with and without trimming stand side by side
        there = pd.read_parquet(path)
        others = there[~there["trimming"].isin(frame["trimming"])]
        frame = pd.concat([others, frame], ignore_index=True)
    write_frame(path, frame)
    print(f"{path}: {len(frame):,} rows")
