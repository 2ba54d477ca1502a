"""TreeCell-A in PyramidNet."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.pages.architectures import drawing
from hwbench.spaces import get_space
from hwbench.spaces.tree_cell.network import make_operation
from hwbench.spaces.tree_cell.skeleton import PyramidSkeleton, block_shapes
from hwbench.spaces.tree_cell.tree import LEAVES, TREE, Node, leaves
from hwbench.testing import check_space

SPACE, SMALL = get_space("tree_cell"), get_space("tree_cell_6")
SIZES = {"channels": 8, "alpha": 12, "input_size": 8}
TEXT = "12-4----9|---------|123456789|-------8-|--3------|1--------"


def test_the_spaces_keep_their_promises():
    check_space("tree_cell_6", samples=20)
    check_space("tree_cell_6", samples=5, depth=2, alpha=10, input_size=7)


def test_the_tree_has_nine_paths():
    assert len(LEAVES) == 9  # YANG 656
    assert sum(name == "avg_pool_3x3" for name in LEAVES) == 4
    assert leaves(Node(("a", "b"))) == ("a", "b")
    assert [len(leaves(edge.node)) for edge in TREE.edges] == [4, 5]


@pytest.mark.parametrize(("alpha", "millions"), [(84, 5.7), (150, 14.3)])
def test_the_whole_network_is_as_large_as_printed(alpha, millions):
    """By Path-Level EAS, with 18 blocks a stage and two groups; 5.7 M in YANG Table 5-1 too."""
    everything = np.ones((1, SPACE.n_positions), dtype=np.int64)
    assert SPACE.parameters(everything, alpha=alpha)[0] / 1e6 == pytest.approx(millions, abs=0.03)


def test_blocks_of_one_or_two_paths_are_as_large_as_what_the_search_found():
    """YANG Table 5-1: 3.4 M."""
    paths = np.zeros((3, SPACE.n_blocks, 9), dtype=np.int64)
    paths[0, :, 1] = paths[1, :, 4] = 1  # the smallest path that convolves, and the largest
    paths[2, :, [1, 4]] = 1
    sizes = SPACE.parameters(paths.reshape(3, -1)) / 1e6
    assert sizes[0] < 3.4 < sizes[2]
    assert sizes[1] == pytest.approx(3.4, abs=0.1)


def test_strings():
    arch = SMALL.from_string(TEXT)
    assert SMALL.to_string(arch) == TEXT
    assert SMALL.paths(arch[None, :])[0, 0].tolist() == [mark != "-" for mark in "12-4----9"]
    assert SMALL.positions[9] == "block 2 path 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT + "|---------", "expected 6 blocks with '|' between them"),
        (TEXT.replace("12-4", "21-4"), "block 1, '21-4----9', is none; expected the digits 1234"),
        (TEXT.replace("12-4", "12-"), "block 1, '12-----9', is none"),
        (None, "is no TreeCell-A in PyramidNet, six blocks string"),
    ],
)
def test_malformed_strings_are_refused(text, message):
    with pytest.raises(HwbenchError, match=message):
        SMALL.from_string(text)


def test_blocks_grow_by_alpha():
    shapes = block_shapes(54, PyramidSkeleton(channels=16, depth=1))
    assert (len(shapes), shapes[0].channels, shapes[-1].channels) == (54, 18, 100)
    assert [place for place, shape in enumerate(shapes) if shape.stride == 2] == [18, 36]
    assert all(shape.channels % 2 == 0 for shape in shapes)
    shared = block_shapes(6, PyramidSkeleton(channels=16, depth=3))
    assert [shape.choice for shape in shared] == [each // 3 for each in range(18)]
    with pytest.raises(HwbenchError, match="channels must be 2 or more, not 1"):
        SMALL.network(SMALL.baseline, channels=1)


def test_a_block_without_paths_is_its_shortcut():
    network = SMALL.network(SMALL.from_string(TEXT), **SIZES).eval()
    block = network.blocks[1]
    images = torch.randn(2, 40, 8, 8)
    output = block(images)
    assert torch.equal(output[:, :40], images)
    assert not output[:, 40:].any()
    assert not list(block.parameters())


def test_what_no_path_leads_through_is_not_there():
    paths = SMALL.network(SMALL.from_string(TEXT), **SIZES).blocks[3].cell
    assert [*paths.edges, *paths.nodes["1"].edges] == ["1", "1"]
    assert list(paths.nodes["1"].nodes["1"].leaves) == ["0"]


def test_joined_branches_have_their_own_channels():
    arch = SMALL.from_string("1--------|" + "|".join(["---------"] * 5))
    node = SMALL.network(arch, **SIZES).eval().blocks[0].cell.nodes["0"].nodes["0"]
    assert node.joins
    x = torch.randn(2, 10, 4, 4)
    output = node(x)
    torch.testing.assert_close(output[:, :5], make_operation("avg_pool_3x3", 5)(x[:, :5]))
    assert not output[:, 5:].any()


def test_each_block_is_drawn_as_a_cell():
    edges = SMALL.edges_of(SMALL.from_string(TEXT))
    assert {edge.cell for edge in edges} == {f"block {number}" for number in range(1, 7)}
    live = [edge for edge in edges if edge.live]
    assert len(live) == sum(mark.isdigit() for mark in TEXT)
    assert (live[0].source, live[0].operation) == ("a1", "avg_pool_3x3")
    assert "no operation" in str(drawing("tree_cell_6", TEXT, "found").image)
