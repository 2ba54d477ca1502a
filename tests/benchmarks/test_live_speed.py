"""Steps of supernets beside a plain loop over the same operations, and of one path beside all."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from hwbench.images.augmentation import Augmentation
from hwbench.images.parts import SearchData, split_images
from hwbench.images.sets import load_images
from hwbench.live.strategies.darts import DARTS
from hwbench.live.strategies.single_path import SPOS
from hwbench.live.supernets.cell import SearchCell
from hwbench.live.supernets.supernet import make_supernet
from hwbench.live.trainers.base import SingleLevel
from hwbench.live.trainers.bilevel import Bilevel
from hwbench.spaces.edge_cell import EDGES

SKELETON = {"channels": 8, "depth": 1, "input_channels": 1, "input_size": 8}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data() -> SearchData:
    return split_images(load_images("digits"), 0.5, 0)


class PlainNetwork(nn.Module):
    """The same modules, mixed as published DARTS code does: sum(w * op(x)) over every candidate.

    Tensors are laid out as torch does by default, which that code leaves as it is.
    """

    def __init__(self, supernet):
        super().__init__()
        self.supernet = supernet.to(memory_format=torch.contiguous_format)
        self.alpha = nn.Parameter(1e-3 * torch.randn(6, 5))

    def forward(self, images):
        weights = torch.softmax(self.alpha, dim=1)
        features = self.supernet.stem(images)
        for block in self.supernet.blocks:
            features = self._cell(block, features, weights) if _is_cell(block) else block(features)
        features = self.supernet.last(features)
        return self.supernet.classifier(torch.mean(features, dim=(2, 3)))

    def _cell(self, cell, features, weights):
        nodes = [features]
        for target in (1, 2, 3):
            nodes.append(
                sum(
                    sum(
                        weight * operation(nodes[source])
                        for weight, operation in zip(
                            weights[place], cell.operations[place].candidates.values(), strict=True
                        )
                    )
                    for place, (source, end) in enumerate(EDGES)
                    if end == target
                )
            )
        return nodes[-1]


def _is_cell(block):
    return isinstance(block, SearchCell)


def _plain_epoch(network, data):
    """Published DARTS, first order: both backward passes give the gradients of everything."""
    weights = torch.optim.SGD(network.supernet.parameters(), 0.025, 0.9, weight_decay=3e-4)
    alphas = torch.optim.Adam([network.alpha], 3e-4, (0.5, 0.999), weight_decay=1e-3)
    network.train()
    for batch, other in zip(data.train.shuffled(64), data.validation.shuffled(64), strict=True):
        alphas.zero_grad()
        cross_entropy(network(other.images), other.labels).backward()
        alphas.step()
        weights.zero_grad()
        loss = cross_entropy(network(batch.images), batch.labels)
        loss.backward()
        nn.utils.clip_grad_norm_(network.supernet.parameters(), 5.0)
        weights.step()


@pytest.mark.benchmark(group="an epoch of a DARTS supernet")
def test_darts_epoch(benchmark, data):
    supernet = make_supernet("nasbench201", **SKELETON)
    trainer = Bilevel(epochs=50, batch_size=64, gradient_clip=5.0)
    trainer.start(supernet, DARTS().attach(supernet))
    benchmark.pedantic(
        trainer.train_epoch, args=(0, data, Augmentation()), rounds=8, warmup_rounds=1
    )


@pytest.mark.benchmark(group="an epoch of a DARTS supernet")
def test_darts_epoch_of_a_plain_loop(benchmark, data):
    network = PlainNetwork(make_supernet("nasbench201", **SKELETON))
    benchmark.pedantic(_plain_epoch, args=(network, data), rounds=8, warmup_rounds=1)


@pytest.mark.benchmark(group="an epoch of single paths")
def test_spos_epoch(benchmark, data):
    supernet = make_supernet("nasbench201", **SKELETON)
    trainer = SingleLevel(epochs=50, batch_size=64)
    trainer.start(supernet, SPOS().attach(supernet))
    benchmark.pedantic(
        trainer.train_epoch, args=(0, data, Augmentation()), rounds=8, warmup_rounds=1
    )


@pytest.mark.benchmark(group="an epoch of single paths")
def test_epoch_of_one_network_alone(benchmark, data):
    network = make_supernet("nasbench201", **SKELETON).space.network([3, 1, 2, 4, 3, 0], **SKELETON)
    optimizer = torch.optim.SGD(network.parameters(), 0.025, 0.9, weight_decay=3e-4)

    def epoch():
        for batch in data.train.shuffled(64):
            optimizer.zero_grad()
            cross_entropy(network(batch.images), batch.labels).backward()
            optimizer.step()

    benchmark.pedantic(epoch, rounds=8, warmup_rounds=1)
