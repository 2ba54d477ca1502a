"""Rebuild docs/concepts/compress-results.md: python reports/compress_evidence.py [RUN ...].

Folders of `hwbench compress run` that are given are added to reports/results first, under their
names; what it holds of a run of that name is replaced. All tables of the page are made of these
results alone. Intervals are Student's, at 95 %, over seeds.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.analysis.compression import beside_best, method_title, summary, with_losses
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.results.compressions import read_compressions
from hwbench.results.frames import write_frame

ROOT = Path(__file__).resolve().parents[1]
NAME = "compressions.parquet"
NONE_YET = "No training has ended yet."

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("runs", type=Path, nargs="*", metavar="RUN", help="folders of compressions")
parser.add_argument("--results", type=Path, default=ROOT / "reports/results")
parser.add_argument("--page", type=Path, default=ROOT / "docs/concepts/compress-results.md")
arguments = parser.parse_args()


def read(folder: Path) -> pd.DataFrame:
    """The trainings of a run with what they lost, their latency, and the units that are left."""
    found = read_compressions(folder)
    frame = with_losses(found)
    units = found.layers.sort_values("place").groupby("label")["units"]
    frame["units"] = frame["label"].map(units.agg(lambda each: "-".join(map(str, each))))
    frame.insert(0, "run", folder.name)
    return frame.drop(columns="loss")


def table(frame: pd.DataFrame) -> str:
    """A row for each method, budget and lambda."""
    lines = [
        "| method | test accuracy, % | points lost | FLOPs, % | latency, % | units, first seed |",
        "|---|---|---|---|---|---|",
    ]
    for _, row in summary(frame).iterrows():
        half = row["lost_high"] - row["lost"]
        within = f" ± {half:.2f}" if np.isfinite(half) and half > 0 else ""
        if not row["seeds"]:
            lines.append(f"| {row['title']} | diverged | | | | |")
            continue
        diverged = f", {row['diverged']} of the seeds diverged" if row["diverged"] else ""
        latency = "" if np.isnan(row["latency_ratio"]) else f"{100 * row['latency_ratio']:.0f}"
        lines.append(
            f"| {row['title']}{diverged} | {row['accuracy']:.2f} | {row['lost']:.2f}{within} "
            f"| {100 * row['flops_share']:.2f} | {latency} | {first_units(frame, row)} |"
        )
    return "\n".join(lines)


def first_units(frame: pd.DataFrame, row: pd.Series) -> str:
    same = frame["method"] == row["method"]
    for key in ("budget", "strength"):
        same &= frame[key].isna() if pd.isna(row[key]) else frame[key] == row[key]
    return str(frame[same].iloc[0]["units"])


def words(frame: pd.DataFrame) -> str:
    """Sparse Bayesian learning beside the best of the others, under each budget."""
    seeds = frame["seed"].nunique()
    said = [
        f"at {100 * held.budget:g} % of the FLOPs sparse Bayesian learning is "
        f"{abs(held.gained):.2f} points {'above' if held.gained > 0 else 'below'} "
        f"{method_title(held.other['method'])}, the best of the others"
        + (f" (interval {held.low:.2f} to {held.high:.2f})" if np.isfinite(held.low) else "")
        for held in beside_best(frame)
    ]
    text = "; ".join(said) or "nothing stands beside sparse Bayesian learning"
    return f"{text[0].upper()}{text[1:]}; {seeds} seed{'s' * (seeds != 1)}."


path = arguments.results / NAME
known = pd.read_parquet(path) if path.exists() else pd.DataFrame({"run": []})
if arguments.runs:
    try:
        new = [read(folder) for folder in arguments.runs]
    except HwbenchError as error:
        parser.error(str(error))
    names = [folder.name for folder in arguments.runs]
    known = pd.concat([known[~known["run"].isin(names)], *new], ignore_index=True)
    known = known.sort_values("run", kind="stable", ignore_index=True)
    write_frame(path, known)

MAKERS = {"table": table, "words": words}


def anew(match: re.Match[str]) -> str:
    """A marked place with what the results give for it."""
    kind, run = match[2], match[3]
    frame = known[known["run"] == run]
    text = NONE_YET if frame.empty else MAKERS[kind](frame)
    return f"{match[1]}\n\n{text}\n\n<!-- end -->"


MARKED = r"(<!-- (table|words): (\S+) -->)\n.*?<!-- end -->"
try:
    text = arguments.page.read_text(encoding="utf-8")
except OSError as error:
    raise HwbenchError(f"{arguments.page}: cannot be read ({error.strerror})") from error
write_text(arguments.page, re.sub(MARKED, anew, text, flags=re.S))
print(arguments.page)
