"""Draw the leaderboard's learning curves: python reports/leaderboard_figure.py -o PAGE.

Mean tau over the published study's five tables, untuned, beside what is published (LAUBE Fig. 5.3),
the ceiling that noise sets, and FLOPs alone. From reports/results/study_scores.parquet, as an HTML
page; with a name in .csv, the numbers.
"""

import argparse
from pathlib import Path

import pandas as pd
import plotly.express as px
import plotly.graph_objects as go

from hwbench.analysis.published import LINEAR, published_curves
from hwbench.results.leaderboard import read_runs, read_scores

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("-o", "--output", type=Path, default=Path("leaderboard-figure.html"))
output = parser.parse_args().output

scores = read_scores().dropna(subset="kendall_tau")
five = scores[
    scores["target"].isin(LINEAR) & (scores["tuning"] == "") & ~scores["own_training_set"]
]
# A seed counts where it has all five tables: a mean over fewer is of something else.
by_seed = five.groupby(["title", "training_size", "seed"])["kendall_tau"].agg(["mean", "size"])
whole = by_seed[by_seed["size"] == len(LINEAR)]
curves = whole.groupby(["title", "training_size"])["mean"].agg(["mean", "sem", "count"])
curves = curves.reset_index()

if output.suffix == ".csv":
    curves.to_csv(output, index=False)
else:
    figure = px.line(
        curves,
        x="training_size",
        y="mean",
        error_y="sem",
        color="title",
        log_x=True,
        markers=True,
        labels={"training_size": "measurements", "mean": "Kendall's tau", "title": "predictor"},
    )
    dashed = {"dash": "dash", "color": "black"}
    for curve in published_curves(list(LINEAR)):
        sizes, taus = list(curve.taus), list(curve.taus.values())
        figure.add_trace(go.Scatter(x=sizes, y=taus, name=curve.title, mode="lines", line=dashed))
    about = {}
    for run in read_runs().values():
        about |= {target: each for target, each in run["targets"].items() if target in LINEAR}
    known = pd.DataFrame(about).T
    if len(known):
        figure.add_hline(y=known["ceiling"].astype(float).mean(), line_dash="dot")
        figure.add_hline(y=pd.DataFrame(known["baselines"].tolist())["flops"].mean())
    figure.write_html(output)
print(output)
