"""The sections on simulated selections: medians with nine in ten, means, normalised measures."""

import numpy as np
import pandas as pd
import pytest

from hwbench.report import write_report

NORMALISED = ("hypervolume_share", "igd_plus", "epsilon_additive")


@pytest.fixture
def normalised(run_folder):
    path = run_folder / "simulation.parquet"
    rows = pd.read_parquet(path)
    lost = rows["mra_all"] / 100
    rows.assign(
        hypervolume_share=1 - lost, igd_plus=lost / 2, epsilon_additive=2 * lost
    ).to_parquet(path)
    return run_folder


def test_lines_are_medians_and_bands_what_nine_in_ten_lie_between(normalised, figures_of):
    figures = figures_of(write_report(normalised))
    rows = pd.read_parquet(normalised / "simulation.parquet")
    for measure in ("mra_pareto", "hypervolume", *NORMALISED):
        name = measure.replace("_", "-")
        figure = figures[f"{name}-tau-0" if measure == "mra_pareto" else f"{name}-0"]
        own = rows[rows["n_candidates"] == 100].groupby("deviation")[measure]
        traces = [trace for trace in figure["data"] if trace["legendgroup"] == "n:100"]
        line = next(trace for trace in traces if trace["mode"] == "lines+markers")
        band = next(trace for trace in traces if trace.get("fill") == "toself")
        means = next(trace for trace in traces if trace["line"].get("dash") == "dot")
        np.testing.assert_allclose(line["y"], own.median(), rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(means["y"], own.mean(), rtol=1e-4, atol=1e-9)
        outline = [*own.quantile(0.95), *own.quantile(0.05)[::-1]]
        np.testing.assert_allclose(band["y"], outline, rtol=1e-4, atol=1e-9)
        assert "median" in line["text"][0]
        assert "mean" in line["text"][0]


def test_an_older_run_has_a_page_without_normalised_measures(run_folder, figures_of, words_of):
    page = write_report(run_folder)
    assert "hypervolume-0" in figures_of(page)
    assert not any(name.startswith("igd-plus") for name in figures_of(page))
    assert "On normalised objectives" not in words_of(page)
