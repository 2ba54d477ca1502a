import functools
import gzip
import itertools
import pickle
import re

import numpy as np
import pandas as pd
import pytest

from hwbench.spaces import get_space
from hwbench.spaces.nasbench101.cells import EDGES, OPERATIONS
from hwbench.tables.converters.nasbench101 import convert_nasbench101

SPACE = get_space("nasbench101")
CELLS = [  # matrix by edges, operations; vertices in an order of the file's own
    ({(0, 1), (0, 2), (1, 3), (2, 3)}, ["maxpool3x3", "conv1x1-bn-relu"]),
    ({(0, 1)}, []),
    (
        {(0, 1), (0, 2), (1, 3), (2, 4), (3, 6), (4, 5), (5, 6), (0, 6), (1, 6)},
        ["conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3", "conv3x3-bn-relu", "conv1x1-bn-relu"],
    ),
]


@functools.cache
def known(number):
    """Matrix, operations, string, module hash and parameters of one of the cells."""
    edges, interior = CELLS[number]
    size = len(interior) + 2
    adjacency = np.array([[(s, t) in edges for t in range(size)] for s in range(size)])
    operations = ["input", *interior, "output"]
    arch = SPACE.canonical(SPACE.from_matrix(adjacency, operations)[None, :])
    (module_hash,) = SPACE.module_hashes(arch)
    return adjacency, operations, SPACE.to_strings(arch)[0], module_hash, SPACE.parameters(arch)[0]


class Training:
    """One record of the authors' file, of some cell and budget, with numbers of its own."""

    def __init__(self, cell, epochs, rng):
        self.adjacency, self.operations, self.arch, self.hash, self.parameters = known(cell)
        self.epochs = epochs
        # Epoch, seconds, and accuracies on training, validation and test images.
        self.evaluations = [
            (epoch, *rng.uniform([0, 0.1, 0.1, 0.1], [4000, 1, 1, 1]), "")
            for epoch in (0, epochs / 2, epochs)
        ]


@pytest.fixture
def trainings():
    """Three trainings of 4 and of 108 epochs of each cell, in the order of budgets."""
    rng = np.random.default_rng(0)
    return [
        Training(cell, epochs, rng)
        for epochs, cell, _ in itertools.product((4, 108), range(len(CELLS)), range(3))
    ]


@pytest.fixture
def file(writers, tmp_path):
    def write(trainings):
        path = tmp_path / "nasbench_full.tfrecord"
        path.write_bytes(
            writers.nasbench101(
                (
                    t.hash,
                    t.epochs,
                    t.adjacency,
                    t.operations,
                    writers.model_metrics(t.evaluations, int(t.parameters), 1.0),
                )
                for t in trainings
            )
        )
        return path

    return write


# ---------------------------------------------------------------------- the re-export


@pytest.fixture(scope="module")
def reexport(raw):
    return convert_nasbench101([raw("accuracies.pkl.gz"), raw("params.pkl.gz")])


@pytest.mark.slow
def test_reexport_is_the_published_table(reexport, shared_data):
    frame = pd.read_parquet(shared_data / "nb101.parquet")  # all cells by their module hashes
    archs = np.full((len(frame), SPACE.n_positions), len(OPERATIONS))
    bits = frame["adj_bits"].to_numpy()
    for position, (source, target) in enumerate(EDGES):
        archs[:, position] = bits >> (source + target * (target - 1) // 2) & 1
    for row, digits in enumerate(frame["ops"]):
        archs[row, 21 : 21 + len(digits)] = [int(digit) for digit in digits]
    places = SPACE.indices_of(archs)
    assert reexport.frame["hwbench_index"].tolist() == list(range(423_624))
    accuracy = reexport.column("test_accuracy")[places]
    np.testing.assert_array_equal(accuracy, frame["test_acc_108_mean"].to_numpy() * 100)
    np.testing.assert_array_equal(reexport.column("parameters")[places], frame["params"])


@pytest.mark.slow
def test_reexport_has_columns_that_are_explained(reexport):
    columns = reexport.card.columns
    assert list(columns) == ["test_accuracy", "parameters", "flops"]
    assert (columns["test_accuracy"].unit, columns["test_accuracy"].split) == ("%", "test")
    assert "108 epochs" in columns["test_accuracy"].source
    assert reexport.frame["parameters"].dtype.kind == "i"


@pytest.fixture
def frames(tmp_path):
    """Write the two frames of the re-export with few rows."""

    def write(**columns):
        for name, column in (("accuracies", "accuracy"), ("params", "params")):
            frame = pd.DataFrame({columns.get(name, column): [0.5, 0.75]})
            content = gzip.compress(pickle.dumps(frame, protocol=4))
            (tmp_path / f"{name}.pkl.gz").write_bytes(content)
        return tmp_path

    return write


def test_reexport_of_another_length_is_refused(frames, refusal):
    found = refusal(convert_nasbench101, frames())
    assert "accuracies.pkl.gz: has 2 rows, not the 423624 cells" in found


def test_reexport_without_its_column_is_refused(frames, refusal):
    found = refusal(convert_nasbench101, frames(accuracies="other"))
    assert "accuracies.pkl.gz: expected a frame with the column 'accuracy'" in found


def test_half_of_the_reexport_is_refused(frames, refusal):
    path = frames() / "params.pkl.gz"
    assert "not params.pkl.gz" in refusal(convert_nasbench101, path)


# ---------------------------------------------------------------------- the authors' files


def test_authors_file_gives_means_and_single_trainings(trainings, file, steps):
    table = convert_nasbench101([file(trainings)], progress=steps)
    assert len(table) == len(CELLS)
    assert "3 of its 423624" in table.card.description
    by_arch = table.frame.set_index("arch")
    measures = {
        "training_time": (1, 1),
        "train_accuracy": (2, 100),
        "validation_accuracy": (3, 100),
        "test_accuracy": (4, 100),
    }
    for epochs, budget in ((4, "_4epochs"), (108, "")):
        for arch in by_arch.index:
            group = [t for t in trainings if (t.arch, t.epochs) == (arch, epochs)]
            assert len(group) == 3
            for measure, (place, factor) in measures.items():
                for checkpoint, when in ((1, "_halfway"), (2, "")):
                    values = [t.evaluations[checkpoint][place] * factor for t in group]
                    found = by_arch.loc[arch, f"{measure}{budget}{when}"]
                    assert found == pytest.approx(np.mean(values), rel=1e-15)
                    single = [f"{measure}{budget}_{n}" for n in (1, 2, 3)]
                    if not when and measure in ("validation_accuracy", "test_accuracy"):
                        assert by_arch.loc[arch, single].tolist() == values
            assert by_arch.loc[arch, "parameters"] == group[0].parameters
    assert len(table.card.columns) == 2 * (4 * 2 + 2 * 3) + 2
    steps.check()


def test_authors_columns_are_explained(trainings, file):
    columns = convert_nasbench101([file(trainings)]).card.columns
    card = columns["validation_accuracy_4epochs_halfway"]
    assert (card.unit, card.direction, card.split) == ("%", "maximize", "valid")
    assert card.source == "NAS-Bench-101, 4 epochs, half-way"
    card = columns["training_time"]
    assert (card.unit, card.direction, card.split) == ("s", "minimize", None)
    assert columns["test_accuracy_2"].title == "test accuracy, training 2"


def test_authors_file_and_reexport_agree_on_their_columns(trainings, file, reexport):
    authors = convert_nasbench101([file(trainings)]).card.columns
    for name, card in reexport.card.columns.items():
        assert authors[name] == card


def test_missing_trainings_are_missing(trainings, file):
    kept = [trainings[0], *trainings[9:]]  # one short training, all long ones
    table = convert_nasbench101([file(kept)])
    row = table.frame["arch"].tolist().index(trainings[0].arch)
    found = table.column("test_accuracy_4epochs")
    assert found[row] == trainings[0].evaluations[2][4] * 100
    assert np.isnan(np.delete(found, row)).all()
    assert np.isnan(table.column("test_accuracy_4epochs_2")).all()
    assert not np.isnan(table.column("test_accuracy")).any()


def test_order_of_records_does_not_matter(trainings, file):
    first = convert_nasbench101([file(trainings)])
    apart = sorted(trainings, key=lambda training: (training.arch, training.epochs))
    second = convert_nasbench101([file(apart)])
    pd.testing.assert_frame_equal(first.frame, second.frame)


def change(**attributes):
    def make(trainings):
        for name, value in attributes.items():
            setattr(trainings[4], name, value)

    return make


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change(hash="0" * 32), f"has the module hash [0-9a-f]{{32}}, not {'0' * 32}"),
        (change(parameters=7), "record 4: 7 parameters, .* in an earlier training"),
        (change(evaluations=[(0.0, 0.0, 0.1, 0.1, 0.1, "")]), "record 4: has 1 evaluations, not 3"),
        (lambda t: t.append(t[0]), "cell [0-9a-f]{32} has more than 3 trainings of 4 epochs"),
        (
            lambda t: [setattr(x, "parameters", 7) for x in t],
            "cell [0-9a-f]{32} is said to have 7 parameters",
        ),
        (
            lambda t: [setattr(x, "operations", ["input", "conv", "x", "output"]) for x in t[:1]],
            "record 0: unknown operation 'conv'",
        ),
        (lambda t: setattr(t[0], "adjacency", t[0].adjacency.T), "record 0: .*upper triangular"),
        (
            lambda t: setattr(t[0], "adjacency", np.triu(np.ones((4, 4)), 1) * [0, 0, 1, 1]),
            "row 0",
        ),
        (lambda t: t.clear(), "holds no record"),
    ],
)
def test_broken_records_are_named(trainings, file, refusal, spoil, message):
    spoil(trainings)
    path = file(trainings)
    found = refusal(convert_nasbench101, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


def test_files_of_other_kinds_are_refused(tmp_path, trainings, file, refusal):
    other = tmp_path / "table.csv"
    other.touch()
    assert "nasbench_only108.tfrecord" in refusal(convert_nasbench101, other)
    first = file(trainings)
    second = tmp_path / "nasbench_only108.tfrecord"
    second.write_bytes(first.read_bytes())
    found = refusal(convert_nasbench101, tmp_path)
    assert "not nasbench_full.tfrecord, nasbench_only108.tfrecord" in found
