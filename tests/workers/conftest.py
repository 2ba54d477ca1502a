"""Units of work that hang, die and start processes, in a module that worker processes import."""

import sys

import pytest

WORK = """
import ctypes, os, signal, subprocess, sys, time

SLEEP = [sys.executable, "-c", "import time; time.sleep(3600)"]

if "DEATHS" in os.environ and "hwbench.workers.process" in sys.orig_argv:
    for death in range(int(os.environ["DEATHS"])):
        try:
            os.close(os.open(f"{os.environ['DIED']}{death}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


def square(unit):
    return unit * unit


def slow_square(unit):
    time.sleep(0.3)
    return unit * unit, os.getpid()


def late_first(unit):
    time.sleep(1.0 if unit == 0 else 0.0)
    return unit


def dies(unit):
    if unit == 1:
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return unit * unit


def dies_once(unit):
    if unit == 1:
        try:
            os.close(os.open(os.environ["DIED"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return unit * unit
        os._exit(3)
    return unit * unit


def leaves_a_child_and_dies(unit):
    if unit == 1:
        if os.fork() == 0:
            time.sleep(3600)  # with the pipe to the driver open
        os.kill(os.getpid(), signal.SIGKILL)
    return unit * unit


def closes_its_output(unit):
    os.closerange(0, 50)
    time.sleep(3600)


class OddError(Exception):
    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def raises(unit):
    if unit == 1:
        raise ValueError("a unit that is none")
    return unit


def raises_oddly(unit):
    raise OddError("one", "other")


def gives_what_cannot_be_sent(unit):
    return lambda: unit


def exits(unit):
    sys.exit("no more")


def hangs(unit):
    how = os.environ["HOW"]
    if how == "with children":
        subprocess.Popen(SLEEP)
        subprocess.Popen(SLEEP, start_new_session=True)
        os.fork()
    with open(os.environ["BEGUN"], "a") as file:
        file.write("begun ")
    if how == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    if how == "in compiled code":
        ctypes.PyDLL(None).sleep(3600)  # which keeps the interpreter's lock
    time.sleep(3600)


def reads_and_prints(unit):
    print("a print")
    os.write(1, b"written")
    return sys.stdin.read(), {name: os.environ[name] for name in ("OMP_NUM_THREADS",)}
"""


@pytest.fixture
def own_work(tmp_path, monkeypatch):
    """The module, for this process; workers find it where their driver does."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "own_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    import own_work

    yield own_work
    del sys.modules["own_work"]
