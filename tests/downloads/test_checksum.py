"""Checksums are those of the usual tools, and a first download vouches where none is known."""

import hashlib

import numpy as np
import pytest

from hwbench.downloads.checksum import Digest, file_fault
from hwbench.errors import HwbenchError

CONTENT = np.random.default_rng(0).bytes(300_000)  # which the fixture `serve` serves


def test_git_checksum_is_that_of_git():
    # printf 'hello\n' | git hash-object --stdin
    digest = Digest("git_blob_sha1", 6)
    digest.update(b"hel")
    digest.update(b"lo\n")
    assert digest.hexdigest() == "ce013625030ba8dba906f756967f9e9ca394464a"
    digest = Digest("sha256", 6)
    digest.update(b"hello\n")
    assert digest.hexdigest() == hashlib.sha256(b"hello\n").hexdigest()


def test_a_copy_is_right_only_in_length_and_checksum(source, tmp_path):
    path, file = tmp_path / "table.bin", source()
    assert file_fault(path, file) == "does not exist"
    assert file_fault(path / "below", file) == "does not exist"
    path.write_bytes(CONTENT)
    assert file_fault(path, file) is None
    assert file_fault(path, source(sha256=None)) is None
    path.write_bytes(CONTENT[::-1])
    found = hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert file_fault(path, file) == (f"has sha256 {found}, expected {file.sha256} (300000 bytes)")
    assert file_fault(path, source(bytes=None)) == file_fault(path, file)
    assert file_fault(path, source(sha256=None)) is None
    path.write_bytes(CONTENT[1:])
    assert file_fault(path, file) == "has 299999 bytes, expected 300000"


def test_the_checksum_of_an_unknown_file_is_recorded(serve, server, fetch, fault):
    file = serve(sha256=None)
    [path] = fetch(file)
    record = path.with_name("table.bin.sha256")
    assert record.read_text() == f"{hashlib.sha256(CONTENT).hexdigest()}  table.bin\n"
    fetch(file)
    assert len(server.answers) == 1
    path.write_bytes(CONTENT[:-1] + b"x")  # as long, and still found out
    fetch(file)
    assert path.read_bytes() == CONTENT
    assert len(server.answers) == 2


def test_an_unknown_file_without_length_is_refused(serve, server, refusal, fault):
    server.faults.append(fault(until_close=True))
    assert "neither its length nor a checksum is known" in refusal(serve(sha256=None, bytes=None))


@pytest.mark.parametrize(
    ("tag", "start"), [("strong", 1000), ("date", 1000), ("weak", 0), ("none", 0)]
)
def test_an_unknown_file_is_continued_only_where_the_server_vouches(
    serve, server, fetch, fault, tag, start
):
    file = serve(sha256=None)
    server.tag = tag
    server.faults.append(fault(cut=1000))
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[1].start == start


@pytest.mark.parametrize("conditions", [True, False], ids=["If-Range heeded", "not heeded"])
def test_an_unknown_file_that_changes_starts_over(server, fetch, fault, source, conditions):
    file = source(sha256=None)
    server.conditions = conditions
    server.files[file.relative_path] = CONTENT[::-1]
    server.faults.extend([fault(cut=1000), fault(status=404)])
    with pytest.raises(HwbenchError):
        fetch(file)
    server.files[file.relative_path] = CONTENT
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].start == 0
