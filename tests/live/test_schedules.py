from itertools import pairwise

import pytest

from hwbench.errors import HwbenchError
from hwbench.live.schedules import Constant, Cosine, Restarts
from hwbench.live.trainers.base import SingleLevel
from hwbench.optimisation import half_cosine


def test_a_cosine_is_that_of_all_trainings():
    schedule, expected = Cosine(final_learning_rate=0.01), half_cosine(0.1, 0.01)
    for step in range(0, 200, 7):
        assert schedule.rate(0.1, step / 20, 10) == pytest.approx(expected(step, 200), rel=1e-12)


def test_rates_rise_before_they_fall():
    schedule = Cosine(warm_up_epochs=2)
    rates = [schedule.rate(0.1, epoch, 10) for epoch in (0, 1, 2, 6, 10)]
    assert rates == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.0])
    assert [Constant(warm_up_epochs=4).rate(0.1, at, 9) for at in (1, 4, 8)] == pytest.approx(
        [0.025, 0.1, 0.1]
    )
    assert Constant().rate(0.1, 0, 9) == 0.1


@pytest.mark.parametrize(
    ("periods", "factor", "starts"),
    [
        ([15, 15, 10], 1.0, [0, 15, 30, 40, 50, 60]),  # PR-DARTS
        ([10], 2.0, [0, 10, 30, 70, 150]),  # ENAS
    ],
)
def test_periods_start_where_published(periods, factor, starts):
    schedule = Restarts(periods=periods, factor=factor, final_learning_rate=0.01)
    for begin, end in pairwise(starts):
        assert schedule.rate(0.025, begin, 200) == pytest.approx(0.025)
        middle = schedule.rate(0.025, (begin + end) / 2, 200)
        assert middle == pytest.approx((0.025 + 0.01) / 2)
        assert schedule.rate(0.025, end - 1e-9, 200) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"name": "cosine", "final_learning_rate": 1.0}, "is above the learning rate"),
        ({"name": "constant", "warm_up_epochs": 9}, "fewer than the 4 epochs"),
        ({"name": "restarts", "periods": []}, "periods must"),
        ({"name": "restarts"}, "the key 'periods' is missing"),
        ({"name": "cosin"}, "did you mean 'cosine'"),
        ({"name": "cosine", "final": 0.1}, "unknown key 'final'"),
    ],
)
def test_what_does_not_suit_is_said(schedule, message):
    with pytest.raises(HwbenchError, match=message):
        SingleLevel(epochs=4, schedule=schedule)
