"""What only one of two runs holds, by name: none of it is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from hwbench.analysis.differences import with_plain_names
from hwbench.results.run import Run

Named = Callable[[Any], str]

STUDY, SIMULATION, SEARCH = "study", "simulation", "search"


def only_in_one(one: Run, other: Run, titles: Mapping[str, str]) -> list[str]:
    """A line for each kind of thing that a run has and the other lacks: "in A only", "in B only".

    Parameters
    ----------
    one, other : the runs.
    titles : of predictors, by name.
    """
    found = []
    for part, column, words, named in _kinds(titles):
        first, second = _values(one, part, column), _values(other, part, column)
        if first is not None and second is not None:
            found.append(_line(words, first, second, named))
    return [line for line in found if line]


def _kinds(titles: Mapping[str, str]) -> Iterator[tuple[str, str, str, Named]]:
    def predictor(name: Any) -> str:
        return titles.get(str(name), str(name))

    def target(key: Any) -> str:
        return str(key)

    yield STUDY, "target", "Targets", target
    yield STUDY, "predictor", "Predictors", predictor
    yield STUDY, "encoding", "Encodings", lambda pair: f"{predictor(pair[0])} ({pair[1]})"
    yield STUDY, "training_size", "Training sizes", _number
    yield STUDY, "seed", "Seeds", _number
    yield SIMULATION, "accuracy_target", "Accuracies of simulated selections", target
    yield SIMULATION, "metric_target", "Metrics of simulated selections", target
    yield SIMULATION, "pairing", "Pairings of simulated selections", str
    yield SIMULATION, "predictor", "Predictors in simulated selections", predictor
    yield SIMULATION, "training_size", "Training sizes in simulated selections", _number
    yield SIMULATION, "n_candidates", "Numbers of candidates", _number
    yield SIMULATION, "deviation", "Deviations of simulated predictors", _number
    yield SEARCH, "metric_target", "Metrics of searches", target
    yield SEARCH, "strategy", "Search strategies", str
    yield SEARCH, "goal", "Goals of searches", str
    yield SEARCH, "limit", "Limits of searches", _number
    yield SEARCH, "seed", "Seeds of searches", _number


def _values(run: Run, part: str, column: str) -> list[Any] | None:
    """What a run has of a column, sorted; None where it has no such part or column."""
    frame: pd.DataFrame | None = getattr(run, part)
    if frame is None or column not in frame:
        return None
    if part == STUDY:
        frame = with_plain_names(frame)
        if column != "predictor":  # sizes and seeds of those with a training set of their own
            frame = frame[~frame["own_training_set"]]
        if column == "encoding":
            pairs = frame[["predictor", "encoding"]].drop_duplicates()
            return sorted(map(tuple, pairs.itertuples(index=False)))
    values = frame[column].dropna()
    if part == SIMULATION and column == "training_size":
        values = values[values > 0]  # 0 stands for simulated predictors
    return sorted(values.unique().tolist())


def _line(words: str, one: list[Any], other: list[Any], named: Named) -> str:
    """Which of some things one run has alone; "" for none."""
    if one and isinstance(one[0], tuple):  # an encoding counts where both know the predictor
        known = [{pair[0] for pair in each} for each in (one, other)]
        one = [pair for pair in one if pair[0] in known[1]]
        other = [pair for pair in other if pair[0] in known[0]]
    alone = [
        ("A", [value for value in one if value not in other]),
        ("B", [value for value in other if value not in one]),
    ]
    parts = [f"in {run} only: {', '.join(map(named, values))}" for run, values in alone if values]
    return f"{words} {'; '.join(parts)}." if parts else ""


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
