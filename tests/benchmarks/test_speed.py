"""Speed, always beside a rival in the same run: `make bench`."""

import pickle

import moocore
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

import hwbench as hb
from hwbench.simulation import hypervolume, pareto_front
from hwbench.tables import ColumnCard, Table, TableCard

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.all_architectures()


DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
METRICS = tuple(f"metric{i}" for i in range(14))


def random_table(space, n_archs, names):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(n_archs, len(names))), columns=list(names))
    columns = {
        name: ColumnCard(title=name, unit="ms", direction="minimize", source="random")
        for name in names
    }
    card = TableCard(name="t", title="t", space=space, created="2026-01-01", columns=columns)
    return Table.from_indices(np.arange(n_archs), frame, card)


@pytest.fixture(scope="module")
def table_file(tmp_path_factory):
    """A table of 15,625 rows and 42 columns, as Parquet and as pickled nested dictionaries."""
    names = [f"{dataset}.{metric}" for dataset in DATASETS for metric in METRICS]
    table = random_table("nasbench201", len(ARCHS), names)
    folder = tmp_path_factory.mktemp("tables")
    table.save(folder / "t.parquet")
    nested = {
        row["arch"]: {
            dataset: {metric: row[f"{dataset}.{metric}"] for metric in METRICS}
            for dataset in DATASETS
        }
        for row in table.frame.to_dict("records")
    }
    (folder / "t.pickle").write_bytes(pickle.dumps(nested))
    return folder / "t.parquet"


@pytest.fixture(scope="module")
def nasbench101_file(tmp_path_factory):
    """A table of all 423,624 cells of NAS-Bench-101 and ten columns."""
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    names = [f"metric{i}" for i in range(10)]
    random_table("nasbench101", 423_624, names).save(path)
    return path


@pytest.fixture(scope="module")
def nasbench101_archs():
    return hb.get_space("nasbench101").all_architectures()


@pytest.fixture(scope="module")
def points():
    generator = np.random.default_rng(1)
    metric = generator.normal(size=len(ARCHS))
    accuracy = 0.7 + 0.05 * metric + 0.02 * generator.normal(size=len(ARCHS))
    return accuracy, metric


@pytest.mark.benchmark(group="open a table of 15,625 rows and 42 columns")
def test_open_table(benchmark, table_file):
    assert len(benchmark(Table.read, table_file)) == 15625


@pytest.mark.benchmark(group="open a table of 15,625 rows and 42 columns")
def test_open_table_and_use_a_column(benchmark, table_file):
    def run():
        table = Table.read(table_file)
        return table.archs, table.column("cifar10.metric3")

    assert len(benchmark(run)[1]) == 15625


@pytest.mark.benchmark(group="open a table of 15,625 rows and 42 columns")
def test_open_table_and_use_the_whole_frame(benchmark, table_file):
    assert benchmark(lambda: Table.read(table_file).frame).shape == (15625, 44)


@pytest.mark.benchmark(group="open a table of 15,625 rows and 42 columns")
def test_unpickle_nested_dictionaries(benchmark, table_file):
    path = table_file.with_suffix(".pickle")
    assert len(benchmark(lambda: pickle.loads(path.read_bytes()))) == 15625  # noqa: S301


@pytest.mark.benchmark(group="open a table of 423,624 rows and 10 columns")
def test_open_nasbench101(benchmark, nasbench101_file):
    assert len(benchmark(Table.read, nasbench101_file)) == 423_624


@pytest.mark.benchmark(group="open a table of 423,624 rows and 10 columns")
def test_open_nasbench101_and_use_the_whole_frame(benchmark, nasbench101_file):
    assert len(benchmark(lambda: Table.read(nasbench101_file).frame)) == 423_624


@pytest.mark.parametrize("encoding", SPACE.encodings)
@pytest.mark.benchmark(group="encode all of NAS-Bench-201")
def test_encode(benchmark, encoding):
    assert len(benchmark(SPACE.encode, ARCHS, encoding)) == 15625


@pytest.mark.benchmark(group="encode all of NAS-Bench-201")
def test_encode_by_scikit_learn(benchmark):
    encoder = OneHotEncoder(sparse_output=False, dtype=np.float32)
    assert benchmark(encoder.fit_transform, ARCHS).shape == (15625, 30)


@pytest.mark.parametrize("encoding", hb.get_space("nasbench101").encodings)
@pytest.mark.benchmark(group="encode all of NAS-Bench-101")
def test_encode_nasbench101(benchmark, nasbench101_archs, encoding):
    space = hb.get_space("nasbench101")
    features = benchmark.pedantic(space.encode, (nasbench101_archs, encoding), rounds=3)
    assert len(features) == 423_624


@pytest.mark.benchmark(group="encode all of NAS-Bench-101")
def test_encode_nasbench101_by_scikit_learn(benchmark, nasbench101_archs):
    encoder = OneHotEncoder(sparse_output=False, dtype=np.float32)
    assert len(benchmark.pedantic(encoder.fit_transform, (nasbench101_archs,), rounds=3))


@pytest.mark.benchmark(group="parse all strings of NAS-Bench-201")
def test_parse_strings(benchmark):
    texts = SPACE.to_strings(ARCHS)
    assert len(benchmark(SPACE.from_strings, texts)) == 15625


@pytest.mark.benchmark(group="front and hypervolume of 15,625 points")
def test_front_and_hypervolume(benchmark, points):
    accuracy, metric = points

    def run():
        front = pareto_front(accuracy, metric)
        return hypervolume(
            accuracy[front], metric[front], reference_accuracy=0.0, reference_metric=5.0
        )

    assert benchmark(run) > 0


@pytest.mark.benchmark(group="front and hypervolume of 15,625 points")
def test_front_and_hypervolume_by_moocore(benchmark, points):
    objectives = np.column_stack([-points[0], points[1]])

    def run():
        front = objectives[moocore.is_nondominated(objectives)]
        return moocore.hypervolume(front, ref=[0.0, 5.0])

    assert benchmark(run) > 0
