"""The parts of a recipe beside torch's own, and the rates of a warm-up."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from hwbench.errors import HwbenchError
from hwbench.images.parts import Part
from hwbench.images.recipe import FitRecipe
from hwbench.live.schedules import Cosine


def _recipe(**fields):
    return FitRecipe(**{"epochs": 4, "batch_size": 9, "learning_rate": 0.2, **fields})


def _images():
    generator = torch.Generator().manual_seed(1)
    return Part(torch.randn(27, 1, 4, 4, generator=generator), torch.arange(27) % 3)


def test_smoothed_labels_are_torchs_own():
    images, recipe = _images(), _recipe(epochs=1, label_smoothing=0.2, momentum=0.0)
    torch.manual_seed(3)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    torch.manual_seed(3)
    expected = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    losses = []
    order = torch.Generator().manual_seed(5)
    recipe.fit(
        network,
        recipe.optimizer(network.parameters()),
        images,
        generator=order,
        after_epoch=lambda _epoch, found: losses.extend(found.losses.tolist()),
    )
    loss = nn.CrossEntropyLoss(label_smoothing=0.2)
    optimizer = torch.optim.SGD(expected.parameters(), weight_decay=5e-4)
    rows = torch.randperm(27, generator=torch.Generator().manual_seed(5)).split(9)
    found = []
    for step, some in enumerate(rows):
        optimizer.param_groups[0]["lr"] = 0.2 * 0.5 * (1 + math.cos(math.pi * step / 3))
        optimizer.zero_grad()
        value = loss(expected(images.images[some]), images.labels[some])
        value.backward()
        optimizer.step()
        found.append(value.item())
    assert losses == found
    assert torch.equal(network[1].weight, expected[1].weight)
    plain = cross_entropy(expected(images.images), images.labels)
    assert recipe.loss(expected(images.images), images.labels) != plain


def test_the_optimiser_has_every_field():
    recipe = _recipe(momentum=0.8, nesterov=True, weight_decay=0.03)
    (group,) = recipe.optimizer([nn.Parameter(torch.zeros(2))]).param_groups
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.8, True, 0.03)


def test_rates_rise_in_a_line_and_fall_along_the_rest():
    rate = _recipe(warm_up_epochs=1).schedule()
    rates = [rate(step, 40) for step in range(40)]  # 10 steps an epoch
    assert rates[:11] == pytest.approx([0.02 * step for step in range(11)])
    falling = [0.1 * (1 + math.cos(math.pi * step / 30)) for step in range(30)]
    assert rates[10:] == pytest.approx(falling)
    assert rates == pytest.approx(
        [Cosine(warm_up_epochs=1).rate(0.2, s / 10, 4) for s in range(40)]
    )


def test_no_warm_up_begins_at_the_top():
    rate = _recipe().schedule()
    assert rate(0, 12) == 0.2
    assert rate(6, 12) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"warm_up_epochs": 4}, "training: warm_up_epochs must be fewer than the 4 epochs, not 4"),
        ({"momentum": 0.0, "nesterov": True}, "training: nesterov needs a momentum above 0"),
        ({"label_smoothing": -0.1}, "training: label_smoothing must be at least 0, not -0.1"),
        ({"precision": "float16"}, "unknown precision 'float16'"),
    ],
)
def test_what_does_not_go_is_said(fields, message):
    with pytest.raises(HwbenchError, match=message):
        _recipe(**fields)
