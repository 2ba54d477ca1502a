import pytest
import torch
from torch.nn.functional import cross_entropy

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.live.search import make_search
from hwbench.live.strategies.darts import DARTS
from hwbench.live.strategies.sampled import SNAS, ProxylessNAS
from hwbench.live.strategies.single_path import SPOS
from hwbench.live.supernets.mixture import Choice
from hwbench.live.trainers import bilevel
from hwbench.live.trainers.base import SingleLevel
from hwbench.live.trainers.bilevel import Bilevel
from hwbench.live.trainers.larc import scale_gradients
from hwbench.testing.live_example import example_config


def _started(trainer, cells, strategy=None):
    supernet = cells()
    strategy = strategy or DARTS()
    trainer.start(supernet, strategy.attach(supernet))
    return supernet, strategy


def test_second_order_gradient_is_that_of_the_step_ahead(cells, data, monkeypatch):
    # Against autograd through the step. The perturbation is small enough that no ReLU switches.
    monkeypatch.setattr(bilevel, "PERTURBATION", 1e-6)
    trainer = Bilevel(order=2, weights={"name": "sgd", "learning_rate": 0.05, "weight_decay": 1e-2})
    supernet, strategy = _started(trainer, cells)
    supernet.double()
    strategy.double()
    train, validation = (
        type(part)(part.images.double(), part.labels) for part in (data.train, data.validation)
    )
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    trainer.second_order_gradient(train, validation)
    for name, value in supernet.state_dict().items():
        assert torch.equal(value, before[name]), name
    weights = dict(supernet.named_parameters())
    momentum = {}
    for name, weight in weights.items():
        momentum[name] = torch.randn_like(weight)
        trainer.weight_optimizer.state[weight]["momentum_buffer"] = momentum[name]
    trainer.second_order_gradient(train, validation)
    loss = cross_entropy(supernet(train.images, strategy.mixture()), train.labels)
    gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    moved = {
        name: weight - 0.05 * (gradient + 1e-2 * weight + 0.9 * momentum[name])
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }
    logits = torch.func.functional_call(supernet, moved, (validation.images, strategy.mixture()))
    exact = torch.autograd.grad(cross_entropy(logits, validation.labels), strategy.alpha)[0]
    torch.testing.assert_close(strategy.alpha.grad, exact, rtol=1e-4, atol=1e-8)
    trainer.first_order_gradient(validation)
    assert not torch.allclose(strategy.alpha.grad, exact, rtol=0.1)


def test_no_step_ahead_is_first_order(cells, data):
    trainer = Bilevel(order=2)
    _, strategy = _started(trainer, cells)
    for group in trainer.weight_optimizer.param_groups:
        group["lr"] = 0.0
    trainer.second_order_gradient(data.train, data.validation)
    second = strategy.alpha.grad.clone()
    trainer.first_order_gradient(data.validation)
    torch.testing.assert_close(second, strategy.alpha.grad)


def test_larc_steps_are_as_long_as_the_weights(cells, data):
    trainer = SingleLevel(larc=True)
    supernet, strategy = _started(trainer, cells)
    loss, _ = trainer.weight_loss(data.train, strategy.mixture())
    loss.backward()
    stem = supernet.stem[0].weight.grad.clone()
    operation = supernet.blocks[0].operations[2].candidates["nor_conv_3x3"]
    direction = operation[1].weight.grad.clone()
    scale_gradients(supernet, 0.5)
    weight = operation[1].weight
    assert weight.grad.norm().item() == pytest.approx(0.5 * weight.norm().item(), rel=1e-4)
    cosine = torch.nn.functional.cosine_similarity(
        weight.grad.flatten(), direction.flatten(), dim=0
    )
    assert cosine.item() == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(supernet.stem[0].weight.grad, stem)  # no candidate: as it was


def test_gradients_outside_candidates_do_not_depend_on_larc(cells, data):
    """Clipped before the scaling: a limit that candidates' rates count for would slow the rest."""
    stems = []
    for larc in (False, True):
        torch.manual_seed(3)
        trainer = SingleLevel(larc=larc, gradient_clip=0.01, weights={"name": "sgd", "momentum": 0})
        supernet, strategy = _started(trainer, cells)
        loss, _ = trainer.weight_loss(data.train, strategy.mixture())
        loss.backward()
        trainer.step_weights()
        inside = {
            id(weight)
            for mixed in supernet.mixed_operations()
            for weight in mixed.candidates.parameters()
        }
        stems.append([w.grad.clone() for w in supernet.parameters() if id(w) not in inside])
    assert len(stems[0]) > 5
    for without, within in zip(*stems, strict=True):
        assert torch.equal(without, within)


def test_images_of_the_parameters_are_changed_as_those_of_the_weights(cells, data):
    trainer = Bilevel(epochs=1, batch_size=8)
    _started(trainer, cells)
    seen = []
    gradient = trainer.first_order_gradient
    trainer.first_order_gradient = lambda batch: (seen.append(batch.images), gradient(batch))
    trainer.train_epoch(0, data, Augmentation(cutout=8))
    cut = [bool((image == 0).any()) for batch in seen for image in batch]
    assert len(cut) == 24
    assert all(cut)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_labels_are_smoothed_in_training_alone(cells, data, smoothing):
    trainer = SingleLevel(label_smoothing=smoothing)
    supernet, strategy = _started(trainer, cells)
    mixture = strategy.mixture()
    loss, output = trainer.weight_loss(data.train, mixture)
    expected = cross_entropy(output, data.train.labels, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        supernet.loss(output, data.train.labels), cross_entropy(output, data.train.labels)
    )


def test_weights_may_be_moved_by_adam(cells, data):
    trainer = SingleLevel(epochs=2, batch_size=8, weights={"name": "adam", "learning_rate": 0.01})
    supernet, _ = _started(trainer, cells, SPOS())
    before = supernet.stem[0].weight.detach().clone()
    trainer.train_epoch(0, data, Augmentation())
    assert isinstance(trainer.weight_optimizer, torch.optim.Adam)
    assert not torch.equal(supernet.stem[0].weight, before)
    with pytest.raises(HwbenchError, match="order 2 needs the optimiser sgd"):
        Bilevel(order=2, weights={"name": "adam"})


def test_steps_after_training_are_a_tenth_as_long_and_train_the_parameters_too(cells, data):
    trainer = Bilevel(epochs=1, batch_size=8, weights={"name": "sgd", "learning_rate": 0.2})
    supernet, strategy = _started(trainer, cells)
    fixed = Choice((3,))
    seen = []
    operation = next(iter(supernet.mixed_operations()))
    for name, module in operation.candidates.items():
        module.register_forward_hook(lambda *_, name=name: seen.append(name))
    alpha = strategy.alpha.detach().clone()
    with trainer.tuning(lambda mixture: mixture.replaced({0: fixed})):
        found = trainer.tune_epoch(data, Augmentation())
    assert found["learning_rate"] == pytest.approx(0.02)
    assert set(seen) == {"nor_conv_3x3"}
    assert not torch.equal(strategy.alpha[1:], alpha[1:])
    seen.clear()
    supernet(data.train.images, strategy.mixture())
    assert len(seen) > 1


def test_bilevel_moves_each_side_by_its_own_images(cells, data):
    trainer = Bilevel(warm_up_epochs=1, epochs=2, batch_size=8)
    supernet, strategy = _started(trainer, cells)
    alpha = strategy.alpha.detach().clone()
    weight = supernet.stem[0].weight.detach().clone()
    trainer.train_epoch(0, data, Augmentation())
    assert torch.equal(strategy.alpha, alpha)
    assert not torch.equal(supernet.stem[0].weight, weight)
    trainer.train_epoch(1, data, Augmentation())
    assert not torch.equal(strategy.alpha, alpha)
    assert strategy.alpha.requires_grad


def test_learning_rate_falls_along_a_half_cosine(cells, data):
    trainer = SingleLevel(
        epochs=4,
        batch_size=24,
        weights={"name": "sgd", "learning_rate": 0.1},
        schedule={"name": "cosine", "final_learning_rate": 0.02},
    )
    _started(trainer, cells, SPOS())
    rates = [
        trainer.train_epoch(epoch, data, Augmentation())["learning_rate"] for epoch in range(4)
    ]
    assert rates == pytest.approx([0.1, 0.0882843, 0.06, 0.0317157], rel=1e-5)


def test_weight_decay_may_leave_out_vectors(cells):
    trainer = SingleLevel(weights={"name": "sgd", "decay_vectors": False})
    _started(trainer, cells, SPOS())
    decayed, others = trainer.weight_optimizer.param_groups
    assert all(weight.dim() > 1 for weight in decayed["params"])
    assert others["weight_decay"] == 0.0
    assert others["params"]


def test_cost_pulls_towards_cheap_candidates(cells, data):
    supernet = cells()
    strategy = DARTS().attach(supernet)
    trainer = Bilevel(epochs=3, batch_size=8, architecture={"name": "adam", "learning_rate": 0.1})
    trainer.start(supernet, strategy, cost=lambda shares: 50.0 * shares[:, 3].sum())
    for epoch in range(3):
        trainer.train_epoch(epoch, data, Augmentation())
    assert 3 not in supernet.derive(strategy.strengths())
    assert (strategy.strengths()[:, 3] < 0.15).all()


@pytest.mark.parametrize(
    ("trainer", "strategy", "message"),
    [
        (Bilevel(), SPOS(), "SPOS has no parameters that a loss trains; use single_level"),
        (Bilevel(order=2), SNAS(), "order 2 needs a strategy that draws nothing"),
        (SingleLevel(), ProxylessNAS(), "use bilevel"),
    ],
)
def test_what_does_not_go_together_is_said(cells, trainer, strategy, message):
    with pytest.raises(HwbenchError, match=message):
        _started(trainer, cells, strategy)


@pytest.mark.parametrize(
    ("strategy", "trainer"),
    [
        ("darts", {"name": "bilevel"}),
        ("darts", {"name": "bilevel", "order": 2}),
        ("vs_darts", {"name": "bilevel", "larc": True}),
        ("gdas", {"name": "bilevel"}),
        ("spos", {"name": "single_level"}),
    ],
)
def test_mixed_precision_trains_almost_the_same(strategy, trainer):
    losses = {}
    for precision in ("float32", "bfloat16"):
        settings = {**trainer, "epochs": 1, "batch_size": 32, "precision": precision}
        with seeded(0, torch.device("cpu"), 1):
            search = make_search(example_config(strategy, trainer=settings), torch.device("cpu"))
            seen = []
            search.supernet.classifier.register_forward_hook(
                lambda _, inputs, output, seen=seen: seen.append(output.dtype)
            )
            losses[precision] = search.train_epoch(0)["train_loss"]
            kinds = {weight.dtype for weight in search.supernet.parameters()}
        assert kinds == {torch.float32}
        assert (torch.bfloat16 in seen) == (precision == "bfloat16")
    assert losses["float32"] != losses["bfloat16"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
