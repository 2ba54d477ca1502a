r"""Write Kendall's tau as a LaTeX table: python reports/latex_table.py RUN.

Mean and standard deviation over seeds, the best of each target bold. The file holds a tabular for
\input; it needs the packages booktabs and multirow.
"""

import argparse
from pathlib import Path

import hwbench as hb

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("run", type=Path, help="a run folder with a study")
run = parser.parse_args().run

trials = hb.read_trials(run).dropna(subset="kendall_tau")
sampled = trials[~trials["own_training_set"]]  # the others, such as a lookup table, have one size
scores = sampled.pivot_table(
    index=["target", "title"],
    columns="training_size",
    values="kendall_tau",
    aggfunc=["mean", "std"],
)
mean, deviation = scores["mean"].round(3), scores["std"].round(3)
best = mean == mean.groupby("target").transform("max")

cells = mean.map("{:.3f}".format)
cells = cells.where(~best, "\\textbf{" + cells + "}")
cells = cells + " {\\small $\\pm$ " + deviation.map("{:.3f}".format) + "}"
cells.index = cells.index.map(lambda key: tuple(text.replace("_", "\\_") for text in key))
cells.index.names = ["target", "predictor"]

path = run / "kendall_tau.tex"
path.write_text(cells.to_latex(escape=False, column_format="ll" + "r" * cells.shape[1]))
print(path)
