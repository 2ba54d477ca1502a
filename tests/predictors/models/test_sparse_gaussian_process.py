"""The sparse Gaussian process is the exact one where every row is an inducing point."""

import pickle

import numpy as np
import pytest
import torch

import hwbench as hb
from hwbench.predictors.models.gaussian_process import GaussianProcess, squared_exponential
from hwbench.predictors.models.sparse_gaussian_process import SparseGaussianProcess


@pytest.fixture
def data():
    """One-hot features and a noisy target of them, standardised; noise of deviation 0.3."""
    space = hb.get_space("nasbench201")
    features = space.encode(space.sample(600, seed=3)).astype(np.float64)
    rng = np.random.default_rng(0)
    signal = np.tanh(features @ rng.normal(size=features.shape[1]))
    signal = (signal - signal.mean()) / signal.std()
    return features, signal + 0.3 * rng.normal(size=len(signal))


def test_equals_the_exact_process_with_a_point_at_every_row(data):
    features, targets = data
    exact = GaussianProcess(random_state=0).fit(features[:60], targets[:60])
    sparse = SparseGaussianProcess(iterations=0, random_state=0)
    sparse.fit(features[:60], targets[:60])
    for parameter in ("constant_", "lengthscale_", "outputscale_", "noise_"):
        setattr(sparse, parameter, getattr(exact, parameter))
    sparse.inducing_ = features[:60]
    sparse._condition(features[:60], targets[:60])
    for ours, theirs in zip(
        sparse.predict(features, return_std=True),
        exact.predict(features, return_std=True),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_learns_what_the_exact_process_learns(data):
    features, targets = data
    exact = GaussianProcess(random_state=0).fit(features[:200], targets[:200])
    sparse = SparseGaussianProcess(iterations=200, random_state=0)  # enough to settle
    sparse.fit(features[:200], targets[:200])
    assert sparse.inducing_.shape == (100, features.shape[1])
    assert sparse.noise_ == pytest.approx(exact.noise_, rel=0.3)
    difference = sparse.predict(features[200:]) - exact.predict(features[200:])
    assert np.abs(difference).mean() < 0.1


def test_predictions_are_those_of_the_definition(data):
    features, targets = data
    model = SparseGaussianProcess(inducing_points=20, random_state=0).fit(features, targets)

    def covariance(first, second):
        return squared_exponential(first, second, model.lengthscale_, model.outputscale_)

    among = covariance(model.inducing_, model.inducing_) + 1e-6 * np.eye(20)
    between = covariance(model.inducing_, features)
    across = covariance(features, model.inducing_)
    sigma = np.linalg.inv(among + between @ between.T / model.noise_)
    mean = across @ sigma @ between @ (targets - model.constant_) / model.noise_
    explained = across @ (np.linalg.inv(among) - sigma) @ across.T
    ours, deviation = model.predict(features, return_std=True)
    np.testing.assert_allclose(ours, model.constant_ + mean, atol=1e-6)
    variance = model.outputscale_ + model.noise_ - np.diag(explained)
    np.testing.assert_allclose(deviation**2, variance, atol=1e-6)


def test_deviations_hold(data):
    features, targets = data
    model = SparseGaussianProcess(random_state=0).fit(features[:400], targets[:400])
    mean, deviation = model.predict(features[400:], return_std=True)
    assert (np.abs(mean - targets[400:]) < 2 * deviation).mean() > 0.9
    assert (deviation >= np.sqrt(model.noise_)).all()


def test_no_more_points_than_different_rows(data):
    features, targets = data
    repeated = np.tile(features[:7], (5, 1))
    model = SparseGaussianProcess(random_state=0).fit(repeated, targets[:35])
    assert model.inducing_.shape == (7, features.shape[1])
    assert np.isfinite(model.predict(features, return_std=True)).all()


def test_module_predicts_alike_and_pickles(data):
    features, targets = data
    model = SparseGaussianProcess(inducing_points=30, random_state=0).fit(features, targets)
    module = model.to_torch()
    rows = torch.tensor(features, requires_grad=True)
    prediction = module(rows)
    np.testing.assert_allclose(prediction.detach().numpy(), model.predict(features), atol=1e-9)
    prediction.sum().backward()
    assert torch.isfinite(rows.grad).all()
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(again.predict(features), model.predict(features))
