import numpy as np
import pytest

from hwbench.spaces.graphs import Graphs


@pytest.fixture
def graphs():
    """A chain of three vertices and a graph of two, padded to three."""
    adjacency = np.zeros((2, 3, 3), dtype=np.uint8)
    adjacency[0, 0, 1] = adjacency[0, 1, 2] = adjacency[1, 0, 1] = 1
    operations = np.array([[1, 0, 2], [1, 2, -1]], dtype=np.int8)
    return Graphs(adjacency, operations, ("conv", "input", "output"))


def test_padding_is_no_vertex(graphs):
    np.testing.assert_array_equal(graphs.n_vertices, [3, 2])


def test_features_are_edges_and_operations_side_by_side(graphs):
    names = graphs.feature_names()
    assert names[:3] == ["v0->v1", "v0->v2", "v1->v2"]
    assert names[3:6] == ["v0=conv", "v0=input", "v0=output"]
    features = graphs.features()
    assert features.dtype == np.float32
    assert features.shape == (2, len(names)) == (2, 3 + 9)
    for row, expected in enumerate(
        [
            {"v0->v1", "v1->v2", "v0=input", "v1=conv", "v2=output"},
            {"v0->v1", "v0=input", "v1=output"},
        ]
    ):
        assert {name for name, value in zip(names, features[row], strict=True) if value} == expected
    assert set(np.unique(features)) == {0.0, 1.0}


def test_no_graphs_have_no_features(graphs):
    none = Graphs(graphs.adjacency[:0], graphs.operations[:0], graphs.operation_names)
    assert none.features().shape == (0, len(graphs.feature_names()))
