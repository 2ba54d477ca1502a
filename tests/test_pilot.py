"""Pieces are timed until they get long, and times grow by the law of the last two."""

import pytest

from hwbench.pilot import power_law, timed_pieces


def test_larger_sizes_follow_a_power_law():
    fit = power_law([10, 100], [0.01, 1.0])
    assert fit(1000) == pytest.approx(100.0)
    assert fit(10**1.5) == pytest.approx(0.1)
    assert fit(5) == pytest.approx(0.01)
    assert power_law([10], [0.5])(20) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("seconds_a_unit", "timed"), [(0.001, [1, 5, 30, 400]), (0.3, [1, 5, 30]), (25.0, [1])]
)
def test_pieces_grow_until_two_are_long_or_one_is_too_long(seconds_a_unit, timed):
    now = 0.0

    def work(size):
        nonlocal now
        now += size * seconds_a_unit

    sizes, seconds = timed_pieces([1, 5, 30, 400], work, clock=lambda: now)
    assert sizes == timed
    assert seconds == pytest.approx([size * seconds_a_unit for size in timed])
