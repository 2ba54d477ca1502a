"""The macro space of ENAS."""

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space

SPACE = get_space("enas_macro")
TEXT = "4 0 1 3 1 0 3 0 1 1 1 1 1 1 1 2 1 1 0 1 1"


def test_size():
    assert SPACE.n_architectures == 6**6 * 2**15
    assert SPACE.n_positions == 21
    assert SPACE.positions[:6] == ("layer1", "layer2", "0->2", "layer3", "0->3", "1->3")


def test_strings_are_the_published_ones():
    arch = SPACE.from_string(TEXT)
    assert SPACE.to_string(arch) == TEXT
    graph = SPACE.graphs(arch[None, :])
    assert [graph.operation_names[o] for o in graph.operations[0]] == [
        "input", "avg_pool3x3", "conv3x3", "separable_conv5x5", "separable_conv5x5",
        "separable_conv3x3", "conv5x5", "output",
    ]  # fmt: skip
    edges = {(int(a), int(b)) for a, b in np.argwhere(graph.adjacency[0])}
    chain = {(v, v + 1) for v in range(7)}
    assert edges - chain == {
        (0, 2), (0, 3), (1, 4), (2, 4), (0, 5), (1, 5), (2, 5), (3, 5), (0, 6), (1, 6), (3, 6),
        (4, 6),
    }  # fmt: skip


def test_19020_networks_are_different():
    archs = SPACE.sample(19_020, seed=0)
    graphs = SPACE.graphs(archs)
    assert len(np.unique(archs, axis=0)) == 19_020
    skips = graphs.adjacency.sum(axis=(1, 2)) - 7
    assert skips.min() >= 0
    assert skips.max() <= 15
    assert abs(skips.mean() - 7.5) < 0.1
    assert (graphs.adjacency[:, :-2, -1] == 0).all()
    found, valid = SPACE.from_graphs(graphs)
    assert valid.all()
    np.testing.assert_array_equal(found, archs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT + " 0", "expected 21 numbers"),
        ("6" + TEXT[1:], r"entry 1 \(layer1\) is 6; valid are 0 .. 5"),
        (TEXT[:-1] + "2", r"entry 21 \(4->6\) is 2; valid are 0 .. 1"),
        (TEXT[:-1] + "01", "entry 21"),
        (TEXT.replace("4 0", "-4 0"), "expected 21 numbers"),
    ],
)
def test_wrong_strings_name_the_entry(text, message):
    with pytest.raises(HwbenchError, match=message):
        SPACE.from_string(text)
