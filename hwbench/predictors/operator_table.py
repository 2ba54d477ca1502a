"""Latencies of single operators as a lookup predictor: a network costs what its operators cost.

Boards are often measured operator by operator (FBNet, ProxylessNAS, Once-for-All): a file says what
each takes, {"nor_conv_3x3": {"mean": 1.2, "std": 0.1, "count": 30}, ...}, for all positions or for
each ("0->1=nor_conv_3x3"). Their sums at the baseline and its neighbours make a lookup table.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, nearest
from hwbench.extras import MissingExtraError
from hwbench.formats import load_json
from hwbench.predictors.card import predictor_card
from hwbench.predictors.fitted_model import FittedModel
from hwbench.predictors.make import make_predictor
from hwbench.predictors.training_set import training_set
from hwbench.regular_files import read_regular
from hwbench.spaces import Space

MOST_BYTES = 2**24
PREDICTOR = "lookup_table"
FREE = frozenset(("none", "skip", "skip_connect", "identity", "zero", "zeroize"))
"""Operations that cost nothing where the file does not name them."""

BASE = frozenset(("base", "overhead", "rest", "constant", "stem_and_head", "first_and_last"))
"""Names, in small letters, of what every network costs beside its operators."""

_MEANS = ("mean", "avg", "average", "median", "latency", "value", "time")


def operator_model(space: Space, path: Path, *, unit: str = "", target: str = "") -> FittedModel:
    """A lookup table of the operators in a file.

    Parameters
    ----------
    space : whose choices the operators are.
    path : a `.json`, `.yaml` or `.yml` file: a dictionary from operators to numbers, or to
        dictionaries that hold a "mean"; of operators by position the key is "position=choice".
        "base" is what every network costs besides.
    unit : of the numbers.
    target : what they measure, for the model's card.

    Returns
    -------
    The fitted model; `save` writes it.

    Raises
    ------
    HwbenchError
        Where the file cannot be read, an operator is lacking or none of the space's, or a number
        is no cost.
    """
    costs, base = operator_costs(space, _numbers(path), str(path))
    archs = training_set(predictor_card(PREDICTOR), space)
    if archs is None:
        raise HwbenchError(f"{PREDICTOR}: has no training set of its own")
    model = make_predictor(PREDICTOR, space=space)
    model.fit(archs, base + sums_of(costs, archs))
    return FittedModel.of(
        model,
        description=f"sums of the operators in {path.name}",
        predictor=PREDICTOR,
        target=target,
        unit=unit,
    )


def sums_of(costs: list[Floats], archs: IntArray) -> Floats:
    """What architectures cost, float64 of shape (n_archs,).

    Parameters
    ----------
    costs : for each position those of its choices.
    archs : int64 of shape (n_archs, n_positions).
    """
    each = [values[archs[:, position]] for position, values in enumerate(costs)]
    return np.sum(each, axis=0, dtype=np.float64)


def operator_costs(
    space: Space, numbers: Mapping[str, float], label: str
) -> tuple[list[Floats], float]:
    """For each position the costs of its choices, and what every network costs besides.

    Parameters
    ----------
    space : the search space.
    numbers : by operator.
    label : of the file, for messages.

    Raises
    ------
    HwbenchError
        Where an operator is lacking, or one is none of the space's; the message names the nearest.
    """
    plain = {_plain(name): number for name, number in numbers.items()}
    base = sum(plain.pop(_plain(name), 0.0) for name in BASE)
    used: set[str] = set()
    lacking: list[str] = []
    costs: list[Floats] = []
    for position, choices in zip(space.positions, space.choices, strict=True):
        values = np.zeros(len(choices))
        for place, choice in enumerate(choices):
            names = (_plain(f"{position}={choice}"), _plain(choice))
            found = next((name for name in names if name in plain), None)
            if found is not None:
                used.add(found)
                values[place] = plain[found]
            elif _plain(choice) not in FREE:
                lacking.append(choice)
        costs.append(values)
    unknown = [name for name in numbers if _plain(name) not in used and _plain(name) not in BASE]
    known = dict.fromkeys(choice for choices in space.choices for choice in choices)
    if unknown:
        close = nearest(unknown[0], known)
        hint = f"did you mean '{close}'?" if close else f"they are {', '.join(known)}"
        raise HwbenchError(f"{label}: '{unknown[0]}' is no operator of {space.name}; {hint}")
    if lacking:
        listed = ", ".join(dict.fromkeys(lacking))
        raise HwbenchError(f"{label}: lacks the operators {listed} of {space.name}")
    return costs, base


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", name).replace(":", "=").replace("/", "=").casefold()


def _numbers(path: Path) -> dict[str, float]:
    """The number of each operator in a file."""
    content = _content(path)
    if not isinstance(content, dict) or not content:
        raise HwbenchError(
            f'{path}: expected a dictionary of operators, such as {{"conv": {{"mean": 1.2}}}}'
        )
    found = {}
    for name, value in content.items():
        number = _mean(value)
        if number is None or not np.isfinite(number) or number < 0:
            raise HwbenchError(
                f"{path}: '{str(name)[:60]}' holds {str(value)[:60]!r}, which is no cost; expected "
                'a number, or a dictionary with a "mean"'
            )
        found[str(name)] = number
    return found


def _mean(value: Any) -> float | None:
    if isinstance(value, dict):
        value = next((value[name] for name in _MEANS if name in value), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _content(path: Path) -> Any:
    if path.suffix.lower() == ".json":
        return load_json(path, max_bytes=MOST_BYTES)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise HwbenchError(f"{path}: the name must end in .json, .yaml or .yml")
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        besides = ", or write the file as .json"
        raise MissingExtraError(str(path), "yaml", besides=besides) from error
    text = read_regular(path, most_bytes=MOST_BYTES)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise HwbenchError(f"{path}: is no YAML ({' '.join(str(error).split())[:100]})") from error
