"""Numbers of simulations: medians beside means, and whose simulation says what a target costs."""

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.study import expected_loss, simulation_curves

OLDER = ["hypervolume_share", "igd_plus", "epsilon_additive"]


def selections(metric="a:latency", scale=1.0):
    """Of two deviations, each with one hopeless selection in a hundred."""
    rows = []
    for deviation, tau in ((0.2, 0.9), (1.0, 0.5)):
        for repeat in range(100):
            loss = scale * (80.0 if repeat == 0 else deviation * repeat / 100)
            rows.append(
                {
                    "accuracy_target": "a:accuracy",
                    "metric_target": metric,
                    "pairing": "true",
                    "predictor": None,
                    "n_candidates": 100,
                    "deviation": deviation,
                    "repeat": repeat,
                    "mra_all": loss,
                    "mra_pareto": loss / 2,
                    "hypervolume": 4.0 - loss / 100,
                    "hypervolume_true": 4.0,
                    "hypervolume_share": 1.0 - loss / 100,
                    "igd_plus": loss / 100,
                    "epsilon_additive": loss / 50,
                    "kendall_tau": tau,
                    "n_selected": 5,
                }
            )
    return pd.DataFrame(rows)


def test_medians_stand_beside_means():
    frame = selections()
    curves = simulation_curves(frame).set_index("deviation")
    own = frame[frame["deviation"] == 1.0]
    for measure in ("mra_all", "mra_pareto", "hypervolume", "hypervolume_true", *OLDER):
        row = curves.loc[1.0]
        assert row[measure] == pytest.approx(own[measure].mean())
        assert row[f"{measure}_median"] == pytest.approx(own[measure].median())
        assert row[f"{measure}_least"] == pytest.approx(own[measure].quantile(0.05))
        assert row[f"{measure}_most"] == pytest.approx(own[measure].quantile(0.95))
    # The one hopeless selection makes most of the mean, and none of what to expect.
    assert curves.loc[1.0, "mra_all"] > 2 * curves.loc[1.0, "mra_all_median"]
    assert curves.loc[1.0, "mra_all_most"] < 1.0


def test_runs_without_normalised_measures_have_curves():
    curves = simulation_curves(selections().drop(columns=OLDER))
    assert not any(column.startswith(tuple(OLDER)) for column in curves)
    assert np.isfinite(curves["hypervolume_loss"]).all()


def test_a_loss_of_hypervolume_is_not_negative():
    frame = selections()
    frame["hypervolume"] = frame["hypervolume_true"] * (1 + 4e-16)  # as older versions rounded
    assert (simulation_curves(frame)["hypervolume_loss"] == 0).all()


def test_a_cost_is_interpolated_with_its_range():
    loss = expected_loss(simulation_curves(selections()), "a:latency", 0.7)
    means = selections().groupby("deviation")["mra_all"].mean()
    assert loss.mra_all == pytest.approx(means.mean())
    assert loss.mra_pareto == pytest.approx(means.mean() / 2)
    least, median, most = loss.all_range
    assert least < median < most < loss.mra_all
    assert loss.pareto_range == pytest.approx([least / 2, median / 2, most / 2])
    assert (loss.own_metric, loss.bound) == (True, "")
    assert expected_loss(simulation_curves(selections()), "a:latency", float("nan")) is None


def test_a_cost_never_comes_from_another_space():
    spaces = {"a": "nasbench201", "b": "nasbench201", "c": "nasbench_macro"}

    def space_of(target):
        return spaces.get(target.partition(":")[0], "")

    curves = simulation_curves(
        pd.concat([selections("a:latency"), selections("a:energy", 3.0)], ignore_index=True)
    )
    own = expected_loss(curves, "a:energy", 0.5, space_of)
    assert own.own_metric
    of_table = expected_loss(curves, "a:memory", 0.5, space_of)
    assert not of_table.own_metric
    assert of_table.mra_all == pytest.approx(own.mra_all * 2 / 3)  # of both metrics
    assert expected_loss(curves, "a:memory", 0.5) == of_table
    of_space = expected_loss(curves, "b:latency", 0.5, space_of)
    assert not of_space.own_metric
    assert of_space.mra_all == pytest.approx(of_table.mra_all)
    assert expected_loss(curves, "b:latency", 0.5) is None  # nobody says that the spaces are one
    assert expected_loss(curves, "c:latency", 0.5, space_of) is None
    assert expected_loss(curves, "unknown:latency", 0.5, space_of) is None


def test_a_table_may_be_named_by_a_path_with_a_colon():
    curves = simulation_curves(selections("C:/own.csv:latency"))
    assert not expected_loss(curves, "C:/own.csv:energy", 0.5).own_metric
    assert expected_loss(curves, "C:/other.csv:energy", 0.5) is None
