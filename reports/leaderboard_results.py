"""Keep what the leaderboard's study has come to: python reports/leaderboard_results.py RUN ...

The scores of run folders, finished or not, go to reports/results/study_scores.parquet, a row a fit,
and what made them to study_runs.json beside it. What these hold of a run of the same name is
replaced: a predictor that was run again, since its code had changed, has new rows and no other.
"""

import argparse
from pathlib import Path

from hwbench.leaderboard.collecting import collected, with_free_scores
from hwbench.results.leaderboard import (
    SCORES_FILE,
    joined,
    read_runs,
    read_scores,
    results_folder,
    write_board,
)
from hwbench.results.study_reading import list_parts

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders of studies")
parser.add_argument("--results", type=Path, default=results_folder())
arguments = parser.parse_args()

scores, runs = None, {}
if (arguments.results / SCORES_FILE).exists():
    scores, runs = read_scores(arguments.results), read_runs(arguments.results)
for folder in arguments.runs:
    if not folder.exists():
        parser.error(f"{folder}: there is no such run folder")
    if not list_parts(folder):
        print(f"{folder}: no fit has ended yet")
        continue
    new, made_with = collected(folder)
    scores, runs = (new, made_with) if scores is None else joined(scores, runs, new, made_with)
write_board(arguments.results, scores, with_free_scores(runs))
path = arguments.results / SCORES_FILE
print(f"{path}: {len(scores):,} fits of {len(runs)} runs, {path.stat().st_size / 1e6:.2f} MB")
