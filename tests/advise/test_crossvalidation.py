import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from hwbench.advise.crossvalidation import (
    PairSums,
    folds_of,
    networks_of,
    out_of_fold,
    pair_sums,
)
from hwbench.predictors import make_predictor


def _brute_force_tau(truth, prediction, folds):
    agreement = truths = predictions = 0
    for i in range(len(truth)):
        for j in range(i):
            if folds[i] == folds[j]:
                true, guess = np.sign(truth[i] - truth[j]), np.sign(prediction[i] - prediction[j])
                agreement += true * guess
                truths += abs(true)
                predictions += abs(guess)
    pairs = np.sqrt(truths * predictions)
    return agreement / pairs if pairs else 0.0


@given(st.integers(2, 30), st.integers(1, 4), st.integers(0, 1000), st.booleans())
def test_tau_of_pairs_within_folds(n, n_folds, seed, coarse):
    generator = np.random.default_rng(seed)
    truth, prediction = generator.normal(size=(2, n))
    if coarse:
        truth, prediction = truth.round(), prediction.round()
    folds = generator.integers(n_folds, size=n)
    found = pair_sums(truth, prediction, folds)
    assert found.tau == pytest.approx(_brute_force_tau(truth, prediction, folds))


def test_one_fold_is_kendalls_tau():
    truth, prediction = np.random.default_rng(0).integers(6, size=(2, 50)).astype(float)
    found = pair_sums(truth, prediction, np.zeros(50, dtype=np.int64))
    assert found.tau == pytest.approx(kendalltau(truth, prediction).statistic)


def test_standard_error_is_the_jackknifes():
    generator = np.random.default_rng(1)
    truth = generator.normal(size=40)
    prediction = truth + generator.normal(size=40)
    folds = np.arange(40) % 4
    sums = pair_sums(truth, prediction, folds)
    without = []
    for row in range(40):
        kept = np.arange(40) != row
        without.append(pair_sums(truth[kept], prediction[kept], folds[kept]).tau)
    expected = np.sqrt(39 / 40 * ((without - np.mean(without)) ** 2).sum())
    assert sums.standard_error(np.arange(40)) == pytest.approx(expected)


def test_standard_error_covers_samples_of_rows():
    """Over many samples tau scatters as much as its standard errors say."""
    taus, errors = [], []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        truth = generator.normal(size=60)
        sums = pair_sums(truth, truth + generator.normal(size=60), np.zeros(60, dtype=np.int64))
        taus.append(sums.tau)
        errors.append(sums.standard_error(np.arange(60)))
    assert np.mean(errors) == pytest.approx(np.std(taus), rel=0.15)


def test_repeats_add_up():
    one = PairSums(np.ones(2), np.ones(2), np.ones(2))
    assert (one + one).tau == one.tau == 1.0


def test_no_pairs_are_no_agreement():
    assert pair_sums(np.zeros(4), np.arange(4.0), np.zeros(4, dtype=np.int64)).tau == 0.0


def test_twins_share_a_fold(nasbench201):
    archs = nasbench201.sample(400, seed=0)
    twins = nasbench201.twins(archs)
    together = np.concatenate([archs, twins])
    networks = networks_of(nasbench201, together)
    assert (networks[:400] == networks[400:]).all()
    folds = folds_of(networks, 5, (0, 1))
    assert (folds[:400] == folds[400:]).all()
    assert set(folds) == set(range(5))


def test_folds_are_of_one_size_and_differ_between_repeats():
    networks = np.arange(60)
    first, second = folds_of(networks, 5, (0, 0)), folds_of(networks, 5, (0, 1))
    assert np.bincount(first).tolist() == [12] * 5
    assert (first != second).any()
    assert (folds_of(networks, 5, (0, 0)) == first).all()


def test_out_of_fold_leaves_the_fold_out(nasbench201):
    """A value that only one row has cannot be predicted for that row."""
    archs = nasbench201.sample(40, seed=2)
    values = nasbench201.flops(archs) / 1e6
    folds = folds_of(np.arange(40), 5, (0,))
    model = make_predictor("ridge", space=nasbench201)
    before = out_of_fold(model, archs, values, folds)
    changed = values.copy()
    changed[7] += 1000.0
    after = out_of_fold(model, archs, changed, folds)
    same = folds == folds[7]
    np.testing.assert_allclose(before[same], after[same])
    assert not np.allclose(before[~same], after[~same])


@pytest.mark.parametrize("predictor", ["ridge", "mlp_small"])
def test_predictions_are_in_the_metrics_unit(nasbench201, predictor):
    archs = nasbench201.sample(60, seed=2)
    values = 500.0 + nasbench201.flops(archs) / 1e6
    folds = folds_of(np.arange(60), 5, (0,))
    found = out_of_fold(make_predictor(predictor, space=nasbench201), archs, values, folds)
    assert kendalltau(found, values).statistic > 0.4
    assert found.mean() == pytest.approx(values.mean(), rel=0.1)


def test_smaller_shares_are_nested(nasbench201):
    """Half the rows give another model, a share of all rows the same as no share."""
    archs = nasbench201.sample(40, seed=2)
    values = nasbench201.flops(archs) / 1e6
    folds = folds_of(np.arange(40), 5, (0,))
    model = make_predictor("ridge", space=nasbench201)
    whole = out_of_fold(model, archs, values, folds)
    half = out_of_fold(model, archs, values, folds, share=0.5)
    nearly = out_of_fold(model, archs, values, folds, share=0.999)
    assert not np.allclose(whole, half)
    np.testing.assert_allclose(whole, nearly)
