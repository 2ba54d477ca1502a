import pickle
import re

import numpy as np
import pytest

from hwbench.tables.converters.latbench import convert_latbench

DEVICE = "desktop-cpu-core-i7-7820x-fp32"
CELLS = {(0, 0, 0, 1, 0, 0): 0.0125, (4, 3, 2, 1, 0, 3): 0.1 + 0.2, (3,) * 6: 0.5}


@pytest.fixture
def file(tmp_path):
    def write(content, name=f"{DEVICE}.pkl"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(content))
        return path

    return write


def test_published_file_is_the_published_column(raw, published, same, steps):
    table = convert_latbench([raw(f"{DEVICE}.pkl")], progress=steps)
    assert list(table.card.columns) == [f"{DEVICE}.latency"]
    assert len(table) == 15_284  # 341 of all cells deliver nothing
    assert "15284 of its 15625" in table.card.description
    steps.check()


def test_every_latency_is_that_of_its_cell(raw, shared_data, same):
    import pandas as pd

    table = convert_latbench([raw(f"{DEVICE}.pkl")])
    frame = pd.read_parquet(shared_data / "latbench_nb201.parquet").set_index("arch_str")
    expected = frame[f"{DEVICE}_latency_ms"]
    assert same(table.column(f"{DEVICE}.latency"), expected.loc[table.frame["arch"]])
    rest = expected.drop(table.frame["arch"])
    assert rest.isna().all()
    noise = table.card.columns[f"{DEVICE}.latency"].noise
    assert noise is not None
    assert 0.5 < noise.tau_ceiling < 1


def test_two_devices_are_two_columns_with_gaps(file, tmp_path):
    first = file(CELLS, "Embedded GPU (Jetson).pickle")
    second = file({(4, 3, 2, 1, 0, 3): 2.0}, "mobile-dsp.pkl")
    table = convert_latbench([second, first])
    assert list(table.card.columns) == ["mobile-dsp.latency", "embedded-gpu-jetson-.latency"]
    np.testing.assert_array_equal(
        table.column("embedded-gpu-jetson-.latency"), [12.5, 500.0, (0.1 + 0.2) * 1000]
    )
    np.testing.assert_array_equal(table.column("mobile-dsp.latency"), [np.nan, np.nan, 2000.0])
    assert table.archs.tolist() == sorted(list(cell) for cell in CELLS)
    card = table.card.columns["mobile-dsp.latency"]
    assert (card.unit, card.direction) == ("ms", "minimize")
    assert "mobile-dsp.pkl" in card.source


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "expected a dictionary"),
        ([1.0], "expected a dictionary"),
        ({(0, 0, 0): 1.0}, r"key \(0, 0, 0\)"),
        ({"000000": 1.0}, "key '000000'"),
        ({(0, 0, 0, 0, 0, 5): 1.0}, "holds 5; valid are 0 .. 4"),
        ({(0, 0, 0, 0, 0, "1"): 1.0}, "integers"),
        ({(0, 0, 0, 1, 0, 0): "fast"}, "no number: 'fast'"),
        ({(0, 0, 0, 1, 0, 0): None}, "no number: None"),
        ({(0, 0, 0, 1, 0, 0): True}, "no number: True"),
    ],
)
def test_broken_files_are_named(file, refusal, content, message):
    path = file(content)
    found = refusal(convert_latbench, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


def test_files_of_one_device_or_of_none_are_refused(file, tmp_path, refusal):
    (tmp_path / "notes.txt").touch()
    assert f"{DEVICE}.pkl" in refusal(convert_latbench, tmp_path)
    file(CELLS, "a b.pkl")
    file(CELLS, "a+b.pkl")
    assert "second file for the device a-b" in refusal(convert_latbench, tmp_path)
