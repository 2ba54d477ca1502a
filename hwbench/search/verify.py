"""What became of a search that predicted the metric, beside what the simulation expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import Floats
from hwbench.fronts.two import hypervolume, pareto_front
from hwbench.search.tables import SearchTable
from hwbench.simulation.selection import evaluate_selection, simulate_selection

DEVIATIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.7, 2.5)
"""Deviations whose losses are simulated; those between are interpolated by tau."""

SIMULATED = ("mra_all", "mra_pareto")


def verify_selection(
    table: SearchTable, predicted: Floats, rows: NDArray[np.int64]
) -> dict[str, Any]:
    """Measure what a search with a predicted metric would select.

    Of the architectures it evaluated it selects the front of accuracy and predicted metric; their
    metric is then measured, and the accuracy they lose is that of LAUBE 5.6 with the evaluated ones
    as candidates.

    Parameters
    ----------
    table : the truth.
    predicted : predicted metric of all architectures of the table, float64 (n_archs,).
    rows : int64 (n_evaluated,), rows of the table.

    Returns
    -------
    `kendall_tau` of the predictor over the table and `kendall_tau_evaluated` over what was
    evaluated; `mra_all`, `mra_pareto` in points; `hypervolume` of the selected as the truth has it,
    with the reference point of `SearchTable`; `hypervolume_share`, `igd_plus` and
    `epsilon_additive` of the same to the table's true front, see `hwbench.fronts.quality`;
    `n_selected` and `n_selected_pareto`.
    """
    from scipy.stats import kendalltau

    accuracy, metric = table.accuracy[rows], table.standardised[rows]
    found = evaluate_selection(accuracy, metric, predicted[rows])
    selected = pareto_front(accuracy, predicted[rows])
    volume = hypervolume(
        accuracy[selected] / 100,
        metric[selected],
        reference_accuracy=0.0,
        reference_metric=table.reference_metric,
    )
    picks = table.accuracy[rows][selected], table.metric[rows][selected]
    return {
        "kendall_tau": float(kendalltau(predicted, table.metric).statistic),
        "kendall_tau_evaluated": found["kendall_tau"],
        "mra_all": found["mra_all"],
        "mra_pareto": found["mra_pareto"],
        "hypervolume": min(volume, table.front_hypervolume),  # more is rounding
        "hypervolume_share": table.true_front.hypervolume_share(*picks),
        "igd_plus": table.true_front.igd_plus(*picks),
        "epsilon_additive": table.true_front.epsilon_additive(*picks),
        "n_selected": found["n_selected"],
        "n_selected_pareto": found["n_selected_pareto"],
    }


def expected_losses(
    verified: pd.DataFrame,
    tables: Mapping[str, SearchTable],
    evaluations: int,
    *,
    repeats: int,
) -> pd.DataFrame:
    """Add what the simulation of selections expects of a predictor of the same tau.

    Parameters
    ----------
    verified : rows with `metric_target` and `kendall_tau`.
    tables : by metric target.
    evaluations : architectures that a search evaluates: the simulation's number of candidates.
    repeats : simulated selections at each deviation.

    Returns
    -------
    The rows with `mra_all_expected` and `mra_pareto_expected`, means of single selections, and
    `mra_all_expected_median` and `mra_pareto_expected_median`, in points of accuracy.
    """
    parts = []
    for target, group in verified.groupby("metric_target", sort=False):
        table = tables[str(target)]
        simulated = [
            simulate_selection(
                table.accuracy,
                table.metric,
                n_candidates=min(evaluations, len(table)),
                deviation=deviation,
                repeats=repeats,
            )
            for deviation in DEVIATIONS
        ]
        taus = np.array([each["kendall_tau"].mean() for each in simulated])
        order = np.argsort(taus, kind="stable")
        expected = {}
        for name in SIMULATED:
            for ending, centre in (("", "mean"), ("_median", "median")):
                values = np.array([each[name].agg(centre) for each in simulated])
                expected[f"{name}_expected{ending}"] = np.interp(
                    group["kendall_tau"], taus[order], values[order]
                )
        parts.append(group.assign(**expected))
    return pd.concat(parts).sort_index()
