"""The three spaces of NAS-Bench-1Shot1."""

from itertools import combinations, product

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.nasbench101.cells import OPERATIONS
from hwbench.tables import load_table, load_target
from hwbench.tables.pairs import load_accuracies
from hwbench.testing import check_space

CELLS = get_space("nasbench101")
PARENTS = {1: (1, 2, 2, 2, 2), 2: (1, 1, 2, 2, 3), 3: (1, 1, 1, 2, 2, 2)}
CODES = {1: 14_580, 2: 29_160, 3: 1_312_200}
DISTINCT = {1: 2_685, 2: 7_773, 3: 55_854}
BEST = {1: 94.201, 2: 93.967, 3: 94.177}
"""Of the mean test accuracies of NAS-Bench-101, in %."""

TEXT = "conv3x3-bn-relu:0|maxpool3x3:01|conv1x1-bn-relu:12|conv3x3-bn-relu:03|output:34"


def space_of(number):
    return get_space(f"nasbench1shot1_{number}")


@pytest.mark.parametrize("number", [1, 2])
def test_codes_cells_and_the_best_of_them(number):
    space = space_of(number)
    assert len(space) == CODES[number]
    places = CELLS.indices_of(space.in_larger_space(space.all_architectures()))
    assert len(np.unique(places)) == DISTINCT[number]
    accuracies = load_accuracies("nasbench101:test_accuracy", space.name)
    assert len(accuracies) == CODES[number]
    assert accuracies.values.max() == pytest.approx(BEST[number], abs=5e-4)


def test_all_cells_of_the_third():
    space = space_of(3)
    assert len(space) == CODES[3]
    places = np.unique(CELLS.indices_of(space.in_larger_space(space.all_architectures())))
    assert len(places) == DISTINCT[3]
    values = load_target("nasbench101:test_accuracy").values_of(CELLS.architectures_at(places))
    assert values.max() == pytest.approx(BEST[3], abs=5e-4)


@pytest.mark.parametrize("number", PARENTS)
def test_cells_are_those_of_matrices(number):
    """Against another way: the matrix of each code, pruned as the benchmark prunes any matrix."""
    space, size = space_of(number), len(PARENTS[number]) + 1
    archs = space.sample(60, seed=number)
    for arch, text in zip(archs, space.to_strings(archs), strict=True):
        tokens = [token.split(":") for token in text.split("|")]
        matrix = np.zeros((size, size), dtype=int)
        for vertex, (_, digits) in enumerate(tokens, start=1):
            assert len(digits) == PARENTS[number][vertex - 1]
            matrix[[int(digit) for digit in digits], vertex] = 1
        expected = CELLS.from_matrix(matrix, ["input", *(name for name, _ in tokens)])
        np.testing.assert_array_equal(
            space.in_larger_space(arch[None, :]), CELLS.canonical(expected[None, :])
        )


@pytest.mark.parametrize("number", [1, 2])
def test_all_codes_are_there_once(number):
    sources = [list(combinations(range(v), n)) for v, n in enumerate(PARENTS[number], start=1)]
    names = [*[OPERATIONS] * (len(sources) - 1), ["output"]]
    tokens = [
        [f"{name}:{''.join(map(str, one))}" for name in own for one in sets]
        for own, sets in zip(names, sources, strict=True)
    ]
    space = space_of(number)
    expected = {"|".join(text) for text in product(*tokens)}
    assert set(space.to_strings(space.all_architectures())) == expected


def test_one_cell_has_several_codes_and_one_class():
    space = space_of(1)
    archs = space.all_architectures()
    classes = space.function_classes(archs)
    assert len(np.unique(classes)) == DISTINCT[1]
    cells = space.in_larger_space(archs)
    np.testing.assert_array_equal(cells[classes], cells)
    assert (classes <= np.arange(len(space))).all()


def test_sizes_and_networks_are_those_of_the_cell():
    space = space_of(1)
    archs = space.sample(5, seed=3)
    cells = space.in_larger_space(archs)
    np.testing.assert_array_equal(space.parameters(archs), CELLS.parameters(cells))
    np.testing.assert_array_equal(space.flops(archs), CELLS.flops(cells))
    own, larger = (
        each.network(arch, channels=8, depth=1)
        for each, arch in ((space, archs[0]), (CELLS, cells[0]))
    )
    assert str(own) == str(larger)
    for encoding in ("counts", "path", "graph"):
        np.testing.assert_array_equal(space.encode(archs, encoding), CELLS.encode(cells, encoding))
        assert space.feature_names(encoding) == CELLS.feature_names(encoding)


def test_what_leads_nowhere_is_zero_in_live_features():
    space = space_of(1)
    archs = space.all_architectures()[::37]
    onehot, live = (space.encode(archs, name) for name in ("onehot", "live"))
    assert space.feature_names("live") == [f"live {name}" for name in space.feature_names("onehot")]
    vertices = space.live_vertices(archs)
    assert not vertices.all()
    for place, name in enumerate(space.feature_names("onehot")):
        vertex = name.removeprefix("inputs of ").partition("=")[0]
        row = -1 if vertex == "output" else int(vertex.removeprefix("vertex")) - 1
        np.testing.assert_array_equal(live[:, place], onehot[:, place] * vertices[:, row])


@pytest.mark.parametrize("number", [1, 3])
def test_it_is_a_space(number):
    check_space(space_of(number), samples=10, channels=8, depth=1, input_size=8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.removesuffix("|output:34"), "expected 4 vertices and the output"),
        (TEXT.replace("maxpool", "max_pool"), "vertex 2: .*did you mean 'maxpool3x3'"),
        (TEXT.replace(":12", ":1"), "vertex 3 adds up '1'; .* 2 earlier ones: 01, 02, 12"),
        (TEXT.replace(":34", ":43"), "vertex 5 adds up '43'"),
        (TEXT.replace("output", "conv3x3-bn-relu"), "vertex 5: unknown operation"),
        ("00" * 16, "is no NAS-Bench-1Shot1, space 1 string"),
    ],
)
def test_wrong_strings_name_the_vertex(text, message):
    space = space_of(1)
    assert space.to_string(space.from_string(TEXT)) == TEXT
    with pytest.raises(HwbenchError, match=message):
        space.from_string(text)


def test_a_table_of_the_larger_space_is_seen_from_a_part():
    table = load_table("nasbench101").seen_from(space_of(2))
    assert len(table) == CODES[2]
    assert table.card.space == "nasbench1shot1_2"
    some = table.archs[::1000]
    larger = load_target("nasbench101:parameters")
    expected = larger.values_of(space_of(2).in_larger_space(some))
    np.testing.assert_array_equal(table.column("parameters")[::1000], expected)
    seen = larger.check_space("nasbench1shot1_2", "here")
    np.testing.assert_array_equal(seen.values_of(some), expected)
    with pytest.raises(HwbenchError, match="here: nasbench101:parameters is of the space"):
        larger.check_space("nasbench201", "here")
    with pytest.raises(HwbenchError, match="nasbench201 is no part of that"):
        load_table("nasbench101").seen_from(get_space("nasbench201"))
    with pytest.raises(HwbenchError, match="nasbench201 is a part of no other"):
        get_space("nasbench201").in_larger_space([])
