"""A worker process alone: it ends when the program it works for is gone, whatever it is doing."""

import os
import subprocess
import sys

import pytest

from hwbench.study.worker import receive, send

WORKLOAD = """
import time

class Workload:
    def run(self, seconds):
        if seconds < 0:
            raise ValueError("a trial that is none")
        time.sleep(seconds)
        return seconds
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    (tmp_path / "own_workload.py").write_text(WORKLOAD)
    monkeypatch.syspath_prepend(tmp_path)
    from own_workload import Workload

    process = subprocess.Popen(
        [sys.executable, "-m", "hwbench.study.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    send(process.stdin, Workload())
    assert receive(process.stdout) == "ready"
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    sys.modules.pop("own_workload")


def test_answers_in_order(worker):
    for seconds in (0.0, 0.01):
        send(worker.stdin, seconds)
        assert receive(worker.stdout) == seconds


def test_ends_in_the_midst_of_a_trial_when_its_input_closes(worker):
    send(worker.stdin, 3600.0)
    worker.stdin.close()
    assert worker.wait(timeout=60) == 0
    assert worker.stderr.read() == b""


def test_ends_when_nobody_hears_its_answer(worker):
    worker.stdout.close()
    send(worker.stdin, 0.0)
    assert worker.wait(timeout=60) == 0
    assert worker.stderr.read() == b""


@pytest.mark.parametrize("message", [b"\x80\x05K", b"\x80\x05cno_such_module\nname\n."])
def test_ends_at_half_a_message_and_at_one_it_cannot_read(worker, message):
    worker.stdin.write(message)
    worker.stdin.close()
    worker.wait(timeout=60)


def test_an_error_of_the_workload_is_told(worker):
    send(worker.stdin, -1.0)
    assert worker.wait(timeout=60) == 1
    assert b"a trial that is none" in worker.stderr.read()
