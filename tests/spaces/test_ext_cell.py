"""The ExtCell space."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from hwbench.errors import HwbenchError
from hwbench.live.retrain_network import auxiliary_head
from hwbench.spaces import get_space
from hwbench.spaces.darts.space import OPERATIONS
from hwbench.testing import check_space

SPACE, DARTS = get_space("ext_cell"), get_space("darts")
SMALL = {"channels": 4, "depth": 1, "input_size": 16}
TEXT = (
    "normal: 0->2 skip_connect, 0->2 sep_conv_3x3, 2->4 dil_conv_5x5; "
    "reduction: 1->3 max_pool_3x3, 2->5 sep_conv_3x3"
)


def parameters(network):
    return sum(each.numel() for each in network.parameters())


def count_flops(seen, module, _inputs, output):
    seen.append(module.weight.numel() * output[0, 0].numel())


def test_sizes():
    assert SPACE.n_positions == 196 == 2 * 14 * 7
    assert SPACE.n_architectures == 2**196 - 1
    assert not SPACE.indexed
    sizes = SPACE.sample(2_000, seed=0).sum(axis=1)
    assert set(sizes.tolist()) == set(range(10, 17))
    counts = np.bincount(sizes)[10:]
    assert counts.min() > 200


def test_pairs_of_one_number_of_operations():
    archs = SPACE.sample_of(300, 14, seed=1)
    assert (archs.sum(axis=1) == 14).all()
    assert len(np.unique(archs, axis=0)) == 300
    assert abs(archs.mean(axis=0) - 14 / 196).max() < 0.06
    assert (SPACE.sample_of(3, 14, seed=1) == archs[:3]).all()
    with pytest.raises(HwbenchError, match="n_operations must be 2"):
        SPACE.sample_of(3, 0)
    assert len(SPACE.sample_of(196, 195)) == 196
    with pytest.raises(HwbenchError, match="has 196 architectures of 195 operations; 197 diff"):
        SPACE.sample_of(197, 195)


def test_strings_list_what_is_on():
    arch = SPACE.from_string(TEXT)
    assert SPACE.to_string(arch) == TEXT
    assert arch.sum() == 5
    other = TEXT.replace(", ", ",   ").replace("->", " -> ").replace("; ", ";\n")
    np.testing.assert_array_equal(SPACE.from_string(other), arch)
    empty = SPACE.from_string("normal: none; reduction: 0->2 skip_connect")
    assert SPACE.to_string(empty) == "normal: none; reduction: 0->2 skip_connect"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("normal: none", "expected 'normal: 0->2 sep_conv_3x3"),
        ("reduction: none; normal: none", "expected 'normal"),
        ("normal: none; reduction: none", "has no operation at all"),
        (TEXT.replace("0->2 skip", "2->2 skip"), "normal cell: there is no edge 2->2; nodes are 2"),
        (TEXT.replace("max_pool", "max_pol"), "reduction cell: .*did you mean 'max_pool_3x3'"),
        (
            TEXT.replace("0->2 skip_connect", "0->2 sep_conv_3x3"),
            "cell has 0->2 sep_conv_3x3 twice",
        ),
        (TEXT.replace("0->2 skip_connect", "skip_connect"), "'skip_connect' is no operation such"),
        (None, "is no ExtCell string"),
    ],
)
def test_wrong_strings_say_where(text, message):
    with pytest.raises(HwbenchError, match=message):
        SPACE.from_string(text)


def test_what_starts_from_nothing_computes_nothing():
    arch = SPACE.from_string(TEXT)[None]
    live, nodes = SPACE.effective(arch)
    # 2->4 starts from a node; 2->5 of the reduction cell from one that nothing is added to.
    assert live.sum() == 4
    assert nodes.tolist() == [[[True, False, True, False], [False, True, False, False]]]
    edges = {(edge.cell, edge.source, edge.target): edge.live for edge in SPACE.edges_of(arch[0])}
    assert edges[("reduction", "0", "3")] is False
    assert edges[("normal", "0", "2")] is True
    longer = SPACE.from_string("normal: 2->3 skip_connect, 3->4 skip_connect; reduction: none")[
        None
    ]
    assert not SPACE.effective(longer)[0].any()


def test_darts_cells_are_pairs_of_sixteen():
    archs = DARTS.sample(50, seed=2)
    pairs = SPACE.of_darts(archs)
    assert (pairs.sum(axis=1) == 16).all()
    live, nodes = SPACE.effective(pairs)
    assert live.sum() == 50 * 16
    assert nodes.all()
    for arch, pair in zip(archs, pairs, strict=True):
        wanted = sorted(DARTS.edges_of(arch))
        assert sorted(SPACE.edges_of(pair)) == wanted
    np.testing.assert_array_equal(SPACE.parameters(pairs), DARTS.parameters(archs))
    np.testing.assert_array_equal(SPACE.flops(pairs), DARTS.flops(archs))


def test_a_darts_cell_computes_what_the_pair_does():
    x = torch.randn(2, 3, 16, 16)
    for arch in DARTS.sample(4, seed=3):
        darts = DARTS.network(arch, **SMALL).eval()
        pair = SPACE.of_darts(arch[None])[0]
        network = SPACE.network(pair, **SMALL).eval()
        network.stem.load_state_dict(darts.stem.state_dict())
        network.classifier.load_state_dict(darts.classifier.state_dict())
        for own, cell in zip(network.cells, darts.cells, strict=True):
            own.before_last.load_state_dict(cell.before_last.state_dict())
            own.last.load_state_dict(cell.last.state_dict())
            # Both stand by node, and within a node by what they are given.
            for one, other in zip(own.operations, cell.operations, strict=True):
                one.load_state_dict(other.state_dict())
        torch.testing.assert_close(network(x), darts(x))


@pytest.mark.parametrize("size", [1, 3, 10, 40])
def test_parameters_and_flops_are_those_of_the_network(size):
    archs = SPACE.sample_of(6, size, seed=size) if size > 1 else np.eye(196, dtype=np.int64)[::40]
    counted = SPACE.parameters(archs, **SMALL)
    flops = SPACE.flops(archs, **SMALL)
    for arch, expected, operations in zip(archs, counted, flops, strict=True):
        network = SPACE.network(arch, **SMALL).eval()
        assert parameters(network) == expected
        seen: list[int] = []
        hook = partial(count_flops, seen)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(hook)
        output = network(torch.randn(1, 3, 16, 16))
        assert output.shape == (1, 10)
        assert sum(seen) + network.classifier.weight.numel() == operations


def test_parameters_are_a_sum_over_operations():
    one, other = (
        SPACE.from_string(text)
        for text in (
            "normal: 0->2 sep_conv_3x3; reduction: 0->2 sep_conv_3x3",
            "normal: 0->2 sep_conv_3x3, 1->2 dil_conv_5x5; reduction: 0->2 sep_conv_3x3",
        )
    )
    cells = [4, 8, 16]
    added = sum(25 * channels + channels**2 + 2 * channels for channels in cells)
    assert SPACE.parameters([other], **SMALL)[0] - SPACE.parameters([one], **SMALL)[0] == added


def test_cells_without_operations():
    x = torch.randn(2, 3, 16, 16)
    normal = SPACE.network(SPACE.from_string("normal: none; reduction: 0->2 skip_connect"), **SMALL)
    assert isinstance(normal.cells[0].last, nn.Identity)
    assert torch.equal(normal.cells[0](x, x), x)
    reduction = SPACE.network(
        SPACE.from_string("normal: 0->2 skip_connect; reduction: none"), **SMALL
    )
    out = reduction.cells[1](torch.randn(2, 12, 16, 16), torch.randn(2, 4, 16, 16))
    assert out.shape == (2, 8, 8, 8)
    for network in (normal, reduction):
        network(x).sum().backward()


def test_it_is_a_space():
    check_space(SPACE, samples=8, **SMALL)


def test_encodings():
    archs = SPACE.sample(20, seed=4)
    counts = SPACE.encode(archs, "counts")
    assert counts.shape == (20, 14)
    np.testing.assert_array_equal(counts.sum(axis=1), archs.sum(axis=1))
    names = SPACE.feature_names("counts")
    assert names[0] == f"n(normal {OPERATIONS[0]})"
    live = SPACE.encode(archs, "live")
    on = live.reshape(20, 196, 2)
    assert (on.sum(axis=2) == 1).all()
    np.testing.assert_array_equal(on[:, :, 1], SPACE.effective(archs)[0].reshape(20, 196))


def test_the_auxiliary_head_fits_any_cells():
    arch = SPACE.from_string(
        "normal: 0->2 skip_connect; reduction: 0->2 skip_connect, 1->4 skip_connect"
    )
    network = SPACE.network(arch, channels=4, depth=1)
    head = auxiliary_head(network, 32, 10)
    network(torch.randn(2, 3, 32, 32))
    assert head().shape == (2, 10)
