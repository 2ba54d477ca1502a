"""Networks trained side by side come out as they would alone, and as PyTorch would have them."""

import numpy as np
import pytest
import torch

from hwbench.optimisation import denormals_flushed
from hwbench.predictors.models.batched_mlp import Network, outputs, predict, stacks, train
from hwbench.predictors.models.mlp import MLP

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(50, 6)).astype(np.float32)
Y = np.tanh(X @ GENERATOR.normal(size=6)).astype(np.float32)


def _network(**changes):
    given = {
        "n_layers": 3,
        "width": 12,
        "learning_rate": 3e-3,
        "activation": "relu",
        "residual": False,
        "batch_size": 16,
        "steps": 60,
        "rows": np.arange(40),
        "seed": (1, 0),
    }
    return Network(**{**given, **changes})


VARIED = [
    _network(),
    _network(width=16, learning_rate=1e-2, seed=(2, 0)),
    _network(rows=np.arange(10, 50), seed=(3, 0)),
    _network(activation="tanh"),
    _network(activation="hardswish", n_layers=2),
    _network(n_layers=6, width=9, residual=True),
]


def test_side_by_side_is_as_alone():
    together = train(VARIED, X, Y)
    for network, weights in zip(VARIED, together, strict=True):
        (alone,) = train([network], X, Y)
        np.testing.assert_allclose(
            predict(weights, network.activation, network.residual, X),
            predict(alone, network.activation, network.residual, X),
            atol=2e-3,
        )


@pytest.mark.parametrize("network", VARIED, ids=range(len(VARIED)))
def test_a_step_is_pytorch_s_own(network):
    """The hand-written gradients and rates against automatic ones and torch.optim.Adam."""
    first = _one_step(network, 0)
    layers = [
        (torch.tensor(m, requires_grad=True), torch.tensor(v, requires_grad=True)) for m, v in first
    ]
    parts = [part for layer in layers for part in layer]
    optimizer = torch.optim.Adam(parts, lr=network.learning_rate, betas=(0.9, 0.99), eps=1e-12)
    rows = np.random.default_rng([*network.seed, 1]).permutation(network.rows)[:16]
    loss = torch.nn.functional.smooth_l1_loss(
        outputs(layers, network.activation, network.residual, torch.from_numpy(X[rows])),
        torch.from_numpy(Y[rows]),
    )
    loss.backward()
    optimizer.step()
    for (matrix, vector), (ours, own_vector) in zip(layers, _one_step(network, 1), strict=True):
        np.testing.assert_allclose(ours, matrix.detach().numpy(), atol=2e-4)
        np.testing.assert_allclose(own_vector, vector.detach().numpy(), atol=2e-4)


def _one_step(network, steps, monkey=pytest.MonkeyPatch):
    """Weights at the start, or after one step of the whole learning rate."""
    with monkey.context() as patch:
        share = 1.0 if steps else 0.0
        patch.setattr("hwbench.predictors.models.batched_mlp.learning_rate_share", lambda *_: share)
        changed = Network(**{**network.__dict__, "steps": 1})
        return train([changed], X, Y)[0]


def test_the_module_is_the_model_and_has_a_gradient():
    for parameters in ({}, {"n_members": 2, "residual": True, "activation": "hardswish"}):
        model = MLP(steps=40, random_state=0, **parameters).fit(X, Y)
        features = torch.tensor(X, requires_grad=True)
        predicted = model.to_torch()(features)
        np.testing.assert_allclose(predicted.detach().numpy(), model.predict(X), atol=1e-5)
        predicted.sum().backward()
        assert features.grad.abs().sum() > 0


def test_cross_validation_is_what_single_fits_give():
    folds = np.arange(50) % 5
    configurations = [{}, {"width": 20, "learning_rate": 1e-2}, {"activation": "tanh"}]
    model = MLP(steps=40, random_state=4)
    found = model.cross_val_predict(X, Y, folds, configurations)
    for configuration, row in zip(configurations, found, strict=True):
        for fold in range(5):
            single = MLP(steps=40, random_state=4, **configuration)
            single.fit(X[folds != fold], Y[folds != fold])
            np.testing.assert_allclose(
                row[folds == fold], single.predict(X[folds == fold]), atol=2e-3
            )


def test_the_global_random_state_is_left_alone():
    before = torch.random.get_rng_state()
    MLP(steps=5, random_state=0).fit(X, Y)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("before", [False, True])
def test_the_smallest_numbers_are_left_alone_outside_of_training(before):
    torch.set_flush_denormal(before)
    try:
        with denormals_flushed():
            assert torch.full((1,), 1e-40) * 1.0 == 0
        assert (torch.full((1,), 1e-40) * 1.0 == 0) == before
    finally:
        torch.set_flush_denormal(False)


def test_stacks_cost_less_than_all_apart_or_all_together():
    networks = [_network(width=width, seed=(width, 0)) for width in (16, 17, 18, 120, 121)]
    assert [sorted(places) for places in stacks(networks, 30)] == [[0, 1, 2], [3, 4]]
