import sys
import time

import psutil
import pytest

from hwbench.tables.made.runtimes import programs
from hwbench.tables.made.runtimes.base import MeasureError
from hwbench.tables.made.runtimes.programs import output_of


def shell(text, seconds=20.0):
    return output_of(["/bin/sh", "-c", text], seconds)


def test_standard_output_alone_is_returned():
    assert shell("echo 3.5; echo 99 >&2") == "3.5\n"


def test_nothing_is_on_its_standard_input():
    assert shell("cat; echo 1") == "1\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 3", "exit code 3"),
        ("echo 4; echo first >&2; echo 'out of memory' >&2; exit 1", "exit code 1: out of memory"),
        ("echo 'no device'; exit 2", "exit code 2: no device"),
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("kill -40 $$", "killed by signal 40"),
    ],
)
def test_a_program_that_fails_says_why(text, reason):
    with pytest.raises(MeasureError) as caught:
        shell(text)
    assert str(caught.value) == reason


def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path):
    with pytest.raises(MeasureError, match=r"took more than 0\.3 s and was ended"):
        shell(f"sleep 600 & echo $! > {tmp_path}/child; sleep 600", seconds=0.3)
    child = int((tmp_path / "child").read_text())
    gone, _ = psutil.wait_procs([p for p in [_process(child)] if p is not None], timeout=10)
    assert _process(child) is None or gone


def _process(number):
    try:
        found = psutil.Process(number)
        return None if found.status() == psutil.STATUS_ZOMBIE else found
    except psutil.NoSuchProcess:
        return None


def test_what_a_program_leaves_running_is_not_waited_for():
    start = time.monotonic()
    assert shell("sleep 600 & echo 2", seconds=300) == "2\n"
    assert time.monotonic() - start < 200


def test_output_is_bounded(monkeypatch):
    monkeypatch.setattr(programs, "MOST_BYTES", 10_000)
    with pytest.raises(MeasureError, match="printed more than 10,000 bytes"):
        shell("yes")


def test_bytes_that_are_no_text_are_read():
    assert "4.5" in output_of([sys.executable, "-c", "import os; os.write(1, b'\\xff 4.5')"], 60)


def test_a_program_that_cannot_be_started_says_why(tmp_path):
    path = tmp_path / "bench"
    path.write_text("no program")
    path.chmod(0o700)
    with pytest.raises(MeasureError, match=r"it cannot be started: .*Exec format error"):
        output_of([str(path)], 5)
