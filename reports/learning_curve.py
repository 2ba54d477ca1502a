"""Plot a learning curve from a run folder, with nothing but pandas and plotly.

Use: python reports/learning_curve.py runs/quick
"""

import sys
from pathlib import Path

import pandas as pd
import plotly.express as px

folder = Path(sys.argv[1])
trials = pd.read_parquet(folder / "study.parquet")
curve = trials.groupby(["target", "title", "training_size"], as_index=False)["kendall_tau"].mean()
figure = px.line(
    curve, x="training_size", y="kendall_tau", color="title", facet_col="target", log_x=True
)
page = folder / "learning_curve.html"
figure.write_html(page)
print(page)
