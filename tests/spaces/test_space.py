"""What holds for every search space."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space, list_spaces

SPACES = [
    "autosnn",
    "autosnn_8",
    "autosnn_avgpool",
    "autosnn_downsampling",
    "autosnn_gap",
    "autosnn_sib",
    "darts",
    "enas_macro",
    "ext_cell",
    "fbnet",
    "nasbench101",
    "nasbench1shot1_1",
    "nasbench1shot1_2",
    "nasbench1shot1_3",
    "nasbench201",
    "nasbench_macro",
    "pr_darts",
    "published_networks",
    "shufflenasnet",
    "spiking_rivals",
    "transnas_macro",
    "transnas_micro",
    "tree_cell",
    "tree_cell_6",
]
# Full products small enough to be enumerated: architectures, positions, operations at each.
SIZES = {
    "autosnn": (3125, 5, 5),
    "nasbench201": (15625, 6, 5),
    "nasbench_macro": (6561, 8, 3),
    "transnas_micro": (4096, 6, 4),
}
ENCODINGS = ("onehot", "counts", "integers")  # what every space has


@pytest.fixture(params=SIZES)
def space(request):
    return get_space(request.param)


def test_spaces_are_listed_sorted():
    assert list_spaces() == SPACES


def test_unknown_space_names_the_nearest():
    with pytest.raises(HwbenchError, match="did you mean 'nasbench201'"):
        get_space("NASBench-201")


def test_size(space):
    size, positions, operations = SIZES[space.name]
    assert len(space) == size == len(space.all_architectures())
    assert space.n_positions == positions == len(space.positions) == len(set(space.positions))
    np.testing.assert_array_equal(space.n_choices, [operations] * positions)
    assert str(size) in repr(space)


def test_enumeration_is_lexicographic_and_unique(space):
    rows = [tuple(row) for row in space.all_architectures().tolist()]
    assert rows == sorted(set(rows))


def test_indices_and_architectures_are_inverse(space, unchanged):
    indices = unchanged(np.random.default_rng(0).permutation(len(space)))
    archs = unchanged(space.architectures_at(indices))
    assert archs.dtype == np.int64
    np.testing.assert_array_equal(space.indices_of(archs), indices)
    assert space.architectures_at([]).shape == (0, space.n_positions)
    assert space.indices_of(space.architectures_at([])).shape == (0,)


@settings(max_examples=40)
@given(st.sampled_from(SPACES), st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_keys_and_architectures_are_inverse(name, seed, n_archs):
    space = get_space(name)
    archs = space.sample(n_archs, seed)
    keys = space.keys_of(archs)
    again = space.archs_of(keys)
    assert again.dtype == np.int64
    np.testing.assert_array_equal(again, archs)
    np.testing.assert_array_equal(space.archs_of(keys.tolist()), archs)
    np.testing.assert_array_equal(space.keys_of(again), keys)


def test_rows_among_keys_are_those_of_the_architectures(space):
    archs = space.sample(12, seed=4)
    keys = space.keys_of(archs)
    known = {key: row for row, key in enumerate(keys[3:].tolist())}
    expected = [known.get(key, -1) for key in keys.tolist()]
    rows = space.rows_among(archs, keys[3:])
    assert rows.dtype == np.int64
    assert rows.tolist() == expected
    assert (rows[:3] == -1).all()


@pytest.mark.parametrize("name", ["nasbench201", "fbnet"])
def test_keys_of_no_architecture_are_refused(name):
    space = get_space(name)
    wrong = space.n_architectures if space.indexed else "no architecture"
    with pytest.raises(HwbenchError, match="architecture"):
        space.archs_of([*space.keys_of(space.sample(2)), wrong])


@pytest.mark.parametrize("index", [-1, 15625])
def test_index_outside_is_refused(space, index):
    with pytest.raises(HwbenchError, match=f"outside 0 .. {len(space) - 1}"):
        space.architectures_at([0, index])


def test_a_malformed_string_among_many_is_named_by_its_row(space):
    texts = space.to_strings(space.sample(20))
    with pytest.raises(HwbenchError) as alone:
        space.from_string("?")
    for wrong in ("?", None, 3):
        texts[17] = wrong
        with pytest.raises(HwbenchError, match=r"^row 17: architecture ") as caught:
            space.from_strings([*texts, "another"])
    assert str(caught.value).replace("3 is", "'?' is") == f"row 17: {alone.value}"


def test_strings_of_a_batch_are_those_of_its_rows(space):
    archs = space.sample(30)
    assert space.to_strings(archs) == [space.to_string(arch) for arch in archs]
    spaced = [f" {text}\n" for text in space.to_strings(archs)]
    np.testing.assert_array_equal(space.from_strings(spaced), archs)
    np.testing.assert_array_equal([space.from_string(text) for text in spaced], archs)
    with pytest.raises(HwbenchError, match="shape"):
        space.to_string(archs)


def test_strings_of_all_architectures_come_back(space):
    archs = space.all_architectures()
    texts = space.to_strings(archs)
    assert len(set(texts)) == len(space)
    np.testing.assert_array_equal(space.from_strings(texts), archs)
    assert space.from_strings([]).shape == (0, space.n_positions)


# ---------------------------------------------------------------------- checking


def test_check_takes_whole_numbers_of_any_type(space):
    archs = space.sample(5)
    for given_archs in (archs, archs.tolist(), archs.astype(np.uint8), archs.astype(float)):
        checked = space.check(given_archs)
        assert checked.dtype == np.int64
        np.testing.assert_array_equal(checked, archs)


@pytest.mark.parametrize("value", [-1, 9, 2**62, 1e300])
def test_check_names_row_position_and_what_is_valid(space, value):
    archs = space.sample(4).astype(type(value))
    archs[2, 1] = value
    place = rf"row 2, position 1 \({space.positions[1]}\) .* 0 \.\. {space.n_choices[1] - 1}$"
    with pytest.raises(HwbenchError, match=place):
        space.check(archs)


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, None, True])
def test_check_refuses_what_is_no_integer(space, value):
    with pytest.raises(HwbenchError, match="must be integers"):
        space.check([[value] * space.n_positions])


def test_check_reads_texts_however_they_are_handed(space):
    archs = space.sample(3)
    texts = space.to_strings(archs)
    frame = pd.DataFrame({"latency": [1.0, 2.0, 3.0], "Architecture": texts})
    for given_texts in (
        texts,
        tuple(texts),
        iter(texts),
        np.array(texts),
        pd.Series(texts, index=[7, 8, 9]),
        pd.Series(texts, dtype="category"),
        frame,
        pd.DataFrame(archs),
    ):
        np.testing.assert_array_equal(space.check(given_texts), archs)
    np.testing.assert_array_equal(space.check(texts[1]), archs[1:2])
    np.testing.assert_array_equal(space.check_one(texts[1]), archs[1])
    np.testing.assert_array_equal(space.neighbours(texts[1]), space.neighbours(archs[1]))
    assert [*map(str, space.edges_of(texts[1]))] == [*map(str, space.edges_of(archs[1]))]
    assert space.check([]).shape == (0, space.n_positions)


@pytest.mark.parametrize("broken", ["nonsense", "", None, np.nan, "nonsense" * 5000])
def test_check_names_the_row_of_a_text_that_is_no_architecture(space, broken):
    texts = [*space.to_strings(space.sample(2)), broken]
    with pytest.raises(HwbenchError, match=f"^{space.name}: row 2") as raised:
        space.check(texts)
    assert len(str(raised.value)) < 700
    with pytest.raises(HwbenchError, match="no column of the frame"):
        space.check(pd.DataFrame({"latency": texts}))


@pytest.mark.parametrize("shape", [(6,), (2, 7), (2, 9), (1, 1, 6), ()])
def test_check_refuses_another_shape_and_says_the_right_one(space, shape):
    with pytest.raises(HwbenchError, match=rf"shape \(n_archs, {space.n_positions}\)"):
        space.check(np.zeros(shape, dtype=int))


def test_check_refuses_rows_of_different_length(space):
    with pytest.raises(HwbenchError, match="shape"):
        space.check([[0], [0, 1]])


# ---------------------------------------------------------------------- drawing


def test_sample_is_seeded_and_draws_none_twice(space):
    archs = space.sample(500, 3)
    np.testing.assert_array_equal(archs, space.sample(500, 3))
    assert not np.array_equal(archs, space.sample(500, 4))
    assert len(np.unique(space.indices_of(archs))) == 500
    assert len(np.unique(space.indices_of(space.sample(len(space))))) == len(space)


def test_sample_advances_a_generator(space):
    generator = np.random.default_rng(0)
    first, second = space.sample(50, generator), space.sample(50, generator)
    assert not np.array_equal(first, second)


def test_sample_with_replacement_may_be_larger_than_the_space(space):
    assert len(space.sample(len(space) + 1, replace=True)) == len(space) + 1


def test_sample_refuses_more_than_there_are(space):
    with pytest.raises(HwbenchError, match=f"has {len(space)} architectures"):
        space.sample(len(space) + 1)


def test_neighbours_differ_at_exactly_one_position(space, unchanged):
    for arch in space.sample(20):
        near = space.neighbours(unchanged(arch))
        assert near.shape == (int((space.n_choices - 1).sum()), space.n_positions)
        np.testing.assert_array_equal((near != arch).sum(axis=1), 1)
        assert len(np.unique(near, axis=0)) == len(near)
        space.check(near)


# ---------------------------------------------------------------------- encodings


def brute_encoding(space, arch, encoding):
    if encoding == "integers":
        return [float(op) for op in arch]
    names = [space.choices[position][op] for position, op in enumerate(arch)]
    if encoding == "counts":
        return [float(names.count(operation)) for operation in space.operations]
    return [
        float(operation == name)
        for name, operations in zip(names, space.choices, strict=True)
        for operation in operations
    ]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encoding_equals_brute_force(space, encoding, unchanged):
    archs = unchanged(space.sample(100))
    features = space.encode(archs, encoding)
    assert features.dtype == np.float32
    assert features.shape == (100, len(space.feature_names(encoding)))
    np.testing.assert_array_equal(
        features, [brute_encoding(space, arch, encoding) for arch in archs]
    )
    assert space.encode(archs[:0], encoding).shape == (0, features.shape[1])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_feature_names_are_unique(space, encoding):
    names = space.feature_names(encoding)
    assert len(set(names)) == len(names)


def test_onehot_names_say_position_and_operation():
    assert get_space("nasbench201").feature_names()[6] == "0->2=skip_connect"
    assert get_space("nasbench_macro").feature_names("counts")[1] == "n(ir_3x3_e3)"


def test_unknown_encoding_names_the_nearest(space):
    for function in (space.feature_names, lambda name: space.encode(space.sample(1), name)):
        with pytest.raises(HwbenchError, match="did you mean 'onehot'"):
            function("one-hot")


# ---------------------------------------------------------------------- the object itself


def test_copies_are_the_same_object(space):
    assert pickle.loads(pickle.dumps(space)) is space  # noqa: S301
    assert copy.deepcopy(space) is space
    assert clone(space, safe=False) is space
    assert get_space(space.name) is space


@pytest.mark.parametrize("text", [None, 3, b"00000000", ["0"]])
def test_what_is_no_text_is_refused(space, text):
    with pytest.raises(HwbenchError, match=f"no {space.title} string"):
        space.from_string(text)


@given(data=st.data(), name=st.sampled_from(sorted(SIZES)))
def test_any_text_is_parsed_or_refused_in_one_line(data, name):
    space = get_space(name)
    valid = space.to_string(space.architectures_at([data.draw(st.integers(0, len(space) - 1))])[0])
    start = data.draw(st.integers(0, len(valid)))
    end = data.draw(st.integers(start, len(valid)))
    piece = data.draw(st.text(max_size=12) | st.text("|+~0123_noneskip", max_size=12))
    text = data.draw(st.sampled_from([valid[:start] + piece + valid[end:], piece]))
    try:
        arch = space.from_string(text)
    except HwbenchError as error:
        message = str(error)
    else:
        message = "parsed"
        assert space.to_string(arch) == text.strip()
    assert len(message.splitlines()) == 1
