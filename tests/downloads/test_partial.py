"""What a download leaves on the disk survives full disks, kills and other processes."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import namedtuple

import numpy as np
import pytest

from hwbench.downloads import download as download_module
from hwbench.downloads.partial import locked

CONTENT = np.random.default_rng(0).bytes(300_000)  # which the fixture `serve` serves
Usage = namedtuple("Usage", ["total", "used", "free"])


def test_a_disk_without_room_is_told_before_the_download(serve, refusal, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10_000, 9_000, 1_000))
    message = refusal(serve())
    assert "table.bin: the disk is full: 300000 more bytes are needed, 1000 are free" in message
    assert "make room and try again" in message
    assert "--mirror" not in message


def test_a_disk_that_does_not_tell_its_size_is_tried(serve, fetch, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(0, 0, 0))
    [path] = fetch(serve())
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_keeps_what_arrived(
    serve, server, fetch, refusal, monkeypatch, code, ranges_of
):
    real, written = download_module._write, []

    def until_full(output, data):
        room = 50_000 - sum(written)
        real(output, data[:room])
        written.append(min(room, len(data)))
        if room < len(data):
            raise OSError(code, os.strerror(code))

    file = serve()
    with monkeypatch.context() as patch:
        patch.setattr(download_module, "_write", until_full)
        message = refusal(file)
    assert "the disk is full: 250000 more bytes are needed" in message
    assert "the 50000 bytes that arrived are kept" in message
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert ranges_of(server) == [None, "bytes=50000-"]


def test_another_trouble_of_the_disk_is_one_line(serve, refusal, monkeypatch):
    def broken(_output, _data):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(download_module, "_write", broken)
    assert "table.bin: cannot be written (Input/output error)" in refusal(serve())


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 200,000 bytes, where this user may make one; gives it and a way to change it."""
    folder = tmp_path / "downloads"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    if shutil.which("mount") is None or not mount("size=204800"):
        pytest.skip("this user may not mount a disk")
    yield folder, mount
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_really_full(serve, server, fetch, refusal, small_disk, monkeypatch):
    _, mount = small_disk
    file = serve()
    assert re.search(r"300000 more bytes are needed, \d{6} are free", refusal(file))
    with monkeypatch.context() as patch:
        patch.setattr(download_module._Transfer, "_refuse_full_disk", lambda *_arguments: None)
        assert "the disk is full" in refusal(file)
    kept = (small_disk[0] / file.relative_path).with_name("table.bin.part").stat().st_size
    assert 100_000 < kept < 300_000
    assert mount("remount,size=1m")
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].start == kept


def test_a_disk_that_cannot_be_written(serve, server, fetch, refusal, small_disk):
    _, mount = small_disk
    small = serve(np.random.default_rng(1).bytes(1000), name="small.bin")
    [path] = fetch(small)
    assert mount("remount,ro")
    assert fetch(small) == [path]  # what is there can be used
    assert "table.bin: cannot be written (Read-only file system)" in refusal(serve())
    assert len(server.answers) == 1


def test_a_folder_that_cannot_be_made(serve, server, refusal, tmp_path):
    (tmp_path / "downloads").write_text("a file where a folder should be")
    message = refusal(serve())
    assert "cannot be written" in message
    assert server.answers == []


def test_a_folder_where_the_file_should_be(serve, refusal, tmp_path):
    file = serve(bytes=None)
    (tmp_path / "downloads" / file.relative_path).mkdir(parents=True)
    assert "cannot be read (Is a directory)" in refusal(file)


CHILD = """
import fcntl, sys
from pathlib import Path
from hwbench.tables.public.catalogue import load_benchmark
from hwbench.tables.public.fetch import fetch_files

lock = fcntl.flock
def told(*arguments):
    print("at the lock", flush=True)
    lock(*arguments)
fcntl.flock = told
card, mirror, folder = sys.argv[1:]
fetch_files(load_benchmark(card), mirror=mirror, folder=Path(folder))
"""


@pytest.fixture
def spawn(server, tmp_path):
    """Start a process that fetches the files of a card; waits until it is about to begin."""
    processes = []

    def start(file):
        path = tmp_path / "mine.toml"
        keys = file.model_dump(exclude_none=True)
        path.write_text(
            "title = 'x'\nspace = 'x'\ndescription = 'x'\npaper = 'x'\nlicence = 'x'\n"
            "converter = 'a:b'\n[[variant]]\nname = 'copy'\n[[variant.file]]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        )
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, path, server.url, tmp_path / "downloads"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "at the lock\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_killed_process_is_continued(
    serve, server, fetch, fault, spawn, tmp_path, leftovers, ranges_of
):
    file, silence = serve(), threading.Event()
    server.faults.append(fault(cut=70_001, stall=silence))
    process = spawn(file)
    part = (tmp_path / "downloads" / file.relative_path).with_name("table.bin.part")
    server.wait_for(lambda: part.exists() and part.stat().st_size == 70_001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    silence.set()
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert ranges_of(server) == [None, "bytes=70001-"]
    assert leftovers(path) == []


def test_two_processes_fetch_a_file_once(serve, server, fault, spawn, tmp_path, leftovers):
    file, gate = serve(), threading.Event()
    server.faults.append(fault(stall=gate))
    first = spawn(file)
    second = spawn(file)
    gate.set()
    for process in (first, second):
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
    path = tmp_path / "downloads" / file.relative_path
    assert path.read_bytes() == CONTENT
    assert len(server.answers) == 1
    assert leftovers(path) == []


def test_a_waiting_process_goes_on_where_the_first_was_killed(
    serve, server, fault, spawn, tmp_path, ranges_of
):
    file, silence = serve(), threading.Event()
    server.faults.append(fault(cut=70_001, stall=silence))
    first = spawn(file)
    path = tmp_path / "downloads" / file.relative_path
    part = path.with_name("table.bin.part")
    server.wait_for(lambda: part.exists() and part.stat().st_size == 70_001)
    second = spawn(file)
    os.kill(first.pid, signal.SIGKILL)
    _, error = second.communicate(timeout=60)
    silence.set()
    assert second.returncode == 0, error
    assert path.read_bytes() == CONTENT
    assert ranges_of(server) == [None, "bytes=70001-"]


def test_many_threads_fetch_a_file_once(serve, server, fetch):
    file, found = serve(), []
    threads = [threading.Thread(target=lambda: found.extend(fetch(file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {path.read_bytes() for path in found} == {CONTENT}
    assert len(server.answers) == 1


def test_a_lock_that_its_holder_has_removed_is_taken_anew(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    real, calls = fcntl.flock, []
    lock = tmp_path / "new" / ".table.bin.lock"

    def after_the_holder(handle, how):
        if not calls:
            lock.unlink()
        calls.append(handle)
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", after_the_holder)
    with locked(tmp_path / "new" / "table.bin"):
        assert len(calls) == 2
        with lock.open() as other, pytest.raises(BlockingIOError):
            real(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not lock.exists()


def test_systems_without_locks_fetch_as_well(serve, fetch, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    [path] = fetch(serve())
    assert path.read_bytes() == CONTENT


def test_an_interrupted_download_is_continued(serve, server, fetch, leftovers):
    def interrupt(done, _total):
        if done > 0:
            raise KeyboardInterrupt

    file = serve()
    with pytest.raises(KeyboardInterrupt):
        fetch(file, progress=interrupt)
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].start > 0
    assert leftovers(path) == []
