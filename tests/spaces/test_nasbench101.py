import hashlib
import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces.counting import count_flops, count_parameters
from hwbench.spaces.nasbench101.cells import EDGES, OPERATIONS, cell_table
from hwbench.spaces.nasbench101.cost import vertex_channels
from hwbench.spaces.nasbench101.hashes import md5
from hwbench.spaces.nasbench101.space import NASBench101

SPACE = NASBench101()
CONV3, CONV1, POOL, ABSENT = range(4)
N_CELLS = 423_624
RESNET_LIKE = "conv3x3-bn-relu:0|conv3x3-bn-relu:1|output:02"


def cell(matrix, labels):
    """The row of a matrix (list of rows) and interior labels."""
    row = [0] * 21 + [ABSENT] * 5
    for position, (source, target) in enumerate(EDGES):
        if target < len(matrix):
            row[position] = int(matrix[source][target])
    row[21 : 21 + len(labels)] = labels
    return row


def parts(arch):
    """The matrix and interior labels of a row."""
    matrix, names = SPACE.to_matrix(arch)
    return matrix, [OPERATIONS.index(name) for name in names[1:-1]]


def reference_hash(matrix, labels):
    """The benchmark's hash after its definition, a digest at a time."""
    size = len(matrix)
    labelled = [-1, *labels, -2]

    def digest(text):
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    after = [[w for w in range(size) if matrix[v][w]] for v in range(size)]
    before = [[w for w in range(size) if matrix[w][v]] for v in range(size)]
    colours = [digest(str((len(after[v]), len(before[v]), labelled[v]))) for v in range(size)]
    for _ in range(size):
        colours = [
            digest(
                "".join(sorted(colours[w] for w in before[v]))
                + "|"
                + "".join(sorted(colours[w] for w in after[v]))
                + "|"
                + colours[v]
            )
            for v in range(size)
        ]
    return digest(str(sorted(colours)))


def topological_orders(matrix):
    """Every order of the interior vertices in which edges lead forwards."""
    for middle in itertools.permutations(range(1, len(matrix) - 1)):
        order = [0, *middle, len(matrix) - 1]
        reordered = matrix[np.ix_(order, order)]
        if not np.tril(reordered).any():
            yield order, reordered


# ---------------------------------------------------------------------- which cells there are


def test_cells_are_the_first_of_each_hash_in_the_generators_order():
    first = {}
    for size in (2, 3, 4, 5):
        for bits in range(2 ** (size * (size - 1) // 2)):
            matrix = np.zeros((size, size), dtype=int)
            for position, (source, target) in enumerate(EDGES[: size * (size - 1) // 2]):
                matrix[source, target] = bits >> position & 1
            full = matrix[:-1].any(axis=1).all() and matrix[:, 1:].any(axis=0).all()
            if not full or matrix.sum() > 9:
                continue
            for labels in itertools.product(range(3), repeat=size - 2):
                first.setdefault(reference_hash(matrix, labels), cell(matrix, labels))
    expected = list(first.values())
    np.testing.assert_array_equal(SPACE.architectures_at(np.arange(len(expected))), expected)
    assert (SPACE.architectures_at([len(expected)])[0, 21:] != ABSENT).sum() == 4


def test_cells_are_those_of_the_published_table(shared_data):
    assert len(SPACE) == N_CELLS
    archs, published = published_cells(shared_data)
    places = SPACE.indices_of(archs)
    assert len(np.unique(places)) == N_CELLS
    np.testing.assert_array_equal(SPACE.architectures_at(places), archs)
    np.testing.assert_array_equal(SPACE.parameters(archs), published["params"])


def published_cells(folder):
    published = pd.read_parquet(folder / "nb101.parquet")
    edges = (published["adj_bits"].to_numpy().astype(int)[:, None] >> np.arange(21)) & 1
    text = published["ops"].str.ljust(5, str(ABSENT)).to_numpy().astype("S5")
    operations = text.view("S1").reshape(-1, 5).astype(int)
    return np.concatenate([edges, operations], axis=1), published


def test_published_rows_stand_in_the_order_of_their_hashes(shared_data):
    archs, _ = published_cells(shared_data)
    hashes = SPACE.module_hashes(archs[::150])
    assert hashes == sorted(set(hashes))


@pytest.mark.slow
def test_order_of_all_hashes_is_that_of_the_published_rows(shared_data):
    archs, _ = published_cells(shared_data)
    np.testing.assert_array_equal(SPACE.architectures_at(SPACE.hash_order()), archs)
    hashes = SPACE.module_hashes(archs[:1000])
    np.testing.assert_array_equal(SPACE.from_strings(hashes), archs[:1000])


def test_places_and_cells_are_inverse():
    archs = SPACE.all_architectures()
    assert archs.shape == (N_CELLS, 26) == cell_table().cells.shape
    assert archs.dtype == np.int64
    np.testing.assert_array_equal(SPACE.indices_of(archs), np.arange(N_CELLS))
    assert SPACE.indices_of(archs[:0]).shape == (0,)


def test_order_is_by_vertices_then_edge_bits_then_operations():
    archs = SPACE.sample(3000, 5)
    archs = archs[np.argsort(SPACE.indices_of(archs))]
    keys = [
        ((row[21:] != ABSENT).sum(), sum(row[:21] << np.arange(21)), *row[21:]) for row in archs
    ]
    assert keys == sorted(keys)


@pytest.mark.parametrize("index", [-1, N_CELLS])
def test_index_outside_is_refused(index):
    with pytest.raises(HwbenchError, match=r"outside 0 \.\. 423623"):
        SPACE.architectures_at([index])


# ---------------------------------------------------------------------- isomorphic cells


@settings(max_examples=40)
@given(index=st.integers(0, N_CELLS - 1))
def test_a_cell_is_the_same_in_every_order_of_its_vertices(index):
    arch = SPACE.architectures_at([index])[0]
    matrix, labels = parts(arch)
    rows = [
        cell(reordered, [labels[vertex - 1] for vertex in order[1:-1]])
        for order, reordered in topological_orders(matrix)
    ]
    assert (SPACE.indices_of(rows) == index).all()
    np.testing.assert_array_equal(SPACE.canonical(rows), np.tile(arch, (len(rows), 1)))
    assert len(set(SPACE.module_hashes(rows[:5]))) == 1
    assert (SPACE.function_classes(rows) == index).all()


def test_different_cells_have_different_hashes():
    archs = SPACE.sample(5000, 2)
    assert len(set(SPACE.module_hashes(archs))) == 5000


def test_a_cells_own_order_is_the_first_of_all():
    for arch in SPACE.sample(100, 3):
        matrix, labels = parts(arch)
        rows = [
            (sum(1 << k for k in range(21) if row[k]), row[21:])
            for order, reordered in topological_orders(matrix)
            for row in [cell(reordered, [labels[vertex - 1] for vertex in order[1:-1]])]
        ]
        assert min(rows) == (sum(1 << k for k in range(21) if arch[k]), arch[21:].tolist())


# ---------------------------------------------------------------------- matrices, pruning


def test_matrices_come_back():
    for arch in SPACE.sample(50):
        matrix, names = SPACE.to_matrix(arch)
        assert (names[0], names[-1]) == ("input", "output")
        assert matrix.shape == (len(names), len(names))
        np.testing.assert_array_equal(SPACE.from_matrix(matrix.tolist(), names), arch)


def by_walking(matrix):
    """Vertices on a way from the first to the last, found by walking every way."""
    live = set()

    def walk(way):
        if way[-1] == len(matrix) - 1:
            live.update(way)
        for target in np.flatnonzero(matrix[way[-1]]):
            walk([*way, int(target)])

    walk([0])
    return sorted(live)


@given(data=st.data())
def test_dangling_vertices_are_pruned(data):
    size = data.draw(st.integers(2, 7))
    bits = data.draw(st.integers(0, 2 ** (size * (size - 1) // 2) - 1))
    labels = data.draw(st.lists(st.integers(0, 2), min_size=size - 2, max_size=size - 2))
    matrix = np.zeros((size, size), dtype=int)
    for position, (source, target) in enumerate(EDGES[: size * (size - 1) // 2]):
        matrix[source, target] = bits >> position & 1
    names = ["input", *[OPERATIONS[label] for label in labels], "output"]
    live = by_walking(matrix)
    pruned = matrix[np.ix_(live, live)]
    if not live or pruned.sum() > 9:
        for call in (lambda: SPACE.prune([cell(matrix, labels)]),
                     lambda: SPACE.from_matrix(matrix, names)):  # fmt: skip
            with pytest.raises(HwbenchError, match="edges" if live else "no path from input"):
                call()
        return
    expected = cell(pruned, [labels[vertex - 1] for vertex in live[1:-1]])
    np.testing.assert_array_equal(SPACE.prune([cell(matrix, labels)]), [expected])
    np.testing.assert_array_equal(SPACE.from_matrix(matrix, names), expected)


def test_pruning_a_batch_keeps_its_rows_and_leaves_cells_alone(unchanged):
    archs = unchanged(SPACE.sample(500))
    np.testing.assert_array_equal(SPACE.prune(archs), archs)
    assert SPACE.prune(archs[:0]).shape == (0, 26)


def test_a_larger_matrix_counts_as_what_is_left_of_it():
    matrix = np.zeros((9, 9), dtype=int)
    matrix[0, 4] = matrix[4, 8] = matrix[2, 3] = 1
    names = ["?", "x", "x", "x", "maxpool3x3", "x", "x", "x", "?"]
    assert SPACE.to_string(SPACE.from_matrix(matrix, names)) == "maxpool3x3:0|output:1"


@pytest.mark.parametrize(
    ("matrix", "names", "message"),
    [
        ([[0, 1]], ["input"], "square"),
        ([[0]], ["input"], "square"),
        ([[0, 1], [0, 0]], ["input"], "1 operations for a matrix of 2 vertices"),
        ([[0, 2], [0, 0]], ["input", "output"], "zeros and ones"),
        ([[0, 1], [1, 0]], ["input", "output"], "edge 1->0; edges lead to later vertices"),
        ([[0, 0], [0, 0]], ["input", "output"], "no path from input to output"),
        (
            [[0, 1, 0], [0, 0, 1], [0, 0, 0]],
            ["input", "conv3x3", "output"],
            "vertex 1: unknown operation 'conv3x3'; did you mean 'conv3x3-bn-relu'",
        ),
        (np.triu(np.ones((6, 6)), 1), ["maxpool3x3"] * 6, "6 vertices and 15 edges"),
        (np.eye(9, k=1), ["maxpool3x3"] * 9, "9 vertices and 8 edges"),
    ],
)
def test_wrong_matrix_is_refused(matrix, names, message):
    with pytest.raises(HwbenchError) as caught:
        SPACE.from_matrix(matrix, names)
    assert message in str(caught.value)


CHAIN = np.eye(4, k=1, dtype=int)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (cell(np.zeros((2, 2)), []), "has no path from input to output"),
        (cell(CHAIN, [CONV3]), "has the edge 2->3, though its output is vertex 2"),
        (cell(CHAIN, [ABSENT, CONV3]), "has an absent vertex 1 before one that is there"),
        (
            cell([[0, 1, 0, 1], [0] * 4, [0, 0, 0, 1], [0] * 4], [0, 0]),
            "has a vertex 1 on no path from input to output; prune()",
        ),
        (cell(np.triu(np.ones((5, 5)), 1), [0, 0, 0]), "has 10 edges; at most 9 are allowed"),
    ],
)
def test_what_is_no_cell_is_refused_with_row_and_reason(row, message):
    good = SPACE.sample(2).tolist()
    for call in (SPACE.check, SPACE.indices_of, SPACE.encode, SPACE.parameters, SPACE.to_strings):
        with pytest.raises(HwbenchError) as caught:
            call([*good, row])
        assert message in str(caught.value)
        assert "row 2 [" in str(caught.value)


# ---------------------------------------------------------------------- hashes


def test_hash_is_the_benchmarks():
    archs = SPACE.sample(200, 7)
    expected = [reference_hash(*parts(arch)) for arch in archs]
    assert SPACE.module_hashes(archs) == expected
    small = SPACE.architectures_at(np.arange(60))
    assert SPACE.module_hashes(small) == [reference_hash(*parts(arch)) for arch in small]
    assert SPACE.module_hashes(archs[:0]) == []


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 119, 120, 300])
def test_md5_equals_the_standard_librarys(length):
    messages = np.random.default_rng(length).integers(0, 256, (9, length)).astype(np.uint8)
    expected = [hashlib.md5(row.tobytes(), usedforsecurity=False).digest() for row in messages]
    assert [row.tobytes() for row in md5(messages)] == expected


@pytest.fixture
def few_hashes():
    """A space that knows the hashes of its cells of up to five vertices, to spare the rest."""
    space = NASBench101()
    small = space.architectures_at(np.arange(2000))
    hashes = np.array(space.module_hashes(small), dtype="S32")
    order = np.argsort(hashes)
    space.__dict__["_hash_table"] = (hashes[order], order)
    return space, small


def test_a_hash_is_read_in_a_strings_place(few_hashes):
    space, small = few_hashes
    texts = space.to_strings(small[:50])
    hashes = space.module_hashes(small[:50])
    mixed = [pair[row % 2] for row, pair in enumerate(zip(texts, hashes, strict=True))]
    np.testing.assert_array_equal(space.from_strings(mixed), small[:50])
    np.testing.assert_array_equal(space.indices_of_hashes(hashes), np.arange(50))


def test_an_unknown_hash_is_refused(few_hashes):
    space, small = few_hashes
    known = space.module_hashes(small[:1])
    for unknown in ("0" * 32, "f" * 32):
        with pytest.raises(HwbenchError, match=f"no cell .* module hash '{unknown}'"):
            space.from_strings([*known, unknown])
    for wrong in ("0" * 31, "0" * 33, "G" * 32, None, 3):
        with pytest.raises(HwbenchError, match=r"row 1: .* is no module hash of 32"):
            space.indices_of_hashes([*known, wrong])


# ---------------------------------------------------------------------- strings


def test_string_lists_the_vertices():
    arch = SPACE.from_string(RESNET_LIKE)
    np.testing.assert_array_equal(
        arch, cell([[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0] * 4], [CONV3, CONV3])
    )
    assert SPACE.to_string(arch) == RESNET_LIKE
    assert SPACE.to_string(SPACE.architectures_at([0])[0]) == "output:0"


def test_strings_of_all_cells_come_back():
    archs = SPACE.all_architectures()[::7]
    texts = SPACE.to_strings(archs)
    assert len(set(texts)) == len(archs)
    np.testing.assert_array_equal(SPACE.from_strings(texts), archs)
    assert SPACE.from_strings([]).shape == (0, 26)
    assert SPACE.to_strings(archs[:0]) == []


def test_string_keeps_the_order_of_the_vertices():
    texts = ["maxpool3x3:0|conv3x3-bn-relu:0|output:12", "conv3x3-bn-relu:0|maxpool3x3:0|output:12"]
    archs = SPACE.from_strings(texts)
    assert SPACE.to_strings(archs) == texts
    assert len(set(SPACE.indices_of(archs))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no NAS-Bench-101 string"),
        ("conv3x3-bn-relu", "no NAS-Bench-101 string"),
        ("A" * 32, "no NAS-Bench-101 string"),
        ("conv3x3:0|output:1", "unknown operation 'conv3x3'; did you mean 'conv3x3-bn-relu'"),
        ("maxpool3x3:0", "vertex 1 is 'maxpool3x3'; the last one is the output"),
        ("output:0|output:1", "vertex 1 is 'output'; the last one is the output"),
        ("maxpool3x3:0|output:2", "vertex 2 adds up '2'; expected the digits"),
        ("maxpool3x3:0|output:10", "vertex 2 adds up '10'"),
        ("maxpool3x3:0|output:11", "vertex 2 adds up '11'"),
        ("maxpool3x3:|output:0", "vertex 1 adds up ''"),
        ("maxpool3x3:0|output:0", "has a vertex 1 on no path"),
        ("|".join(["maxpool3x3:0"] * 6) + "|output:0", "has 7 vertices behind the input"),
        ("|".join(["maxpool3x3:0"] * 9), "has 9 vertices behind the input"),
    ],
)
def test_malformed_string_is_refused_with_the_place(text, message):
    with pytest.raises(HwbenchError) as caught:
        SPACE.from_strings([RESNET_LIKE, text])
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", [None, 3, b"output:0", ["output:0"]])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(HwbenchError, match="no NAS-Bench-101 string"):
        SPACE.from_string(text)


@given(data=st.data())
def test_any_text_is_parsed_or_refused_in_one_line(data):
    valid = SPACE.to_string(SPACE.architectures_at([data.draw(st.integers(0, N_CELLS - 1))])[0])
    start = data.draw(st.integers(0, len(valid)))
    end = data.draw(st.integers(start, len(valid)))
    piece = data.draw(st.text(max_size=12) | st.text("|:0123456output", max_size=12))
    text = valid[:start] + piece + valid[end:]
    try:
        arch = SPACE.from_string(text)
    except HwbenchError as error:
        message = str(error)
    else:
        message = "parsed"
        assert SPACE.to_string(arch) == text.strip()
    assert len(message.splitlines()) == 1


# ---------------------------------------------------------------------- encodings


def ways(matrix):
    """Every way from input to output, as the vertices between."""
    found = []

    def walk(way):
        if way[-1] == len(matrix) - 1:
            found.append(way[1:-1])
        for target in np.flatnonzero(matrix[way[-1]]):
            walk([*way, int(target)])

    walk([0])
    return found


def brute_names(arch, encoding):
    """Names of the columns that hold a one."""
    matrix, labels = parts(arch)
    if encoding == "path":
        sequences = [[OPERATIONS[labels[v - 1]] for v in way] for way in ways(matrix)]
        return {" > ".join(names) if names else "input > output" for names in sequences}
    edges = {
        f"{s}->{t}={'edge' if t < len(matrix) and matrix[s, t] else 'no edge'}" for s, t in EDGES
    }
    kinds = [OPERATIONS[label] for label in labels] + ["absent"] * (5 - len(labels))
    names = edges | {f"vertex{v}={kind}" for v, kind in enumerate(kinds, start=1)}
    return {f"live {name}" for name in names} if encoding == "live" else names


@pytest.mark.parametrize(("encoding", "width"), [("onehot", 62), ("live", 62), ("path", 364)])
def test_encodings_of_ones_equal_brute_force(encoding, width, unchanged):
    archs = unchanged(np.concatenate([SPACE.sample(150), SPACE.architectures_at(np.arange(40))]))
    features = SPACE.encode(archs, encoding)
    names = np.array(SPACE.feature_names(encoding))
    assert features.dtype == np.float32
    assert features.shape == (190, width) == (190, len(set(names)))
    assert set(np.unique(features)) == {0.0, 1.0}
    for arch, row in zip(archs, features, strict=True):
        assert set(names[row == 1]) == brute_names(arch, encoding)


def test_paths_do_not_depend_on_the_order_of_the_vertices():
    texts = ["maxpool3x3:0|conv3x3-bn-relu:0|output:12", "conv3x3-bn-relu:0|maxpool3x3:0|output:12"]
    first, second = SPACE.encode(SPACE.from_strings(texts), "path")
    np.testing.assert_array_equal(first, second)


def test_chunks_of_features_are_joined_rightly(monkeypatch):
    archs = SPACE.sample(50)
    whole = [SPACE.encode(archs, encoding) for encoding in ("onehot", "path")]
    monkeypatch.setattr("hwbench.spaces.nasbench101.space.ROWS_AT_ONCE", 7)
    for encoding, features in zip(("onehot", "path"), whole, strict=True):
        np.testing.assert_array_equal(SPACE.encode(archs, encoding), features)


def test_counts_are_those_of_operations_edges_and_vertices():
    archs = SPACE.sample(200)
    expected = []
    for arch in archs:
        matrix, labels = parts(arch)
        expected.append([*(labels.count(op) for op in range(3)), matrix.sum(), len(matrix)])
    np.testing.assert_array_equal(SPACE.encode(archs, "counts"), expected)
    assert SPACE.feature_names("counts")[3:] == ["n(edges)", "n(vertices)"]


def test_graphs_are_the_cells_padded_at_the_end():
    archs = np.concatenate([SPACE.sample(50), SPACE.architectures_at([0, 1, 50, 500])])
    graphs = SPACE.graphs(archs)
    assert graphs.adjacency.dtype == np.uint8
    for row, arch in enumerate(archs):
        matrix, names = SPACE.to_matrix(arch)
        size = graphs.n_vertices[row]
        assert size == len(names)
        np.testing.assert_array_equal(graphs.adjacency[row, :size, :size], matrix)
        assert graphs.adjacency[row].sum() == matrix.sum()
        assert [graphs.operation_names[op] for op in graphs.operations[row, :size]] == names
        assert (graphs.operations[row, size:] == -1).all()
    assert SPACE.encode(archs, "graph").shape == (54, len(SPACE.feature_names("graph")))


@pytest.mark.parametrize("encoding", SPACE.encodings)
def test_encoding_nothing_gives_no_rows(encoding):
    shape = SPACE.encode(SPACE.sample(1)[:0], encoding).shape
    assert shape == (0, len(SPACE.feature_names(encoding)))


def test_encoding_the_whole_space_takes_little_beside_the_features():
    archs = SPACE.all_architectures()
    tracemalloc.start()
    try:
        features = SPACE.encode(archs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * features.nbytes


# ---------------------------------------------------------------------- neighbours


def one_step_by_hand(arch):
    """Places of all cells that one step leads to from any order of the vertices."""
    matrix, labels = parts(arch)
    rows = [
        row
        for order, reordered in topological_orders(matrix)
        for row in steps_by_hand(reordered, [labels[vertex - 1] for vertex in order[1:-1]])
    ]
    return set(SPACE.indices_of(rows).tolist()) - set(SPACE.indices_of([arch]).tolist())


def steps_by_hand(matrix, labels):
    size = len(matrix)
    found = []
    for v, label in itertools.product(range(size - 2), range(3)):
        found.append((matrix, [*labels[:v], label, *labels[v + 1 :]]))
    for s, t in itertools.combinations(range(size), 2):
        flipped = matrix.copy()
        flipped[s, t] ^= 1
        found.append((flipped, labels))
        for label in range(3) if size < 7 else ():
            order = [*range(s + 1), size, *range(s + 1, size)]  # new vertex made last, then moved
            grown = np.zeros((size + 1, size + 1), dtype=int)
            grown[:size, :size] = matrix
            grown[s, size] = grown[size, t] = 1
            found.append((grown[np.ix_(order, order)], [*labels[:s], label, *labels[s:]]))
    for v in range(1, size - 1):
        if matrix[v].sum() == 1 and matrix[:, v].sum() == 1:
            rest = [u for u in range(size) if u != v]
            found.append((matrix[np.ix_(rest, rest)], [*labels[: v - 1], *labels[v:]]))
    return [
        cell(candidate, names)
        for candidate, names in found
        if candidate[:-1].any(axis=1).all() and candidate[:, 1:].any(axis=0).all()
        if candidate.sum() <= 9
    ]


def test_neighbours_are_all_cells_one_step_away():
    archs = [*SPACE.sample(15, 1), *SPACE.architectures_at([0, 1, 5, 100, 1567])]
    for arch in archs:
        near = SPACE.indices_of(SPACE.neighbours(arch)).tolist()
        assert near == sorted(one_step_by_hand(arch))


@settings(max_examples=40)
@given(index=st.integers(0, N_CELLS - 1))
def test_steps_lead_both_ways(index):
    near = SPACE.neighbours(SPACE.architectures_at([index])[0])
    np.testing.assert_array_equal(SPACE.canonical(near), near)
    for neighbour in near[:: max(1, len(near) // 4)]:
        assert index in SPACE.indices_of(SPACE.neighbours(neighbour))


def test_neighbours_of_a_cell_are_those_of_any_order_of_it():
    texts = ["maxpool3x3:0|conv3x3-bn-relu:0|output:12", "conv3x3-bn-relu:0|maxpool3x3:0|output:12"]
    first, second = (SPACE.neighbours(arch) for arch in SPACE.from_strings(texts))
    np.testing.assert_array_equal(first, second)


def test_baseline_has_many_neighbours_at_a_single_position():
    baseline = SPACE.baseline
    np.testing.assert_array_equal(SPACE.canonical(baseline[None, :])[0], baseline)
    near = SPACE.neighbours(baseline)
    np.testing.assert_array_equal((near != baseline).sum(axis=1), 1)
    assert len(near) == 26


# ---------------------------------------------------------------------- drawing


def test_samples_are_cells_of_the_spaces_order_drawn_evenly():
    archs = SPACE.sample(20_000, 3)
    np.testing.assert_array_equal(archs, SPACE.sample(20_000, 3))
    places = SPACE.indices_of(archs)
    np.testing.assert_array_equal(SPACE.architectures_at(places), archs)
    assert len(np.unique(places)) == 20_000
    share = np.histogram(places, bins=20, range=(0, N_CELLS))[0]
    assert abs(share - 1000).max() < 160  # five deviations


# ---------------------------------------------------------------------- cost and network

SKELETONS = [
    {"channels": 8, "depth": 1, "input_size": 8},
    {"channels": 7, "depth": 2, "input_size": 5, "classes": 3, "input_channels": 1},
    {"channels": 5, "depth": 1, "input_size": 1},
]
SMALL = SKELETONS[0]


def channels_by_hand(matrix, channels):
    size = len(matrix)
    widths = [0] * (size - 1) + [channels]
    last = [v for v in range(1, size - 1) if matrix[v, -1]]
    for place, v in enumerate(last):
        widths[v] = channels // len(last) + (place < channels % len(last))
    for v in range(size - 2, 0, -1):
        if v not in last:
            widths[v] = max(widths[w] for w in range(1, size - 1) if matrix[v, w])
    return widths


@pytest.mark.parametrize("channels", [5, 7, 128])
def test_channels_are_shared_among_the_last_vertices(channels):
    for arch in SPACE.sample(200):
        matrix, _ = parts(arch)
        assert vertex_channels(matrix[None], channels)[0].tolist() == channels_by_hand(
            matrix, channels
        )


@pytest.mark.parametrize("changes", SKELETONS)
def test_formulas_count_what_the_network_has(changes):
    skeleton = SPACE.skeleton(**changes)
    shape = (skeleton.input_channels, skeleton.input_size, skeleton.input_size)
    archs = np.concatenate([SPACE.architectures_at([0, 1, 3, 60]), SPACE.sample(7)])
    parameters, flops = SPACE.parameters(archs, **changes), SPACE.flops(archs, **changes)
    for row, arch in enumerate(archs):
        network = SPACE.network(arch, **changes)
        assert count_parameters(network) == parameters[row]
        assert count_flops(network, shape, classifier_bias=False) == flops[row]
        assert network.eval()(torch.rand(3, *shape)).shape == (3, skeleton.classes)


def test_the_official_network_has_the_parameters_of_the_formula():
    arch = SPACE.sample(1, 4)
    assert count_parameters(SPACE.network(arch[0])) == SPACE.parameters(arch)[0]


def test_a_vertex_adds_and_the_output_joins():
    """With averaging 1x1 convolutions, a constant image counts the ways to each vertex."""
    archs = SPACE.all_architectures()
    archs = archs[(archs[:, 21:] != CONV3).all(axis=1)]
    for arch in archs[:: len(archs) // 15]:
        matrix, _ = parts(arch)
        network = SPACE.network(arch, channels=7, depth=1).eval()
        block = network.blocks[0]
        for module in block.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.constant_(module.weight, 1 / module.in_channels)
        with torch.inference_mode():
            output = block(torch.ones(1, 7, 4, 4))
        n_ways = [1]
        for vertex in range(1, len(matrix) - 1):
            n_ways.append(sum(n_ways[s] for s in range(vertex) if matrix[s, vertex]))
        widths = channels_by_hand(matrix, 7)
        expected = [
            n_ways[v] for v in range(1, len(matrix) - 1) if matrix[v, -1] for _ in range(widths[v])
        ] or [0] * 7
        expected = torch.tensor(expected, dtype=torch.float) + float(matrix[0, -1])
        torch.testing.assert_close(
            output, expected[None, :, None, None].expand(1, 7, 4, 4), rtol=1e-3, atol=0
        )


def test_last_channels_of_a_wider_vertex_are_left_out():
    # Vertices 1 and 2 share 7 channels as 4 and 3: what 1 hands to 2 loses its last.
    arch = SPACE.from_string("maxpool3x3:0|maxpool3x3:1|output:12")
    block = SPACE.network(arch, channels=7, depth=1).eval().blocks[0]
    with torch.inference_mode():
        output = block(torch.randn(2, 7, 1, 1))
    torch.testing.assert_close(output[:, 4:], output[:, :3])


def test_sizes_are_halved_upwards_between_stacks():
    network = SPACE.network(SPACE.from_string(RESNET_LIKE), channels=5, depth=1).eval()
    with torch.inference_mode():
        assert network.blocks(torch.rand(1, 5, 7, 7)).shape == (1, 20, 2, 2)


def test_too_few_channels_to_share_are_refused():
    with pytest.raises(HwbenchError, match="channels must be at least 5"):
        SPACE.skeleton(channels=4)
