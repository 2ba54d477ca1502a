"""Both spaces of TransNAS-Bench-101."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.counting import count_flops, count_parameters

MACRO, MICRO = get_space("transnas_macro"), get_space("transnas_micro")
SKELETONS = [
    {"channels": 4, "input_size": 32, "classes": 5},
    {"channels": 2, "depth": 1, "input_size": 17, "input_channels": 1, "classes": 3},
    {"channels": 2, "depth": 3, "input_size": 3, "classes": 2},  # one pixel in the modules
]


def test_macro_architectures_are_all_that_keep_the_rules():
    expected = []
    for length in (4, 5, 6):
        for digits in product("1234", repeat=length):
            doublings = sum(digit in "24" for digit in digits)
            halvings = sum(digit in "34" for digit in digits)
            if 1 <= doublings <= 3 and 1 <= halvings <= 4:
                expected.append(f"64-{''.join(digits)}-basic")
    texts = MACRO.to_strings(MACRO.all_architectures())
    assert len(texts) == len(MACRO) == 3256
    assert sorted(texts) == sorted(expected)
    rows = [tuple(row) for row in MACRO.all_architectures().tolist()]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(MACRO.indices_of(rows), np.arange(3256))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("64-1114-bottleneck", "four to six digits"),
        ("64-111-basic", "four to six digits"),
        ("64-1111111-basic", "four to six digits"),
        ("64-11150-basic", "four to six digits"),
        ("64-1111-basic", "doubles the channels 0 and halves the size 0 times; 1 to 3 and 1 to 4"),
        ("64-22243-basic", "doubles the channels 4 and halves the size 2 times"),
        ("64-333334-basic", "doubles the channels 1 and halves the size 6 times"),
    ],
)
def test_macro_string_is_refused_with_the_reason(text, message):
    with pytest.raises(HwbenchError) as caught:
        MACRO.from_string(text)
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)


def test_macro_rows_outside_the_space_are_refused():
    with pytest.raises(HwbenchError, match=r"row 1 .* has a sixth module without a fifth"):
        MACRO.check([[0, 0, 0, 3, 0, 0], [0, 0, 0, 3, 0, 1]])
    with pytest.raises(HwbenchError, match=r"row 0 .* doubles the channels 0"):
        MACRO.check([[0, 0, 0, 0, 0, 0]])


def test_macro_neighbours_are_the_valid_changes_of_one_module():
    archs = MACRO.all_architectures()
    for arch in MACRO.sample(5):
        expected = archs[(archs != arch).sum(axis=1) == 1]
        found = MACRO.neighbours(arch)
        assert sorted(map(tuple, found)) == sorted(map(tuple, expected))


def test_a_lookup_table_of_the_macro_space_sees_every_choice():
    near = MACRO.neighbours(MACRO.baseline)
    assert len(near) == (MACRO.n_choices - 1).sum()


def test_micro_string_is_the_benchmarks_own():
    arch = MICRO.from_string("64-41414-1_02_333")
    np.testing.assert_array_equal(arch, [1, 0, 2, 3, 3, 3])
    assert MICRO.to_string(arch) == "64-41414-1_02_333"


@pytest.mark.parametrize("text", ["64-41414-1_02_33", "64-41414-1_02_334", "64-4141-1_02_333"])
def test_micro_string_is_refused_with_the_form(text):
    with pytest.raises(HwbenchError, match=r"one, two and three digits 0 \.\. 3"):
        MICRO.from_string(text)


@pytest.mark.parametrize("space", [MACRO, MICRO], ids=lambda space: space.name)
def test_published_tables_are_of_these_spaces(space, shared_data):
    published = pd.read_parquet(shared_data / f"{space.name}.parquet")
    archs = space.from_strings(published["arch"])
    assert len(np.unique(space.indices_of(archs))) == len(space) == len(published)
    if space is MACRO:
        columns = [f"m{module}" for module in range(1, 7)]
        np.testing.assert_array_equal(MACRO._digits(archs), published[columns])
    else:
        columns = ["e0_1", "e0_2", "e1_2", "e0_3", "e1_3", "e2_3"]
        np.testing.assert_array_equal(archs, published[columns])


@pytest.mark.parametrize("space", [MACRO, MICRO], ids=lambda space: space.name)
@pytest.mark.parametrize("changes", SKELETONS)
def test_formulas_count_what_the_network_has(space, changes):
    skeleton = space.skeleton(**changes)
    image = (skeleton.input_channels, skeleton.input_size, skeleton.input_size)
    archs = space.sample(6, seed=2)
    parameters, flops = space.parameters(archs, **changes), space.flops(archs, **changes)
    for row, arch in enumerate(archs):
        network = space.network(arch, **changes)
        assert count_parameters(network) == parameters[row]
        assert count_flops(network, image, classifier_bias=False) == flops[row]
        with torch.inference_mode():
            assert network.eval()(torch.rand(2, *image)).shape == (2, skeleton.classes)
