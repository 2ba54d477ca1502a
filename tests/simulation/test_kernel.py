"""The compiled simulation against a plain one that draws the same numbers."""

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hwbench.fronts.quality import TrueFront
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import deviation_model
from hwbench.simulation.draws import deal_values, draw_subset
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.measures import MEASURES
from hwbench.simulation.selection import (
    Options,
    block_length,
    evaluate_selection,
    simulate,
    simulate_selection,
)

WORD = 2**64


class SplitMix:
    """SplitMix64 in Python integers."""

    def __init__(self, key):
        self.state = int(key)

    def word(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % WORD
        word = ((self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9) % WORD
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % WORD
        return word ^ (word >> 31)


def plain_subset(n_archs, n, bits):
    if n == n_archs:
        return list(range(n))
    left_out = n > n_archs // 2
    drawn = n_archs - n if left_out else n
    chosen = set()
    for last in range(n_archs - drawn, n_archs):
        place = bits.word() * (last + 1) // WORD
        chosen.add(last if place in chosen else place)
    return sorted(set(range(n_archs)) - chosen if left_out else chosen)


def plain_deal(values, n, repetition, bits):
    dealt = [value for value in values for _ in range(repetition)][:n]
    if repetition == 1:
        return np.array(dealt)
    for k in range(0, n - 1, 2):
        product = bits.word() * (n - k)
        other = k + product // WORD
        dealt[k], dealt[other] = dealt[other], dealt[k]
        if k + 1 < n:
            other = k + 1 + (product % WORD) * (n - k - 1) // WORD
            dealt[k + 1], dealt[other] = dealt[other], dealt[k + 1]
    return np.array(dealt)


def plain_front(accuracy, metric, order):
    """Non-dominated positions; of equal points the first in `order`."""
    kept = []
    for i in order:
        no_worse = (accuracy >= accuracy[i]) & (metric <= metric[i])
        better = no_worse & ((accuracy > accuracy[i]) | (metric < metric[i]))
        equal = [j for j in kept if accuracy[j] == accuracy[i] and metric[j] == metric[i]]
        if not better.any() and not equal:
            kept.append(i)
    return kept


def plain_measures(
    accuracy,
    metric,
    shown,
    guess,
    *,
    limit,
    budget,
    front_reference,
    space=None,
    largest_of_space=np.nan,
):
    """Every measure by its definition."""
    n = len(accuracy)
    selected = plain_front(shown, guess, range(n))
    selected = sorted((i for i in selected if guess[i] <= limit), key=lambda i: -shown[i])[:budget]
    front = plain_front(accuracy, metric, range(n))
    points = [(accuracy[i], metric[i]) for i in front] if space is None else space
    lost = {i: max(a for a, m in points if m <= metric[i]) - accuracy[i] for i in selected}
    excess = {i: metric[i] - min(m for a, m in points if a >= accuracy[i]) for i in selected}
    verified = [
        selected[j] for j in plain_front(accuracy[selected], metric[selected], range(len(selected)))
    ]
    largest = max(metric[i] for i in (front if front_reference else range(n)))

    def volume(rows, largest):
        if np.isnan(largest) or not rows:
            return 0.0 * largest
        costs = np.column_stack([-accuracy[rows] / 100, metric[rows]])
        return moocore.hypervolume(costs, ref=[0.0, 1.1 * largest])

    def mean(values, rows):
        return np.mean([values[i] for i in rows]) if rows else np.nan

    reference = TrueFront.of(
        *np.array(points).T, None if len(points) > 1 else (accuracy.min(), metric.max())
    )
    picks = accuracy[selected], metric[selected]
    got = {(accuracy[i], metric[i]) for i in selected}
    feasible = [accuracy[i] for i in range(n) if metric[i] <= limit]
    found = [accuracy[i] for i in selected if metric[i] <= limit]
    bounded = np.isfinite(limit)
    return {
        "mra_all": mean(lost, selected),
        "mra_pareto": mean(lost, verified),
        "metric_excess_all": mean(excess, selected),
        "metric_excess_pareto": mean(excess, verified),
        "hypervolume": volume(selected, largest),
        "hypervolume_true": volume(front, largest),
        "hypervolume_space": volume(selected, largest_of_space),
        "hypervolume_space_true": volume(front, largest_of_space),
        "hypervolume_share": reference.hypervolume_share(*picks),
        "igd_plus": reference.igd_plus(*picks) if selected else np.nan,
        "epsilon_additive": reference.epsilon_additive(*picks) if selected else np.nan,
        "kendall_tau": stats.kendalltau(metric, guess).statistic,
        "front_recall": np.mean([(accuracy[i], metric[i]) in got for i in front]),
        "regret": max(feasible) - max(found) if bounded and feasible and found else np.nan,
        "infeasible_share": (
            np.mean([metric[i] > limit for i in selected]) if bounded and selected else np.nan
        ),
        "n_selected": len(selected),
        "n_selected_pareto": len(verified),
    }


def standardised(values):
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-9 else 0 * values


@st.composite
def cases(draw):
    n_archs = draw(st.integers(3, 40))
    return {
        "seed": draw(st.integers(0, 1000)),
        "n_archs": n_archs,
        "n": draw(st.integers(2, n_archs)),
        "model": draw(st.sampled_from(["mixed", "normal", "student", "uniform"])),
        "levels": draw(st.sampled_from([3, 6, 1000])),
        "accuracy_deviation": draw(st.sampled_from([0.0, 2.0])),
        "limit": draw(st.sampled_from([None, 1.0, 2.0])),
        "budget": draw(st.sampled_from([None, 1, 3])),
        "hypervolume_reference": draw(st.sampled_from(["candidates", "front"])),
        "space": draw(st.booleans()),
        "spread": draw(st.booleans()),
    }


@settings(max_examples=150)
@given(cases())
def test_every_measure_is_what_its_definition_says(case):
    generator = np.random.default_rng(case["seed"])
    n, levels = case["n"], case["levels"]
    accuracy = generator.integers(0, levels, size=case["n_archs"]) * 100.0 / levels
    metric = generator.integers(0, levels, size=case["n_archs"]) * 3.0 / levels
    metric[0], metric[1] = 0.0, 3.0
    spread = generator.uniform(0.1, 2.0, size=case["n_archs"]) if case["spread"] else None
    model = deviation_model(case["model"])
    conventions = Conventions(
        "space" if case["space"] else "candidates",
        case["hypervolume_reference"],
    )
    options = Options(
        model,
        conventions,
        model,
        case["accuracy_deviation"],
        spread,
        case["limit"],
        case["budget"],
    )
    landscape = Landscape.of(accuracy, metric)
    sizes, repeats = [0.0, 0.4], 3
    result = simulate(landscape, n, sizes, options, repeats=repeats, seed=case["seed"])

    length = block_length(n, model)
    generator = np.random.default_rng([case["seed"], n, 0])
    keys = generator.integers(WORD, size=length, dtype=np.uint64)
    shape = (length, -(-n // model.repetition))
    values = model.draw(generator, shape)
    accuracy_values = model.draw(generator, shape) if case["accuracy_deviation"] else None
    order = np.argsort(-accuracy, kind="stable")
    scaled = (metric - metric.mean()) / metric.std()
    relative = np.ones(len(metric)) if spread is None else spread / np.sqrt(np.mean(spread**2))
    limit = np.inf if case["limit"] is None else (case["limit"] - metric.mean()) / metric.std()
    space = None
    if case["space"]:
        space = [
            (accuracy[i], scaled[i]) for i in plain_front(accuracy, scaled, range(len(metric)))
        ]
    for repeat in range(repeats):
        bits = SplitMix(keys[repeat])
        rows = order[plain_subset(len(metric), n, bits)]
        units = standardised(plain_deal(values[repeat], n, model.repetition, bits)) * relative[rows]
        shown = accuracy[rows]
        if accuracy_values is not None:
            drawn = plain_deal(accuracy_values[repeat], n, model.repetition, bits)
            shown = shown + case["accuracy_deviation"] * standardised(drawn)
        for s, size in enumerate(sizes):
            guess = scaled[rows] + size * units
            expected = plain_measures(
                accuracy[rows],
                scaled[rows],
                shown,
                guess,
                limit=limit,
                budget=case["budget"],
                front_reference=case["hypervolume_reference"] == "front",
                largest_of_space=scaled.max(),
                space=space,
            )
            found = dict(zip(MEASURES, result[repeat, s], strict=True))
            if case["levels"] < 1000:  # rounding breaks ties of predictions one way or the other
                expected.pop("kendall_tau")
            for name, value in expected.items():
                assert found[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


points = st.integers(2, 30).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 5)] * 4), min_size=n, max_size=n).map(
        lambda rows: np.array(rows, dtype=float)
    )
)


@given(points, st.sampled_from([np.inf, 2.0]), st.sampled_from([None, 2]))
def test_given_predictions_are_judged_by_the_same_definitions(array, limit, budget):
    accuracy, metric, shown, guess = array.T
    found = evaluate_selection(
        accuracy,
        metric,
        guess,
        predicted_accuracy=shown,
        limit=None if limit == np.inf else limit,
        budget=budget,
    )
    expected = plain_measures(
        accuracy, metric, shown, guess, limit=limit, budget=budget, front_reference=False
    )
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name
    assert len(found["selected"]) == found["n_selected"]
    assert (guess[found["selected"]] <= limit).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from(["candidates", "front"]), st.booleans())
def test_no_share_is_above_one(seed, hypervolume_reference, space):
    generator = np.random.default_rng(seed)
    accuracy = generator.uniform(0, 100, size=40)
    frame = simulate_selection(
        accuracy,
        accuracy / 40 + generator.normal(size=40),
        n_candidates=int(generator.integers(2, 41)),
        deviation=[0.0, 0.05, 0.5, 3.0],
        repeats=20,
        seed=seed,
        hypervolume_reference=hypervolume_reference,
        reference_front="space" if space else "candidates",
        with_tau=False,
    )
    assert (frame["hypervolume"] <= frame["hypervolume_true"]).all()
    assert (frame["hypervolume_space"] <= frame["hypervolume_space_true"]).all()
    assert frame["hypervolume_share"].between(0, 1).all()
    assert (frame[["igd_plus", "epsilon_additive"]] >= 0).all(axis=None)
    if not space:
        perfect = frame[frame["deviation"] == 0]
        assert (perfect["hypervolume_share"] == 1).all()
        assert (perfect[["igd_plus", "epsilon_additive"]] == 0).all(axis=None)


def test_every_subset_is_as_likely():
    bits, chosen = np.empty(16, np.uint64), np.empty(8, np.int32)
    for n in (2, 3, 5):  # drawn, and drawn as what is left out
        counts = {}
        for key in np.random.default_rng(n).integers(WORD, size=20_000, dtype=np.uint64):
            draw_subset(6, n, key, bits, chosen)
            subset = tuple(chosen[:n])
            assert sorted(set(subset)) == list(subset)
            counts[subset] = counts.get(subset, 0) + 1
        assert len(counts) == {2: 15, 3: 20, 5: 6}[n]
        assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_every_order_is_as_likely():
    values = np.arange(4.0)
    work, units = np.empty(4, np.int16), np.empty(4)
    counts = {}
    for key in np.random.default_rng(0).integers(WORD, size=24_000, dtype=np.uint64):
        deal_values(values, np.arange(4, dtype=np.int16), 4, key, work, units)
        counts[tuple(units)] = counts.get(tuple(units), 0) + 1
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3
