"""Vertex orders and graphs of architectures, and the way back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.graphs import Graphs
from hwbench.vae.graphs import (
    GraphBatch,
    graph_format,
    loose_ends_joined,
    reordered,
    same_graphs,
    vertex_order,
)

SPACES = ("nasbench201", "transnas_micro", "nasbench101", "enas_macro")
ORDERS = ("depth_first", "breadth_first", "given")


@st.composite
def random_graphs(draw):
    """A few graphs of up to seven vertices, padded, in topological order."""
    size, n_graphs = draw(st.integers(2, 7)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    adjacency = np.triu(rng.integers(0, 2, (n_graphs, size, size)), 1).astype(np.uint8)
    operations = rng.integers(0, 3, (n_graphs, size)).astype(np.int8)
    for graph, n_vertices in enumerate(rng.integers(1, size + 1, n_graphs)):
        operations[graph, n_vertices:] = -1
        adjacency[graph, n_vertices:] = adjacency[graph, :, n_vertices:] = 0
    return Graphs(adjacency, operations, ("a", "b", "c"))


def one_order(adjacency, n_vertices, last_in_first_out):
    """Kahn's algorithm on one graph, its queue read from one end or the other."""
    waiting = adjacency[:n_vertices, :n_vertices].sum(axis=0).astype(int)
    groups = [[v for v in range(n_vertices) if waiting[v] == 0]]
    order = []
    while any(groups):
        chosen = [group for group in groups if group][-1 if last_in_first_out else 0]
        vertex = chosen.pop(0)
        order.append(vertex)
        waiting = waiting - adjacency[vertex, :n_vertices]
        reached = [w for w in range(n_vertices) if adjacency[vertex, w] and waiting[w] == 0]
        groups.append(reached)
    return order + list(range(n_vertices, len(adjacency)))


@given(random_graphs(), st.sampled_from(["depth_first", "breadth_first"]))
def test_orders_are_those_of_one_graph_at_a_time(graphs, order):
    found = vertex_order(graphs, order)
    for row, n_vertices in enumerate(graphs.n_vertices.tolist()):
        expected = one_order(graphs.adjacency[row], n_vertices, order == "depth_first")
        assert found[row].tolist() == expected
    moved = reordered(graphs, found)
    assert not np.tril(moved.adjacency).any()
    back = reordered(moved, np.argsort(found, axis=1))
    assert same_graphs(back, graphs).all()


@given(random_graphs())
def test_loose_ends_are_joined_to_the_last_vertex(graphs):
    expected = graphs.adjacency.copy()
    for row, n_vertices in enumerate(graphs.n_vertices.tolist()):
        for vertex in range(n_vertices - 1):
            if not graphs.adjacency[row, vertex].any():
                expected[row, vertex, n_vertices - 1] = 1
    before = graphs.adjacency.copy()
    found = loose_ends_joined(graphs)
    np.testing.assert_array_equal(found.adjacency, expected)
    np.testing.assert_array_equal(found.operations, graphs.operations)
    np.testing.assert_array_equal(graphs.adjacency, before)


def test_depth_goes_on_where_breadth_comes_back():
    graphs = get_space("nasbench201").graphs(np.zeros((1, 6), dtype=int))
    # Vertices 1 .. 6 are the edges 01, 02, 12, 03, 13, 23.
    assert vertex_order(graphs, "depth_first")[0].tolist() == [0, 1, 3, 5, 2, 6, 4, 7]
    assert vertex_order(graphs, "breadth_first")[0].tolist() == [0, 1, 2, 4, 3, 5, 6, 7]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("order", ORDERS)
def test_architectures_come_back_from_their_graphs(name, order, unchanged):
    space = get_space(name)
    form = graph_format(space, order)
    archs = unchanged(space.sample(300, seed=0))
    graphs = form.graphs(archs)
    unchanged(graphs.adjacency)
    found, valid = form.architectures(graphs)
    assert valid.all()
    np.testing.assert_array_equal(space.indices_of(found), space.indices_of(archs))
    assert (graphs.operations[:, 0] == form.start).all()
    last = graphs.operations[np.arange(300), graphs.n_vertices - 1]
    assert (last == form.end).all()


@pytest.mark.parametrize("name", SPACES)
def test_graphs_of_no_architecture_are_told(name):
    space = get_space(name)
    form = graph_format(space)
    right = form.graphs(space.sample(200, seed=1))
    names = right.operation_names
    middle = np.arange(200), right.n_vertices // 2

    def broken(change):
        adjacency, operations = right.adjacency.copy(), right.operations.copy()
        change(adjacency, operations)
        archs, valid = form.architectures(Graphs(adjacency, operations, names))
        assert (archs[~valid] == 0).all()
        return valid

    def an_input_in_the_middle(_adjacency, operations):
        operations[middle] = form.start

    def no_output(_adjacency, operations):
        operations[np.arange(200), right.n_vertices - 1] = 0

    def no_edges(adjacency, _operations):
        adjacency[:] = 0

    def nothing_leads_to_the_output(adjacency, _operations):
        adjacency[np.arange(200), :, right.n_vertices - 1] = 0

    large = right.n_vertices > 2
    assert not broken(an_input_in_the_middle)[large].any()
    for change in (no_output, no_edges, nothing_leads_to_the_output):
        assert not broken(change).any()


def test_decoded_cells_of_nasbench101_may_not_dangle_nor_have_ten_edges():
    space = get_space("nasbench101")
    names = space.graphs(space.sample(1)).operation_names
    adjacency = np.zeros((3, 7, 7), dtype=np.uint8)
    chain = np.arange(6)
    adjacency[:, chain, chain + 1] = 1
    adjacency[0, 2, 3] = 0  # then vertex 2 leads nowhere
    adjacency[1, [0, 0, 0, 0], [2, 3, 4, 5]] = 1  # ten edges
    operations = np.full((3, 7), 0, dtype=np.int8)
    operations[:, 0], operations[:, -1] = names.index("input"), names.index("output")
    _, valid = space.from_graphs(Graphs(adjacency, operations, names))
    assert valid.tolist() == [False, False, True]


def test_batches_are_one_hot_and_padding_is_nothing():
    space = get_space("nasbench101")
    graphs = graph_format(space).graphs(space.sample(50, seed=3))
    batch = GraphBatch.of(graphs)
    assert batch.adjacency.dtype == batch.operations.dtype == torch.float32
    np.testing.assert_array_equal(batch.operations.sum(dim=2).numpy(), graphs.operations >= 0)
    chosen = batch.operations.argmax(dim=2).numpy()
    np.testing.assert_array_equal(np.where(graphs.operations >= 0, chosen, -1), graphs.operations)
    assert len(batch[slice(0, 7)]) == 7


def test_spaces_without_a_way_back_are_refused():
    with pytest.raises(HwbenchError, match="darts cannot tell the architecture of a graph"):
        graph_format(get_space("darts"))
    with pytest.raises(HwbenchError, match="no encoding 'graph'"):
        graph_format(get_space("nasbench_macro"))
    one, other = (
        get_space(n).graphs(get_space(n).sample(2)) for n in ("nasbench201", "nasbench101")
    )
    with pytest.raises(HwbenchError, match="different spaces"):
        same_graphs(one, other)
