import numpy as np
import pytest

from hwbench import HwbenchError, get_space, suggest_architectures
from hwbench.advise.suggest import _greedy


def test_each_suggestion_lowers_the_variance_most():
    """Against a version that conditions on every choice anew."""
    generator = np.random.default_rng(0)
    factor = generator.normal(size=(25, 8))
    covariance, noise = factor @ factor.T + 0.1 * np.eye(25), 0.3
    chosen: list[int] = []
    for _ in range(6):
        left = []
        for row in range(25):
            known = [*chosen, row]
            among = covariance[np.ix_(known, known)] + noise * np.eye(len(known))
            across = covariance[:, known]
            explained = np.einsum("ij,ij->i", across, np.linalg.solve(among, across.T).T)
            left.append(np.inf if row in chosen else np.trace(covariance) - explained.sum())
        chosen.append(int(np.argmin(left)))
    assert _greedy(covariance, 6, noise).tolist() == chosen


@pytest.mark.parametrize("name", ["nasbench201", "nasbench_macro", "darts"])
def test_suggestions_from_nothing(name):
    space = get_space(name)
    first, again = (suggest_architectures(space, 12, seed=4) for _ in range(2))
    assert first.shape == (12, space.n_positions)
    assert len(set(space.to_strings(first))) == 12
    np.testing.assert_array_equal(first, again)
    assert (first != suggest_architectures(space, 12, seed=5)).any()


def test_nothing_is_suggested_that_is_known(nasbench201, unchanged):
    archs = unchanged(nasbench201.sample(30, seed=0))
    values = nasbench201.flops(archs) / 1e6
    found = suggest_architectures(nasbench201, 40, archs, values)
    known = {*nasbench201.keys_of(archs), *nasbench201.keys_of(nasbench201.twins(archs))}
    keys = nasbench201.keys_of(found).tolist()
    assert known.isdisjoint(keys)
    assert len(set(keys)) == 40
    twins = nasbench201.twins(found)
    apart = (twins != found).any(axis=1)
    assert set(keys).isdisjoint(nasbench201.keys_of(twins[apart]).tolist())


def test_what_was_measured_matters(nasbench201):
    archs = nasbench201.sample(30, seed=0)
    with_values = suggest_architectures(nasbench201, 10, archs, nasbench201.flops(archs) / 1e6)
    assert (with_values != suggest_architectures(nasbench201, 10)).any()


def test_more_than_there_are(hwbench_home):
    card = hwbench_home / "spaces" / "tiny.toml"
    card.parent.mkdir()
    card.write_text(
        'title = "Tiny"\n[layers]\none = ["a", "b"]\ntwo = ["a", "b"]\nthree = ["a", "b"]\n'
    )
    space = get_space("tiny")
    known = space.sample(3, seed=0)
    assert len(suggest_architectures(space, 5, known, np.arange(3.0))) == 5
    with pytest.raises(HwbenchError, match=r"5 architectures of tiny are left .* fewer than 6"):
        suggest_architectures(space, 6, known)


@pytest.mark.parametrize("budget", [0, 5001])
def test_impossible_budgets(nasbench201, budget):
    with pytest.raises(HwbenchError, match=r"must lie in 1 \.\. 5000"):
        suggest_architectures(nasbench201, budget)
