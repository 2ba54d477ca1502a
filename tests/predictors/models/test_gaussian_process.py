"""The Gaussian process solves the textbook's equations, and its deviations are honest."""

import pickle

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.base import clone

import hwbench as hb
from hwbench.predictors.models.gaussian_process import (
    LEAST_NOISE,
    GaussianProcess,
    _Evidence,
    squared_exponential,
)
from hwbench.predictors.models.gpytorch_process import gpytorch


@pytest.fixture
def data():
    """One-hot features and a noisy target of them, standardised; noise of deviation 0.3."""
    space = hb.get_space("nasbench201")
    features = space.encode(space.sample(400, seed=3)).astype(np.float64)
    rng = np.random.default_rng(0)
    signal = np.tanh(features @ rng.normal(size=features.shape[1]))
    signal = (signal - signal.mean()) / signal.std()
    return features, signal + 0.3 * rng.normal(size=len(signal))


def test_covariance_is_the_formula():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    distance = ((first[:, None] - second) ** 2).sum(axis=2)
    np.testing.assert_allclose(
        squared_exponential(first, second, 1.5, 2.0), 2.0 * np.exp(-0.5 * distance / 1.5**2)
    )
    np.testing.assert_allclose(np.diag(squared_exponential(first, first, 1.5, 2.0)), 2.0)


def test_predictions_are_those_of_the_definition(data):
    features, targets = data
    model = GaussianProcess(random_state=0).fit(features[:60], targets[:60])
    mean, deviation = model.predict(features[60:], return_std=True)
    among = squared_exponential(
        features[:60], features[:60], model.lengthscale_, model.outputscale_
    ) + model.noise_ * np.eye(60)
    across = squared_exponential(
        features[60:], features[:60], model.lengthscale_, model.outputscale_
    )
    inverse = np.linalg.inv(among)
    expected = model.constant_ + across @ inverse @ (targets[:60] - model.constant_)
    variance = model.outputscale_ + model.noise_ - np.diag(across @ inverse @ across.T)
    np.testing.assert_allclose(mean, expected, rtol=1e-8)
    np.testing.assert_allclose(deviation**2, variance, rtol=1e-8)
    np.testing.assert_array_equal(model.predict(features[60:]), mean)


def test_predictions_agree_with_gpytorch(data):
    features, targets = data
    model = GaussianProcess(random_state=0).fit(features[:80], targets[:80])
    likelihood = gpytorch.likelihoods.GaussianLikelihood(
        noise_constraint=gpytorch.constraints.GreaterThan(LEAST_NOISE)
    )

    class Exact(gpytorch.models.ExactGP):
        def __init__(self):
            super().__init__(torch.tensor(features[:80]), torch.tensor(targets[:80]), likelihood)
            self.mean = gpytorch.means.ConstantMean()
            self.kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel())

        def forward(self, rows):
            return gpytorch.distributions.MultivariateNormal(self.mean(rows), self.kernel(rows))

    theirs = Exact().double()
    theirs.mean.constant.data.fill_(model.constant_)
    theirs.kernel.base_kernel.lengthscale = model.lengthscale_
    theirs.kernel.outputscale = model.outputscale_
    likelihood.noise = model.noise_
    theirs.eval()
    with torch.no_grad():
        expected = likelihood(theirs(torch.tensor(features[80:])))
    mean, deviation = model.predict(features[80:], return_std=True)
    np.testing.assert_allclose(mean, expected.mean.numpy(), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(deviation**2, expected.variance.numpy(), rtol=1e-6)


def test_hyper_parameters_are_at_the_maximum(data):
    features, targets = data
    features, targets = features[:120], targets[:120]
    model = GaussianProcess(random_state=0).fit(features, targets)
    usual = np.sqrt(2 * features.var(axis=0).sum())

    def objective(lengthscale, outputscale, noise):
        covariance = squared_exponential(features, features, lengthscale, outputscale)
        covariance += noise * np.eye(len(features))
        likelihood = multivariate_normal(np.full(len(features), model.constant_), covariance)
        prior = -0.5 * np.log(lengthscale / usual) ** 2 - np.log(lengthscale)
        return likelihood.logpdf(targets) + prior

    best = objective(model.lengthscale_, model.outputscale_, model.noise_)
    for factors in ((1.2, 1, 1), (0.85, 1, 1), (1, 1.5, 1), (1, 0.7, 1), (1, 1, 1.3), (1, 1, 0.8)):
        changed = np.array([model.lengthscale_, model.outputscale_, model.noise_]) * factors
        assert objective(*changed) < best


def test_the_gradient_is_that_of_the_likelihood(data):
    features, targets = data
    evidence = _Evidence(features[:40], targets[:40], 3.0)
    place = np.array([0.4, -0.3, -1.5])
    steps = 1e-5 * np.eye(3)
    slopes = [(evidence(place + step)[0] - evidence(place - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(evidence(place)[1], slopes, rtol=1e-6)


def test_finds_the_noise_and_its_deviations_hold(data):
    features, targets = data
    model = GaussianProcess(random_state=0).fit(features[:300], targets[:300])
    assert 0.2 < np.sqrt(model.noise_) < 0.45
    mean, deviation = model.predict(features[300:], return_std=True)
    assert (deviation > np.sqrt(model.noise_)).all()
    inside = np.abs(mean - targets[300:]) < 2 * deviation
    assert inside.mean() > 0.9


def test_many_rows_are_drawn_by_the_seed(data):
    features, targets = data
    model = GaussianProcess(max_rows=100, max_tuning_rows=50, random_state=1)
    model.fit(features, targets)
    assert model.rows_.shape == (100, features.shape[1])
    again = clone(model).fit(features, targets)
    np.testing.assert_array_equal(again.predict(features), model.predict(features))
    other = clone(model).set_params(random_state=2).fit(features, targets)
    assert (other.predict(features) != model.predict(features)).any()


def test_same_row_with_different_targets(data):
    features, _ = data
    twice = np.repeat(features[:5], 2, axis=0)
    model = GaussianProcess().fit(twice, np.tile([0.5, -0.5], 5))
    mean, deviation = model.predict(features, return_std=True)
    np.testing.assert_allclose(mean, 0.0, atol=1e-3)
    assert (deviation > 0.3).all()


def test_rows_that_are_all_the_same():
    model = GaussianProcess().fit(np.ones((4, 3)), np.array([1.0, -1.0, 2.0, -2.0]))
    mean, deviation = model.predict(np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]]), return_std=True)
    assert np.isfinite([mean, deviation]).all()
    assert abs(mean[0]) < 0.5


def test_module_predicts_alike_and_has_a_gradient(data):
    features, targets = data
    model = GaussianProcess(random_state=0).fit(features[:50], targets[:50])
    rows = torch.tensor(features, requires_grad=True)
    prediction = model.to_torch()(rows)
    found = prediction.detach().numpy()
    np.testing.assert_allclose(found, model.predict(features), rtol=1e-9, atol=1e-12)
    prediction.sum().backward()
    assert torch.isfinite(rows.grad).all()
    step = np.zeros_like(features)
    step[:, 4] = 1e-5
    slope = (model.predict(features + step) - model.predict(features - step)) / 2e-5
    np.testing.assert_allclose(rows.grad[:, 4].numpy(), slope, rtol=1e-4, atol=1e-6)


def test_pickle_leaves_the_factor_behind(data):
    features, targets = data
    model = GaussianProcess(random_state=0).fit(features, targets)
    stored = pickle.dumps(model)
    assert len(stored) < 2 * features.nbytes
    again = pickle.loads(stored)  # noqa: S301
    for first, second in zip(
        again.predict(features, return_std=True),
        model.predict(features, return_std=True),
        strict=True,
    ):
        np.testing.assert_array_equal(first, second)


def test_global_generators_are_left_alone(data):
    features, targets = data
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    GaussianProcess(random_state=0).fit(features[:30], targets[:30]).predict(features)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
