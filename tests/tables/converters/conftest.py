"""What tests of converters share: published files and tables, writers of the authors' formats."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError


@pytest.fixture(scope="session")
def writers():
    """The module that writes pickles, torch files and TFRecord files for tests of the readers."""
    path = Path(__file__).parents[2] / "formats" / "writers.py"
    spec = importlib.util.spec_from_file_location("converter_writers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def raw(shared_data):
    """The path of a published file, by its name."""

    def find(name):
        (path,) = (shared_data / "raw").rglob(name)
        return path

    return find


@pytest.fixture(scope="session")
def published(shared_data):
    """A published table, row by row that of a converted one, which must hold all of it."""

    def read(name, table, key="arch"):
        frame = pd.read_parquet(shared_data / f"{name}.parquet").set_index(key)
        assert len(frame) == len(table)
        return frame.loc[table.frame["arch"]]

    return read


@pytest.fixture(scope="session")
def same():
    """Whether two columns are equal in every bit, missing values in the same rows."""

    def compare(first, second):
        first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        return first.shape == second.shape and bool(
            ((first == second) | (np.isnan(first) & np.isnan(second))).all()
        )

    return compare


@pytest.fixture
def refusal():
    """Run a converter that must refuse what it is given, in one line."""

    def run(convert, *paths):
        with pytest.raises(HwbenchError) as caught:
            convert(list(paths))
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        return message

    return run


@pytest.fixture
def steps():
    """What a converter reports of its progress, and a check of it."""

    class Steps(list):
        def __call__(self, done, total):
            self.append((done, total))

        def check(self):
            """Begins at nothing, never goes back, ends with all."""
            done = [step for step, _ in self]
            assert done[0] == 0
            assert done == sorted(done)
            assert self[-1][0] == self[-1][1]

    return Steps()
