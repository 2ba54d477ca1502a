"""Plot learning curves, one panel a target: python reports/learning_curve.py RUN."""

import argparse
from pathlib import Path

import plotly.express as px
from scipy import stats

import hwbench as hb

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("run", type=Path, help="a run folder with a study")
run = parser.parse_args().run

# A row a trial; failed trials have no score and leave the means.
trials = hb.read_trials(run).dropna(subset="kendall_tau")
curves = (
    trials.groupby(["target", "title", "training_size"])["kendall_tau"]
    .agg(["mean", "sem", "count"])
    .reset_index()
)
# Student's t interval of the mean over seeds: half its width.
curves["half"] = stats.t.ppf(0.975, curves["count"] - 1) * curves["sem"]

figure = px.line(
    curves,
    x="training_size",
    y="mean",
    error_y="half",
    color="title",
    facet_col="target",
    log_x=True,
    markers=True,
    labels={"training_size": "measurements", "mean": "Kendall's tau", "title": "predictor"},
)
page = run / "learning_curve.html"
figure.write_html(page)
print(page)
