"""Distributions of errors: moments, the mixture, and single distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hwbench.analysis.deviations import (
    Mixture,
    deviation_statistics,
    fit_mixture,
    single_distribution_p_values,
    standardised_deviations,
)
from hwbench.simulation.deviations import deviation_model, draw_deviations


def frame_of(deviations, seed=0, predictor="p"):
    generator = np.random.default_rng([7, seed])
    truth = generator.normal(5, 2, len(deviations))
    return pd.DataFrame(
        {
            "target": "t:c",
            "predictor": predictor,
            "encoding": "onehot",
            "training_size": 50,
            "seed": seed,
            "truth": truth,
            "prediction": truth + deviations * truth.std(),
        }
    )


def mixture(n, shift, weights, generator):
    part = generator.choice(3, size=n, p=weights)
    narrow = generator.normal(shift, 1, n)
    wide = generator.normal(-shift, 3, n)
    return np.choose(part, [narrow, wide, generator.uniform(-15, 15, n)])


def test_deviations_are_in_those_of_the_truth_of_each_seed():
    given = np.random.default_rng(0).normal(0.1, 0.3, 500)
    both = pd.concat([frame_of(given, 0), frame_of(2 * given, 1)])
    found = standardised_deviations(both)
    np.testing.assert_allclose(found, np.r_[given, 2 * given], atol=1e-12)


def test_statistics_are_those_of_scipy():
    given = np.random.default_rng(1).standard_t(5, 3000) * 0.2 + 0.05
    row = deviation_statistics(frame_of(given), single_distributions=True).iloc[0]
    assert row["deviations"] == 3000
    assert row["mean"] == pytest.approx(given.mean())
    assert row["spread"] == pytest.approx(given.std())
    assert row["skewness"] == pytest.approx(stats.skew(given))
    assert row["kurtosis"] == pytest.approx(stats.kurtosis(given))
    own = np.abs(given - given.mean()) > 2 * given.std()
    assert row["beyond_2"] == pytest.approx(own.mean())
    assert {f"p_{name}" for name in ("norm", "cauchy", "lognorm", "t", "uniform")} <= set(row.index)


@pytest.mark.parametrize("shift", [1.5, -1.5, 0.8])
def test_a_mixture_is_found_again(shift):
    generator = np.random.default_rng(2)
    drawn = 0.2 * mixture(2000, shift, [0.725, 0.265, 0.01], generator) + 0.3
    found = fit_mixture(drawn)
    assert found.shift == pytest.approx(shift, abs=0.35)
    assert found.width == pytest.approx(0.2, rel=0.15)
    assert found.centre == pytest.approx(0.3, abs=0.1)
    assert found.weights[0] == pytest.approx(0.725, abs=0.08)
    assert sum(found.weights) == pytest.approx(1)
    assert found.gain > 0.05


def test_a_mixture_gains_nothing_on_normal_errors_and_much_on_simulated_ones():
    generator, mixed = np.random.default_rng(3), deviation_model("mixed")
    assert abs(fit_mixture(generator.normal(0, 0.3, 2000)).gain) < 0.02
    assert fit_mixture(draw_deviations(mixed, 30_000, 0.3, generator)).gain > 0.1


def test_single_distributions_are_told_apart():
    generator = np.random.default_rng(4)
    uniform = single_distribution_p_values(generator.uniform(-1, 1, 100))
    assert uniform["uniform"] > 0.2
    assert uniform["uniform"] > 2 * uniform["cauchy"]
    heavy = single_distribution_p_values(generator.standard_cauchy(100))
    assert heavy["cauchy"] > 0.2
    assert heavy["uniform"] < 1e-6


def test_constant_predictors_and_targets_are_left_out():
    flat = frame_of(np.zeros(10))
    assert deviation_statistics(flat).empty
    assert deviation_statistics(flat.assign(truth=1.0, prediction=2.0)).empty


def test_the_density_of_a_mixture_is_that_of_its_parts():
    fitted = Mixture((0.7, 0.2, 0.1), centre=0.3, shift=-1.5, width=0.4, gain=0.0)
    grid = np.linspace(-8.0003, 8.0007, 4001)
    offset, reach = -1.5 * 0.4, 15 * 0.4
    parts = (
        stats.norm.pdf(grid, 0.3 + offset, 0.4),
        stats.norm.pdf(grid, 0.3 - offset, 1.2),
        stats.uniform.pdf(grid, 0.3 - reach, 2 * reach),
    )
    expected = 0.7 * parts[0] + 0.2 * parts[1] + 0.1 * parts[2]
    assert fitted.density(grid) == pytest.approx(expected)
    assert np.trapezoid(fitted.density(grid), grid) == pytest.approx(1, abs=1e-3)
