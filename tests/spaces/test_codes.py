"""Architectures in the codes people have: what is unmistakable is read, else it is asked."""

import json

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.card_space import CardSpace, SpaceCard
from hwbench.spaces.code import AmbiguousCodeError
from hwbench.spaces.nasbench201.codes import from_naslib
from hwbench.spaces.reading import codes_of, lost_zeros, read_code
from hwbench.testing import check_space

CELLS = get_space("nasbench201")
CELL = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|"
NAMES = ["none", "none", "none", "nor_conv_3x3", "skip_connect", "nor_conv_1x1"]
GENOTYPE = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('skip_connect', 0), "
    "('sep_conv_3x3', 2), ('dil_conv_3x3', 1), ('sep_conv_3x3', 3), ('max_pool_3x3', 0), "
    "('skip_connect', 4)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
    "('avg_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), "
    "('sep_conv_3x3', 3), ('max_pool_3x3', 1), ('skip_connect', 2)], reduce_concat=range(2, 6))"
)


def read(space, cell, name=None):
    found = get_space(space) if isinstance(space, str) else space
    return found.to_string(read_code(found, cell, name))


@pytest.mark.parametrize(
    "cell",
    [CELL, CELL.upper(), CELL.replace("+", " + "), NAMES, tuple(NAMES), str(NAMES),
     json.dumps(NAMES), np.array(NAMES), dict(zip(CELLS.positions, NAMES, strict=True)),
     [name.upper() for name in NAMES]],
)  # fmt: skip
def test_what_is_unmistakable_is_read(cell):
    assert read("nasbench201", cell) == CELL


@pytest.mark.parametrize(
    ("space", "cell", "string"),
    [
        ("transnas_macro", "41414", "64-41414-basic"),
        ("transnas_macro", 41414, "64-41414-basic"),
        ("transnas_macro", [4, 1, 4, 1, 4], "64-41414-basic"),
        ("transnas_micro", "1_02_333", "64-41414-1_02_333"),
        ("nasbench_macro", [0, 1, 2, 1, 0, 1, 2, 0], "01210120"),
        ("nasbench_macro", "0-1-2-1-0-1-2-0", "01210120"),
        ("nasbench_macro", "[0 1 2 1 0 1 2 0]", "01210120"),
        ("autosnn", "srb_k5 | scb_k3|SCB_k3|SCB_k3|SRB_k3", "SRB_k5|SCB_k3|SCB_k3|SCB_k3|SRB_k3"),
        (
            "nasbench101",
            '{"matrix": [[0,1,1],[0,0,1],[0,0,0]], "ops": ["input","conv3x3-bn-relu","output"]}',
            "conv3x3-bn-relu:0|output:01",
        ),
        (
            "nasbench101",
            ([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"]),
            "conv3x3-bn-relu:0|output:01",
        ),
    ],
)
def test_each_space_reads_what_can_mean_one_thing(space, cell, string):
    assert read(space, cell) == string


@pytest.mark.parametrize(
    "cell", ["[0, 0, 0, 3, 1, 2]", "(0,0,0,3,1,2)", [0, 0, 0, 3, 1, 2], "0-0-0-3-1-2", "000312"]
)
def test_indices_mean_different_things_and_are_asked_for(cell):
    with pytest.raises(AmbiguousCodeError, match="naslib") as caught:
        read("nasbench201", cell)
    assert {"naslib", "hwbench"} <= {code.name for code in caught.value.codes}
    assert read("nasbench201", cell, "hwbench") == CELL
    assert read("nasbench201", cell, "naslib") != CELL


def test_indices_of_naslib_agree_for_five_cells():
    every = CELLS.all_architectures()
    assert (from_naslib(every) == every).all(axis=1).sum() == 5


def test_the_official_index_is_another_order():
    first = CELLS.to_string(CELLS.from_official_index([0])[0])
    assert first == (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
        "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    )
    places = np.arange(len(CELLS))
    archs = CELLS.from_official_index(places)
    np.testing.assert_array_equal(CELLS.official_index(archs), places)
    assert (CELLS.indices_of(archs) == places).sum() == 1
    assert read("nasbench201", "0", "official-index") == first
    for number in (0, "0", 12.0):
        with pytest.raises(AmbiguousCodeError, match="official-index"):
            read("nasbench201", number)
    with pytest.raises(HwbenchError, match=r"outside 0 \.\. 15624"):
        read("nasbench201", "15625", "official-index")
    with pytest.raises(HwbenchError, match="nasbench_macro has no official index"):
        get_space("nasbench_macro").official_index([[0] * 8])


def test_the_official_index_is_that_of_the_published_files(shared_data):
    published = pd.read_parquet(shared_data / "nb201_archs.parquet")
    found = CELLS.official_index(CELLS.from_strings(published["arch_str"]))
    np.testing.assert_array_equal(found, published["arch_index"])


@pytest.mark.parametrize(
    "text",
    [
        f"DARTS_V9 = {GENOTYPE}",
        f"2024-03-01 10:00:00 INFO genotype = {GENOTYPE}",
        GENOTYPE.replace("[", "(").replace("]", ")").replace("range(2, 6)", "(2, 3, 4, 5)"),
        GENOTYPE.replace("range(2, 6)", "[2, 3, 4, 5]"),
        GENOTYPE.replace("'", '"').replace(", ", ",\n  "),
        GENOTYPE.replace("[('sep_conv_3x3', 0), ('sep_conv_5x5', 1)", "[[('sep_conv_3x3', 0), "
                         "('sep_conv_5x5', 1)]"),
    ],
)  # fmt: skip
def test_genotypes_of_any_form_are_one_network(text):
    assert read("darts", text) == read("darts", GENOTYPE)


def test_compact_genotypes_are_asked_for_by_what_their_numbers_mean():
    compact = ((0, 3), (1, 4), (0, 2), (2, 3), (1, 5), (3, 3), (0, 0), (4, 2))
    value = str((compact, compact))
    with pytest.raises(AmbiguousCodeError, match="with or without 'none'"):
        read("darts", value)
    assert read("darts", value, "compact").startswith("Genotype(normal=[('sep_conv_3x3', 0)")
    more = str(tuple(tuple((source, op + 1) for source, op in compact) for _ in range(2)))
    assert read("darts", more, "compact-with-none") == read("darts", value, "compact")
    with pytest.raises(HwbenchError, match="is no DARTS string") as caught:
        read("darts", "Genotype(" + "x" * 5000)
    assert len(str(caught.value)) < 400  # the reason is read before the text ends


def test_zeros_in_front_come_back_where_nothing_else_is_possible():
    space = get_space("nasbench_macro")
    assert lost_zeros(space, ["0", "121012", "22222210"]) == ["00000000", "00121012", "22222210"]
    assert lost_zeros(space, [0.0, 121012.0]) == ["00000000", "00121012"]
    assert lost_zeros(space, [121012, np.int64(1)]) == ["00121012", "00000001"]
    assert lost_zeros(space, ["00000001", "121012"]) is None  # zeros are kept: it is another fault
    assert lost_zeros(space, ["222222100"]) is None
    assert lost_zeros(CELLS, ["1"]) is None


def test_a_card_of_kernel_sizes_reads_dictionaries_and_lists():
    sizes, depths = ["3", "5", "7"], ["2", "3", "4"]
    layers = {"ks1": sizes, "ks2": sizes, "e1": ["3", "4", "6"], "d1": depths}
    space = CardSpace("ofa-like", SpaceCard(title="OFA-like", layers=layers))
    for cell in (
        {"ks": [3, 5], "e": [6], "d": [2], "r": [224]},
        '{"ks": [3, 5], "e": 6, "d": 2}',
        {"ks1": 3, "ks2": 5.0, "e1": "6", "d1": 2},
        [3, 5, 6, 2],
        "3-5-6-2",
    ):
        assert read(space, cell) == "3-5-6-2"
    with pytest.raises(HwbenchError, match="'ks' holds 1 choices for the 2 positions"):
        read(space, {"ks": [3], "e": [6], "d": [2]})
    with pytest.raises(HwbenchError, match="unknown choice of e1 '5'"):
        read(space, {"ks": [3, 3], "e": [5], "d": [2]})


NONSENSE = [
    None, [], {}, "", object(), "[" * 5000, "{1: 2}", [None] * 6, {"a": 1}, "[1, 2", "9" * 5000,
    float("nan"), [[1]] * 6,
]  # fmt: skip


@pytest.mark.parametrize("cell", NONSENSE)
@pytest.mark.parametrize("space", ["nasbench201", "nasbench101", "darts", "fbnet"])
def test_nonsense_is_refused_in_one_line(space, cell):
    with pytest.raises(HwbenchError) as caught:
        read(space, cell)
    assert len(str(caught.value).splitlines()) == 1


def test_formats_are_named_and_the_nearest_is_said():
    assert next(iter(codes_of(CELLS))) == "string"
    with pytest.raises(HwbenchError, match="did you mean 'naslib'"):
        read("nasbench201", CELL, "nas-lib")


def test_spaces_with_codes_still_obey():
    check_space(get_space("nasbench_macro"))
