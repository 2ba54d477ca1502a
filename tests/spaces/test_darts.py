from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.counting import count_flops, count_parameters
from hwbench.spaces.darts.network import Cell
from hwbench.spaces.darts.skeleton import CellShape, cell_shapes
from hwbench.spaces.darts.space import OPERATIONS, PAIRS

SPACE = get_space("darts")

# The genotypes of the publication, as its code has them.
DARTS_V1 = (
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('skip_connect', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"
)
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
PRINTED_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('max_pool_3x3', 1), ('skip_connect', 2)], reduce_concat=range(2, 6))"
)
SKELETONS = [
    {"channels": 4, "depth": 1, "input_size": 8},
    {"channels": 3, "depth": 2, "input_size": 9, "input_channels": 1, "classes": 7},
    {"channels": 2, "depth": 1, "input_size": 1},
]


def test_size():
    cell = 1 * 3 * 6 * 10 * 7**8
    assert len(SPACE) == cell**2 == 1076746950455072400
    assert SPACE.indexed
    last = SPACE.architectures_at([len(SPACE) - 1])
    np.testing.assert_array_equal(last, [SPACE.n_choices - 1])
    with pytest.raises(HwbenchError, match="too many to enumerate"):
        SPACE.all_architectures()


def test_positions_say_cell_node_and_what_is_chosen():
    first = ["normal2.op1", "normal2.op2", "normal3.inputs", "normal3.op1", "normal3.op2"]
    assert list(SPACE.positions[:5]) == first
    assert SPACE.positions[11] == "reduction2.op1"
    assert SPACE.choices[2] == ("0+1", "0+2", "1+2")
    assert "normal3.inputs=0+2" in SPACE.feature_names()


# ---------------------------------------------------------------------- strings


def test_published_genotype_is_read_and_printed_with_the_lower_input_first():
    arch = SPACE.from_string(DARTS_V2)
    assert SPACE.to_string(arch) == PRINTED_V2
    np.testing.assert_array_equal(SPACE.from_string(PRINTED_V2), arch)
    inputs, operations = SPACE.edges([arch])
    np.testing.assert_array_equal(inputs[0, 0], [[0, 1], [0, 1], [0, 1], [0, 2]])
    names = [OPERATIONS[operation] for operation in operations[0, 1, 3]]
    assert names == ["max_pool_3x3", "skip_connect"]
    np.testing.assert_array_equal(inputs[0, 1, 3], [1, 2])


def test_first_order_genotype_is_read():
    inputs, operations = SPACE.edges([SPACE.from_string(DARTS_V1)])
    np.testing.assert_array_equal(inputs[0, 1], [[0, 1], [0, 2], [0, 2], [0, 2]])
    assert [OPERATIONS[operation] for operation in operations[0, 1, 3]] == [
        "avg_pool_3x3",
        "skip_connect",
    ]


def test_white_space_quotes_and_trailing_commas_do_not_matter():
    text = DARTS_V2.replace("'", '"').replace(", ", ",\n   ").replace("[(", "[ (")
    text = text.replace("normal=", "normal = ").replace("2)]", "2),\n]")
    np.testing.assert_array_equal(SPACE.from_string(text), SPACE.from_string(DARTS_V2))


def first(old, new):
    return DARTS_V2.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no DARTS string; expected Genotype(normal=[('op', input), ...]"),
        (DARTS_V2[:-1], "is no DARTS string"),
        ("__import__('os').system('true')", "is no DARTS string"),
        (first("'sep_conv_3x3'", "'none'"), "the normal cell, node 2 holds the operation 'none'"),
        (first("'dil_conv_3x3'", "'dil_conv_3x4'"), "did you mean 'dil_conv_3x3'"),
        (first("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)"), "node 5 has the input 5"),
        (first("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)"), "has the input 0 twice"),
        (first("('dil_conv_3x3', 2)", "('dil_conv_3x3', -1)"), "no list of edges"),
        (first("('dil_conv_3x3', 2)", "('dil_conv_3x3', 2.0)"), "no list of edges"),
        (first("('dil_conv_3x3', 2)", "dil_conv_3x3"), "no list of edges"),
        (first(", ('dil_conv_3x3', 2)", ""), "the normal cell has 7 edges, not 8"),
        (first("('max_pool_3x3', 0), ", ""), "the reduction cell has 7 edges, not 8"),
        (first("), (", ") ("), "no list of edges"),
        (first("[2, 3, 4, 5]", "[2, 3, 4]"), "the normal cell joins the nodes [2, 3, 4]"),
        (first("[2, 3, 4, 5]", "range(2, 5)"), "joins the nodes range(2, 5)"),
        (first("[2, 3, 4, 5]", "range(6)"), "joins the nodes range(6)"),
        (first("[2, 3, 4, 5]", "[2,\n3,\u2028x]"), "joins the nodes [2, 3, x]"),
        (first("[2, 3, 4, 5]", "range(2, exit())"), "is no DARTS string"),
        (first("[2, 3, 4, 5]", "range(2, 3, 4, 5)"), "joins the nodes"),
    ],
)
def test_malformed_genotype_is_refused_with_the_place(text, message):
    with pytest.raises(HwbenchError) as caught:
        SPACE.from_string(text)
    assert message in str(caught.value)
    assert repr(text)[:60] in str(caught.value)  # its start: the reason is to be read
    assert len(str(caught.value).splitlines()) == 1


@given(st.integers(0, len(SPACE) - 1))
def test_strings_and_places_come_back(place):
    arch = SPACE.architectures_at([place])
    assert SPACE.indices_of(arch) == [place]
    np.testing.assert_array_equal(SPACE.from_strings(SPACE.to_strings(arch)), arch)


@given(data=st.data())
def test_any_text_is_parsed_or_refused_in_one_line(data):
    start = data.draw(st.integers(0, len(PRINTED_V2)))
    end = data.draw(st.integers(start, min(len(PRINTED_V2), start + 12)))
    piece = data.draw(st.text(max_size=8) | st.text("()[],'# 0123none", max_size=8))
    text = PRINTED_V2[:start] + piece + PRINTED_V2[end:]
    try:
        arch = SPACE.from_string(text)
    except HwbenchError as error:
        message = str(error)
    else:
        message = "parsed"
        np.testing.assert_array_equal(SPACE.from_string(SPACE.to_string(arch)), arch)
    assert len(message.splitlines()) == 1


def test_a_malformed_genotype_among_many_is_named_by_its_row():
    with pytest.raises(HwbenchError, match=r"^row 1: architecture 'x' is no DARTS string"):
        SPACE.from_strings([DARTS_V1, "x"])


# ---------------------------------------------------------------------- graphs, twins, functions


def test_graph_joins_operations_by_the_nodes_they_make():
    archs = SPACE.sample(30)
    graphs = SPACE.graphs(archs)
    inputs, operations = SPACE.edges(archs)
    for arch in range(len(archs)):
        expected = {(10, 11), (10, 12)}  # the normal cell's output is the reduction cell's inputs
        for cell, start in enumerate((0, 11)):
            for node in range(4):
                for edge in range(2):
                    vertex = start + 2 + 2 * node + edge
                    assert graphs.operations[arch, vertex] == operations[arch, cell, node, edge]
                    source = inputs[arch, cell, node, edge]
                    made_by = [source] if source < 2 else [2 * source - 2, 2 * source - 1]
                    expected |= {(start + int(before), vertex) for before in made_by}
                    expected.add((vertex, start + 10))
        found = set(
            zip(*(place.tolist() for place in np.nonzero(graphs.adjacency[arch])), strict=True)
        )
        assert found == expected
    names = [graphs.operation_names[op] for op in graphs.operations[0, [0, 1, 10, 11, 12, 21]]]
    assert names == ["input 0", "input 1", "output"] * 2


def renumbered(arch, cell, order):
    """The architecture with the nodes of a cell at other places; None where that cannot be."""
    inputs, operations = (found[0].tolist() for found in SPACE.edges([arch]))
    number = [0, 1, *(2 + place for place in order)]
    nodes = [None] * 4
    for node in range(4):
        edges = zip(inputs[cell][node], operations[cell][node], strict=True)
        moved = sorted((number[source], operation) for source, operation in edges)
        if any(source >= 2 + order[node] for source, _ in moved):
            return None
        nodes[order[node]] = moved
    row = []
    for node, ((low, first_op), (high, second_op)) in enumerate(nodes):
        row += [PAIRS[node].index((low, high))] if node else []
        row += [first_op, second_op]
    changed = np.array(arch)
    changed[11 * cell : 11 * (cell + 1)] = row
    return changed


def test_function_class_is_the_first_of_all_orders_of_nodes():
    for arch in SPACE.sample(25, seed=3):
        candidates = [arch]
        for cell in range(2):
            orders = [
                renumbered(candidate, cell, order)
                for candidate in candidates
                for order in permutations(range(4))
            ]
            candidates = [candidate for candidate in orders if candidate is not None]
        assert SPACE.function_classes([arch])[0] == SPACE.indices_of(candidates).min()
        np.testing.assert_array_equal(
            SPACE.function_classes(candidates), SPACE.function_classes([arch])[0]
        )


def test_twins_have_the_first_two_nodes_in_the_other_order(unchanged):
    archs = unchanged(SPACE.sample(200))
    twins = SPACE.twins(archs)
    for arch, twin in zip(archs[:40], twins, strict=False):
        expected = arch
        for cell in range(2):
            other = renumbered(expected, cell, (1, 0, 2, 3))
            expected = expected if other is None else other
        np.testing.assert_array_equal(twin, expected)
    assert 0.3 < (twins != archs).any(axis=1).mean() < 0.8
    np.testing.assert_array_equal(SPACE.twins(twins), archs)
    np.testing.assert_array_equal(SPACE.parameters(twins), SPACE.parameters(archs))
    np.testing.assert_array_equal(SPACE.flops(twins), SPACE.flops(archs))


def test_a_cell_and_its_twin_give_the_same_nodes_in_another_order():
    archs = SPACE.sample(60)
    archs[:, [0, 1, 3, 4, 6, 7, 9, 10]] %= 3  # pools and skips, that have no weights
    archs = archs[(archs[:, :11] != SPACE.twins(archs)[:, :11]).any(axis=1)]
    shape = CellShape(False, False, 4, 4, 4, 5)
    before_last, last = torch.rand(2, 4, 5, 5), torch.rand(2, 4, 5, 5)
    assert len(archs) > 5
    for arch, twin in zip(archs, SPACE.twins(archs), strict=True):
        outputs = []
        for row in (arch, twin):
            inputs, operations = SPACE.edges([row])
            names = [OPERATIONS[operation] for operation in operations[0, 0].ravel()]
            torch.manual_seed(0)
            cell = Cell(list(zip(names, inputs[0, 0].ravel().tolist(), strict=True)), shape).eval()
            outputs.append(cell(before_last, last).reshape(2, 4, 4, 5, 5))
        torch.testing.assert_close(outputs[1], outputs[0][:, [1, 0, 2, 3]])


# ---------------------------------------------------------------------- cost and network


def test_published_architecture_has_the_published_parameters():
    # 3.3 million, as its publication says; 20 cells, 36 channels, no auxiliary head.
    arch = SPACE.from_string(DARTS_V2)
    assert SPACE.parameters([arch]) == [3349342]
    assert count_parameters(SPACE.network(arch)) == 3349342


def test_official_network_has_twenty_cells_two_of_them_reductions():
    shapes = cell_shapes(SPACE.skeleton())
    assert len(shapes) == 20
    assert [cell for cell, shape in enumerate(shapes) if shape.reduction] == [6, 13]
    assert [shape.channels for shape in shapes[5:15:4]] == [36, 72, 144]
    assert (shapes[0].channels_before_last, shapes[0].channels_last) == (108, 108)
    assert shapes[7].after_reduction
    assert (shapes[7].channels_before_last, shapes[7].channels_last) == (144, 288)
    assert (shapes[6].size, shapes[6].out_size, shapes[19].size) == (32, 16, 8)


@pytest.mark.parametrize("changes", SKELETONS)
def test_formulas_count_what_the_network_has(changes):
    skeleton = SPACE.skeleton(**changes)
    image = (skeleton.input_channels, skeleton.input_size, skeleton.input_size)
    archs = np.concatenate([SPACE.sample(3, seed=1), [np.minimum(2, SPACE.n_choices - 1)]])
    parameters, flops = SPACE.parameters(archs, **changes), SPACE.flops(archs, **changes)
    for row, arch in enumerate(archs):
        network = SPACE.network(arch, **changes)
        assert count_parameters(network) == parameters[row]
        assert count_flops(network, image, classifier_bias=False) == flops[row]
        with torch.inference_mode():
            logits = network.eval()(torch.rand(2, *image))
        assert logits.shape == (2, skeleton.classes)
        assert torch.isfinite(logits).all()


@pytest.mark.parametrize("operation", range(len(OPERATIONS)))
def test_every_operation_can_stand_everywhere(operation):
    arch = np.zeros(22, dtype=int)
    columns = np.array([0, 1, 3, 4, 6, 7, 9, 10])
    arch[[*columns, *(columns + 11)]] = operation
    network = SPACE.network(arch, channels=4, depth=1).eval()
    assert torch.isfinite(network(torch.rand(2, 3, 16, 16))).all()
