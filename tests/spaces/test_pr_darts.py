"""PR-DARTS cells: published pairs, transformations, what they reach, and similarity."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.counting import count_flops, count_parameters
from hwbench.spaces.darts.prune_and_replace import INITIAL, PUBLISHED, operations_within
from hwbench.spaces.darts.separable import (
    FIRST,
    LIMITS,
    TRANSFORMATIONS,
    SeparableConvolutions,
    reachable,
    transformed,
)
from hwbench.spaces.darts.similarity import pool_similarity, similarity

SPACE = get_space("pr_darts")
DARTS = get_space("darts")


@pytest.mark.parametrize(
    ("name", "parameters", "printed"),
    [
        # The first two also as UniNAS tests them.
        ("PR-DARTS DL1", 3_174_166, 3.2),
        ("PR-DARTS DL2", 4_017_646, 4.0),
        ("PR-DARTS DR", 4_248_766, 4.2),
        # Printed 5.4; 26,352 of them are the strided skip of the reduction cells.
        ("PR-DARTS UR", 5_369_158, 5.4),
    ],
)
def test_published_cells_are_as_large_as_printed(name, parameters, printed):
    arch = SPACE.from_string(name)
    assert SPACE.parameters(arch[None, :]).tolist() == [parameters]
    assert round(parameters / 1e6, 1) == printed
    assert count_parameters(SPACE.network(arch)) == parameters
    np.testing.assert_array_equal(SPACE.from_string(SPACE.to_string(arch)), arch)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_formulas_count_what_networks_have(seed):
    arch = SPACE.sample(1, seed)[0]
    sizes = {"channels": 4, "depth": 1, "input_size": 8, "classes": 3}
    network = SPACE.network(arch, **sizes)
    assert SPACE.parameters(arch[None, :], **sizes)[0] == count_parameters(network)
    counted = count_flops(network, (3, 8, 8), classifier_bias=False)
    assert SPACE.flops(arch[None, :], **sizes)[0] == counted
    assert network.eval()(torch.randn(2, 3, 8, 8)).shape == (2, 3)


def test_operations_of_darts_have_other_names_and_compute_the_same():
    names = {
        "sep_conv_3x3": "sep_conv_k3_d1_w1x1",
        "sep_conv_5x5": "sep_conv_k5_d1_w1x1",
        "dil_conv_3x3": "sep_conv_k3_d2_w1",
        "dil_conv_5x5": "sep_conv_k5_d2_w1",
    }
    arch = DARTS.sample(1, 5)[0]
    text = DARTS.to_string(arch)
    for name, other in names.items():
        text = text.replace(name, other)
    same = SPACE.from_string(text)
    sizes = {"channels": 4, "depth": 1, "input_size": 8}
    theirs, ours = DARTS.network(arch, seed=3, **sizes), SPACE.network(same, seed=3, **sizes)
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(theirs.eval()(images), ours.eval()(images))
    assert SPACE.flops(same[None, :]) == DARTS.flops(arch[None, :])


def test_names_are_read_and_written():
    convolutions = SeparableConvolutions(5, 2, (3, 1))
    assert str(convolutions) == "sep_conv_k5_d2_w3x1"
    assert SeparableConvolutions.read(str(convolutions)) == convolutions
    for other in ("sep_conv_3x3", "sep_conv_k4_d1_w1", "sep_conv_k3_d1_w2", "sep_conv_k3_d1_w01"):
        assert SeparableConvolutions.read(other) is None
    with pytest.raises(HwbenchError, match="did you mean 'sep_conv_k3_d1_w2x1'"):
        SPACE.from_string(PUBLISHED["PR-DARTS DL2"].replace("k3_d1_w1'", "k3_d1_w2'", 1))


def test_published_pairs_are_named():
    assert SPACE.to_string(SPACE.from_string(" PR-DARTS DL2\n")) in {
        SPACE.to_string(SPACE.from_string(text)) for text in PUBLISHED.values()
    }
    with pytest.raises(HwbenchError, match="unknown pair of cells 'PR-DARTS DL9'; did you mean"):
        SPACE.from_string("PR-DARTS DL9")


def test_reachable_sets_have_the_sizes_of_the_method():
    counts = {
        name: [len(reachable(limits, steps)) for steps in (4, 5, 6, 7)]
        for name, limits in LIMITS.items()
        if name != "unrestricted"
    }
    assert counts == {"darts_like": [12, 12, 12, 12], "depth_restricted": [25, 32, 38, 41]}
    assert [len(reachable(LIMITS["unrestricted"], steps)) for steps in (4, 5, 6)] == [43, 73, 118]
    assert len(SPACE.edge_operations) == 76 == len(set(SPACE.edge_operations))
    assert SPACE.edge_operations == operations_within(LIMITS["unrestricted"])
    assert SPACE.edge_operations[:4] == INITIAL


def test_each_transformation_changes_what_it_says():
    unrestricted = LIMITS["unrestricted"]
    parent = SeparableConvolutions(5, 1, (2, 1, 1))
    made = {name: str(transformed(parent, name, unrestricted)) for name in TRANSFORMATIONS}
    assert made == {
        "grow_kernel": "sep_conv_k7_d1_w2x1x1",
        "shrink_kernel": "sep_conv_k3_d1_w2x1x1",
        "dilate": "sep_conv_k5_d2_w2x1x1",
        "contract": "None",
        "insert": "sep_conv_k5_d1_w2x1x1x1",
        "widen": "sep_conv_k5_d1_w2x2x1",
    }
    assert transformed(FIRST, "widen", unrestricted) is None
    one = SeparableConvolutions(1, 1, (1,))
    assert transformed(one, "dilate", unrestricted) is None
    assert transformed(SeparableConvolutions(3, 2, (1,)), "shrink_kernel", unrestricted) is None
    assert transformed(FIRST, "shrink_kernel", LIMITS["darts_like"]) is None
    with pytest.raises(HwbenchError, match="did you mean 'widen'"):
        transformed(FIRST, "widn", unrestricted)


@given(
    st.sampled_from(reachable(LIMITS["unrestricted"], 5)), st.sampled_from(list(TRANSFORMATIONS))
)
def test_a_child_is_similar_to_its_parent(parent, transformation):
    child = transformed(parent, transformation, LIMITS["unrestricted"])
    if child is not None:
        found = similarity(str(parent), str(child))
        assert 0.75 <= found < 1
        assert found == similarity(str(child), str(parent))


def test_similarities_are_the_printed_ones():
    printed = {
        "sep_conv_k3_d1_w2x1": 1.0,
        "sep_conv_k3_d1_w1x1": 0.92,
        "sep_conv_k3_d1_w1": 0.75,
        "sep_conv_k3_d2_w1": 0.5,
        "sep_conv_k5_d2_w1": 0.25,
        "skip_connect": 0.0,
        "max_pool_3x3": 0.0,
    }
    for name, value in printed.items():
        assert round(similarity("sep_conv_k3_d1_w2x1", name), 2) == value
    assert round(similarity("max_pool_3x3", "avg_pool_3x3"), 2) == 0.67
    assert similarity("max_pool_3x3", "max_pool_3x3") == 1
    assert pool_similarity(["skip_connect"]) == 1
    assert pool_similarity(INITIAL) == pytest.approx(2 / 3 / 6)
