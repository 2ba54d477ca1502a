"""Whole simulations: the grid, real predictors, expectations."""

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.simulation import SimulationSpec, run_simulation
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import deviation_model
from hwbench.simulation.expect import (
    deviation_for_tau,
    equivalent_predictor,
    expect_selection,
    summarise,
)
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.selection import Options
from hwbench.simulation.spread import error_spread
from hwbench.tables.pairs import Pair

SPEC = {
    "accuracy": "small:test_accuracy",
    "metrics": ("small:latency",),
    "n_candidates": (20, 200),
    "deviations": (0.0, 0.3, 0.9),
    "repeats": 300,
}


@pytest.fixture
def pair(own_table):
    return Pair.load("small:test_accuracy", "small:latency")


def test_a_row_for_every_combination_and_repeat(own_table):
    spec = SimulationSpec(**SPEC, pairing=("as_published", "true"))
    selections = run_simulation(spec).selections
    keys = ["metric_target", "pairing", "n_candidates", "deviation"]
    assert len(selections) == 2 * 2 * 3 * 300
    assert (selections.groupby(keys)["repeat"].nunique() == 300).all()
    assert selections["pairing"].drop_duplicates().tolist() == ["true", "as_published"]
    means = selections.groupby(["pairing", "deviation"])["mra_all"].mean()
    assert means["true", 0.0] == 0 < means["true", 0.3] < means["true", 0.9]


def test_workers_and_neighbours_change_nothing(own_table):
    spec = SimulationSpec(**SPEC, deviation_model="student", accuracy_deviation=1.0)
    alone = run_simulation(spec, workers=1).selections
    pd.testing.assert_frame_equal(alone, run_simulation(spec, workers=3).selections)
    fewer = SimulationSpec(**{**SPEC, "repeats": 100, "deviations": (0.9,), "n_candidates": (200,)},
                           deviation_model="student", accuracy_deviation=1.0)  # fmt: skip
    kept = alone[(alone["repeat"] < 100) & (alone["deviation"] == 0.9)]
    pd.testing.assert_frame_equal(
        kept[kept["n_candidates"] == 200].reset_index(drop=True), run_simulation(fewer).selections
    )
    other = run_simulation(spec.model_copy(update={"seed": 1})).selections
    assert not np.allclose(other["kendall_tau"], alone["kendall_tau"])


def test_metrics_have_random_numbers_of_their_own(own_table, make_table, hwbench_home):
    make_table("other").save(hwbench_home / "tables" / "other.parquet")
    spec = SimulationSpec(**{**SPEC, "metrics": ("small:latency", "other:latency"), "repeats": 5})
    taus = run_simulation(spec).selections.groupby("metric_target")["kendall_tau"]
    first, second = (group.to_numpy() for _, group in taus)
    assert not np.allclose(first[10:15], second[10:15])  # the tables are the same


def test_the_example_is_a_selection_as_the_spec_says(own_table):
    spec = SimulationSpec(
        **{**SPEC, "repeats": 1},
        error_growth=2.0,
        accuracy_deviation=1.0,
        limits={"small:latency": 1.2},
        budget=4,
    )
    example = run_simulation(spec).example
    assert len(example) == 200
    selected = example[example["selected"]]
    assert 0 < len(selected) <= 4
    assert (selected["predicted_metric"] <= 1.2).all()
    assert selected["selected_pareto"].any()
    assert not (example["selected_pareto"] & ~example["selected"]).any()
    front = example[example["true_front"]].sort_values("metric")
    assert front["accuracy"].is_monotonic_increasing
    errors = (example["predicted_metric"] - example["metric"]).abs()
    dear = example["metric"] > example["metric"].median()
    assert errors[dear].mean() > 2 * errors[~dear].mean()


def test_regions_and_limits(own_table, pair):
    region = {"operation": "nor_conv_3x3", "count": 0, "spread": 0.0}
    spec = SimulationSpec(**SPEC, regions=(region,), limits={"small:latency": 1.0}, budget=3)
    selections = run_simulation(spec).selections
    assert (selections["n_selected"] <= 3).all()
    perfect = selections[selections["deviation"] == 0]
    assert (perfect["infeasible_share"].dropna() == 0).all()
    assert (perfect["regret"].dropna() == 0).all()
    wrong = selections[selections["deviation"] > 0]
    assert wrong["infeasible_share"].mean() > 0
    assert wrong["regret"].mean() > 0
    spread = error_spread(pair, 0.0, spec.regions)
    without = ["nor_conv_3x3" not in arch for arch in pair.space.to_strings(pair.archs)]
    np.testing.assert_array_equal(spread == 0, without)
    np.testing.assert_allclose(error_spread(pair, 1.0, ()), pair.metric)


def test_real_predictors_beside_simulated_ones(own_table):
    spec = SimulationSpec(
        **{**SPEC, "repeats": 5},
        predictors=("ridge", "linear"),
        training_sizes=(20, 150),
        fits=4,
        reference_front="space",
    )
    result = run_simulation(spec).selections
    pd.testing.assert_frame_equal(result, run_simulation(spec, workers=2).selections)
    fitted = result[result["predictor"].notna()]
    assert len(fitted) == 2 * 2 * 4 * 2
    sizes = fitted[fitted["predictor"] == "ridge"].groupby("training_size")
    assert sizes["kendall_tau"].mean().is_monotonic_increasing
    assert sizes["deviation"].mean().is_monotonic_decreasing
    assert (fitted["mra_all"] >= 0).all()


def test_deviations_of_an_earlier_run(own_table, tmp_path):
    truth = np.random.default_rng(0).normal(5.0, 2.0, size=200)
    stored = pd.DataFrame(
        {
            "target": "small:latency",
            "predictor": "ridge",
            "encoding": "onehot",
            "training_size": 50,
            "seed": 0,
            "truth": truth,
            "prediction": truth + np.where(truth > 5.0, 1.0, -0.1),
        }
    )
    stored.to_parquet(tmp_path / "predictions.parquet")
    trial = stored.head(1).drop(columns=["truth", "prediction"])
    trial.to_parquet(tmp_path / "study.parquet")
    bootstrap = {"run": str(tmp_path), "predictor": "ridge"}
    spec = SimulationSpec(**{**SPEC, "repeats": 20}, bootstrap=bootstrap)
    by_run = run_simulation(spec).selections
    by_name = run_simulation(spec.model_copy(update={"bootstrap": None})).selections
    assert not np.allclose(by_run["kendall_tau"], by_name["kendall_tau"])
    for change, message in (
        ({"predictor": "rigde"}, "did you mean 'ridge'"),
        ({"training_size": 51}, "'51'; did you mean '50'"),
        ({"target": "small:latensy"}, "did you mean 'small:latency'"),
        ({"run": "gone"}, "gone: no such run folder"),
    ):
        wrong = SimulationSpec(**SPEC, bootstrap={**bootstrap, **change})
        with pytest.raises(HwbenchError, match=message):
            run_simulation(wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accuracy": ("a:b", "a:c")}, "names 2 columns for 1 metric; name"),
        ({"predictors": ("ridge",)}, "need training_sizes"),
        ({"training_sizes": (10,)}, "need training_sizes"),
        ({"predictors": ("ridge",), "training_sizes": (1,)}, "must be at least 2, not 1"),
        (
            {"predictors": ("ridge",), "training_sizes": (9,), "pairing": "as_published"},
            "belong to other architectures",
        ),
        ({"limits": {"small:latensy": 1.0}}, "not one of the metrics"),
        ({"deviations": (0.1, 0.1)}, "deviations holds a value twice"),
        ({"pairing": ("true", "true")}, "pairing holds a value twice"),
        ({"pairing": ()}, "pairing must be a text or a list of at least 1"),
        ({"limits": {"small:latency": float("nan")}}, "must be a finite number"),
        ({"pairing": "publisht"}, "did you mean 'as_published'"),
        ({"deviation_model": "mixt"}, "did you mean 'mixed'"),
        ({"budget": 0}, "must be above 0, not 0"),
    ],
)
def test_bad_specs_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SimulationSpec(**{**SPEC, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_candidates": (201,)}, "201 candidates asked for"),
        (
            {"limits": {"small:latency": -3.0}},
            "limit -3 of small:latency: none of 200 .* the least",
        ),
        ({"metrics": ("small:test_accuracy",)}, "named twice, as accuracy and as metric"),
        ({"predictors": ("ridge",), "training_sizes": (201,)}, "201 architectures to fit ridge"),
        ({"predictors": ("rigde",), "training_sizes": (20,)}, "did you mean 'ridge'"),
        (
            {"predictors": ("transfer_gaussian_process",), "training_sizes": (20,)},
            "learns from other devices",
        ),
        (
            {"predictors": ("lookup_table",), "training_sizes": (20,)},
            "architectures that lookup_table is fitted to, such as",
        ),
        (
            {"regions": ({"operation": "nor_conv_3x4", "count": 0, "spread": 0.5},)},
            "did you mean 'nor_conv_3x3'",
        ),
    ],
)
def test_what_only_the_table_can_tell_is_refused(own_table, changes, message):
    with pytest.raises(HwbenchError, match=message):
        run_simulation(SimulationSpec(**{**SPEC, "repeats": 1, "fits": 1, **changes}))


@pytest.mark.parametrize("tau", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("model", ["mixed", "normal"])
def test_the_deviation_of_a_tau_gives_that_tau(pair, tau, model):
    options = Options(deviation_model(model), Conventions())
    _, selections = expect_selection(pair, 100, options, tau=tau, repeats=500, seed=4)
    assert selections["kendall_tau"].mean() == pytest.approx(tau, abs=0.015)


def test_expectations_come_with_intervals(pair):
    options = Options(deviation_model("mixed"), Conventions())
    deviation, selections = expect_selection(pair, 100, options, deviation=0.4, repeats=200)
    assert deviation == 0.4
    summary = summarise(selections)
    assert "regret" not in summary.index  # there is no limit
    row = summary.loc["mra_all"]
    assert row["least"] <= row["low"] <= row["mean"] <= row["high"] <= row["most"]
    assert row["mean"] == pytest.approx(selections["mra_all"].mean())


def test_a_better_predictor_is_needed_to_replace_more_measurements(pair):
    conventions = Conventions()
    found = [
        equivalent_predictor([pair], n, 200, conventions, repeats=300) for n in (2, 80, 120, 170)
    ]
    assert found.pop(0).tau is None  # guessing is better
    taus = [each.tau for each in found]
    assert 0 < taus[0] < taus[1] < taus[2] < 1
    options = Options(deviation_model("mixed"), conventions)
    _, selections = expect_selection(
        pair, 200, options, deviation=found[1].deviation, repeats=600, seed=9
    )
    assert selections["hypervolume_space"].mean() == pytest.approx(found[1].hypervolume, abs=0.05)


def test_impossible_questions_are_refused(pair):
    options = Options(deviation_model("mixed"), Conventions())
    landscape = Landscape.of(pair.accuracy, pair.metric)
    for tau in (0.0, 1.2, np.nan):
        with pytest.raises(HwbenchError, match=r"tau must be (above 0|at most 1)"):
            deviation_for_tau(landscape, tau, 100, options)
    with pytest.raises(HwbenchError, match="either tau or deviation"):
        expect_selection(pair, 100, options)
    with pytest.raises(HwbenchError, match="did you mean 'hypervolume'"):
        equivalent_predictor([pair], 20, 200, Conventions(), measure="hypervolum")
    with pytest.raises(HwbenchError, match="measured candidates"):
        equivalent_predictor([pair], 200, 200, Conventions())


# ---------------------------------------------------------------------- units and directions


def test_fractions_and_percentages_give_the_same_simulation(unit_tables):
    given = {**SPEC, "repeats": 20, "predictors": ("ridge",), "training_sizes": (30,), "fits": 2}
    found = {
        name: run_simulation(
            SimulationSpec(
                **{**given, "accuracy": f"{name}:test_accuracy", "metrics": ("percent:latency",)}
            )
        )
        for name in ("percent", "fraction")
    }
    for part in ("selections", "example"):
        one, other = (
            getattr(result, part).drop(columns="accuracy_target") for result in found.values()
        )
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert found["percent"].example["accuracy"].max() > 50
    assert found["percent"].notes == ()
    (note,) = found["fraction"].notes
    assert "fraction:test_accuracy holds fractions (unit 1): it was multiplied by 100" in note


def test_a_metric_to_be_maximised_is_simulated_as_its_negative(unit_tables, tmp_path):
    """With a limit, real predictors, and the lopsided errors of an earlier run."""
    generator = np.random.default_rng(0)
    truth = generator.normal(5.0, 2.0, size=200)
    stored = pd.DataFrame(
        {
            "target": "percent:throughput",
            "predictor": "ridge",
            "encoding": "onehot",
            "training_size": 50,
            "seed": 0,
            "truth": truth,
            "prediction": truth + generator.exponential(size=200),
        }
    )
    negated = stored.assign(
        target="percent:slowness", truth=-truth, prediction=-stored["prediction"]
    )
    pd.concat([stored, negated]).to_parquet(tmp_path / "predictions.parquet")
    trial = stored.head(1).drop(columns=["truth", "prediction"])
    trial.to_parquet(tmp_path / "study.parquet")
    found = {}
    for column, limit in (("throughput", 900.0), ("slowness", -900.0)):
        metric = f"percent:{column}"
        spec = SimulationSpec(
            **{
                **SPEC,
                "repeats": 20,
                "accuracy": "percent:test_accuracy",
                "metrics": (metric,),
                "limits": {metric: limit},
                "predictors": ("ridge",),
                "training_sizes": (30,),
                "fits": 2,
                "bootstrap": {"run": str(tmp_path), "predictor": "ridge"},
            }
        )
        found[column] = run_simulation(spec)
    one, other = (each.selections.drop(columns="metric_target") for each in found.values())
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert (found["throughput"].example["metric"] < 0).all()
    (note,) = found["throughput"].notes
    assert "percent:throughput (throughput) is better the larger it is: it enters negated" in note
    assert found["slowness"].notes == ()


def test_an_accuracy_to_be_minimised_is_refused(unit_tables):
    given = {**SPEC, "accuracy": "percent:test_error", "metrics": ("percent:latency",)}
    with pytest.raises(HwbenchError, match="use percent:test_accuracy"):
        run_simulation(SimulationSpec(**given))
