"""The space of ShuffleNASNet."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.retrain_network import add_drop_paths, remove_drop_paths
from hwbench.spaces import get_space
from hwbench.spaces.fbnet.network import ChannelShuffle
from hwbench.spaces.layers import FactorizedReduction
from hwbench.spaces.shufflenasnet.cells import (
    IDENTITY,
    N_BLOCKS,
    OPERATIONS,
    function_codes,
    simplified,
    unused_blocks,
)
from hwbench.spaces.shufflenasnet.cost import block_costs, cost_around
from hwbench.spaces.shufflenasnet.network import ShuffleCell, shuffled
from hwbench.spaces.shufflenasnet.skeleton import CellShape, ShuffleSkeleton, cell_shapes
from hwbench.testing import check_space

SPACE = get_space("shufflenasnet")
SMALL = {"channels": 8, "depth": 1, "input_size": 8, "input_channels": 1}
SKELETON = ShuffleSkeleton(channels=8, depth=1)
TEXT = (
    "normal: 0->1 sep_conv_3x3, 1->2 identity, 0->3 max_pool_3x3, 0->4 conv_1x1, "
    "4->5 sep_conv_5x5; "
    "reduction: 0->1 identity, 1->2 conv_1x1, 0->3 avg_pool_3x3, 3->4 identity, 3->5 conv_1x1"
)


def test_the_space_keeps_its_promises():
    check_space("shufflenasnet")
    check_space("shufflenasnet", samples=8, batch_normalisation=False, reductions=1)
    check_space("shufflenasnet", samples=8, bypass="separable_convolutions")
    check_space("shufflenasnet", samples=8, bypass="cell", merge="concatenation")
    check_space("shufflenasnet", samples=8, merge="concatenation", batch_normalisation=False)


def test_sizes():
    assert 6**5 * 120 == 933_120 == SPACE._n_cells
    assert len(SPACE) == 933_120**2 == 870_712_934_400
    assert SPACE.n_choices.tolist() == 2 * [6, 2, 6, 3, 6, 4, 6, 5, 6]
    assert SPACE.positions[:3] == ("normal 1 operation", "normal 2 input", "normal 2 operation")


def test_blocks_and_architectures_are_inverse(unchanged):
    archs = unchanged(SPACE.sample(100, seed=1))
    sources, operations = SPACE.blocks(archs)
    assert (sources[..., 0] == 0).all()
    assert (sources < np.arange(1, N_BLOCKS + 1)).all()
    np.testing.assert_array_equal(SPACE.of_blocks(sources, operations), archs)


def test_strings_list_the_blocks():
    arch = SPACE.from_string(TEXT)
    assert SPACE.to_string(arch) == TEXT
    other = TEXT.replace(", ", ",   ").replace("->", " -> ").replace("; ", ";\n")
    np.testing.assert_array_equal(SPACE.from_string(other), arch)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.split(";")[0], "is no ShuffleNASNet string; expected five blocks a cell, such as"),
        (TEXT.replace("reduction", "reduce"), "expected five blocks"),
        (TEXT.replace(", 4->5 sep_conv_5x5", ""), "the normal cell lists 4 blocks, not 5"),
        (TEXT.replace("0->3 max", "3->3 max"), "normal cell: block 3 is applied to 3; .* 0 .. 2"),
        (TEXT.replace("0->3 max", "0->4 max"), "'0->4 max_pool_3x3' stands where block 3 does"),
        (TEXT.replace("0->1 identity", "0->1 identiy"), "reduction cell: .*mean 'identity'"),
        (TEXT.replace("0->3 avg_pool_3x3", "avg_pool_3x3"), "'avg_pool_3x3' is no block such as"),
        (None, "is no ShuffleNASNet string"),
    ],
)
def test_malformed_strings_are_refused(text, message):
    with pytest.raises(HwbenchError, match=message):
        SPACE.from_string(text)


# ---------------------------------------------------------------------- what does nothing


def brute_force(sources, operations, *, reduction):
    """A cell as nested tuples, simplified one identity at a time until nothing changes."""
    blocks = {j + 1: (s, o) for j, (s, o) in enumerate(zip(sources, operations, strict=True))}

    def users(node):
        return [block for block, (source, _) in blocks.items() if source == node]

    def idle(block):
        source, operation = blocks[block]
        if operation != IDENTITY or (reduction and source == 0):
            return False
        return bool(users(block)) or (source > 0 and users(source) == [block])

    while found := [block for block in blocks if idle(block)]:
        gone = found[0]
        source, _ = blocks.pop(gone)
        for block in users(gone):
            blocks[block] = (source, blocks[block][1])

    def tree(node):
        return tuple(sorted((int(blocks[each][1]), tree(each)) for each in users(node)))

    return tree(0)


@pytest.mark.parametrize("reduction", [False, True])
def test_codes_are_equal_where_functions_are(reduction):
    generator = np.random.default_rng(3)
    sources = generator.integers(0, np.arange(1, N_BLOCKS + 1), size=(3000, N_BLOCKS))
    # Identities and one convolution above all, so that many cells are equal.
    operations = generator.choice([0, 0, 3, IDENTITY, IDENTITY], size=(3000, N_BLOCKS))
    codes = function_codes(sources, operations, reduction=reduction)
    trees = [
        brute_force(*pair, reduction=reduction) for pair in zip(sources, operations, strict=True)
    ]
    number = {each: place for place, each in enumerate(dict.fromkeys(trees))}
    expected = np.array([number[each] for each in trees])
    _, first = np.unique(expected, return_index=True)
    assert 200 < len(first) < 2500
    assert len(np.unique(codes)) == len(first)
    np.testing.assert_array_equal(codes, codes[first][expected])


def test_equal_functions_have_equal_sizes_and_the_first_code():
    archs = SPACE.sample(300, seed=5)
    classes = SPACE.function_classes(archs)
    firsts = SPACE.architectures_at(classes)
    assert (classes < SPACE.indices_of(archs)).any()
    np.testing.assert_array_equal(SPACE.function_classes(firsts), classes)
    np.testing.assert_array_equal(
        SPACE.parameters(firsts, **SMALL), SPACE.parameters(archs, **SMALL)
    )
    twins = SPACE.twins(archs)
    assert (twins != archs).any(axis=1).sum() > 100
    np.testing.assert_array_equal(SPACE.function_classes(twins), classes)


def test_a_larger_space_holds_the_smaller_ones():
    """LAUBE eq. 3.1: an identity of an unused block leaves the output equal bit for bit."""
    shape = CellShape(reduction=False, in_channels=8, size=6)
    blocks = [("sep_conv_3x3", 0), ("max_pool_3x3", 0), ("conv_1x1", 1), ("avg_pool_3x3", 0)]
    torch.manual_seed(0)
    smaller = ShuffleCell(blocks, shape, SKELETON)
    for source in (2, 3, 4):
        larger = ShuffleCell([*blocks, ("identity", source)], shape, SKELETON)
        larger.load_state_dict(smaller.state_dict())
        images = torch.randn(2, 8, 6, 6)
        for module in (smaller, larger):
            module.eval()
        # The copy stands last in the sum, so that only the order of the others may differ.
        torch.testing.assert_close(larger(images), smaller(images), rtol=0, atol=1e-6)
        if source == 4:
            assert torch.equal(larger(images), smaller(images))


def test_live_leaves_idle_identities_out():
    arch = SPACE.from_string(TEXT)[None, :]
    live = SPACE.live_blocks(arch)[0]
    assert live[0].tolist() == [True, False, True, True, True]
    # In the reduction cell the first identity halves the size; the second stands beside another
    # block that uses the same one, so that it adds to the sum.
    assert live[1].tolist() == [True] * 5
    onehot, found = SPACE.encode(arch)[0], SPACE.encode(arch, "live")[0]
    assert (found <= onehot).all()
    assert onehot.sum() - found.sum() == 2  # the source and the operation of a block
    idle = [edge for edge in SPACE.edges_of(arch[0]) if not edge.live]
    assert [(edge.cell, edge.source, edge.target) for edge in idle] == [("normal", "1", "2")]


def test_something_is_always_unused():
    sources, _ = SPACE.blocks(SPACE.sample(500, seed=2))
    unused = unused_blocks(sources.reshape(-1, N_BLOCKS))
    assert unused[:, -1].all()
    assert not unused[:, 0].all()


def test_simplifying_leaves_its_arguments_unchanged(unchanged):
    sources, operations = (unchanged(each[:, 0]) for each in SPACE.blocks(SPACE.sample(5, seed=2)))
    simplified(sources, operations, reduction=False)


# ---------------------------------------------------------------------- networks


def test_the_shuffle_is_a_permutation_that_can_be_undone():
    past, computed = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    mixed = shuffled(past, computed)
    assert torch.equal(mixed, ChannelShuffle(2)(torch.cat([past, computed], dim=1)))
    assert torch.equal(ChannelShuffle(3)(mixed), torch.cat([past, computed], dim=1))


def test_one_half_of_a_normal_cell_goes_past_it():
    cell = ShuffleCell([("conv_1x1", 0)] * 5, CellShape(False, 8, 6), SKELETON)
    images = torch.randn(2, 8, 6, 6)
    output = cell(images)
    assert torch.equal(output[:, ::2], images[:, :4])
    assert not torch.equal(output[:, 1::2], images[:, 4:])
    assert all(each[1].in_channels == 4 for each in cell.operations)


def test_reduction_cells_halve_the_size_and_double_the_channels():
    names = [(name, 0) for name in OPERATIONS[:4]]
    cell = ShuffleCell([*names, ("identity", 0)], CellShape(True, 8, 7), SKELETON)
    assert cell(torch.randn(2, 8, 7, 7)).shape == (2, 16, 4, 4)
    assert isinstance(cell.past, FactorizedReduction)
    assert isinstance(cell.operations[4], FactorizedReduction)
    later = ShuffleCell([("identity", 0)] * 4 + [("identity", 1)], CellShape(True, 8, 8), SKELETON)
    assert isinstance(later.operations[4], torch.nn.Identity)


def test_factorised_reduction_sees_the_pixels_between():
    """The second convolution looks at the image shifted by a pixel (LAUBE Fig. 3.4)."""
    reduction = FactorizedReduction(2, 2, activated=False, normalised=False)
    images = torch.zeros(1, 2, 6, 6)
    images[:, :, 1::2, 1::2] = -1.0
    output = reduction(images)
    assert (output[:, 0] == 0).all()
    assert (output[:, 1] != 0).all()


def test_the_skeleton():
    shapes = cell_shapes(ShuffleSkeleton(channels=36, depth=4))
    assert len(shapes) == 14
    assert [place for place, shape in enumerate(shapes) if shape.reduction] == [4, 9]
    assert shapes[-1].out_channels == 4 * 36
    assert len(cell_shapes(ShuffleSkeleton(channels=8, depth=1, reductions=1))) == 3
    with pytest.raises(HwbenchError, match="must be even, not 7"):
        SPACE.network(SPACE.baseline, channels=7)
    with pytest.raises(HwbenchError, match="reductions"):
        SPACE.skeleton(reductions=3)
    network = SPACE.network(SPACE.baseline, batch_normalisation=False, **SMALL)
    assert not any(isinstance(each, torch.nn.BatchNorm2d) for each in network.modules())


def test_printed_sizes_are_those_of_pairs_with_two_identities():
    """LAUBE Table 3.1 and 3.4.2; the cells themselves are drawn alone, and cannot be read."""

    def counts(kinds, columns):
        multisets = list(combinations_with_replacement(kinds, N_BLOCKS))
        return np.array([[each.count(kind) for kind in columns] for each in multisets])

    normal = counts(range(6), range(6))
    normal = normal[normal[:, IDENTITY] == 2]
    kinds = [(halves, operation) for halves in (0, 1) for operation in range(6)]
    reduction = counts(kinds, kinds)
    reduction = reduction[reduction[:, 6:].any(axis=1)]  # the first block reads the input

    def millions(channels, depth, **skeleton):
        shape = ShuffleSkeleton(channels=channels, depth=depth, **skeleton)
        costs = block_costs(shape)[0]
        blocks = (normal @ costs[0, 0])[:, None] + reduction @ costs[1].ravel()
        return (cost_around(shape).parameters + blocks) / 1e6

    printed = {(36, 4): 0.24, (48, 5): 0.47, (64, 5): 0.80}
    off = [abs(millions(*size, batch_normalisation=False) - of) for size, of in printed.items()]
    assert (np.max(off, axis=0) < 0.005).sum() == 296
    off = [abs(millions(*size) - of) for size, of in {(96, 5): 1.79, (128, 5): 3.10}.items()]
    assert np.max(off, axis=0).min() == pytest.approx(0.0058, abs=1e-4)
    # What goes past the reduction cells of such a B adds 3 % and 17 % as printed (LAUBE 3.4.5).
    near = np.max(off, axis=0) < 0.02
    added = {
        bypass: 100 * (millions(96, 5, bypass=bypass) / millions(96, 5) - 1)[near]
        for bypass in ("separable_convolutions", "cell")
    }
    assert added["separable_convolutions"] == pytest.approx(2.9, abs=0.04)
    assert np.median(added["cell"]) == pytest.approx(16.9, abs=0.1)
    assert 6 < added["cell"].min() < added["cell"].max() < 23


def test_drop_paths_are_put_in_and_taken_out():
    network = SPACE.network(SPACE.from_string(TEXT), **SMALL)
    images = torch.randn(2, 1, 8, 8)
    before = network.eval()(images)
    # 4 of a normal cell's blocks compute something, and 4 of the reduction cell's.
    paths = add_drop_paths(network)
    assert len(paths) == 3 * 4 + 2 * 4
    remove_drop_paths(network)
    assert torch.equal(network.eval()(images), before)
