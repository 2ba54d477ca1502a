import importlib.util
import tracemalloc
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from hwbench.errors import HwbenchError


@pytest.fixture(scope="session")
def writers():
    """The module `writers` of this folder."""
    path = Path(__file__).with_name("writers.py")
    spec = importlib.util.spec_from_file_location("format_writers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file and give its path."""

    def write(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@contextmanager
def _frugal(limit):
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.fixture
def refusal():
    """Run a reader that must refuse what it reads, in one line and with little memory.

    `limit` is the most it may allocate in bytes; None where counting would take too long.
    """

    def run(reader, *args, limit=50_000_000, **options):
        with _frugal(limit) if limit else nullcontext(), pytest.raises(HwbenchError) as caught:
            reader(*args, **options)
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < 600
        return str(caught.value)

    return run
