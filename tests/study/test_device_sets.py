"""Device sets: sources of their own for targets, of what is there; measured apart from tested."""

import json

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.transfer import SourceMetrics
from hwbench.study import trial as trials
from hwbench.study.device_sets import DeviceSet, present_sets
from hwbench.study.plan import make_plan
from hwbench.study.trial import measured_and_tested, split, trimmed
from hwbench.tables import ColumnCard, Table, TableCard


@pytest.fixture
def tables(hwbench_home):
    """Three devices, the third without every tenth cell, and a table with one on other cells."""
    space = hb.get_space("nasbench201")
    archs = space.all_architectures()[100:400]
    generator = np.random.default_rng(0)
    work = space.flops(archs) / 1e8
    frame = pd.DataFrame(
        {f"{name}.latency": 1 + work + 0.05 * generator.normal(size=300) for name in "abc"}
    )
    frame.loc[::10, "c.latency"] = np.nan
    _save(hwbench_home, "one", archs, frame)
    rest = space.all_architectures()[350:600]
    other = pd.DataFrame({"d.latency": 3 + space.flops(rest) / 1e8})
    _save(hwbench_home, "two", rest, other)


def _save(home, name, archs, frame):
    columns = {
        column: ColumnCard(
            title=column,
            unit="ms",
            direction="minimize",
            source="made",
            device=column.partition(".")[0],
        )
        for column in frame
    }
    card = TableCard(
        name=name, title=name, space="nasbench201", created="2026-01-01", columns=columns
    )
    Table.from_archs(archs, frame, card).save(home / "tables" / f"{name}.parquet")


def _set(name="A", sources=("one:b.latency",), targets=("one:a.latency",), **more):
    return {"name": name, "sources": sources, "targets": targets, **more}


def _spec(*sets, **changes):
    values = {
        "predictors": ("transfer_gaussian_process", "ridge"),
        "training_sizes": (5, 12),
        "seeds": (0, 1),
        "test_size": 50,
        "source_samples": 30,
        "device_sets": sets,
    }
    return hb.StudySpec(**{**values, **changes})


def test_a_predictor_that_learns_from_others_has_a_trial_for_each_set_and_others_one(tables):
    plan = make_plan(_spec(_set(), _set("B", sources=("one:c.latency", "two:d.latency"))))
    entries = [trial.entry for trial in plan.trials]
    assert {name: entries.count(name) for name in entries} == {
        "ridge": 4,
        "transfer_gaussian_process (A)": 4,
        "transfer_gaussian_process (B)": 4,
    }
    assert len({trial.identity for trial in plan.trials}) == 12
    assert plan.spec.targets == ("one:a.latency",)
    assert plan.missing == ()


def test_what_is_missing_is_named_and_the_first_alternative_that_is_there_is_taken(tables):
    spec = _spec(
        _set("A", sources=("nine:x.latency | one:zzz.latency | one:b.latency", "one:e.latency")),
        _set("B", sources=("nine:y.latency",), targets=("one:a.latency", "one:f.latency")),
        _set("C", targets=("nine:x.latency",)),
    )
    plan = make_plan(spec)
    assert [each.name for each in plan.spec.device_sets] == ["A", "B"]
    assert plan.spec.device_sets[0].sources == ("one:b.latency",)
    assert plan.missing == (
        "device set A: 1 of 2 devices to learn from are there, missing one:e.latency",
        "device set B: 1 of 2 devices to predict are there, missing one:f.latency; "
        "0 of 1 devices to learn from are there, missing nine:y.latency",
        "device set C: 0 of 1 devices to predict are there, missing nine:x.latency",
    )
    (left_out,) = plan.left_out
    assert (left_out.predictor, left_out.target) == ("transfer_gaussian_process", "one:a.latency")
    assert left_out.reason.startswith("device set B: none of the devices")
    assert {trial.device_set for trial in plan.trials} == {"", "A"}
    with pytest.raises(HwbenchError, match="no device that is to be predicted is there, such as n"):
        present_sets([DeviceSet(**_set("C", targets=("nine:x.latency",)))])
    with pytest.raises(HwbenchError, match="'one' must have the form table:column"):
        present_sets([DeviceSet(**_set("C", targets=("one",)))])


def test_sources_have_measured_what_the_target_has_and_nothing_that_it_is_tested_on(
    tables, monkeypatch
):
    given = []

    def make(name, *, space, sources=None, **more):
        given.append((name, sources))
        return original(name, space=space, **more, **({"sources": sources} if sources else {}))

    original = trials.make_predictor
    monkeypatch.setattr(trials, "make_predictor", make)
    several = ("one:b.latency", "one:c.latency", "two:d.latency")
    spec = _spec(_set(sources=several, source_samples=40), seeds=(3,), training_sizes=(12,))
    found = hb.run_study(spec)
    assert found.trials["error"].isna().all()
    ((_, sources),) = [pair for pair in given if pair[0] == "transfer_gaussian_process"]
    assert isinstance(sources, SourceMetrics)
    table = hb.load_table("one")
    training, test = split(300, 12, 50, seed=3)
    assert np.isnan(sources.values_of(table.archs[test])).all()
    on_training = sources.values_of(table.archs[training])
    assert np.isfinite(on_training[:, 0]).all()
    assert np.isfinite(sources.values).sum(axis=0).tolist() == [40, 40, 40]
    assert sources.names == several


def test_test_cells_are_all_that_nobody_has_measured(tables):
    spec = _spec(
        _set(), _set("B", targets=("one:c.latency",), source_samples=70), test_size="others"
    )
    sizes = {trial.target: trial.test_size for trial in make_plan(spec).trials}
    # Of c a tenth is not measured; it is left out.
    assert sizes == {"one:a.latency": 300 - 30, "one:c.latency": 270 - 70}
    with pytest.raises(HwbenchError, match="has 300 architectures, fewer than the 299"):
        make_plan(_spec(_set(source_samples=299), test_size="others"))


def test_of_a_test_set_of_all_others_few_predictions_are_kept(tables, monkeypatch):
    monkeypatch.setattr(trials, "KEPT_PREDICTIONS", 20)
    spec = _spec(_set(), predictors=("ridge",), seeds=(0,), test_size="others")
    found = hb.run_study(spec)
    assert found.trials["test_size"].tolist() == [270, 270]
    assert found.predictions.groupby("training_size").size().tolist() == [20, 20]
    whole = hb.run_study(_spec(_set(), predictors=("ridge",), seeds=(0,), test_size=270))
    assert whole.predictions.groupby("training_size").size().tolist() == [270, 270]
    pd.testing.assert_series_equal(found.trials["spearman"], whole.trials["spearman"])


def test_trimming_leaves_out_the_fastest_and_the_slowest_tenth():
    generator = np.random.default_rng(0)
    values = generator.permutation(np.repeat(np.arange(60.0), 2))
    test = generator.permutation(120)[:100]
    kept = trimmed(test, values)
    assert len(kept) == 80
    np.testing.assert_array_equal(kept, [row for row in test if row in set(kept)])
    left_out = np.setdiff1d(test, kept)
    low, high = np.sort(values[left_out])[:10], np.sort(values[left_out])[10:]
    assert low.max() <= values[kept].min()
    assert high.min() >= values[kept].max()


def test_a_trimmed_study_scores_what_is_left(tables):
    spec = _spec(_set(), predictors=("ridge",), training_sizes=(12,), seeds=(1,), trimming="help")
    found = hb.run_study(spec)
    assert found.trials["test_size"].tolist() == [40]
    whole = hb.run_study(_spec(_set(), predictors=("ridge",), training_sizes=(12,), seeds=(1,)))
    truth = whole.predictions.sort_values("truth")
    kept = found.predictions.sort_values("truth")
    np.testing.assert_array_equal(kept["truth"], truth["truth"][5:-5])
    np.testing.assert_array_equal(kept["prediction"], truth["prediction"][5:-5])
    assert found.trials["trial"].tolist() != whole.trials["trial"].tolist()


def test_results_say_whether_other_devices_helped(tables):
    rows = hb.run_study(_spec(_set(), seeds=(0,), training_sizes=(12,))).trials
    said = rows.set_index("predictor")["about"]
    about = json.loads(said["transfer_gaussian_process (A)"])
    assert set(about) == {"helped", "weights", "error_without", "error_with"}
    assert list(about["weights"]) == ["one:b.latency"]
    assert said["ridge"] is None
    titles = rows.set_index("predictor")["title"]
    assert titles["transfer_gaussian_process (A)"].endswith("with other devices (A)")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": ("one:b.latency",)}, "give sources to all targets, or to each"),
        ({"device_sets": (_set(), _set())}, "device_sets holds a name twice"),
        ({"device_sets": ()}, "name one at least, or device_sets"),
        ({"trimming": "half"}, "did you mean 'help'"),
        ({"source_samples": 1}, "must be at least 2, not 1"),
    ],
)
def test_what_is_wrong_with_a_spec_is_said(changes, message):
    with pytest.raises(ValueError, match=message):
        _spec(_set(), **changes)


def test_twins_of_the_test_set_are_not_measured_either():
    twins = np.arange(10) ^ 1  # rows 0 and 1 are the same network, and so on
    measured, test = measured_and_tested(10, 3, seed=0, twins=twins)
    assert len(test) == 3
    assert not set(measured) & set(test)
    assert not set(measured) & set(twins[test])
