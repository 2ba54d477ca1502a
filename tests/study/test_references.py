"""What predictors are held against, and what a study spends on each of them."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

import hwbench as hb
from hwbench.predictors.tuning import Tuning
from hwbench.spaces.structure import StructuralFeatures
from hwbench.study.baselines import free_baselines, free_scores
from hwbench.study.plan import make_plan
from hwbench.study.spec import StudySpec
from hwbench.study.trial import run_trial, split
from hwbench.tables import load_target

TABLE = "hw-nas-bench"


def test_baselines_are_taus_of_the_column_as_it_was_measured():
    for column in ("cifar10.edgegpu_latency", "cifar10.test_accuracy"):
        target = load_target(f"{TABLE}:{column}")
        found = free_baselines(target)
        flops = target.space.flops(target.table.archs)
        assert found["flops"] == pytest.approx(kendalltau(flops, target.values).statistic)
        assert found["random"] == 0.0
        assert found["flops"] > 0.3  # whichever way is better
    space = hb.get_space("nasbench201")
    texts = (
        "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",  # leads nowhere
        "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
    )
    archs = np.array([space.from_string(text) for text in texts])
    assert StructuralFeatures(space).computing(archs).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("column", "sign"), [("cifar10.edgegpu_latency", 1), ("cifar10.test_accuracy", -1)]
)
def test_baselines_have_the_other_scores_that_need_no_unit(column, sign):
    target = load_target(f"{TABLE}:{column}")
    found = free_scores(target, test_size=40, seeds=(0, 3))
    assert set(found) == {"spearman", "pearson", "precision_at_10"}  # 50 are not there
    flops = target.space.flops(target.table.archs).astype(float)
    assert found["spearman"]["flops"] == pytest.approx(spearmanr(flops, target.values).statistic)
    assert found["pearson"]["flops"] == pytest.approx(np.corrcoef(flops, target.values)[0, 1])
    shares = []
    for seed in (0, 3):
        rows = split(len(flops), 5, 40, seed)[1]
        best = set(np.argsort(sign * target.values[rows])[:10])
        guessed = set(np.argsort(sign * flops[rows], kind="stable")[:10])
        shares.append(len(best & guessed) / 10)
    # Ties at the border are broken in expectation.
    assert found["precision_at_10"]["flops"] == pytest.approx(np.mean(shares), abs=0.1)
    assert [found[name]["random"] for name in found] == [0.0, 0.0, 0.25]


def test_a_space_without_flops_has_fewer_baselines():
    found = free_baselines(load_target("transnas-micro:class_scene.valid_top1"))
    assert {"random", "operations"} <= set(found)
    assert all(-1 <= tau <= 1 for tau in found.values())


def _spec(**changes):
    given = {
        "targets": (f"{TABLE}:cifar10.edgegpu_latency",),
        "predictors": ("ridge", "gcn", "structural_gaussian_process"),
        "training_sizes": (12,),
        "seeds": (0,),
        "tuning": Tuning(trials=3, folds=2, most_cost=5),
        "short_fits": True,
    }
    return StudySpec(**{**given, **changes})


def test_short_fits_and_costly_searches_are_those_of_the_cards():
    plan = make_plan(_spec())
    trials = {trial.predictor: trial for trial in plan.trials}
    assert trials["ridge"].tuning is not None
    assert trials["gcn"].tuning is None  # too costly to search
    assert trials["structural_gaussian_process"].tuning is None  # nothing to search
    assert [trials[name].short_fits for name in sorted(trials)] == [True, False, True]
    long = {trial.predictor: trial for trial in make_plan(_spec(short_fits=False)).trials}
    assert long["ridge"].identity == trials["ridge"].identity
    assert long["gcn"].identity != trials["gcn"].identity
    data = plan.workload.targets[trials["gcn"].target]
    rows = {name: run_trial(trial, data).row for name, trial in trials.items()}
    assert rows["gcn"]["title"] == "GCN (short fits)"
    assert rows["ridge"]["title"] == "Ridge regression"
    assert [rows[name]["configurations"] for name in ("ridge", "gcn")] == [3, 0]


def test_short_fits_of_a_mixture_are_those_of_its_parts():
    space = hb.get_space("nasbench201")
    short = hb.predictor_card("auto").shortened
    model = hb.make_predictor("auto", space=space, **short)
    made = model.estimator._make("structural_gaussian_process")
    assert made.estimator.likelihood_rows == 200
    assert hb.make_predictor("auto", space=space).estimator.short_fits is False
