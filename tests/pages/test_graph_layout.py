"""Layouts of random graphs: nothing overlaps, edges run to the right, rows are near each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwbench.pages.graph_layout import ROW_GAP, _spread, layered_layout


@st.composite
def graphs(draw):
    n = draw(st.integers(2, 9))
    sizes = [(draw(st.integers(10, 90)), draw(st.integers(10, 40))) for _ in range(n)]
    pairs = [(i, j) for j in range(n) for i in range(j)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14))
    return sizes, edges


@given(graphs())
def test_vertices_stand_apart_and_edges_run_to_the_right(graph):
    sizes, edges = graph
    layout = layered_layout(sizes, edges)
    for i, ((x, y), (width, height)) in enumerate(zip(layout.centres, sizes, strict=True)):
        assert x - width / 2 >= -1e-9
        assert x + width / 2 <= layout.width + 1e-9
        assert y - height / 2 >= -1e-9
        assert y + height / 2 <= layout.height + 1e-9
        for (u, v), (wide, high) in zip(layout.centres[:i], sizes[:i], strict=True):
            apart_across = abs(u - x) >= (wide + width) / 2 - 1e-9
            assert apart_across or abs(v - y) >= (high + height) / 2 + ROW_GAP - 1e-9
    for (source, target), route in zip(edges, layout.routes, strict=True):
        xs = [x for x, _ in route]
        assert xs == sorted(xs)
        assert route[0][0] == layout.centres[source][0] + sizes[source][0] / 2
        assert route[-1][1] == layout.centres[target][1]


@given(st.data())
def test_a_row_is_placed_as_near_to_what_is_wanted_as_there_is_room(data):
    n = data.draw(st.integers(1, 5))
    heights = data.draw(st.lists(st.integers(4, 30), min_size=n, max_size=n))
    wanted = data.draw(st.lists(st.integers(-50, 50), min_size=n, max_size=n))
    y = [0.0] * n
    _spread(range(n), y, heights, wanted)
    gaps = np.add(heights[:-1], heights[1:]) / 2 + ROW_GAP
    assert (np.diff(y) >= gaps - 1e-9).all()
    cost = np.square(np.subtract(y, wanted)).sum()
    rng = np.random.default_rng(0)
    for _ in range(50):  # no other arrangement with room for all is nearer
        other = np.cumsum([y[0] + rng.normal(0, 20), *(gaps + rng.exponential(5, n - 1))])
        assert np.square(other - wanted).sum() >= cost - 1e-6
