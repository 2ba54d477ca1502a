"""The training loop beside loops that are written out, to the last bit."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import Descent, DivergedError, evaluate, fit, restore, sgd, state_of
from hwbench.images.parts import Part
from hwbench.optimisation import chained_half_cosine, half_cosine

EPOCHS, BATCH = 3, 8


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randn(27, 1, 6, 6, generator=generator)
    return Part(pixels, torch.arange(27) % 3, torch.tensor([-2.0]))


def _network():
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 3)
    )


def _optimizer(network):
    return sgd(
        network.parameters(),
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=1e-2,
        nesterov=True,
        decay_vectors=False,
    )


def _equal(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def _trained(images, network=None, optimizer=None, **options):
    """A network trained by `fit` with everything that a training may have."""
    network = network or _network()
    optimizer = optimizer or _optimizer(network)
    fit(
        Descent(network=network, optimizer=optimizer, gradient_clip=0.5),
        images,
        optimizer,
        half_cosine(0.1, 0.01),
        epochs=EPOCHS,
        batch_size=BATCH,
        augmentation=Augmentation(shift=1, flip=True, cutout=2),
        **options,
    )
    return network


def test_the_loop_is_the_one_written_out(images):
    seen = []
    found = _trained(images, after_epoch=lambda epoch, done: seen.append((epoch, done)))
    state = torch.get_rng_state()

    network = _network()
    vectors = [weight for weight in network.parameters() if weight.dim() == 1]
    matrices = [weight for weight in network.parameters() if weight.dim() > 1]
    optimizer = torch.optim.SGD(
        [{"params": matrices, "weight_decay": 1e-2}, {"params": vectors}],
        lr=0.1,
        momentum=0.9,
        nesterov=True,
    )
    augmentation = Augmentation(shift=1, flip=True, cutout=2)
    for epoch in range(EPOCHS):
        order = torch.randperm(27)
        losses, right = [], []
        for step in range(3):
            rate = 0.01 + 0.09 * 0.5 * (1 + math.cos(math.pi * (epoch * 3 + step) / 9))
            for group in optimizer.param_groups:
                group["lr"] = rate
            rows = order[step * BATCH : (step + 1) * BATCH]
            optimizer.zero_grad()
            logits = network(augmentation(images.images[rows], images.black))
            loss = cross_entropy(logits, images.labels[rows])
            loss.backward()
            nn.utils.clip_grad_norm_([*matrices, *vectors], 0.5)
            optimizer.step()
            losses.append(loss.item())
            right.append((logits.argmax(dim=1) == images.labels[rows]).sum().item())
        number, done = seen[epoch]
        assert number == epoch
        assert done.learning_rate == pytest.approx(rate, rel=1e-12)
        assert done.losses.tolist() == losses
        assert done.accuracies.tolist() == [count / BATCH for count in right]
    assert _equal(found, network)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_order_of_ones_own_leaves_the_default_generator_alone(images):
    before = torch.get_rng_state()
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    torch.set_rng_state(before)
    optimizer = sgd(network.parameters(), learning_rate=0.1, momentum=0.0, weight_decay=0.0)
    fit(
        Descent(network=network, optimizer=optimizer),
        images,
        optimizer,
        half_cosine(0.1),
        epochs=2,
        batch_size=BATCH,
        generator=torch.Generator().manual_seed(3),
    )
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("stop", [1, 2])
def test_a_stopped_training_goes_on_to_the_same_weights(images, stop, tmp_path):
    whole = _trained(images)
    network = _network()
    optimizer = _optimizer(network)

    def checkpoint(epoch, _done):
        torch.save(state_of(network=network, optimizer=optimizer), tmp_path / "state")
        if epoch + 1 == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _trained(images, network=network, optimizer=optimizer, after_epoch=checkpoint)
    torch.manual_seed(99)
    network = _network()
    optimizer = _optimizer(network)
    state = torch.load(tmp_path / "state", weights_only=True)
    restore(state, network=network, optimizer=optimizer)
    _trained(images, network=network, optimizer=optimizer, first_epoch=stop)
    assert _equal(whole, network)


def test_an_auxiliary_loss_moves_weights_and_is_not_in_what_is_returned(images):
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    optimizer = sgd(network.parameters(), learning_rate=0.1, momentum=0.0, weight_decay=0.0)
    before = network[1].weight.detach().clone()
    plain = cross_entropy(network(images.images), images.labels)
    (gradient,) = torch.autograd.grad(plain, network[1].weight)
    step = Descent(
        network=network,
        optimizer=optimizer,
        auxiliary_loss=lambda _batch: 2.0 * network[1].weight.sum(),
    )
    loss, _ = step(images)
    assert loss.item() == plain.item()
    torch.testing.assert_close(network[1].weight, before - 0.1 * (gradient + 2.0))


def test_mixed_precision_computes_passes_in_it(images):
    seen = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    network[1].register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    optimizer = sgd(network.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    Descent(network=network, optimizer=optimizer, precision="bfloat16")(images)
    Descent(network=network, optimizer=optimizer)(images)
    assert seen == [torch.bfloat16, torch.float32]
    assert network[1].weight.dtype == torch.float32


def test_evaluation_counts_and_sums_over_batches(images):
    network = _network().eval()
    found = evaluate(network, images, batch_size=10)
    logits = network(images.images)
    assert found.images == 27
    assert found.right == int((logits.argmax(dim=1) == images.labels).sum())
    assert found.accuracy == 100.0 * found.right / 27
    assert found.loss == pytest.approx(cross_entropy(logits, images.labels).item(), rel=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_the_chained_schedule_is_torchs(steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    chained, plain = chained_half_cosine(0.1), half_cosine(0.1)
    for step in range(steps):
        rate = optimizer.param_groups[0]["lr"]
        assert chained(step, steps) == rate
        assert plain(step, steps) == pytest.approx(rate, rel=1e-9)
        optimizer.step()
        scheduler.step()


def test_a_loss_that_is_no_number_ends_the_training(images):
    network = _network()
    optimizer, calls = _optimizer(network), []

    def step(batch):
        calls.append(len(batch))
        loss = torch.tensor(math.inf if len(calls) == 5 else 1.0)
        return loss, network(batch.images)

    with pytest.raises(DivergedError, match="diverged: from step 2 of 3 of epoch 2 of 3 on"):
        fit(step, images, optimizer, half_cosine(0.1), epochs=EPOCHS, batch_size=BATCH)
    assert len(calls) == 6
