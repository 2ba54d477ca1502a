"""The time that is left, from the start on."""

import json

import pytest

from hwbench.cli import pace


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_before_the_first_unit_an_earlier_run_tells(clock):
    timed = pace.Pace(10.0, clock)
    timed.update(0, 6)
    assert timed.seconds_left() == 60
    clock.now += 4
    assert timed.seconds_left() == 56
    clock.now += 40  # the unit takes longer than those of the earlier run
    assert timed.seconds_left() == 50
    assert pace.left_in_words(timed) == "50 s left"


def test_without_an_earlier_run_it_is_said_when_it_will_be_known(clock):
    timed = pace.Pace(None, clock)
    timed.update(0, 6)
    assert timed.seconds_left() is None
    assert pace.left_in_words(timed) == "time left after 1 of 6"
    clock.now += 30
    timed.update(1, 6)
    assert timed.seconds_left() == 150
    assert pace.left_in_words(timed) == "2 min left"
    timed.update(6, 6)
    assert pace.left_in_words(timed) == ""


def test_units_of_a_run_that_was_stopped_took_no_time_now(clock):
    timed = pace.Pace(None, clock)
    timed.update(90, 100)
    clock.now += 20
    timed.update(92, 100)
    assert timed.seconds_left() == 80
    assert timed.measured == 10


def test_what_a_unit_took_is_kept(hwbench_home):
    assert pace.earlier("study run quick: fitting") is None
    pace.keep("study run quick: fitting", 2.5)
    pace.keep("study run quick: fitting", None)
    assert pace.earlier("study run quick: fitting") == 2.5
    for place in range(pace.MOST_KEPT):
        pace.keep(f"stage {place}", 1.0)
    assert len(json.loads((hwbench_home / "pace.json").read_text())) == pace.MOST_KEPT
    assert pace.earlier("study run quick: fitting") is None


@pytest.mark.parametrize("content", ["", "[1]", '{"a": "b"}', '{"a": NaN}', "[" * 5000])
def test_a_broken_file_of_paces_is_none(hwbench_home, content):
    (hwbench_home / "pace.json").write_text(content)
    assert pace.earlier("a") is None
    pace.keep("a", 1.0)
    assert pace.earlier("a") == 1.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (61, "1 min"),
        (3599, "1 h"),
        (7500, "2 h 5 min"),
        (2e6, "23 days"),
    ],
)
def test_durations_in_words(seconds, words):
    assert pace.in_words(seconds) == words


def test_a_plan_tells_where_no_earlier_run_does(clock):
    timed = pace.Pace(None, clock, in_all=120)
    timed.update(0, 60)
    assert timed.seconds_left() == 120
    clock.now += 1
    timed.update(1, 60)
    assert timed.seconds_left() == pytest.approx(59 * 1.5)
