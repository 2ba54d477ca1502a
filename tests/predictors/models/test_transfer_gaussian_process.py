"""Other devices as prior means: where they help they take part, else nothing changes."""

import pickle

import numpy as np
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.models import completed_sources
from hwbench.predictors.models.completed_sources import CompletedSources
from hwbench.predictors.models.structural_gaussian_process import StructuralGaussianProcess
from hwbench.predictors.models.transfer_gaussian_process import TransferGaussianProcess

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.sample(600, seed=5)
HIDDEN = np.random.default_rng(1).normal(size=600)  # what no feature of ours knows


def _cost(archs, seed):
    """Launches, arithmetic and a cost of each place, in milliseconds."""
    generator = np.random.default_rng(seed)
    live = SPACE.encode(archs, "live")
    place = live @ generator.uniform(0, 0.3, size=live.shape[1])
    return 2 + 3 * SPACE.flops(archs) / 2.2e8 + place


def _sources(*columns):
    return hb.SourceMetrics(
        SPACE,
        ARCHS,
        np.stack(columns, axis=1),
        tuple(f"t:{place}" for place in range(len(columns))),
    )


@pytest.fixture(scope="module")
def target():
    return _cost(ARCHS, 0) + 0.5 * HIDDEN


@pytest.fixture(scope="module")
def helpful():
    """A device with the same hidden cost, that lacks a cell, and one that has nothing in common."""
    alike = 10 * (_cost(ARCHS, 1) + 0.5 * HIDDEN)
    alike[5] = np.nan
    return _sources(np.random.default_rng(2).uniform(1, 2, size=600), alike)


def _fitted(target, sources, size=30, **parameters):
    model = TransferGaussianProcess(SPACE, sources, random_state=0, **parameters)
    scaled = (target[:size] - target[:size].mean()) / target[:size].std()
    return model.fit(ARCHS[:size], scaled), scaled


@pytest.fixture(scope="module")
def with_help(target, helpful):
    return _fitted(target, helpful)


def test_a_device_like_the_new_one_helps_and_is_named(with_help, target):
    model, scaled = with_help
    alone = StructuralGaussianProcess(SPACE, random_state=0).fit(ARCHS[:30], scaled)
    tau, tau_alone = (
        kendalltau(target[30:], each.predict(ARCHS[30:])).statistic for each in (model, alone)
    )
    assert tau > tau_alone + 0.1
    assert model.helped_
    weights = model.source_weights_
    assert weights["t:1"] > 0.3 > weights["t:0"] >= 0
    assert model.summary_.startswith("2 other devices helped: leave-one-out error ")
    assert f"weights t:1 {weights['t:1']:.2f}" in model.summary_
    without, with_them = model.errors_
    assert with_them < without
    assert model.about_ == {
        "helped": True,
        "weights": {name: round(weight, 4) for name, weight in weights.items()},
        "error_without": without,
        "error_with": with_them,
    }


def test_weights_are_those_of_the_prior_mean(with_help):
    model, _ = with_help
    assert model.shares_.sum() == pytest.approx(1)
    counted = dict.fromkeys(model.source_weights_, 0.0)
    for share, process in zip(model.shares_, model.processes_, strict=True):
        if process.work in counted:
            counted[process.work] += share * process.weight
    assert model.source_weights_ == pytest.approx(counted)


def test_devices_that_have_nothing_in_common_change_nothing(target):
    sources = _sources(*np.random.default_rng(3).uniform(1, 2, size=(3, 600)))
    model, scaled = _fitted(target, sources)
    alone = StructuralGaussianProcess(SPACE, random_state=0).fit(ARCHS[:30], scaled)
    for new, old in zip(
        model.predict(ARCHS[30:], return_std=True),
        alone.predict(ARCHS[30:], return_std=True),
        strict=True,
    ):
        np.testing.assert_allclose(new, old, rtol=1e-6)
    assert not model.helped_
    assert set(model.source_weights_.values()) == {0.0}
    assert model.summary_.startswith("3 other devices did not help (leave-one-out error ")
    assert "predictions rest on the target's measurements alone" in model.summary_


def test_many_rows_choose_too(target, helpful):
    model, _ = _fitted(target, helpful, size=90, robust=False)
    assert model.helped_
    assert {process.work for process in model.processes_} > {"t:1"}
    assert kendalltau(target[90:], model.predict(ARCHS[90:])).statistic > 0.7


def test_leaving_out_a_row_is_fitting_without_it(with_help):
    """But for parameters, and the mean of the others, which are those of all rows."""
    model, scaled = with_help
    left_out = model.leave_one_out(scaled)
    error = np.sqrt(((left_out - scaled) ** 2).mean())
    assert error == pytest.approx(model.errors_[1], rel=1e-6)


def test_without_sources_or_with_a_constant_target(target):
    model, scaled = _fitted(target, None, size=12)
    alone = StructuralGaussianProcess(SPACE, random_state=0).fit(ARCHS[:12], scaled)
    np.testing.assert_array_equal(model.predict(ARCHS[:50]), alone.predict(ARCHS[:50]))
    assert model.summary_ == "no other device was given to learn from"
    sources = _sources(target)
    constant = TransferGaussianProcess(SPACE, sources).fit(ARCHS[:5], np.ones(5))
    np.testing.assert_array_equal(constant.predict(ARCHS[:7]), np.ones(7))
    assert constant.summary_ == (
        "1 other device did not help: predictions rest on the target's measurements alone"
    )
    assert np.isnan(constant.errors_).all()


def test_few_rows_trust_no_other_device(target, helpful):
    model, _ = _fitted(target, helpful, size=3)
    assert not model.helped_
    assert np.isfinite(model.predict(ARCHS[:9])).all()


def test_sources_of_another_space_are_refused(target):
    other = hb.get_space("nasbench_macro")
    archs = other.all_architectures()[:9]
    sources = hb.SourceMetrics(other, archs, np.arange(9.0)[:, None], ("t:0",))
    with pytest.raises(HwbenchError, match="sources are of the space nasbench_macro, not nasb"):
        TransferGaussianProcess(SPACE, sources).fit(ARCHS[:9], target[:9])


def test_a_model_of_0_1_that_learned_from_other_devices_is_to_be_fitted_again():
    old = StructuralGaussianProcess.__new__(StructuralGaussianProcess)
    with pytest.raises(HwbenchError, match=r"learned from them in another way; fit it again"):
        old.__setstate__({"weights_": np.ones(3), "work_prior": 0.7, "sources": object()})


def test_a_model_is_whole_without_what_was_kept_for_other_fits(with_help, target):
    model, _ = with_help
    before = model.predict(ARCHS[:20])
    packed = pickle.dumps(model)
    for kept in (completed_sources._model, completed_sources._filled_in):
        kept.cache_clear()
    again = pickle.loads(packed)  # noqa: S301  our own
    np.testing.assert_allclose(again.predict(ARCHS[:20]), before, rtol=1e-9)
    assert completed_sources._model.cache_info().misses == 0


def test_what_a_source_lacks_is_filled_in_by_its_logarithms():
    """Costs that multiply add up there: a process on the values themselves is further off."""
    work = _cost(ARCHS, 4)
    latency = np.exp(3 * (work - work.mean()))
    known = np.where(np.arange(600) < 200, latency, np.nan)
    completed = CompletedSources(_sources(known, np.where(np.isnan(known), np.nan, -known)))
    found = completed.standardised(ARCHS)
    measured = latency[:200]
    np.testing.assert_allclose(
        found[:200, 0], (measured - measured.mean()) / measured.std(), rtol=1e-9
    )
    filled = found[200:] * completed.scales + completed.means
    assert np.isfinite(filled).all()
    off = [np.abs(each / latency[200:] - 1).mean() for each in (filled[:, 0], -filled[:, 1])]
    assert off[0] < 0.5 * off[1]
    assert off[0] < 0.1


def test_sources_that_have_measured_a_whole_space_need_no_model():
    space = hb.get_space("nasbench_macro")
    archs = space.all_architectures()
    values = space.flops(archs)[:, None].astype(float)
    completed = CompletedSources(hb.SourceMetrics(space, archs, values, ("t:0",)))
    assert completed.models == {}
    found = completed.standardised(archs[:40])[:, 0]
    np.testing.assert_allclose(found, (values[:40, 0] - values.mean()) / values.std())
