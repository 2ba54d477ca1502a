"""Dead branches, paths, graphs, twins and functions of cells, against brute force."""

from itertools import product

import numpy as np
import pytest

from hwbench.spaces import get_space
from hwbench.spaces.edge_cell import EDGES


@pytest.fixture(params=["nasbench201", "transnas_micro"])
def space(request):
    return get_space(request.param)


def ways(space, arch):
    """Every way from node 0 to node 3 that no `none` interrupts, as lists of edges."""
    open_ways = [[edge] for edge, (source, _) in enumerate(EDGES) if source == 0]
    found = []
    while open_ways:
        way = open_ways.pop()
        if arch[way[-1]] == space._zero:
            continue
        end = EDGES[way[-1]][1]
        if end == 3:
            found.append(way)
        open_ways += [[*way, edge] for edge, (source, _) in enumerate(EDGES) if source == end]
    return found


def test_live_edges_are_those_on_a_way_through_the_cell(space, unchanged):
    archs = unchanged(space.sample(400))
    live = space.live_edges(archs)
    for arch, found in zip(archs, live, strict=True):
        on_a_way = {edge for way in ways(space, arch) for edge in way}
        assert set(np.flatnonzero(found)) == on_a_way
    removed = space.remove_dead(archs)
    np.testing.assert_array_equal(removed[live], archs[live])
    assert (removed[~live] == space._zero).all()
    np.testing.assert_array_equal(space.remove_dead(removed), removed)


def test_live_encoding_is_onehot_without_dead_branches(space):
    archs = space.sample(50)
    expected = space.encode(space.remove_dead(archs), "onehot")
    np.testing.assert_array_equal(space.encode(archs, "live"), expected)
    assert space.feature_names("live") == [f"live {name}" for name in space.feature_names()]


def test_path_encoding_lists_the_sequences_of_operations(space):
    archs = space.sample(300)
    names = space.feature_names("path")
    assert len(names) == sum((space.n_choices[0] - 1) ** length for length in (1, 2, 3))
    features = space.encode(archs, "path")
    for arch, row in zip(archs, features, strict=True):
        expected = {
            " > ".join(space.cell_operations[arch[edge]] for edge in way)
            for way in ways(space, arch)
        }
        assert {name for name, value in zip(names, row, strict=True) if value} == expected
    assert set(np.unique(features)) == {0.0, 1.0}


def test_graph_has_a_vertex_for_each_edge(space):
    archs = space.sample(20)
    graphs = space.graphs(archs)
    assert graphs.adjacency.shape == (20, 8, 8)
    for source, target in product(range(8), repeat=2):
        end = 0 if source == 0 else 3 if source == 7 else EDGES[source - 1][1]
        start = 3 if target == 7 else 0 if target == 0 else EDGES[target - 1][0]
        joined = end == start and source < target and (source, target) != (0, 7)
        assert (graphs.adjacency[:, source, target] == joined).all(), (source, target)
    np.testing.assert_array_equal(graphs.operations[:, 1:-1], archs)
    assert {graphs.operation_names[op] for op in graphs.operations[:, 0]} == {"input"}
    assert {graphs.operation_names[op] for op in graphs.operations[:, -1]} == {"output"}


def test_twins_have_nodes_1_and_2_in_the_other_order(space):
    archs = space.all_architectures()
    twins = space.twins(archs)
    for arch, twin in zip(archs[::37], twins[::37], strict=True):
        expected = dict(zip(EDGES, arch, strict=True))
        if expected[1, 2] == space._zero:
            other = {0: 0, 1: 2, 2: 1, 3: 3}
            expected = {
                edge: space._zero if edge == (1, 2) else expected[other[edge[0]], other[edge[1]]]
                for edge in EDGES
            }
        assert dict(zip(EDGES, twin, strict=True)) == expected
    np.testing.assert_array_equal(space.twins(twins), archs)
    np.testing.assert_array_equal(space.function_classes(twins), space.function_classes(archs))
    np.testing.assert_array_equal(space.flops(twins), space.flops(archs))


def evaluate(space, archs):
    """What the cells make of a number, with a curved function for each operation that has one."""
    curves = [lambda x: np.tanh(1.7 * x) + 0.31 * x**2, lambda x: np.sin(2.3 * x) - 0.7 * x**3]
    curves.append(lambda x: np.arctan(0.9 * x) + 0.53 * x**2)
    nodes = np.zeros((4, len(archs)))
    nodes[0] = 0.7390851
    for edge, (source, target) in enumerate(EDGES):
        for operation, kind in enumerate(space.kinds):
            held = archs[:, edge] == operation
            x = nodes[source]
            value = {"zero": 0 * x, "identity": x, "linear": 0.6180339 * x}.get(kind)
            if value is None:
                value = curves[space.kinds[:operation].count("function")](x)
            nodes[target] += np.where(held, value, 0)
    return nodes[3]


@pytest.mark.parametrize(("name", "classes"), [("nasbench201", 4660), ("transnas_micro", 1948)])
def test_cells_of_one_class_are_those_that_compute_the_same(name, classes):
    space = get_space(name)
    archs = space.all_architectures()
    found = space.function_classes(archs)
    values = np.round(evaluate(space, archs), 11)
    _, first, value_class = np.unique(values, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(first[value_class], found)
    assert len(first) == classes


@pytest.mark.parametrize(("name", "count"), [("nasbench201", 341), ("transnas_micro", 169)])
def test_cells_without_a_path_are_those_whose_output_is_zero(name, count):
    space = get_space(name)
    archs = space.all_architectures()
    found = space.connected(archs)
    np.testing.assert_array_equal(found, evaluate(space, archs) != 0)
    assert (~found).sum() == count
