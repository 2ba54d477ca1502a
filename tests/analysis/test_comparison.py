"""Summaries of trials against ten-line versions and another library."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwbench.analysis.comparison import _crossing, rank_predictors, samples_needed, score_summary
from hwbench.analysis.statistics import bootstrap_interval, critical_difference
from hwbench.errors import HwbenchError
from hwbench.study.scores import precision_at, score

SIZES = (10, 20, 40, 80)


@pytest.fixture
def trials():
    generator = np.random.default_rng(0)
    rows = []
    for t, target in enumerate(("a:x", "b:x", "c:x")):
        for p, predictor in enumerate(("good", "middle", "bad")):
            for i, size in enumerate(SIZES):
                for seed in range(8):
                    tau = 0.5 + 0.1 * i - 0.1 * p - 0.02 * t + generator.normal(0, 0.01)
                    rows.append((target, predictor, "onehot", False, size, seed, tau))
    key = ["target", "predictor", "encoding", "own_training_set", "training_size", "seed"]
    frame = pd.DataFrame(rows, columns=[*key, "kendall_tau"])
    lookup = frame[frame["predictor"] == "good"].assign(predictor="lut", own_training_set=True)
    return pd.concat([frame, lookup], ignore_index=True)


def test_summary_is_mean_deviation_and_interval(trials):
    found = score_summary(trials, ["kendall_tau"])
    assert len(found) == 3 * 4 * 4
    row = found.query("target == 'b:x' and predictor == 'bad' and training_size == 40").iloc[0]
    values = trials.query("target == 'b:x' and predictor == 'bad' and training_size == 40")
    taus = values["kendall_tau"]
    assert row["seeds"] == 8
    assert row["kendall_tau"] == pytest.approx(taus.mean())
    assert row["kendall_tau_std"] == pytest.approx(taus.std())
    assert taus.min() < row["kendall_tau_low"] < taus.mean() < row["kendall_tau_high"] < taus.max()


def test_bootstrap_interval_agrees_with_scipy():
    values = np.random.default_rng(3).exponential(2.0, 40)
    mean, low, high = bootstrap_interval(values, resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(tuple(theirs), abs=0.03)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval([2.0, np.nan])[0] == 2.0
    assert np.isnan(bootstrap_interval([2.0, np.nan])[1:]).all()
    assert np.isnan(bootstrap_interval([])).all()


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.floats(-1, 1))
def test_crossing_is_the_first_on_the_interpolated_curve(taus, tau):
    found = _crossing(np.array(SIZES, dtype=float), np.array([taus]), tau)[0]
    grid = np.linspace(np.log(SIZES[0]), np.log(SIZES[-1]), 30_001)
    curve = np.interp(grid, np.log(SIZES), taus)
    reached = np.flatnonzero(curve >= tau)
    if len(reached):
        assert found <= np.exp(grid[reached[0]]) * (1 + 1e-9)
        before = grid < np.log(found) - 1e-9
        assert not (curve[before] >= tau + 1e-9).any()
    elif np.isfinite(found):
        assert max(taus) == pytest.approx(tau)


def test_samples_needed(trials):
    found = samples_needed(trials, 0.65).set_index(["target", "predictor"])
    assert "lut" not in found.index.get_level_values("predictor")
    good = found.loc[("a:x", "good")]
    assert good["samples"] == pytest.approx(20 * 2**0.5, rel=0.1)
    assert good["low"] < good["samples"] < good["high"]
    assert good["high"] / good["low"] < 1.3
    assert found.loc[("c:x", "bad"), "samples"] == np.inf
    easy = samples_needed(trials, 0.2)
    assert easy["bounded"].all()
    assert (easy["samples"] == 10).all()
    once = samples_needed(trials[trials["seed"] == 0], 0.65)
    assert once["low"].isna().all()
    with pytest.raises(HwbenchError, match="between -1 and 1"):
        samples_needed(trials, 65)


def test_a_seed_that_failed_at_a_size_is_left_out_there(trials):
    trials.loc[(trials["training_size"] == 40) & (trials["seed"] < 6), "kendall_tau"] = np.nan
    found = samples_needed(trials, 0.65).set_index(["target", "predictor"])
    assert found.loc[("a:x", "good"), "samples"] == pytest.approx(20 * 2**0.5, rel=0.1)


def test_critical_difference_agrees_with_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs", reason="needs scikit-posthocs")
    generator = np.random.default_rng(5)
    table = generator.normal(size=(12, 5)) + np.linspace(1.5, 0, 5)
    found = critical_difference(table, list("abcde"))
    theirs = posthocs.posthoc_nemenyi_friedman(table).to_numpy()
    ranks = [found.ranks[name] for name in "abcde"]
    for i in range(5):
        for j in range(5):
            if i != j:
                apart = abs(ranks[i] - ranks[j]) >= found.difference
                assert apart == (theirs[i, j] < 0.05)
    assert found.p_value == pytest.approx(stats.friedmanchisquare(*table.T).pvalue)


def test_critical_difference_of_the_published_example():
    # Demsar 2006, section 3.2.2: 4 classifiers, 14 data sets, 5 %: 2.569 * sqrt(20 / 84) = 1.25.
    generator = np.random.default_rng(0)
    found = critical_difference(generator.normal(size=(14, 4)), list("abcd"))
    assert found.difference == pytest.approx(1.25, abs=0.005)


def test_groups_hold_each_pair_that_is_not_told_apart():
    generator = np.random.default_rng(8)
    found = critical_difference(
        generator.normal(size=(10, 7)) + np.linspace(4, 0, 7), list("abcdefg")
    )
    ranks = list(found.ranks.values())
    together = {
        (i, j) for i in range(7) for j in range(i + 1, 7) if ranks[j] - ranks[i] < found.difference
    }
    covered = {
        (i, j)
        for first, last in found.groups
        for i in range(first, last + 1)
        for j in range(i + 1, last + 1)
    }
    assert covered == together
    with pytest.raises(ValueError, match="complete"):
        critical_difference([[1.0, 2.0]], ["a", "b"])


def test_equal_and_two_methods():
    assert critical_difference(np.ones((4, 3)), list("abc")).p_value == 1.0
    two = critical_difference([[2, 1]] * 8, ["a", "b"])
    assert two.p_value == pytest.approx(2 * 0.5**8)


def test_ranks_over_targets(trials):
    found = rank_predictors(trials)
    assert list(found.ranks) == ["good", "middle", "bad"]
    assert list(found.ranks.values()) == [1.0, 2.0, 3.0]
    assert found.n_blocks == 3
    assert not found.claim
    with pytest.raises(HwbenchError, match="unknown training size of all targets '30'"):
        rank_predictors(trials, 30)
    with pytest.raises(HwbenchError, match="at least two targets"):
        rank_predictors(trials[trials["target"] == "a:x"])
    with pytest.raises(HwbenchError, match="fewer than two predictors"):
        rank_predictors(trials[trials["predictor"].isin(["good", "lut"])])


def test_a_claim_takes_five_independent_measurements(trials):
    targets = [f"{table}:x" for table in "abcdefg"]
    one = trials[trials["target"] == "a:x"]
    many = pd.concat([one.assign(target=target) for target in targets])
    alone = dict(zip(targets, targets, strict=True))
    found = rank_predictors(many, measurements=alone)
    assert (found.n_blocks, found.claim, found.why_not) == (7, True, "")
    unknown = rank_predictors(many)
    assert unknown.n_blocks == 7
    assert unknown.why_not == "which targets are of one measurement is not known."
    assert unknown.difference == found.difference
    # Three of seven count once: what was measured does not become more by being listed again.
    same = {**alone, "b:x": "a:x", "c:x": "a:x"}
    assert rank_predictors(many, measurements=same).n_blocks == 5
    assert rank_predictors(many, measurements=same).claim
    fewer = rank_predictors(many, measurements={**same, "d:x": "a:x"})
    assert not fewer.claim
    assert fewer.why_not.startswith("7 targets are 4 independent measurements (")
    assert list(fewer.ranks) == ["good", "middle", "bad"]
    single = rank_predictors(many, measurements=dict.fromkeys(targets, "a:x"))
    assert single.ranks == {"good": 1.0, "middle": 2.0, "bad": 3.0}
    assert "1 independent measurement (" in single.why_not
    assert np.isnan(single.difference)
    four = rank_predictors(many[many["target"] < "e"], measurements=alone)
    assert four.why_not == (
        "4 independent measurements are too few to say which differ: it takes 5."
    )


def test_targets_of_one_measurement_share_one_vote(trials):
    # "bad" wins on two statistics of one measurement, "good" on the other measurement.
    better = trials["target"].isin(["a:x", "b:x"]) & (trials["predictor"] == "bad")
    trials.loc[better, "kendall_tau"] += 1.0
    apart = rank_predictors(trials, measurements={each: each for each in ("a:x", "b:x", "c:x")})
    together = rank_predictors(trials, measurements={"a:x": "a:x", "b:x": "a:x", "c:x": "c:x"})
    assert apart.ranks["bad"] == pytest.approx(5 / 3)
    assert together.ranks["bad"] == 2.0
    assert together.ranks["good"] == 1.5


@given(
    st.lists(st.integers(0, 5), min_size=6, max_size=6),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.integers(1, 5),
)
def test_precision_is_the_mean_over_orders_that_break_ties(truth, prediction, k):
    truth, prediction = np.array(truth, dtype=float), np.array(prediction, dtype=float)
    found = precision_at(truth, prediction, k)
    generator = np.random.default_rng(0)
    shares = []
    for _ in range(1500):
        best = np.lexsort((generator.random(6), truth))[:k]
        chosen = np.lexsort((generator.random(6), prediction))[:k]
        shares.append(len(set(best) & set(chosen)) / k)
    assert found == pytest.approx(np.mean(shares), abs=0.06)


def test_precision_looks_at_the_end_a_search_wants():
    truth = np.arange(100.0)
    prediction = np.where(truth < 50, truth, 49.0)
    assert score(truth, prediction)["precision_at_10"] == 1.0
    assert score(truth, prediction, best="highest")["precision_at_10"] == pytest.approx(10 / 51)
    assert np.isnan(score(truth[:10], prediction[:10])["precision_at_10"])


def test_deviation_is_the_spread_of_standardised_errors():
    truth = np.array([1.0, 2.0, 4.0])
    found = score(truth, truth + np.array([0.1, -0.1, 0.3]))
    assert found["deviation"] == pytest.approx(np.std([0.1, -0.1, 0.3]) / truth.std())
