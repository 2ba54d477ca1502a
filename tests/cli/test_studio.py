"""`hwbench studio` says in one line what keeps it from starting."""

import importlib.util
import socket

import pytest

from hwbench.cli import studio as command
from hwbench.errors import HwbenchError
from hwbench.studio.server import _names, serve


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HwbenchError) as said:
            serve(tmp_path, port=port)
    assert f"--port {port}: 127.0.0.1 cannot be listened at" in str(said.value)
    assert "--port 0" in str(said.value)


def test_runs_that_are_no_folder_are_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HwbenchError, match="is no folder"):
        serve(tmp_path / "file")


def test_a_missing_library_is_said_with_what_installs_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        command, "find_spec", lambda name: None if name == "sse_starlette" else found(name)
    )
    with pytest.raises(HwbenchError) as said:
        command.studio()
    assert "needs sse_starlette" in str(said.value)
    assert "pip install 'hwbench[studio]'" in str(said.value)


def test_no_name_but_this_machines_is_answered_to_by_default():
    assert _names("127.0.0.1") == ("127.0.0.1", "localhost", "[::1]")
    assert "[::1]" in _names("::1")
