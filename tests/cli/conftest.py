import sys
from types import SimpleNamespace

import pytest

from hwbench.cli import main
from hwbench.toml import to_toml


@pytest.fixture
def hwbench(monkeypatch, capsys):
    """Run a command line in this process; gives its exit code, stdout and stderr."""

    def run(*arguments, columns=300):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["hwbench", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run


@pytest.fixture
def refused(hwbench):
    """Run a command line that must end with exit code 2 and one line on stderr; gives the line."""

    def run(*arguments):
        result = hwbench(*arguments)
        assert result.code == 2, result
        assert result.out == ""
        assert result.err.startswith("hwbench: ")
        assert len(result.err.splitlines()) == 1
        return result.err.removeprefix("hwbench: ").strip()

    return run


@pytest.fixture
def tiny_search(tmp_path):
    """Writes the tree of a live search that takes a moment; gives its path."""

    def write(epochs=1):
        tree = {
            "title": "tiny",
            "data": {"validation_share": 0.9},
            "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
            "strategy": {"name": "darts"},
            "trainer": {"name": "bilevel", "epochs": epochs, "batch_size": 64},
            "selection": {"name": "strength"},
        }
        path = tmp_path / "tiny.toml"
        path.write_text(to_toml(tree))
        return path

    return write
