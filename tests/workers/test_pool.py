"""Units end whatever becomes of workers, and no worker is left whatever becomes of the driver."""

import signal
import sys
import time
from contextlib import closing
from dataclasses import dataclass

import pytest

from hwbench.errors import HwbenchError
from hwbench.workers import worker as worker_module
from hwbench.workers.pool import run_in_order, run_units


@dataclass(frozen=True)
class Limits:
    seconds: float | None = None
    memory_mb: float | None = None


def ended(work, units, workers=2, **options):
    """The units that ended, by place."""
    with closing(run_units(work, units, workers=workers, **options)) as stream:
        return {each.place: each for each in stream if each is not None}


def results(work, units, workers=2):
    found = ended(work, units, workers)
    assert all(each.lost is None for each in found.values())
    return [found[place].result for place in range(len(found))]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_unit_is_run_once(own_work, workers):
    assert results(own_work.square, range(4), workers) == [0, 1, 4, 9]
    assert results(own_work.square, [], workers) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_in_order_whatever_ends_first(own_work, workers):
    with closing(run_in_order(own_work.late_first, range(5), workers=workers)) as stream:
        assert [(each.place, each.result) for each in stream] == [(n, n) for n in range(5)]


def test_units_are_taken_as_they_are_begun(own_work):
    taken = []

    def units():
        for unit in range(12):
            taken.append(unit)
            yield unit

    done = 0
    with closing(run_units(own_work.slow_square, units(), workers=2)) as stream:
        for each in stream:
            if each is not None:
                done += 1
                assert len(taken) <= done + 2 + 1
    assert done == 12


def test_units_that_break_off_break_off_the_run(own_work):
    def units():
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        results(own_work.square, units())


def test_a_unit_has_one_thread(own_work):
    for _, environment in results(own_work.reads_and_prints, range(2)):
        assert environment == {"OMP_NUM_THREADS": "1"}


# ------------------------------------------------------------------- a worker that dies


def test_a_unit_that_always_kills_its_worker_is_lost_alone(own_work):
    found = ended(own_work.dies, range(6))
    lost = found.pop(1).lost
    assert [(place, each.result) for place, each in sorted(found.items())] == [
        (place, place * place) for place in (0, 2, 3, 4, 5)
    ]
    assert lost.kind == worker_module.WORKER_DIED
    assert lost.reason == "the worker process was killed by SIGKILL, 2 times"
    assert lost.error == f"last words\nWorkerDied: {lost.reason}"


def test_a_worker_lost_once_costs_nothing(own_work, tmp_path):
    assert results(own_work.dies_once, range(4)) == [0, 1, 4, 9]
    assert (tmp_path / "died").exists()


def test_a_worker_killed_from_outside_costs_nothing(own_work, own_workers):
    killed = []
    found = {}
    with closing(run_units(own_work.slow_square, range(10), workers=2)) as stream:
        for each in stream:
            if each is None:
                continue
            assert each.lost is None
            found[each.place] = each.result[0]
            if len(found) in (2, 6):
                for worker in own_workers():
                    worker.kill()
                    killed.append(worker.pid)
    assert len(set(killed)) >= 3
    assert [found[place] for place in range(10)] == [place * place for place in range(10)]


def test_workers_killed_while_they_start_cost_nothing(own_work, first_workers_killed):
    assert results(own_work.square, range(4)) == [0, 1, 4, 9]
    assert len(first_workers_killed) == 2


@pytest.mark.parametrize(("deaths", "starts"), [(2, True), (9, False)])
def test_a_worker_that_dies_at_its_start_is_started_again(own_work, monkeypatch, deaths, starts):
    monkeypatch.setenv("DEATHS", str(deaths))
    if starts:
        found = ended(own_work.square, range(3), workers=1, limits=Limits(seconds=600))
        assert [found[place].result for place in range(3)] == [0, 1, 4]
    else:
        said = "could not start, 3 times in a row: it was killed by SIGKILL: last words"
        with pytest.raises(HwbenchError, match=said):
            ended(own_work.square, range(3))


def test_no_program_to_start_is_said_in_one_line(own_work, monkeypatch):
    monkeypatch.setattr(worker_module.sys, "executable", "/no/python")
    with pytest.raises(HwbenchError, match=r"could not start, 3 times in a row: .*No such file"):
        ended(own_work.square, range(3))


def test_work_that_workers_cannot_have_is_said_in_one_line(own_work, tmp_path):
    (tmp_path / "modules" / "own_work.py").unlink()
    said = r"cannot take up its work \(ModuleNotFoundError: No module named 'own_work'\)"
    with pytest.raises(HwbenchError, match=said):
        ended(own_work.square, range(3))


def test_a_child_that_outlives_its_worker_holds_nobody_up(own_work):
    lost = ended(own_work.leaves_a_child_and_dies, range(3))[1].lost
    assert lost.reason == "the worker process was killed by SIGKILL, 2 times"


def test_a_worker_without_a_pipe_is_lost(own_work):
    lost = ended(own_work.closes_its_output, [0], workers=2)[0].lost
    assert lost.kind == worker_module.WORKER_DIED


def test_a_unit_that_exits_is_lost(own_work):
    lost = ended(own_work.exits, [0], workers=2)[0].lost
    assert lost.reason == "the worker process ended with exit code 1, 2 times"
    assert "SystemExit: no more" in lost.words


@pytest.mark.parametrize("how", ["asleep", "in compiled code", "stopped", "with children"])
def test_a_limit_ends_whatever_hangs(own_work, monkeypatch, tmp_path, how):
    monkeypatch.setenv("HOW", how)
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    lost = ended(own_work.hangs, [0], workers=1, limits=Limits(seconds=0.5))[0].lost
    assert (lost.kind, lost.reason) == ("TimeLimit", "ended after 0.5 s, its limit")
    assert (tmp_path / "begun").read_text() == "begun " or how == "with children"


def test_an_error_of_a_unit_ends_the_run(own_work, own_workers):
    for workers in (1, 2):
        with pytest.raises(ValueError, match="a unit that is none"):
            ended(own_work.raises, range(4), workers)
    assert own_workers() == []


# ------------------------------------------------------------------- a driver that ends


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_error_of_the_driver_leaves_no_worker(own_work, own_workers, error):
    def drive():
        with closing(run_units(own_work.slow_square, range(50), workers=2)) as stream:
            for each in stream:
                if each is not None:
                    assert 1 <= len(own_workers()) <= 2
                    raise error

    with pytest.raises(error):
        drive()
    assert own_workers() == []


def test_nobody_waits_for_workers_that_start(own_work, own_workers, monkeypatch, tmp_path):
    (tmp_path / "modules" / "own_work.py").write_text("import time\ntime.sleep(3600)\n")
    with closing(run_units(own_work.square, range(4), workers=2)) as stream:
        for _ in range(2000):
            assert next(stream) is None
            if len(own_workers()) == 2:
                break
    assert own_workers() == []


def test_sigterm_to_every_process_is_left_to_the_driver(own_work, own_workers):
    found = {}
    with closing(run_units(own_work.slow_square, range(8), workers=2)) as stream:
        for each in stream:
            if each is None:
                continue
            found[each.place] = each
            for worker in own_workers() if len(found) < 6 else ():
                for process in (*worker.children(), worker):
                    process.send_signal(signal.SIGTERM)
    assert [found[place].result[0] for place in range(8)] == [place * place for place in range(8)]
    assert len({each.result[1] for each in found.values()}) == 2


DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
import own_work
from hwbench.workers.pool import run_units
for ended in run_units(own_work.hangs, range(8), workers=2):
    pass
"""


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (signal.SIGKILL, "asleep"),
        (signal.SIGKILL, "in compiled code"),
        (signal.SIGKILL, "stopped"),
        (signal.SIGKILL, "with children"),
        (signal.SIGTERM, "with children"),
        (signal.SIGINT, "asleep"),
    ],
)
def test_a_driver_that_is_killed_leaves_nothing(marked_process, own_work, tmp_path, number, how):
    begun = tmp_path / "begun"
    driver = marked_process(
        [sys.executable, "-c", DRIVER, tmp_path / "modules"], HOW=how, BEGUN=str(begun)
    )
    fewest = 4 if how == "with children" else 2
    driver.wait_until(lambda: begun.exists() and len(begun.read_text().split()) >= fewest)
    assert len(driver.workers()) == 2
    assert len(driver.others()) >= 4 + (6 if how == "with children" else 0)
    assert driver.end(number) == []


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2])
def test_a_driver_that_is_killed_while_workers_start_leaves_nothing(
    marked_process, own_work, tmp_path, seconds
):
    slow = tmp_path / "modules" / "own_work.py"
    slow.write_text(
        "import sys, time\n"
        "if 'hwbench.workers.process' in sys.orig_argv:\n"
        "    time.sleep(3600)\n"
        "def hangs(unit):\n"
        "    pass\n"
    )
    driver = marked_process([sys.executable, "-c", DRIVER, tmp_path / "modules"])
    driver.wait_until(driver.workers)
    time.sleep(seconds)
    assert driver.end(signal.SIGKILL) == []
