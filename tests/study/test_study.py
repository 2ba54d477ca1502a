"""A study's results are a function of its spec, and its failures are rows."""

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.sources import sources_for
from hwbench.results.study_columns import MEASURED
from hwbench.study.plan import make_plan
from hwbench.study.scores import score
from hwbench.study.trial import split
from hwbench.tables import ColumnCard, Table, TableCard, Target


@pytest.fixture(scope="module")
def table():
    space = hb.get_space("nasbench_macro")
    archs = space.all_architectures()[::3]
    noise = np.random.default_rng(0).normal(size=len(archs))
    latency = space.flops(archs) / 1e7 + 0.3 * noise
    card = TableCard(
        name="t",
        title="t",
        space=space.name,
        created="2026-01-01",
        columns={
            "latency": ColumnCard(title="latency", unit="ms", direction="minimize", source="made")
        },
    )
    return Table.from_indices(space.indices_of(archs), pd.DataFrame({"latency": latency}), card)


@pytest.fixture(scope="module")
def targets(table):
    return [Target.of(table, "latency")]


def _spec(**changes):
    values = {
        "targets": ("t:latency",),
        "predictors": ("ridge", "random_forest"),
        "training_sizes": (10, 40),
        "seeds": (0, 1, 2),
        "test_size": 100,
    }
    return hb.StudySpec(**{**values, **changes})


def test_splits_are_nested_and_disjoint():
    small, test = split(1000, 20, 100, seed=3)
    large, same_test = split(1000, 50, 100, seed=3)
    np.testing.assert_array_equal(small, large[:20])
    np.testing.assert_array_equal(test, same_test)
    assert not set(large) & set(test)
    assert not np.array_equal(split(1000, 20, 100, seed=4)[0], small)


def test_workers_change_nothing_but_the_time(targets):
    alone = hb.run_study(_spec(), targets=targets, workers=1)
    together = hb.run_study(_spec(), targets=targets, workers=2)
    measured = list(MEASURED)
    pd.testing.assert_frame_equal(
        alone.trials.drop(columns=measured), together.trials.drop(columns=measured)
    )
    pd.testing.assert_frame_equal(alone.predictions, together.predictions)


def test_rows_and_predictions_are_complete(targets, table):
    done = []
    result = hb.run_study(_spec(), targets=targets, progress=lambda *n: done.append(n))
    assert len(result.trials) == 2 * 2 * 3
    assert result.trials["error"].isna().all()
    assert done[0] == (0, 12)
    assert done[-1] == (12, 12)
    one = result.predictions.query("predictor == 'ridge' and training_size == 40 and seed == 1")
    row = result.trials.query("predictor == 'ridge' and training_size == 40 and seed == 1").iloc[0]
    again = score(one["truth"], one["prediction"])
    assert again["kendall_tau"] == pytest.approx(row["kendall_tau"])
    truth = pd.Series(table.column("latency"), index=table.frame["hwbench_index"])
    np.testing.assert_array_equal(truth[one["hwbench_index"]].to_numpy(), one["truth"].to_numpy())


def test_a_predictor_without_sampling_has_one_trial(targets, table):
    space = table.space
    frame = pd.DataFrame({"latency": space.flops(space.all_architectures()) / 1e7})
    whole = Table.from_indices(np.arange(len(space)), frame, table.card)
    spec = _spec(predictors=("lookup_table",))
    trials = hb.run_study(spec, targets=[Target.of(whole, "latency")]).trials
    assert len(trials) == 1
    assert trials.loc[0, "training_size"] == 17
    assert trials.loc[0, "test_size"] == len(space)
    assert trials.loc[0, "kendall_tau"] > 0.999  # FLOPs are additive


def test_a_failure_is_a_row_with_its_traceback(targets):
    # The table lacks architectures of the lookup table's neighbourhood.
    result = hb.run_study(_spec(predictors=("lookup_table", "ridge")), targets=targets)
    failed = result.trials.query("predictor == 'lookup_table'")
    assert failed["error"].str.contains("that lookup_table is fitted to").all()
    assert failed["kendall_tau"].isna().all()
    assert result.trials.query("predictor == 'ridge'")["error"].isna().all()


def test_a_table_too_small_is_said_before_any_fit(targets):
    with pytest.raises(HwbenchError, match="fewer than"):
        make_plan(_spec(training_sizes=(3000,)), targets)
    with pytest.raises(HwbenchError, match="did you mean 'ridge'"):
        make_plan(_spec(predictors=("rigde",)), targets)


def test_costly_predictors_stop_where_the_study_says(targets):
    costly = {"seconds": 30, "largest": {"random_forest": 10}}
    plan = make_plan(_spec(costly=costly), targets)
    sizes = {}
    for trial in plan.trials:
        sizes.setdefault(trial.predictor, set()).add(trial.training_size)
    assert sizes == {"ridge": {10, 40}, "random_forest": {10}}
    (left_out,) = plan.left_out
    assert (left_out.predictor, left_out.target) == ("random_forest", "t:latency")
    assert "40 measurements" in left_out.reason
    assert "30 s of one core" in left_out.reason
    everywhere = make_plan(_spec(), targets)  # a trial that stands is the same trial
    assert {trial.identity for trial in plan.trials} < {t.identity for t in everywhere.trials}
    with pytest.raises(ValueError, match="did you mean 'ridge'"):
        _spec(costly={"seconds": 30, "largest": {"rigde": 10}})


def test_the_time_of_a_processor_is_kept(targets):
    result = hb.run_study(_spec(predictors=("ridge",), seeds=(0,)), targets=targets)
    assert (result.trials["fit_cpu_seconds"] > 0).all()


@pytest.mark.parametrize(
    "changes",
    [{"training_sizes": (1,)}, {"seeds": (0, 0)}, {"test_size": 0}, {"predictors": ()}],
)
def test_senseless_specs_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        _spec(**changes)


def test_scores():
    perfect = score([1, 2, 3], [10, 20, 30])
    assert perfect["kendall_tau"] == perfect["spearman"] == pytest.approx(1)
    assert score([1, 2, 3], [3, 2, 1])["kendall_tau"] == pytest.approx(-1)
    assert score([1, 2, 3], [5, 5, 5]) == {
        "kendall_tau": 0.0,
        "spearman": 0.0,
        "pearson": 0.0,
        "mae": 3.0,
        "deviation": 1.0,
        "precision_at_10": pytest.approx(np.nan, nan_ok=True),
        "precision_at_50": pytest.approx(np.nan, nan_ok=True),
        "rmspe": pytest.approx(100 * np.sqrt((16 + 2.25 + 4 / 9) / 3)),
        "within_5_percent": 0.0,
        "within_10_percent": 0.0,
    }
    off = score([1.0, 2.0, 4.0, 100.0], [1.05, 2.0, 4.4, 111.0])
    assert (off["within_5_percent"], off["within_10_percent"]) == (50.0, 75.0)
    assert off["rmspe"] == pytest.approx(100 * np.sqrt((0.05**2 + 0.1**2 + 0.11**2) / 4))
    assert np.isnan(score([0.0, 1.0], [1.0, 1.0])["rmspe"])
    with pytest.raises(ValueError, match="infinite"):
        score([1, 2], [1, np.inf])


def test_encodings_are_compared_and_what_cannot_be_is_told(targets):
    spec = _spec(
        predictors=("ridge", "gcn", "lookup_table"),
        encodings=("onehot", "counts", "path"),
        training_sizes=(10,),
        seeds=(0,),
    )
    plan = make_plan(spec, targets)
    left_out = plan.left_out
    assert [(trial.predictor, trial.encoding) for trial in plan.trials] == [
        ("lookup_table", "integers"),
        ("ridge", "counts"),
        ("ridge", "onehot"),
    ]
    assert [(each.predictor, each.encoding) for each in left_out] == [
        ("ridge", "path"),
        ("gcn", "graph"),
    ]
    assert "nasbench_macro has no encoding 'path'" in left_out[0].reason
    with pytest.raises(HwbenchError, match="nothing to run"):
        make_plan(_spec(predictors=("gcn",)), targets)


def test_titles_say_the_encoding_where_it_is_not_the_card_s(targets):
    spec = _spec(predictors=("ridge",), encodings=("onehot", "counts"), training_sizes=(40,))
    rows = hb.run_study(spec, targets=targets).trials
    assert set(rows["title"]) == {"Ridge regression", "Ridge regression (counts)"}
    assert rows.groupby("encoding")["kendall_tau"].mean().nunique() == 2


def test_tuned_trials_record_the_search(targets):
    spec = _spec(predictors=("ridge", "linear"), training_sizes=(40,), tuning={"trials": 4})
    rows = hb.run_study(spec, targets=targets).trials
    assert rows["error"].isna().all()
    assert set(rows.loc[rows["predictor"] == "ridge", "configurations"]) == {4}
    assert set(rows.loc[rows["predictor"] == "linear", "configurations"]) == {0}
    assert not rows["stopped_by_time"].any()
    again = hb.run_study(spec, targets=targets, workers=2).trials
    pd.testing.assert_series_equal(rows["configuration"], again["configuration"])


def test_transfer_learns_from_other_devices_alone(devices_table):
    given = {
        "predictors": ("transfer_gaussian_process", "structural_gaussian_process"),
        "targets": ("devices:b",),
        "training_sizes": (15,),
    }
    every = ("devices:a", "devices:b", "devices:b2")
    found = sources_for(Target.of(devices_table, "b"), every)
    assert found.names == ("devices:a",)
    rows = hb.run_study(_spec(**given, sources=every)).trials
    assert rows["error"].isna().all()
    tau = rows.groupby("predictor")["kendall_tau"].mean()
    assert tau["transfer_gaussian_process"] > tau["structural_gaussian_process"]
    with pytest.raises(HwbenchError, match="name their columns in sources"):
        hb.run_study(_spec(**given))
    with pytest.raises(HwbenchError, match="all sources are of its own device, b"):
        hb.run_study(_spec(**given, sources=("devices:b2",)))
