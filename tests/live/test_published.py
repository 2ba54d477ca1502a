"""Supernets of published recipes are as large as their publications print them."""

import pytest
import torch

from hwbench.live.config import load_config
from hwbench.live.run import weight_sets
from hwbench.live.supernets.mixed_operation import LinearTransformer
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet


def _supernet(name):
    space = load_config(name).space
    return make_supernet(
        space.name,
        operations=space.operations,
        options=NetworkOptions(affine=space.affine, linear_transformers=space.linear_transformers),
        channels=space.channels,
        depth=space.depth,
        input_channels=3,
        input_size=32,
        classes=10,
    )


def _parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", ["spos", "conditional_weights", "fair_nas"])
def test_nasbench201_cells(name):
    # LAUBE Table B.2, cell by cell.
    supernet = _supernet(name)
    assert _parameters(supernet) == 782_938
    assert _parameters(supernet.stem) == 464
    blocks = [16_896, 16_896, 14_464, 67_584, 67_584, 57_600, 270_336, 270_336]
    assert [_parameters(block) for block in supernet.blocks] == blocks
    assert _parameters(supernet.last) + _parameters(supernet.classifier) == 778
    assert weight_sets(supernet) == 12
    supernet.restructure(supernet.split_structure())
    assert weight_sets(supernet) == 76


@pytest.mark.parametrize("name", ["spos_macro", "conditional_weights_macro"])
def test_layers_of_nasbench_macro(name):
    # LAUBE Table B.3, layer by layer.
    supernet = _supernet(name)
    assert _parameters(supernet) == 4_221_386
    assert _parameters(supernet.stem) == 928
    layers = [36_896, 87_616, 133_184, 322_688, 322_688, 503_936, 1_235_200, 1_235_200]
    assert [_parameters(layer) for layer in supernet.layers] == layers
    assert _parameters(supernet.head) + _parameters(supernet.classifier) == 343_050


def test_blocks_of_autosnn():
    # Counted by hand from NA Fig. 5.2: all five candidates of each of the five blocks.
    supernet = _supernet("autosnn")
    blocks = [_parameters(block) for block in supernet.mixed_operations()]
    assert blocks == [35_080, 106_697, 139_784, 425_353, 558_088]
    assert _parameters(supernet.stem) == 465
    assert _parameters(supernet.classifier) == 102_401
    assert _parameters(supernet) == sum(blocks) + 465 + 102_401
    selection = load_config("autosnn").selection
    assert (selection["evaluations"], selection["n_initial"]) == (200, 20)  # ten rounds of 20
    assert selection["fitness"] == {"measurement": "spikes", "exponent": -0.08}


@pytest.mark.parametrize(
    ("name", "architectures"),
    [
        ("spos_no_zero", 4096),
        ("conditional_weights_no_zero", 4096),
        ("spos_only_conv", 64),
        ("conditional_weights_only_conv", 64),
    ],
)
def test_subsets(name, architectures):
    assert len(_supernet(name).architectures()) == architectures


def test_a_skip_of_a_supernet_is_a_convolution_and_that_of_an_architecture_is_kept_with_it():
    supernet = _supernet("spos").eval()
    skips = [each.candidates["skip_connect"] for each in supernet.mixed_operations()]
    assert all(isinstance(each, LinearTransformer) for each in skips)
    network = supernet.finalised([1, 3, 1, 2, 4, 0])
    images = torch.randn(2, 3, 32, 32)
    expected = supernet(images, supernet.mixture_of([1, 3, 1, 2, 4, 0]))
    torch.testing.assert_close(network(images), expected)
