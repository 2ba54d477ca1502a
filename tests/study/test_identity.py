"""The identity of a trial is all that its result depends on, and nothing else."""

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.code_version import counted_modules
from hwbench.predictors.models.auto import CANDIDATES
from hwbench.study import identity
from hwbench.study.identity import trial_modules
from hwbench.study.plan import make_plan
from hwbench.study.trial import split, twin_rows
from hwbench.tables import ColumnCard, Table, TableCard
from hwbench.toml import to_toml


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


def test_the_card_is_part_of_it(plan_of, monkeypatch):
    before = set(ids(plan_of()).values())
    card = hb.predictor_card("ridge")
    other = card.model_copy(update={"defaults": {**card.defaults, "alpha": 3.0}})
    monkeypatch.setattr("hwbench.study.plan.predictor_card", lambda name: other)
    assert not before & set(ids(plan_of()).values())


def of_predictor(plan, name):
    return [trial.identity for trial in plan.trials if trial.predictor == name]


def test_the_code_of_a_predictor_is_part_of_its_trials_alone(models, make_spec):
    spec = make_spec(predictors=("mean", "ridge"))
    before = make_plan(spec)
    path = models / "modules" / "study_models.py"
    path.write_text(f"# Means and others.\n{path.read_text()}")
    assert before.record == make_plan(spec).record
    path.write_text(path.read_text().replace("np.mean(y)", "np.median(y)"))
    after = make_plan(spec)
    assert not set(of_predictor(before, "mean")) & set(of_predictor(after, "mean"))
    assert of_predictor(before, "ridge") == of_predictor(after, "ridge")


def test_so_are_the_cards_that_it_uses(models, hwbench_home, make_spec):
    cards = hwbench_home / "predictors"
    card = (cards / "mean.toml").read_text()
    (cards / "both.toml").write_text(f'{card}uses = ["again", "ridge"]')
    (cards / "again.toml").write_text(f'{card}uses = ["both"]')
    spec = make_spec(predictors=("both", "mean"))
    before = make_plan(spec)
    (cards / "again.toml").write_text(f'{card}uses = ["both"]\n[defaults]\nalpha = 2')
    after = make_plan(spec)
    assert not set(of_predictor(before, "both")) & set(of_predictor(after, "both"))
    assert of_predictor(before, "mean") == of_predictor(after, "mean")
    (cards / "again.toml").unlink()
    with pytest.raises(hb.HwbenchError, match="unknown predictor 'again'"):
        make_plan(spec)


def test_all_of_a_space_s_card_is_part_of_it_but_its_title(plan_of, hwbench_home, make_table):
    path = hwbench_home / "spaces" / "mine.toml"
    path.parent.mkdir()
    card = {"title": "Mine", "layers": 3, "choices": ["a", "b", "c", "d", "e", "f", "g"]}

    def ids_with(**changes):
        path.write_text(to_toml({**card, **changes}))
        space = hb.get_space("mine")
        archs = space.sample(200, 0)
        frame = pd.DataFrame({"latency": archs.sum(axis=1) + 1.0})
        columns = {"latency": make_table().card.columns["latency"]}
        described = make_table().card.model_copy(update={"space": "mine", "columns": columns})
        return ids(plan_of(Table.from_archs(archs, frame, described)))

    before = ids_with()
    assert ids_with(title="Ours") == before
    assert not set(ids_with(baseline="b-b-b").values()) & set(before.values())
    assert not set(ids_with(separator="+").values()) & set(before.values())


# ---------------------------------------------------------------------- the code of a trial

# Few steps: what is asked is which modules run.
QUICK = {
    "bananas": {"steps": 2, "n_layers": 2},
    "binary_relation_gcn": {"steps": 2, "passes": 1},
    "bohamiann": {"burn_in": 2, "steps": 2, "keep_every": 1},
    "bonas": {"steps": 2, "passes": 1},
    "catboost": {"iterations": 2},
    "gaussian_process": {"iterations": 2},
    "gaussian_process_counts": {"iterations": 2},
    "gcn": {"steps": 2, "passes": 1},
    "graph_vae": {"steps": 2, "vae_graphs": 20, "vae_epochs": 1, "hidden_size": 8},
    "mlp_large": {"steps": 2},
    "mlp_small": {"steps": 2},
    "nao": {"steps": 2, "passes": 1},
    "ngboost": {"n_estimators": 2},
    "sparse_gaussian_process": {"iterations": 2},
}
USED_BY_AUTO = hb.predictor_card("auto").uses
SPECIAL = ("auto", "lookup_table")
CASES = [
    *((name, "devices:a", {}) for name in hb.list_predictors() if name not in SPECIAL),
    ("lookup_table", "nb201-digits:latency", {}),
    *(("auto", "devices:a", {"candidates": [name]}) for name in USED_BY_AUTO),
    *(("ridge", target, {}) for target in ("macro-cpu:latency", "transnas-macro-cpu:latency")),
]

RUN = """
import catboost, gpytorch, lightgbm, ngboost, torch._dynamo, xgboost
from hwbench.predictors import predictor_card
from hwbench.predictors.tuning import Tuning
from hwbench.study.trial import TargetData, Trial, run_trial
from hwbench.tables import load_target

def run(name, target, changes):
    card = predictor_card(name)
    card = card.model_copy(update={"defaults": {**card.defaults, **changes}})
    data = TargetData(load_target(target))
    if card.needs_sources:
        from hwbench.predictors.sources import sources_for
        data = TargetData(data.target, sources_for(data.target, ["devices:b"]))
    tuning = Tuning(trials=2, folds=2) if name == "ridge" else None
    row = run_trial(Trial(target, name, card.encoding, 10, 0, 20, tuning), data, card).row
    assert row["error"] is None, row["error"]
    return data.target.space.name
"""


@pytest.fixture(scope="module")
def run_by(tmp_path_factory, modules_run):
    """The modules that a trial of each case runs, in a process of its own."""
    cases = [(name, target, {**QUICK.get(name, {}), **more}) for name, target, more in CASES]
    home = tmp_path_factory.mktemp("home")
    space = hb.get_space("nasbench201")
    archs = space.sample(200, seed=0)
    values = np.stack([archs.sum(axis=1), archs.max(axis=1)], axis=1) + 1.0
    about = {"title": "latency", "unit": "ms", "direction": "minimize", "source": "formula"}
    columns = {name: ColumnCard(**about, device=name) for name in ("a", "b")}
    card = TableCard(
        name="devices", title="t", space=space.name, created="2026-01-01", columns=columns
    )
    table = Table.from_archs(archs, pd.DataFrame(values, columns=["a", "b"]), card)
    table.save(home / "tables" / "devices.parquet")
    return list(zip(CASES, modules_run(RUN, cases, home), strict=True))


@pytest.mark.needs("torch", "boost", "catboost")
def test_a_version_is_of_all_that_a_trial_runs(run_by, harmless):
    for (name, _, _), (space, ran) in run_by:
        card = hb.predictor_card(name)
        counted = counted_modules(*trial_modules(card, hb.get_space(space)))
        assert ran - set(counted) <= harmless, name


@pytest.mark.needs("torch", "boost", "catboost")
def test_no_trial_runs_the_models_of_others(run_by):
    ran = {name: modules for (name, _, _), (_, modules) in run_by}
    models = {
        name: {each for each in modules if each.startswith("hwbench.predictors.models.")}
        for name, modules in ran.items()
    }
    assert models["ridge"] == set()
    assert models["lookup_table"] == {"hwbench.predictors.models.lookup_table"}
    assert "hwbench.vae.decoder" in ran["graph_vae"]
    assert "hwbench.predictors.sources" in ran["transfer_gaussian_process"]


def test_auto_says_whom_it_uses():
    assert tuple(name.partition(":")[0] for name in CANDIDATES) == USED_BY_AUTO


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
