"""Run the leaderboard's study: python reports/leaderboard_study.py FOLDER [--round N].

Each scenario goes to a run folder of its name under FOLDER, and grows there round by round: one
seed of everything first, so that what there is at any moment is balanced. Stopped at any moment,
the same command goes on; a predictor whose code has changed is run again, and no other. What ended
is kept with the project by reports/leaderboard_results.py.
"""

import argparse
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.results.record import read_record, spec_of
from hwbench.runs.run import run_scenario
from hwbench.runs.scenario import load_scenario

# By round: a scenario, its largest training size, and its number of seeds.
ROUNDS = [
    [("cheap", 276, 1), ("cheap", 3036, 1), ("few", 276, 1), ("cheap", 15000, 1)],
    [("many", 614, 1), ("cheap", 276, 3), ("accuracy", 276, 1), ("transnas", 442, 1)],
    [("many", 1366, 1), ("cheap", 3036, 3), ("few", 276, 2), ("tuned", 276, 1)],
    [("many", 15000, 1), ("cheap", 276, 10), ("accuracy", 1366, 1), ("transnas", 2999, 1)],
    [("tuned", 1366, 1), ("few", 276, 3), ("many", 1366, 2), ("accuracy", 276, 3)],
    [("cheap", 15000, 5), ("few", 276, 5), ("many", 15000, 3), ("transnas", 2999, 3)],
    [("accuracy", 1366, 3), ("tuned", 1366, 3), ("cheap", 15000, 10), ("many", 15000, 5)],
    [("accuracy", 1366, 5), ("transnas", 2999, 5), ("tuned", 1366, 5)],
    [("few", 276, 10), ("accuracy", 276, 10), ("transnas", 442, 10), ("tuned", 276, 10)],
]


def grown(name: str, folder: Path, largest: int, n_seeds: int) -> dict[str, list[int]]:
    """Training sizes and seeds of a round, and all that a folder was asked for before."""
    spec = load_scenario(name).study
    there = spec_of(read_record(folder) or {}, "study") or {"training_sizes": [], "seeds": []}
    sizes = [
        size for size in spec.training_sizes if size <= largest or size in there["training_sizes"]
    ]
    return {"training_sizes": sizes, "seeds": list(spec.seeds[: max(n_seeds, len(there["seeds"]))])}


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=Path, help="gets a run folder for each scenario")
parser.add_argument("--round", type=int, help="only this round, from 1")
arguments = parser.parse_args()

chosen = ROUNDS if arguments.round is None else [ROUNDS[arguments.round - 1]]
for steps in chosen:
    for kind, largest, n_seeds in steps:
        name = f"leaderboard-{kind}"
        folder = arguments.folder / name
        try:
            run_scenario(
                name,
                folder,
                study_changes=grown(name, folder, largest, n_seeds),
                note=lambda text: print(text, flush=True),
            )
        except HwbenchError as error:  # such as that another process is at this folder
            print(f"left for a later round: {error}", flush=True)
            continue
        print(f"{folder}: {n_seeds} seeds up to {largest}", flush=True)
