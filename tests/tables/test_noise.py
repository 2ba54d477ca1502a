import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from hwbench.spaces import get_space
from hwbench.tables import ColumnCard, Table, TableCard
from hwbench.tables.noise import halves_noise, twin_noise, with_twin_noise

SPACE = get_space("nasbench201")

# Twin tau and the ceiling that follows from it, of the five columns of the published study.
PUBLISHED = {
    "cifar100_edgegpu_energy": (0.893, 0.92),
    "cifar100_pixel3_latency": (0.847, 0.89),
    "cifar10_edgegpu_latency": (0.890, 0.92),
    "ImageNet16-120_eyeriss_arithmetic_intensity": (1.000, 1.00),
    "ImageNet16-120_raspi4_latency": (0.735, 0.81),
}


def table_of(values, archs, space=SPACE):
    columns = {
        name: ColumnCard(title=name, unit="ms", direction="minimize", source="test")
        for name in values
    }
    card = TableCard(name="t", title="t", space=space.name, created="2026-01-02", columns=columns)
    return with_twin_noise(Table.from_archs(archs, pd.DataFrame(values), card))


@pytest.mark.parametrize("relative_noise", [0.05, 0.3, 1.0])
def test_ceiling_is_what_a_perfect_predictor_scores(relative_noise):
    rng = np.random.default_rng(0)
    truth = rng.standard_normal(4000)
    first, second = (truth + relative_noise * rng.standard_normal(4000) for _ in range(2))
    noise = twin_noise(first, second)
    assert noise.deviation == pytest.approx(relative_noise, rel=0.05)
    assert noise.tau_ceiling == pytest.approx(kendalltau(truth, first).statistic, abs=0.015)
    assert noise.kendall_tau == pytest.approx(kendalltau(first, second).statistic, abs=0.005)


def test_halves_tell_the_noise_of_the_whole():
    rng = np.random.default_rng(1)
    truth = rng.standard_normal(4000)
    halves = [truth + 0.6 * rng.standard_normal(4000) for _ in range(2)]
    noise = halves_noise(*halves)
    whole = np.mean(halves, axis=0)
    assert noise.deviation == pytest.approx(0.6 / np.sqrt(2), rel=0.05)
    assert noise.tau_ceiling == pytest.approx(kendalltau(truth, whole).statistic, abs=0.015)


def test_the_order_within_a_pair_does_not_matter():
    rng = np.random.default_rng(2)
    pairs = rng.standard_normal((100, 1)) + 0.3 * rng.standard_normal((100, 2))
    flipped = np.where(rng.random((100, 1)) < 0.5, pairs, pairs[:, ::-1])
    assert twin_noise(*pairs.T) == twin_noise(*flipped.T)


@pytest.mark.parametrize("estimate", [twin_noise, halves_noise])
def test_too_few_known_pairs_say_nothing(estimate):
    values = np.arange(29.0)
    assert estimate(values, values) is None
    gaps = np.where(np.arange(60) % 2, np.nan, np.arange(60.0))
    assert estimate(gaps, np.arange(60.0)) is not None
    gaps[0] = np.inf
    assert estimate(gaps, np.arange(60.0)) is None


@pytest.mark.parametrize("value", [np.arange(50.0), np.ones(50)])
def test_values_without_noise_have_no_ceiling(value):
    noise = twin_noise(value, value)
    assert (noise.kendall_tau, noise.deviation, noise.tau_ceiling) == (1.0, 0.0, 1.0)


def test_unrelated_pairs_allow_nothing():
    noise = twin_noise(np.arange(50.0), -np.arange(50.0))
    assert noise.tau_ceiling == 0.0


def test_published_tables_have_the_published_ceilings(shared_data):
    frame = pd.read_parquet(shared_data / "hwnas_nb201.parquet")
    table = table_of(frame[list(PUBLISHED)].to_dict("list"), SPACE.from_strings(frame["arch_str"]))
    for column, (tau, ceiling) in PUBLISHED.items():
        noise = table.card.columns[column].noise
        assert noise.n_pairs == 1500
        assert noise.kendall_tau == pytest.approx(tau, abs=0.002)
        assert noise.tau_ceiling == pytest.approx(ceiling, abs=0.006)


def test_only_pairs_within_the_table_count():
    archs = SPACE.all_architectures()
    twins = SPACE.twins(archs)
    paired = archs[(archs != twins).any(axis=1)]
    both = table_of({"a": SPACE.flops(paired) * 1.0}, paired)
    assert both.card.columns["a"].noise.n_pairs == 1500
    assert both.card.columns["a"].noise.deviation == 0.0
    first = paired[SPACE.indices_of(paired) < SPACE.indices_of(SPACE.twins(paired))]
    assert table_of({"a": np.arange(1500.0)}, first).card.columns["a"].noise is None


def test_spaces_without_twins_get_none():
    space = get_space("nasbench_macro")
    archs = space.sample(200)
    table = table_of({"a": np.arange(200.0)}, archs, space)
    assert table.card.columns["a"].noise is None


def test_values_that_functions_share_say_nothing():
    archs = SPACE.all_architectures()
    table = table_of({"a": np.arange(15625.0)}, archs)
    assert table.card.columns["a"].noise.method == "twins"
    shared = table.card.columns["a"].model_copy(update={"shared_by_function": True, "noise": None})
    card = table.card.model_copy(update={"columns": {"a": shared}})
    assert with_twin_noise(Table(table.frame, card)).card.columns["a"].noise is None
