"""Keep what the ledger needs: python reports/ledger_results.py RUN ...

A run folder of the scenario paper-selection gives reports/results/simulated_selections.parquet, a
row a mean as LAUBE Fig. 5.6 and 5.7 draw them; one of paper-few-shot, or of a copy with fewer
seeds, gives few_shot.parquet, a row a fit on a device of a set; one of search-latbench, or of a
copy with fewer strategies, limited_searches.parquet, a row a search and limit of CHOE Table 4.2.
A JSON file, which hwbench vae evaluate --json has printed, gives vaes.parquet, a row a VAE of CHOE
Table 4.1. What these held before is replaced.
"""

import argparse
import json
from pathlib import Path

import pandas as pd

from hwbench.results.frames import write_frame
from hwbench.results.leaderboard import results_folder
from hwbench.results.names import SEARCHES, SIMULATION
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


def limited_searches(run: Path) -> pd.DataFrame:
    """The best accuracy under each limit of the scenario, as far as CHOE Table 4.2 searched."""
    limits = spec_of(read_record(run), "search")["limits"]
    names = ["strategy", "metric_target", "seed"]
    rows = pd.read_parquet(run / SEARCHES, columns=[*names, "evaluation", "accuracy", "metric"])
    rows = rows[rows["evaluation"] <= LIMITED_EVALUATIONS]
    found = []
    for target, values in limits.items():
        own = rows[rows["metric_target"] == target]
        for limit in values:
            best = own[own["metric"] <= limit].groupby(names)["accuracy"].max().reset_index()
            found.append(best.assign(limit=limit, evaluations=LIMITED_EVALUATIONS))
    return pd.concat(found, ignore_index=True)


def vaes(path: Path) -> pd.DataFrame:
    """A row a VAE, named as its file is."""
    rows = pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    return rows.assign(file=[Path(each).stem for each in rows["file"]])


def kept(place: Path) -> tuple[str, pd.DataFrame]:
    """What is kept of a run folder or file, and under which name."""
    if place.is_file():
        return "vaes", vaes(place)
    if (place / SIMULATION).exists():
        return "simulated_selections", selections(place)
    if (place / SEARCHES).exists():
        return "limited_searches", limited_searches(place)
    return "few_shot", few_shot(place)


LIMITED_EVALUATIONS = 350

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
parser.add_argument("--results", type=Path, default=results_folder())
arguments = parser.parse_args()

for place in arguments.runs:
    if not place.exists():
        parser.error(f"{place}: there is no such run folder or file")
    name, frame = kept(place)
    path = arguments.results / f"{name}.parquet"
    if name == "few_shot" and path.exists():  # with and without trimming stand side by side
        there = pd.read_parquet(path)
        others = there[~there["trimming"].isin(frame["trimming"])]
        frame = pd.concat([others, frame], ignore_index=True)
    write_frame(path, frame)
    print(f"{path}: {len(frame):,} rows")
