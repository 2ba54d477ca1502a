"""What is done in which order, under which budget: with candidates that cost nothing."""

import numpy as np
import pytest

from hwbench.advise import doing, work
from hwbench.advise.candidates import find_candidates
from hwbench.advise.doing import do_work
from hwbench.advise.ranking import conclude
from hwbench.advise.schedule import Schedule
from hwbench.advise.trials import CURVE_REPEATS, REPEATS, Data, Found
from hwbench.advise.work import TimeBudget, WorkBudget, work_of


class World:
    """A machine on which predictors err and take as they are told to, and a clock."""

    def __init__(self, data, speed=1.0, seed=0):
        self.data = data
        self.now = 0.0
        self.begun = []
        self.speed = speed
        self.seed = seed

    def cross_validate(self, data, unit):
        self.begun.append(unit)
        number = sum(unit.candidate.label.encode())
        error = np.random.default_rng([self.seed, number]).uniform(0.2, 2.0)
        pace = np.random.default_rng(len(unit.candidate.predictor)).uniform(0.6, 1.6)
        generator = np.random.default_rng([number, unit.repeat, int(100 * unit.share)])
        noise = generator.standard_normal(len(data.values))
        seconds = 0.02 * pace * self.speed * work_of(unit, len(data.values))
        self.now += seconds
        guess = data.values + error / unit.share**0.3 * data.values.std() * noise
        return Found(guess, seconds=seconds)


@pytest.fixture(scope="module")
def data(nasbench201):
    archs = nasbench201.sample(50, seed=3)
    return Data.of(nasbench201, archs, nasbench201.flops(archs) / 1e7, 0)


@pytest.fixture
def advised(data, monkeypatch, nasbench201):
    """Does the work that a budget affords; gives the world, what was done and the ranking."""

    def advise(make_budget, speed=1.0, seed=0, progress=lambda *_: None):
        world = World(data, speed, seed)
        monkeypatch.setattr(doing, "cross_validate", world.cross_validate)
        monkeypatch.setattr(work.time, "monotonic", lambda: world.now)
        schedule = Schedule(data, find_candidates(nasbench201)[0])
        done = do_work(schedule, make_budget(), progress=progress)
        return world, done, conclude(schedule.trials.values(), data)

    return advise


def units(limit):
    return lambda: WorkBudget(limit, 50)


def minutes(number):
    return lambda: TimeBudget(60 * number, 50, 1, 0.0)


def test_more_work_does_the_same_and_goes_on(advised):
    whole, done, _ = advised(units(10**7))
    assert done.complete
    assert done.work == done.all_of_it == sum(work_of(unit, 50) for unit in whole.begun)
    for limit in (1, 200, 5000):
        world, part, ranking = advised(units(limit))
        assert world.begun == whole.begun[: len(world.begun)]
        assert not part.complete
        assert limit == 1 or part.work <= limit + 1600  # a learning curve at most
        assert ranking.not_tried
        assert part.all_of_it > limit


@pytest.mark.parametrize("seed", range(3))
def test_the_winner_has_all_repeats_and_a_curve_before_dearer_ones_are_tried(advised, seed):
    world, _, ranking = advised(units(6000), seed=seed)
    assert ranking.chosen.confirmed
    assert sum(len(sums) for sums in ranking.chosen.curve.values()) == 2 * CURVE_REPEATS
    dear = [unit for unit in world.begun if unit.candidate.group > 0]
    first = world.begun.index(dear[0])
    repeats = [unit.candidate for unit in world.begun[:first] if unit.share == 1.0]
    assert max(repeats.count(each) for each in set(repeats)) == REPEATS
    assert any(unit.share < 1.0 for unit in world.begun[:first])


@pytest.mark.parametrize("limit", [300, 5000])
def test_the_same_work_does_the_same_at_any_speed(advised, limit):
    slow, fast = (advised(units(limit), speed=speed) for speed in (30.0, 0.1))
    assert slow[0].begun == fast[0].begun
    assert slow[1] == fast[1]
    assert slow[2].reason == fast[2].reason


@pytest.mark.parametrize(("asked", "speed"), [(1.0, 0.3), (1.0, 1.0), (2.0, 0.5)])
def test_minutes_are_kept_and_are_an_amount_of_work(advised, asked, speed):
    world, done, _ = advised(minutes(asked), speed=speed)
    assert done.complete or world.now == pytest.approx(60 * asked, rel=0.2)
    again, same, _ = advised(units(done.limit), speed=7.0)
    assert again.begun == world.begun
    assert same.work == done.work


def test_time_left_can_be_told(advised):
    told = []
    world, done, _ = advised(units(3000), progress=lambda *each: told.append(each))
    reached = [each for each, _ in told]
    assert reached == sorted(reached)
    assert told[-1] == (done.work, done.work)
    assert all(0 <= at <= total <= 3000 for at, total in told)
    assert len(told) == len(world.begun) + 2


def test_what_fails_is_not_repeated(advised, data, monkeypatch):
    schedule = Schedule(data, find_candidates(data.space, ["ridge", "linear"])[0])
    asked = []

    def fails(_data, unit):
        asked.append(unit)
        return Found(None, "ValueError: no")

    monkeypatch.setattr(doing, "cross_validate", fails)
    assert do_work(schedule, WorkBudget(1000, 50)).complete
    assert len(asked) == len(set(asked)) == len(schedule.trials)
    assert {trial.error for trial in schedule.trials.values()} == {"ValueError: no"}


@pytest.mark.needs("torch")
def test_work_follows_from_card_and_rows(nasbench201):
    from hwbench.advise.trials import Unit

    cheap, dear = (Unit(find_candidates(nasbench201, [name])[0][0], 0) for name in ("ridge", "gcn"))
    assert work_of(cheap, 60) == 1
    assert work_of(dear, 60) > 100
    assert work_of(dear, 600) > work_of(dear, 60) == work_of(dear, 20)
