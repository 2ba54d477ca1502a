"""How good a found architecture truly is, by a table of real trainings, beside random ones."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.spaces import SpaceLacksError
from hwbench.tables.pairs import load_accuracies

TRUE_VALUES = {
    "nasbench201": {
        "cifar10": "hw-nas-bench:cifar10.test_accuracy",
        "cifar100": "hw-nas-bench:cifar100.test_accuracy",
        "imagenet16": "hw-nas-bench:ImageNet16-120.test_accuracy",
    },
    "nasbench101": {"cifar10": "nasbench101:test_accuracy"},
    "nasbench_macro": {"cifar10": "nasbench-macro:test_accuracy"},
}
"""By space and data set the column of accuracies after full trainings; a search on other images is
held against the space's first."""

BEST_OF = 10
"""Random architectures whose best is what a search is held against, beside a single one."""


def true_target(space: str, images: str) -> str | None:
    """The column that says what architectures of a space are worth; None where there is none.

    Parameters
    ----------
    space : name of the search space.
    images : name of the data set that is searched on.
    """
    columns = TRUE_VALUES.get(space)
    if columns is None:
        return None
    same = [column for data, column in columns.items() if images.startswith(data)]
    # The longest name that fits: cifar100 begins with cifar10.
    return same[-1] if same else next(iter(columns.values()))


def true_value(space: str, arch: IntArray, images: str) -> dict[str, Any] | None:
    """What a found architecture is worth, and what random ones are.

    Parameters
    ----------
    space : name of its search space.
    arch : int64 of shape (n_positions,).
    images : name of the data set that was searched on.

    Returns
    -------
    `target`, `value` (its accuracy, %), `rank` (1 is best; equal ones share the best rank), `of`
    (architectures of the table), `better_than` (share of the table, 0 to 1); of random
    architectures `random_mean`, `random_least` and `random_most` (5 % and 95 % quantiles),
    `random_best_of_10` (expectation of the best of ten); `most_flops` (the accuracy of the
    architecture with most FLOPs, where the space knows them) and `best`. None where no table has
    true values of the space, or the table lacks the architecture.
    """
    target = true_target(space, images)
    if target is None:
        return None
    known = load_accuracies(target, space)
    value = float(known.values_of(arch[None, :])[0])
    if not np.isfinite(value):
        return None
    values = known.values
    least, most = np.quantile(values, [0.05, 0.95])
    found: dict[str, Any] = {
        "target": target,
        "value": value,
        "rank": int((values > value).sum()) + 1,
        "of": len(values),
        "better_than": float((values < value).mean()),
        "random_mean": float(values.mean()),
        "random_least": float(least),
        "random_most": float(most),
        f"random_best_of_{BEST_OF}": expected_best(values, BEST_OF),
        "best": float(values.max()),
    }
    with suppress(SpaceLacksError):
        found["most_flops"] = float(values[int(np.argmax(known.space.flops(known.archs)))])
    return found


def expected_best(values: Floats, n: int) -> float:
    """Expectation of the largest of n values drawn with replacement.

    Parameters
    ----------
    values : float64 of shape (n_values,).
    n : how many are drawn.
    """
    ordered = np.sort(values)
    below = np.arange(len(ordered) + 1) / len(ordered)
    return float(ordered @ np.diff(below**n))
