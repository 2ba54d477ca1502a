"""Networks of the literature are as large as their publications and their code say."""

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.retrain_network import auxiliary_head
from hwbench.spaces import get_space
from hwbench.spaces.published.network import InvertedBottleneck
from hwbench.spaces.published.networks import NETWORKS, CellPair
from hwbench.testing import check_space

SPACE, DARTS = get_space("published_networks"), get_space("darts")
IMAGENET = {"input_size": 224, "classes": 1000}
SMALL = {"channels": 4, "depth": 1, "input_size": 16}


def of(name, count, **skeleton):
    return int(count([SPACE.from_string(name)], **skeleton)[0])


def test_the_space_keeps_its_promises():
    check_space("published_networks", samples=len(NETWORKS))
    check_space("published_networks", samples=3, depth=3, input_size=72, classes=4)


@pytest.mark.parametrize(
    ("name", "printed", "counted"),
    [
        ("DARTS-V1", 3.3, 3_169_414),  # NA 306-345; its code counts 3.17 without auxiliary head
        ("DARTS-V2", 3.3, 3_349_342),
        ("PDARTS", 3.4, 3_433_798),
        ("ASAP", 2.5, 2_538_046),
        ("PR-DARTS DL1", 3.2, 3_174_166),  # LAUBE Table 4.4
        ("PR-DARTS DL2", 4.0, 4_017_646),
        ("PR-DARTS DR", 4.2, 4_248_766),
        ("PR-DARTS UR", 5.4, 5_369_158),
    ],
)
def test_networks_of_cells_on_cifar10(name, printed, counted):
    assert of(name, SPACE.parameters) == counted
    assert counted / 1e6 == pytest.approx(printed, abs=0.14)


@pytest.mark.parametrize(
    ("name", "counted", "multiply_adds"),
    [
        ("MobileNet-V2", 3_504_872, 300.8),  # 300 M are printed
        ("Proxyless-RM", 4_080_512, 320.4),  # 320 M
        ("FairNAS-C", 4_397_864, 321.0),  # 4.4 M and 321 M
    ],
)
def test_mobile_networks_on_imagenet(name, counted, multiply_adds):
    assert of(name, SPACE.parameters, **IMAGENET) == counted
    assert of(name, SPACE.flops, **IMAGENET) / 1e6 == pytest.approx(multiply_adds, abs=0.05)


def test_enas_has_two_projections_and_joins_what_is_unused():
    pair = NETWORKS["ENAS"]
    assert pair.normal.joined == (2, 3, 4, 5, 6)
    assert pair.reduction.joined == (2, 4, 5, 6)
    assert of("ENAS", SPACE.parameters) == 3_894_382
    network = SPACE.network(SPACE.from_string("ENAS"))
    assert len(network.cells) == 17
    head = auxiliary_head(network, 32, 10)
    # 4.39 M with an auxiliary head; the publication prints 4.6 M.
    total = sum(each.numel() for each in [*network.parameters(), *head.parameters()])
    assert total / 1e6 == pytest.approx(4.37, abs=0.01)


@pytest.mark.parametrize("name", ["DARTS-V1", "DARTS-V2", "PDARTS", "ASAP"])
def test_genotypes_are_architectures_of_darts(name):
    items = {}
    for cell, each in (("normal", NETWORKS[name].normal), ("reduce", NETWORKS[name].reduction)):
        edges = ", ".join(f"('{operation}', {source})" for operation, source, _ in each.items)
        items[cell] = f"{cell}=[{edges}], {cell}_concat=range(2, 6)"
    arch = DARTS.from_string(f"Genotype({items['normal']}, {items['reduce']})")
    for count, own in ((SPACE.parameters, DARTS.parameters), (SPACE.flops, DARTS.flops)):
        assert of(name, count) == own([arch])[0]
    images = torch.randn(2, 3, 16, 16)
    mine = SPACE.network(SPACE.from_string(name), seed=3, **SMALL).eval()
    assert torch.equal(mine(images), DARTS.network(arch, seed=3, **SMALL).eval()(images))


@pytest.mark.parametrize("name", NETWORKS)
def test_they_learn(name):
    network = SPACE.network(SPACE.from_string(name), **SMALL)
    logits = network(torch.randn(4, 3, 16, 16))
    torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_depth_is_the_most_of_a_stage():
    assert len(SPACE.network([0], channels=4, depth=9).cells) == 17  # ENAS has five a stage
    chain = SPACE.network(SPACE.from_string("MobileNet-V2"), channels=4, depth=2)
    assert sum(isinstance(each, InvertedBottleneck) for each in chain.layers) == 1 + 5 * 2 + 1
    with pytest.raises(HwbenchError, match="did you mean 'MobileNet-V2'"):
        SPACE.from_string("MobileNetV2")


def test_small_images_are_halved_less():
    chains = [name for name, each in NETWORKS.items() if not isinstance(each, CellPair)]
    assert len(chains) == 3
    for name in chains:
        network = SPACE.network(SPACE.from_string(name), channels=4, depth=1)
        for size, left in ((32, 4), (64, 8), (224, 7)):
            made = SPACE.network(SPACE.from_string(name), channels=4, depth=1, input_size=size)
            features = made.layers(made.stem(torch.zeros(1, 3, size, size)))
            assert features.shape[2:] == (left, left)
        assert network.classifier.out_features == 10
