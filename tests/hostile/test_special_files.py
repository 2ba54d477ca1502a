"""What is no regular file is refused by every reader, at once and in one line."""

import os
import socket

import pytest

KINDS = ("pipe", "zeros", "folder", "socket", "loop", "long name", "line end", "no text")
# Formats that are told by the names of files.
SUFFIXES = {
    "own table": ".csv",
    "architectures": ".txt",
    "images": ".npz",
    "pictures in parquet": ".parquet",
    "published csv": ".csv",
    "table": ".parquet",
    "predictor": ".toml",
    "scenario": ".toml",
    "live config": ".toml",
}
FILES = (
    "pickle", "pickle by entries", "pickled frame", "torch", "torch by entries", "tfrecord",
    "nasbench101", "json", "published csv", "table", "own table", "architectures", "images",
    "picture", "idx", "pictures in parquet",
    "vae", "weights", "predictor", "scenario", "live config", "space", "tree", "object", "results",
    "journal",
)  # fmt: skip
INSIDE = ("network", "record", "trials", "parts", "run")  # of a folder that is read


def special(folder, kind, suffix):
    """A path at which something stands that is no regular file, or nothing can stand."""
    path = folder / f"it{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            os.chdir(folder)  # a socket's path is short
            end.bind(path.name)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "long name":
        path = folder / f"{'x' * 5000}{suffix}"
    elif kind == "line end":
        path = folder / f"a\n\x1b[31mb{suffix}"
    else:
        path = folder / f"a\udcffb{suffix}"
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_a_reader_refuses_what_is_no_file(name, kind, bounded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = special(tmp_path, kind, SUFFIXES.get(name, ""))
    found = bounded(name, path)
    if name in ("object", "results", "journal") and kind in ("line end", "no text"):
        assert "read" in found  # of what is not there, nothing
    else:
        assert "refused" in found, found
        assert found["refused"].isprintable()
        assert len(found["refused"]) < 6000


@pytest.mark.parametrize("kind", ["pipe", "zeros", "socket"])
@pytest.mark.parametrize("name", INSIDE)
def test_so_does_one_of_a_folder(name, kind, bounded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = bounded(name, special(tmp_path, kind, ""))
    assert "refused" in found, found
    assert found["refused"].isprintable()
