"""Trials of predictors that learned from device sets, of which a target may be in several."""

from __future__ import annotations

import pandas as pd

KEY = ["target", "predictor", "encoding", "training_size", "seed"]


def learned_from_sets(study: pd.DataFrame) -> pd.Series:
    """Which trials learned from a device set, a flag a row."""
    sets = study["device_set"]
    return sets.notna() & (sets != "")


def over_device_sets(study: pd.DataFrame) -> pd.DataFrame:
    """A study's trials with one for each predictor, target, training size and seed.

    Where a target is in several device sets, a predictor that learns from other devices has a trial
    for each: their numbers are averaged, so that it counts as any other. Names and titles then
    leave the set out. What failed counts with those that did not.

    Parameters
    ----------
    study : trials as `read_study` gives them.
    """
    of_sets = learned_from_sets(study)
    if not of_sets.any():
        return study
    several = _without_set(study[of_sets])
    numbers = [name for name in several.select_dtypes("number") if name not in KEY]
    first = [name for name in several if name not in [*KEY, *numbers]]
    # The first of a group that is not missing: an error where any has one.
    how = {**dict.fromkeys(first, "first"), **dict.fromkeys(numbers, "mean")}
    together = several.groupby(KEY, sort=False, dropna=False).agg(how).reset_index()
    together["own_training_set"] = together["own_training_set"].astype(bool)
    together["test_size"] = together["test_size"].astype(study["test_size"].dtype)
    joined = pd.concat([study[~of_sets], together[study.columns]], ignore_index=True)
    return joined.astype({name: study[name].dtype for name in ("training_size", "seed")})


def predictions_of_one_set(predictions: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """Predictions named as `over_device_sets` names trials, of a target's first device set alone.

    Parameters
    ----------
    predictions, study : as read from a run folder, both.
    """
    of_sets = study[learned_from_sets(study)]
    if of_sets.empty:
        return predictions
    base = dict(zip(of_sets["predictor"], _without_set(of_sets)["predictor"], strict=True))
    names = predictions["predictor"]
    renamed = predictions.assign(predictor=names.map(base).fillna(names))
    first = names.groupby([renamed["target"], renamed["predictor"]]).transform("min")
    return renamed[names == first]


def _without_set(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials of device sets with names and titles that leave the set out."""
    sets = trials["device_set"].tolist()
    names = [
        name.removesuffix(f" ({each})")
        for name, each in zip(trials["predictor"], sets, strict=True)
    ]
    titles = [_without(title, each) for title, each in zip(trials["title"], sets, strict=True)]
    return trials.assign(predictor=names, title=titles)


def _without(title: str, device_set: str) -> str:
    """A title without the set among what stands in its brackets."""
    start, bracket, inside = title.rpartition(" (")
    parts = [part for part in inside.removesuffix(")").split(", ") if part != device_set]
    if not bracket:
        return title
    return f"{start} ({', '.join(parts)})" if parts else start
