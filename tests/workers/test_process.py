"""A worker process alone: it ends when the program it works for is gone, whatever it is doing."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from hwbench.workers.process import ERROR, READY, RESULT, pickled, receive, send, unpickled


@pytest.fixture
def worker(own_work):
    process = subprocess.Popen(
        [sys.executable, "-m", "hwbench.workers.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def given(worker, work):
    """Give it its work; gives the guard."""
    send(worker.stdin, pickled(sys.path))
    send(worker.stdin, pickled(work))
    kind, guard = answer(worker)
    assert kind == READY
    return psutil.Process(guard)


def answer(worker):
    return unpickled(receive(worker.stdout))


def test_answers_in_order(worker, own_work):
    given(worker, own_work.square)
    for unit in (3, 4):
        send(worker.stdin, pickled(unit))
        assert answer(worker) == (RESULT, unit * unit)


def test_what_units_read_and_print_is_not_in_the_way(worker, own_work):
    given(worker, own_work.reads_and_prints)
    for _ in range(2):
        send(worker.stdin, pickled(None))
        kind, (read, _) = answer(worker)
        assert (kind, read) == (RESULT, "")


def test_ends_when_its_input_closes(worker, own_work):
    guard = given(worker, own_work.square)
    worker.stdin.close()
    worker.wait(timeout=60)
    guard.wait(timeout=60)
    assert worker.stderr.read() == b""


def test_ends_when_nobody_hears_its_answer(worker, own_work):
    guard = given(worker, own_work.square)
    worker.stdout.close()
    send(worker.stdin, pickled(2))
    worker.wait(timeout=60)
    guard.wait(timeout=60)
    assert worker.stderr.read() == b""


def test_the_guard_ends_with_its_worker(worker, own_work):
    guard = given(worker, own_work.square)
    worker.kill()
    guard.wait(timeout=60)


@pytest.mark.parametrize("message", [b"\x80\x05K", b"\x05\0\0\0\0\0\0\0ab"])
def test_ends_at_half_a_message(worker, message):
    worker.stdin.write(message)
    worker.stdin.close()
    worker.wait(timeout=60)


def test_work_that_it_cannot_have_is_told(worker):
    send(worker.stdin, pickled(sys.path))
    send(worker.stdin, b"\x80\x05cno_such_module\nname\n.")
    kind, error = answer(worker)
    assert kind == ERROR
    assert isinstance(error, ModuleNotFoundError)
    assert worker.wait(timeout=60) == 1


def test_an_error_is_told_with_its_place_and_is_not_the_end(worker, own_work):
    given(worker, own_work.raises)
    send(worker.stdin, pickled(1))
    kind, error = answer(worker)
    assert (kind, repr(error)) == (ERROR, "ValueError('a unit that is none')")
    assert "in raises" in error.__notes__[0]
    send(worker.stdin, pickled(2))
    assert answer(worker) == (RESULT, 2)


def test_an_error_that_cannot_be_sent_is_told_in_words(worker, own_work):
    given(worker, own_work.raises_oddly)
    send(worker.stdin, pickled(1))
    kind, error = answer(worker)
    assert (kind, type(error)) == (ERROR, RuntimeError)
    assert str(error).strip().endswith("OddError: one and other")


def test_a_result_that_cannot_be_sent_is_an_error(worker, own_work):
    given(worker, own_work.gives_what_cannot_be_sent)
    send(worker.stdin, pickled(1))
    kind, error = answer(worker)
    assert kind == ERROR
    assert "pickle" in str(error)


def test_leaves_terminating_to_the_driver(worker, own_work):
    guard = given(worker, own_work.slow_square)
    send(worker.stdin, pickled(2))
    for _ in range(3):
        os.killpg(worker.pid, signal.SIGTERM)
        guard.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert answer(worker) == (RESULT, (4, worker.pid))
    assert guard.is_running()
