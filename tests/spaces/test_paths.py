"""Features of paths against the paths themselves, walked one by one."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.spaces.operation_names import computes, learns, passes

SPACES = ("nasbench201", "nasbench101", "enas_macro", "darts")


def walked(graphs, row):
    """The names on each path from an input without predecessors to an output without successors."""
    names = [graphs.operation_names[held] if held >= 0 else "" for held in graphs.operations[row]]
    edges = graphs.adjacency[row].astype(bool)
    found = []

    def walk(vertex, path):
        if not names[vertex] or not passes(names[vertex]):
            return
        if names[vertex].startswith("output") and not edges[vertex].any():
            found.append(path)
            return
        for after in np.flatnonzero(edges[vertex]):
            walk(after, [*path, names[after]])

    for vertex, name in enumerate(names):
        if name.startswith("input") and not edges[:, vertex].any():
            walk(vertex, [])
    return found


@pytest.mark.parametrize("name", SPACES)
def test_features_are_those_of_the_paths(name):
    space = hb.get_space(name)
    archs = space.sample(12, seed=1)
    graphs = space.graphs(archs)
    features = space.encode(archs, "paths")
    columns = space.feature_names("paths")
    kinds = [each for each in graphs.operation_names if computes(each)]
    for row in range(len(archs)):
        paths = walked(graphs, row)

        def counted(wanted, paths=paths):
            return [sum(map(wanted, path)) for path in paths] or [0]

        learning, computing = counted(learns), counted(computes)
        expected = {
            "paths": len(paths),
            "most learning": max(learning),
            "fewest learning": min(learning),
            "all learning": sum(learning),
            "most computing": max(computing),
            "fewest computing": min(computing),
            "idle path": bool(paths) and min(computing) == 0,
            "no path": not paths,
        }
        for kind in kinds:
            of_kind = counted(kind.__eq__)
            expected |= {f"most {kind}": max(of_kind), f"all {kind}": sum(of_kind)}
        assert dict(zip(columns, features[row].tolist(), strict=True)) == expected


def test_a_cell_that_nothing_passes_has_no_path():
    space = hb.get_space("nasbench201")
    empty = space.encode(np.zeros((1, 6), dtype=int), "paths")[0]
    assert dict(zip(space.feature_names("paths"), empty.tolist(), strict=True)) == {
        **dict.fromkeys(space.feature_names("paths"), 0.0),
        "no path": 1.0,
    }


def test_structure_holds_every_group_and_nothing_tells_twins_apart():
    space = hb.get_space("nasbench201")
    archs = space.sample(200, seed=0)
    structure = space.encode(archs, "structure")
    groups = space.structure.groups(archs)
    np.testing.assert_allclose(structure, np.concatenate(list(groups.values()), axis=1), rtol=1e-6)
    assert "paths" in groups
    np.testing.assert_array_equal(structure, space.encode(space.twins(archs), "structure"))
    everything = space.encode(space.all_architectures(), "structure").astype(float)
    assert (everything**2).sum(axis=1).mean() == pytest.approx(len(groups), rel=0.1)
