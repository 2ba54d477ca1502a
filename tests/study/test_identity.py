"""The identity of a trial is all that its result depends on, and nothing else."""

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.study import identity
from hwbench.study.plan import make_plan
from hwbench.study.trial import split, twin_rows
from hwbench.tables import Table


@pytest.fixture
def plan_of(make_table, make_spec):
    table = make_table()

    def make(table=table, column="latency", **changes):
        spec = make_spec(predictors=("ridge",), **changes)
        return make_plan(spec, [hb.Target.of(table, column, key="small:latency")])

    return make


def ids(plan):
    return {(trial.training_size, trial.seed): trial.identity for trial in plan.trials}


def test_the_same_key_has_the_same_identity(plan_of):
    assert ids(plan_of()) == ids(plan_of())
    assert len(set(ids(plan_of()).values())) == 6
    more = ids(plan_of(training_sizes=(10, 20, 40), seeds=(0, 1, 2, 3)))
    assert ids(plan_of()).items() <= more.items()


@pytest.mark.parametrize(
    "changes",
    [
        {"test_size": 51},
        {"encodings": ("counts",)},
        {"tuning": {"trials": 2}},
        {"twins": "excluded"},
        {"column": "test_accuracy"},
    ],
)
def test_whatever_changes_a_number_changes_the_identity(plan_of, changes):
    assert not set(ids(plan_of()).values()) & set(ids(plan_of(**changes)).values())


def test_limits_are_no_part_of_it(plan_of):
    assert ids(plan_of()) == ids(plan_of(limits={"seconds": 5}))


def test_one_other_value_of_the_table_changes_it(plan_of, make_table):
    table = make_table()
    frame = table.frame.copy()
    frame.loc[17, "latency"] = np.nextafter(frame.loc[17, "latency"], np.inf)
    assert not set(ids(plan_of()).values()) & set(ids(plan_of(Table(frame, table.card))).values())


def test_titles_of_the_table_do_not_change_it(plan_of, make_table):
    assert ids(plan_of()) == ids(plan_of(make_table("renamed")))


def test_the_card_and_the_code_are_part_of_it(plan_of, monkeypatch):
    before = set(ids(plan_of()).values())
    card = hb.predictor_card("ridge")
    other = card.model_copy(update={"defaults": {**card.defaults, "alpha": 3.0}})
    with monkeypatch.context() as patch:
        patch.setattr("hwbench.study.plan.predictor_card", lambda name: other)
        assert not before & set(ids(plan_of()).values())
    monkeypatch.setattr(identity, "code_version", lambda: "another")
    assert not before & set(ids(plan_of()).values())


def test_string_keys_count_too():
    space = hb.get_space("darts")
    archs = space.sample(5, 0)
    frame = pd.DataFrame({"latency": np.arange(5.0)})
    card = {
        "name": "d",
        "title": "d",
        "space": "darts",
        "created": "2026-01-01",
        "columns": {
            "latency": {"title": "l", "unit": "ms", "direction": "minimize", "source": "made"}
        },
    }
    table = Table.from_archs(archs, frame, hb.tables.TableCard.model_validate(card))
    other = Table.from_archs(archs[::-1], frame, table.card)
    digests = [identity.column_digest(hb.Target.of(each, "latency")) for each in (table, other)]
    assert digests[0] != digests[1]


def test_twins_of_the_test_set_are_not_trained_on_where_they_are_excluded():
    space = hb.get_space("nasbench201")
    frame = pd.DataFrame({"latency": np.arange(len(space), dtype=float)})
    card = hb.load_table("nb201-digits").card
    columns = {"latency": card.columns["latency"]}
    table = Table.from_indices(
        np.arange(len(space)), frame, card.model_copy(update={"columns": columns})
    )
    twins = twin_rows(table)
    archs = table.archs
    assert (twins >= 0).sum() == 3000
    np.testing.assert_array_equal(archs[twins[twins >= 0]], space.twins(archs[twins >= 0]))
    plain, test = split(len(table), 2000, 625, 3)
    careful, same_test = split(len(table), 2000, 625, 3, twins)
    np.testing.assert_array_equal(test, same_test)
    forbidden = set(twins[test]) - {-1}
    assert forbidden & set(plain)
    assert not forbidden & set(careful)
    assert not set(careful) & set(test)
    assert len(careful) == 2000
    shorter, _ = split(len(table), 500, 625, 3, twins)
    np.testing.assert_array_equal(shorter, careful[:500])
    kept = [row for row in split(len(table), 15000, 625, 3)[0] if row not in forbidden]
    np.testing.assert_array_equal(careful, kept[:2000])


def test_too_few_architectures_without_twins_are_said_before_any_fit(make_spec):
    spec = make_spec(
        targets=("nb201-digits:latency",),
        predictors=("ridge",),
        training_sizes=(15000,),
        test_size=625,
        twins="excluded",
    )
    with pytest.raises(hb.HwbenchError, match="and their twins are excluded"):
        make_plan(spec)
