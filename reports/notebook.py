# %% [markdown]
# A run in a notebook. Open this file in VS Code, Spyder or (with jupytext) in Jupyter, and run it
# cell by cell; or all at once: python reports/notebook.py RUN

# %%
import sys
from pathlib import Path

import plotly.express as px

import hwbench as hb

given = Path(sys.argv[-1])
run = given if given.is_dir() else Path("runs/quick")

# %% Which trials are there, and did any fail?
trials = hb.read_trials(run)
failed = trials[trials["error"].notna()]
print(f"{len(trials)} trials, {len(failed)} failed")
trials.head()

# %% Who ranks best on each target with the most measurements?
largest = trials[
    trials["training_size"] == trials.groupby("target")["training_size"].transform("max")
]
ranking = largest.pivot_table(index="title", columns="target", values="kendall_tau")
print(ranking.round(3).sort_values(ranking.columns[0], ascending=False).to_string())

# %% How do predictions of the best one look? Truth and prediction are in the target's unit.
predictions = hb.read_predictions(run)
target = predictions["target"].iloc[0]
best = largest[largest["target"] == target].groupby("predictor")["kendall_tau"].mean().idxmax()
shown = predictions.query("target == @target and predictor == @best and seed == seed.min()")
figure = px.scatter(shown, x="truth", y="prediction", title=f"{best} on {target}")
figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, xref="x domain", yref="y domain")
figure  # a notebook shows it

# %% Keep it.
page = run / "notebook.html"
figure.write_html(page)
print(page)
