import numpy as np
import pytest

from hwbench.advise.candidates import Candidate
from hwbench.advise.crossvalidation import pair_sums
from hwbench.advise.ranking import choose, conclude
from hwbench.advise.selection import smoothed_model
from hwbench.advise.trials import REPEATS, Data, Found, Trial, Unit


@pytest.fixture(scope="module")
def data(nasbench201):
    archs = nasbench201.sample(50, seed=3)
    return Data.of(nasbench201, archs, nasbench201.flops(archs) / 1e7, 0)


def _trial(data, predictor, error, repeats=1, seed=0):
    """A trial whose predictions are off by so much."""
    generator = np.random.default_rng(seed)
    trial = Trial(Candidate(predictor, "onehot", predictor))
    for repeat in range(repeats):
        guess = data.values + error * data.values.std() * generator.standard_normal(50)
        trial.keep(data, Unit(trial.candidate, repeat), Found(guess, seconds=1.0))
    return trial


def test_the_clearly_best_is_chosen(data):
    good, bad = _trial(data, "svm", 0.05), _trial(data, "structural_gaussian_process", 3.0)
    assert choose([good, bad], data.networks)[0] is good


def test_of_equals_the_simplest_is_chosen(data):
    best, simple = _trial(data, "svm", 0.3), _trial(data, "ridge", 0.31)
    chosen, reason = choose([best, simple], data.networks)
    assert chosen is simple
    assert "within one standard error" in reason


def test_the_favourite_is_taken_unless_another_is_clearly_better(data):
    favourite = _trial(data, "structural_gaussian_process", 0.8, 4, seed=1)
    near, far = _trial(data, "svm", 0.7, 4, seed=2), _trial(data, "svm", 0.05, 4, seed=2)
    gap, error = favourite.behind(near, data.networks)
    assert 0 < gap <= 2 * error
    assert choose([favourite, near], data.networks)[0] is favourite
    gap, error = favourite.behind(far, data.networks)
    assert gap > 2 * error
    assert choose([favourite, far], data.networks)[0] is far
    simple = _trial(data, "ridge", 0.85, 4, seed=1)
    assert choose([favourite, simple], data.networks)[0] is favourite


def test_comparisons_take_the_repeats_both_have(data):
    one, three = _trial(data, "svm", 0.5, 1, seed=1), _trial(data, "ridge", 0.5, 3, seed=2)
    gap, error = one.behind(three, data.networks)
    assert gap == pytest.approx(three.pooled(1).tau - one.tau)
    assert error > 0
    assert three.behind(three, data.networks) == (0.0, 0.0)


def test_after_a_failure_nothing_more_is_kept(data):
    trial = Trial(Candidate("svm", "onehot", "svm"))
    for repeat, found in enumerate(
        (Found(data.values), Found(None, "ValueError: no luck"), Found(data.values))
    ):
        trial.keep(data, Unit(trial.candidate, repeat), found)
    assert (len(trial.sums), trial.error) == (1, "ValueError: no luck")


def test_every_repeat_is_scored_on_its_own_folds(data):
    guess = np.random.default_rng(1).standard_normal(50)
    trial = Trial(Candidate("svm", "onehot", "svm"))
    for repeat in range(2):
        trial.keep(data, Unit(trial.candidate, repeat), Found(guess))
    expected = [pair_sums(data.values, guess, data.folds(repeat)).tau for repeat in range(2)]
    assert [each.tau for each in trial.sums] == expected
    assert expected[0] != expected[1]


def test_what_was_not_repeated_is_not_chosen(data):
    whole, part = _trial(data, "ridge", 0.5, REPEATS, seed=1), _trial(data, "svm", 0.45, 3, seed=2)
    ranking = conclude([whole, part], data)
    assert ranking.chosen is whole
    assert ranking.not_repeated == [part.candidate]
    assert conclude([part], data).chosen is part


def test_smoothed_errors_are_like_those_given():
    residuals = np.random.default_rng(0).exponential(size=200)
    drawn = smoothed_model(residuals).draw(np.random.default_rng(1), (50, 400))
    assert drawn.shape == (50, 400)
    assert len(np.unique(drawn)) == drawn.size
    assert drawn.mean() == pytest.approx(residuals.mean(), abs=0.05)
    width = 1.06 * residuals.std() * 200**-0.2
    assert drawn.std() == pytest.approx(np.hypot(residuals.std(), width), rel=0.05)
