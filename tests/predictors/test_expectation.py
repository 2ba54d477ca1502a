"""A structural Gaussian process as a module: exact where certain, an expectation between."""

import numpy as np
import pytest
import torch

import hwbench as hb

SPACE = hb.get_space("nasbench201")


def fitted(kind="raw"):
    archs = SPACE.sample(40, seed=0)
    model = hb.make_predictor(
        "structural_gaussian_process",
        space=SPACE,
        target_transform=kind,
        work_prior=0.7,
        robust=False,
        max_iterations=5,
    )
    return model.fit(archs, 1 + SPACE.flops(archs) / 1e8)


@pytest.mark.parametrize("kind", ["raw", "log", "rank"])
def test_certain_features_predict_as_the_model_does(kind):
    model = fitted(kind)
    archs = SPACE.sample(30, seed=1)
    features = torch.tensor(SPACE.encode(archs), dtype=torch.float64)
    mean, deviation = model.to_torch().mean_and_deviation(features)
    expected, spread = model.predict(archs, return_std=True)
    np.testing.assert_allclose(mean.numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(deviation.numpy(), spread, rtol=1e-6)
    np.testing.assert_allclose(model.to_torch()(features).numpy(), expected, rtol=1e-10)


def test_between_it_is_the_expectation():
    model = fitted()
    first, second = SPACE.sample(2, seed=5)
    one_place = first.copy()
    one_place[3] = (second[3] + 1) % 5 if second[3] == first[3] else second[3]
    mixed = SPACE.encode(np.stack([first, one_place])).mean(axis=0, keepdims=True)
    features = torch.tensor(mixed, dtype=torch.float64, requires_grad=True)
    mean, deviation = model.to_torch().mean_and_deviation(features)
    means, spreads = model.predict(np.stack([first, one_place]), return_std=True)
    assert mean.item() == pytest.approx(means.mean())
    assert deviation.item() == pytest.approx(np.sqrt((spreads**2).mean() + means.var()))
    mean.sum().backward()
    gain = features.grad[0, 15 + one_place[3]] - features.grad[0, 15 + first[3]]
    assert gain.item() == pytest.approx(means[1] - means[0])


def test_large_spaces_tell_the_effect_of_single_changes():
    space = hb.get_space("fbnet")
    archs = space.sample(30, seed=0)
    model = hb.make_predictor(
        "structural_gaussian_process", space=space, work_prior=0.7, robust=False, max_iterations=2
    ).fit(archs, space.flops(archs) / 1e8)
    module = model.to_torch()
    some = archs[:3]
    features = torch.tensor(space.encode(some), dtype=torch.float64, requires_grad=True)
    mean = module(features)
    np.testing.assert_allclose(mean.detach().numpy(), model.predict(some), rtol=1e-9)
    mean.sum().backward()
    changed = some[:1].copy()
    changed[0, 0] = (changed[0, 0] + 1) % space.n_choices[0]
    grown = features.grad[0, changed[0, 0]] - features.grad[0, some[0, 0]]
    wanted = model.predict(changed)[0] - model.predict(some[:1])[0]
    assert grown.item() == pytest.approx(wanted, rel=1e-6)


def test_spaces_that_leave_out_combinations_say_so():
    space = hb.get_space("nasbench101")
    archs = space.sample(10, seed=0)
    model = hb.make_predictor(
        "structural_gaussian_process", space=space, work_prior=0.7, max_iterations=0
    ).fit(archs, space.flops(archs) / 1e8)
    with pytest.raises(hb.HwbenchError, match="nasbench101 leaves out combinations"):
        model.to_torch()


def test_no_expectation_of_a_positive_metric_is_below_nothing():
    archs = SPACE.sample(40, seed=0)
    model = hb.make_predictor(
        "structural_gaussian_process", space=SPACE, target_transform="raw", max_iterations=0
    ).set_params(positive=True)
    model.fit(archs, 1e-3 + np.maximum(SPACE.flops(archs) / 1e8 - 0.5, 0))
    others = SPACE.sample(300, seed=2)
    features = torch.tensor(SPACE.encode(others), dtype=torch.float64)
    mean, deviation = model.to_torch().mean_and_deviation(features)
    expected, spread = model.predict(others, return_std=True)
    assert (mean > 0).all()
    np.testing.assert_allclose(mean.numpy(), expected, rtol=1e-8)
    np.testing.assert_allclose(deviation.numpy(), spread, rtol=1e-6)
