"""The section on the simulation as a whole: its figures and sentences against the rows."""

import numpy as np
import pandas as pd
import pytest

from hwbench.report.simulation.whole import simulation_study, trained_qualities
from hwbench.results.run import read_run


@pytest.fixture
def both(run_folder):
    """A run with both pairings: as published, everything costs twice as much."""
    path = run_folder / "simulation.parquet"
    rows = pd.read_parquet(path)
    twice = rows.assign(
        pairing="as_published",
        mra_all=2 * rows["mra_all"],
        mra_pareto=2 * rows["mra_pareto"],
        hypervolume_true=2 * rows["hypervolume_true"],
        hypervolume=2 * rows["hypervolume"],
    )
    pd.concat([twice, rows], ignore_index=True).to_parquet(path)
    return run_folder


def _study(folder):
    study = simulation_study(read_run(folder))
    return study, {figure.name: figure for figure in study.figures}


def _lines(figure):
    return {trace.get("legendgroup"): trace for trace in figure.data}


def test_losses_are_means_of_means(both):
    rows = pd.read_parquet(both / "simulation.parquet")
    study, figures = _study(both)
    lines = _lines(figures["study-losses"])
    for pairing in ("true", "as_published"):
        for measure in ("mra_all", "mra_pareto"):
            own = rows[rows["pairing"] == pairing]
            by_size = own.groupby(["n_candidates", "deviation"])[measure].mean()
            expected = by_size.groupby("deviation").mean()
            trace = lines[f"study:{pairing}-{measure}"]
            np.testing.assert_allclose(trace["x"], expected.index)
            np.testing.assert_allclose(trace["y"], expected, rtol=1e-4, atol=1e-9)
    assert "study:published" in lines
    sentence = str(study.sentences[0])
    at = rows[rows["deviation"] == 0.2].groupby(["pairing", "n_candidates"])
    means = at[["mra_all", "mra_pareto"]].mean().groupby("pairing").mean()
    for pairing in ("true", "as_published"):
        assert f"<b>{means.loc[pairing, 'mra_all']:.2f}" in sentence
        assert f"{means.loc[pairing, 'mra_pareto']:.2f} if" in sentence


def test_one_pairing_is_not_compared_with_itself(run_folder):
    study, figures = _study(run_folder)
    assert not any("published code" in sentence for sentence in study.sentences)
    assert "study:published" not in _lines(figures["study-losses"])
    assert "study-hypervolume-as-published" not in figures


def test_the_equivalent_tau_is_interpolated(run_folder):
    study, _ = _study(run_folder)
    rows = pd.read_parquet(run_folder / "simulation.parquet")
    wanted = rows.loc[rows["n_candidates"] == 1000, "hypervolume_true"].mean()
    points = rows[rows["n_candidates"] == 15625].groupby("deviation")
    points = points[["kendall_tau", "hypervolume"]].mean().sort_values("hypervolume")
    tau = np.interp(wanted, points["hypervolume"], points["kendall_tau"])
    sentence = str(study.sentences[-1])
    assert sentence.startswith("Measuring 1,000 candidates and predicting 15,625 give the same")
    assert f"where the predictor's tau is {tau:.2f} and" in sentence


def test_verified_picks_that_lose_more_are_counted(run_folder):
    rows = pd.read_parquet(run_folder / "simulation.parquet")
    _, figures = _study(run_folder)
    own = rows[rows["deviation"] == 1.0]
    share = 100 * (own["mra_pareto"] > own["mra_all"]).mean()
    assert f"{share:.1f} % at deviation 1" in figures["study-limits"].caption


def test_fronts_and_deviations_are_those_of_the_example(run_folder):
    example = pd.read_parquet(run_folder / "selection_example.parquet")
    _, figures = _study(run_folder)
    lines = _lines(figures["study-fronts"])
    for name, flag in (
        ("true", "true_front"),
        ("found", "selected_pareto"),
        ("predicted", "selected"),
    ):
        assert len(lines[f"study-front:{name}"]["x"]) == example[flag].sum()
    bars = figures["study-deviations"].data[0]
    assert sum(bars["y"]) == pytest.approx(100, abs=0.1)
    centre = np.average(bars["x"], weights=np.array(bars["y"]))
    spread = np.sqrt(np.average((np.array(bars["x"]) - centre) ** 2, weights=bars["y"]))
    assert spread == pytest.approx(0.4, rel=0.05)  # the example's deviation


def test_trained_predictors_stand_beside_simulated_ones(run_folder):
    run = read_run(run_folder)
    stored = trained_qualities(run)
    assert len(stored) == 4  # two predictors on two targets
    predictions = run.predictions[run.predictions["predictor"] == "mlp"]
    own = predictions[predictions["target"] == "nb201-digits:latency"]
    expected = (own["prediction"] - own["truth"]).std(ddof=0) / own["truth"].std(ddof=0)
    assert np.isclose(stored["deviation"], expected).sum() == 1

    path = run_folder / "simulation.parquet"
    rows = pd.read_parquet(path)
    fitted = rows.iloc[:3].assign(predictor="ridge", training_size=55, deviation=0.33)
    pd.concat([rows, fitted]).to_parquet(path)
    assert np.isclose(trained_qualities(read_run(run_folder))["deviation"], 0.33).sum() == 3
    fitted.to_parquet(path)  # nothing but fitted predictors: no curves to draw
    assert simulation_study(read_run(run_folder)) is None


def test_medians_stand_beside_means(both):
    rows = pd.read_parquet(both / "simulation.parquet")
    study, figures = _study(both)
    lines = figures["study-losses"].data
    own = rows[(rows["pairing"] == "true")].groupby("deviation")["mra_all"]
    dotted = [
        trace
        for trace in lines
        if trace.get("legendgroup") == "study:true-mra_all" and trace["mode"] == "lines"
    ]
    np.testing.assert_allclose(dotted[0]["y"], own.median(), rtol=1e-4, atol=1e-9)
    least, median, most = own.get_group(0.2).quantile([0.05, 0.5, 0.95])
    assert f"(median {median:.2f}, {least:.2f} to {most:.2f})" in str(study.sentences[0])
    assert "; by medians " in str(study.sentences[-1])
