"""Pairwise ridge regression is ridge regression on features and products written out."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures

import hwbench as hb
from hwbench.predictors.models import pairwise_ridge
from hwbench.predictors.models.pairwise_ridge import PairwiseRidge


def _written_out(features, targets, alpha, pair_weight):
    """Scikit-learn's ridge regression on all features and products, and what maps rows to them."""
    scale = np.sqrt((features**2).sum(axis=1).mean())

    def design(rows):
        products = PolynomialFeatures(2, interaction_only=True, include_bias=False)
        both = products.fit_transform(rows / scale)
        both[:, : rows.shape[1]] *= np.sqrt(1 - pair_weight)
        both[:, rows.shape[1] :] *= np.sqrt(2 * pair_weight)
        return both

    return Ridge(alpha=alpha).fit(design(features), targets), design


@given(
    n_archs=st.integers(2, 60),
    n_features=st.integers(1, 7),
    alpha=st.floats(1e-3, 10),
    pair_weight=st.floats(0, 1),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60)
def test_equals_ridge_on_written_out_products(n_archs, n_features, alpha, pair_weight, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_archs, n_features)) + 0.5
    targets = rng.normal(size=n_archs)
    model = PairwiseRidge(alpha=alpha, pair_weight=pair_weight).fit(features, targets)
    expected, design = _written_out(features, targets, alpha, pair_weight)
    others = rng.normal(size=(20, n_features))
    np.testing.assert_allclose(
        model.predict(others), expected.predict(design(others)), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize(
    ("space", "n_archs"), [("nasbench201", 100), ("nasbench201", 900), ("fbnet", 150)]
)
def test_one_hot_rows_by_either_way(space, n_archs):
    found = hb.get_space(space)
    features = found.encode(found.sample(n_archs + 50, seed=1)).astype(np.float64)
    targets = np.random.default_rng(0).normal(size=n_archs)
    model = PairwiseRidge(alpha=0.2, pair_weight=0.3).fit(features[:n_archs], targets)
    expected, design = _written_out(features[:n_archs], targets, 0.2, 0.3)
    np.testing.assert_allclose(
        model.predict(features), expected.predict(design(features)), atol=1e-9
    )


def test_learns_costs_of_two_operations_together():
    space = hb.get_space("nasbench201")
    archs = space.sample(900, seed=2)
    rng = np.random.default_rng(3)
    single, double = rng.normal(size=(6, 5)), rng.normal(size=(6, 6, 5, 5))
    latency = single[np.arange(6), archs].sum(axis=1)
    for first, second in combinations(range(6), 2):
        latency = latency + double[first, second, archs[:, first], archs[:, second]]
    targets = (latency - latency.mean()) / latency.std()
    features = space.encode(archs)
    model = PairwiseRidge(random_state=0).fit(features[:600], targets[:600])
    np.testing.assert_allclose(model.predict(features[600:]), targets[600:], atol=0.05)
    alone = PairwiseRidge(pair_weight=0.0, random_state=0).fit(features[:600], targets[:600])
    assert np.abs(alone.predict(features[600:]) - targets[600:]).mean() > 0.3


def test_evidence_finds_what_made_the_targets():
    rng = np.random.default_rng(5)
    features = rng.normal(size=(150, 12))
    linear = features @ rng.normal(size=12)
    noise = rng.normal(size=150)
    quiet = PairwiseRidge().fit(features, linear + 0.05 * noise)
    loud = PairwiseRidge().fit(features, linear + 5.0 * noise)
    assert quiet.pair_weight_ < 0.1
    assert quiet.alpha_ < 0.01 < loud.alpha_
    products = features[:, 0] * features[:, 1] - 2 * features[:, 3] * features[:, 7]
    assert PairwiseRidge().fit(features, products).pair_weight_ > 0.5


def test_evidence_is_the_marginal_likelihood():
    rng = np.random.default_rng(6)
    features, targets = rng.normal(size=(30, 4)), rng.normal(size=30)
    targets -= targets.mean()
    kernel = pairwise_ridge._mix(pairwise_ridge._kernels(features), 0.3)
    alphas = np.array([0.01, 0.3, 2.0])
    # The likelihood of all differences from the mean, its scale integrated to its best value.
    centring = np.linalg.svd(np.eye(30) - 1 / 30)[0][:, :29]
    expected = []
    for alpha in alphas:
        covariance = centring.T @ kernel @ centring + alpha * np.eye(29)
        inside = centring.T @ targets
        scale = inside @ np.linalg.solve(covariance, inside) / 29
        expected.append(-0.5 * (29 * np.log(scale) + np.linalg.slogdet(covariance)[1]))
    found = pairwise_ridge._log_evidence(kernel, targets, alphas)
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-9)


def test_chosen_values_stand():
    rng = np.random.default_rng(7)
    features, targets = rng.normal(size=(20, 3)), rng.normal(size=20)
    model = PairwiseRidge(alpha=0.7, pair_weight=0.25).fit(features, targets)
    assert (model.alpha_, model.pair_weight_) == (0.7, 0.25)
    drawn = PairwiseRidge(max_tuning_rows=5, random_state=0).fit(features, targets)
    again = PairwiseRidge(max_tuning_rows=5, random_state=0).fit(features, targets)
    np.testing.assert_array_equal(drawn.predict(features), again.predict(features))


def test_rows_that_are_all_the_same_predict_their_mean():
    targets = np.array([1.0, -1.0, 3.0])
    np.testing.assert_allclose(
        PairwiseRidge().fit(np.ones((3, 2)), targets).predict(np.ones((1, 2))), 1.0
    )
    np.testing.assert_allclose(
        PairwiseRidge().fit(np.zeros((3, 2)), targets).predict(np.ones((1, 2))), 1.0
    )


def test_module_predicts_alike():
    rng = np.random.default_rng(8)
    features, targets = rng.normal(size=(40, 5)), rng.normal(size=40)
    model = PairwiseRidge().fit(features, targets)
    rows = torch.tensor(features, requires_grad=True)
    prediction = model.to_torch()(rows)
    np.testing.assert_allclose(prediction.detach().numpy(), model.predict(features), atol=1e-12)
    prediction.sum().backward()
    expected = model.linear_coefficients_ + 2 * features @ model.pair_coefficients_
    np.testing.assert_allclose(rows.grad.numpy(), expected, atol=1e-12)
