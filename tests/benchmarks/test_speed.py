"""Speed, always beside a rival in the same run: `make bench`."""

import json

import moocore
import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.simulation import hypervolume, pareto_front
from hwbench.tables import ColumnCard, Table, TableCard

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.all_architectures()


@pytest.fixture(scope="module")
def table_file(tmp_path_factory):
    """A table of 15,625 rows and ten columns, as Parquet and as nested JSON."""
    generator = np.random.default_rng(0)
    names = [f"metric{i}" for i in range(10)]
    frame = pd.DataFrame(generator.normal(size=(len(ARCHS), 10)), columns=names)
    columns = {
        name: ColumnCard(title=name, unit="ms", direction="minimize", source="random")
        for name in names
    }
    card = TableCard(name="t", title="t", space=SPACE.name, created="2026-01-01", columns=columns)
    table = Table.from_indices(np.arange(len(ARCHS)), frame, card)
    folder = tmp_path_factory.mktemp("tables")
    table.save(folder / "t.parquet")
    nested = {row.pop("arch"): row for row in table.frame.to_dict("records")}
    (folder / "t.json").write_text(json.dumps(nested))
    return folder / "t.parquet"


@pytest.fixture(scope="module")
def points():
    generator = np.random.default_rng(1)
    metric = generator.normal(size=len(ARCHS))
    accuracy = 0.7 + 0.05 * metric + 0.02 * generator.normal(size=len(ARCHS))
    return accuracy, metric


@pytest.mark.benchmark(group="open a table of 15,625 rows")
def test_open_table(benchmark, table_file):
    assert len(benchmark(lambda: Table.read(table_file).archs)) == 15625


@pytest.mark.benchmark(group="open a table of 15,625 rows")
def test_open_nested_json(benchmark, table_file):
    path = table_file.with_suffix(".json")
    assert len(benchmark(lambda: json.loads(path.read_text()))) == 15625


@pytest.mark.parametrize("encoding", ["onehot", "counts"])
@pytest.mark.benchmark(group="encode all of NAS-Bench-201")
def test_encode(benchmark, encoding):
    assert len(benchmark(SPACE.encode, ARCHS, encoding)) == 15625


@pytest.mark.benchmark(group="encode all of NAS-Bench-201")
def test_encode_by_scikit_learn(benchmark):
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(sparse_output=False, dtype=np.float32)
    assert benchmark(encoder.fit_transform, ARCHS).shape == (15625, 30)


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


@pytest.mark.parametrize("n_candidates", [100, 1000, 15625])
@pytest.mark.benchmark(group="one simulated selection, tau included")
def test_simulated_selection(benchmark, points, n_candidates):
    frame = benchmark(
        hb.simulate_selection,
        points[0] * 100,
        points[1],
        n_candidates=n_candidates,
        deviation=0.3,
        repeats=1,
    )
    assert len(frame) == 1
