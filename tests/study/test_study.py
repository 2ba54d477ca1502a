"""A study's results are a function of its spec, and its failures are rows."""

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.study.run import plan_trials
from hwbench.study.scores import score
from hwbench.study.trial import split
from hwbench.tables import ColumnCard, Table, TableCard


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
    return {"t:latency": (table, table.column("latency"))}


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
    times = ["fit_seconds", "predict_seconds"]
    pd.testing.assert_frame_equal(
        alone.trials.drop(columns=times), together.trials.drop(columns=times)
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
    truth = pd.Series(table.column("latency"), index=table.frame["arch_index"])
    np.testing.assert_array_equal(truth[one["arch_index"]].to_numpy(), one["truth"].to_numpy())


def test_a_predictor_without_sampling_has_one_trial(targets, table):
    space = table.space
    frame = pd.DataFrame({"latency": space.flops(space.all_architectures()) / 1e7})
    whole = Table.from_indices(np.arange(len(space)), frame, table.card)
    spec = _spec(predictors=("lookup_table",))
    trials = hb.run_study(spec, targets={"t:latency": (whole, whole.column("latency"))}).trials
    assert len(trials) == 1
    assert trials.loc[0, "training_size"] == 17
    assert trials.loc[0, "test_size"] == len(space)
    assert trials.loc[0, "kendall_tau"] > 0.999  # FLOPs are additive


def test_a_failure_is_a_row_with_its_traceback(targets):
    # The table lacks architectures of the lookup table's neighbourhood.
    result = hb.run_study(_spec(predictors=("lookup_table", "ridge")), targets=targets)
    failed = result.trials.query("predictor == 'lookup_table'")
    assert failed["error"].str.contains("neighbourhood").all()
    assert failed["kendall_tau"].isna().all()
    assert result.trials.query("predictor == 'ridge'")["error"].isna().all()


def test_a_table_too_small_is_said_before_any_fit(targets):
    with pytest.raises(HwbenchError, match="fewer than"):
        plan_trials(_spec(training_sizes=(3000,)), targets)
    with pytest.raises(HwbenchError, match="did you mean 'ridge'"):
        plan_trials(_spec(predictors=("rigde",)), targets)


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
    }
    with pytest.raises(ValueError, match="infinite"):
        score([1, 2], [1, np.inf])
