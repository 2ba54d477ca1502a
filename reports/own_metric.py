"""Score stored predictions by a measure of one's own: python reports/own_metric.py RUN.

Here: if the predictor names the cheapest tenth of the test architectures, how many of them are
truly among the cheapest tenth, and how much dearer than the cheapest tenth is what it named?
"""

import argparse
from pathlib import Path

import pandas as pd

import hwbench as hb

SHARE = 0.1

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("run", type=Path, help="a run folder with stored predictions")
run = parser.parse_args().run


def score(trial: pd.DataFrame) -> pd.Series:
    """Recall and excess of the named tenth; `trial` has a row a test architecture."""
    count = max(1, round(SHARE * len(trial)))
    named = trial.nsmallest(count, "prediction")
    cheapest = trial.nsmallest(count, "truth")
    recall = named.index.isin(cheapest.index).mean()
    excess = named["truth"].mean() / cheapest["truth"].mean() - 1
    return pd.Series({"recall": recall, "excess": excess})


# Truth and prediction of every test architecture, in the target's unit.
predictions = hb.read_predictions(run)
trials = ["target", "predictor", "training_size", "seed"]
scores = predictions.groupby(trials)[["truth", "prediction"]].apply(score)
over_seeds = scores.groupby(trials[:-1]).agg(["mean", "std"])
over_seeds.columns = ["_".join(column) for column in over_seeds.columns]
table = run / "own_metric.csv"
over_seeds.to_csv(table)
print(table)
