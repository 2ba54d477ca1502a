"""Figures of the report as plotly's: the same points, in a theme, with a legend."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import hwbench as hb
from hwbench import HwbenchError
from hwbench.analysis.study import learning_curves
from hwbench.runs.run import run_scenario

SCENARIO = """title = "Tiny"
[study]
targets = ["macro-cpu:latency", "nb201-digits:latency"]
predictors = ["ridge", "bayesian_linear_regression"]
training_sizes = [11, 25]
seeds = [0, 1]
test_size = 60
[search]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency"]
strategies = ["random", "regularised_evolution"]
evaluations = 30
checkpoints = [30]
seeds = [0, 1]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    (place / "tiny.toml").write_text(SCENARIO)
    return run_scenario(str(place / "tiny.toml"), place / "tiny")


@pytest.fixture(scope="module")
def table():
    return hb.load_table("macro-cpu")


@pytest.fixture(scope="module")
def model(table):
    return hb.fit_best(
        table,
        target="latency",
        samples=40,
        preset="fast",
        predictors=["bayesian_linear_regression:onehot", "linear:onehot"],
    )


def named(figure):
    return {trace.name: trace for trace in figure.data if trace.showlegend}


def test_a_learning_curve_holds_the_means_of_the_study(folder):
    figure = hb.plot.learning_curve(folder, "macro-cpu:latency")
    assert isinstance(figure, go.Figure)
    run = hb.read_run(str(folder))
    curves = learning_curves(run.study)
    own = curves[(curves["target"] == "macro-cpu:latency") & (curves["predictor"] == "ridge")]
    line = named(figure)["Ridge regression"]
    assert list(line.x) == [11, 25]
    np.testing.assert_allclose(line.y, own["tau"], atol=1e-4)
    assert any("ceiling" in name for name in named(figure))
    both = hb.plot.learning_curve(run)
    assert both.layout.title.text == "Mean over the 2 targets"
    dark = hb.plot.learning_curve(str(folder), theme="dark")
    assert dark.layout.paper_bgcolor != both.layout.paper_bgcolor
    assert "$" not in dark.to_json().replace("$none", "")


def test_a_study_at_hand_is_drawn_as_its_folder_is():
    spec = hb.StudySpec(
        targets=["macro-cpu:latency"], predictors=["ridge"], training_sizes=[11], seeds=[0, 1]
    )
    study = hb.run_study(spec)
    line = named(hb.plot.learning_curve(study))["Ridge regression"]
    assert line.y[0] == pytest.approx(study.trials["kendall_tau"].mean(), abs=1e-4)
    scatter = hb.plot.predicted_against_measured(study).data[1]
    assert len(scatter.x) > 100


def test_searches_and_ranks(folder):
    progress = named(hb.plot.search_progress(folder))
    assert set(progress) == {"Random search", "Regularised evolution"}
    for line in progress.values():
        assert (np.diff(line.y) >= 0).all()
    ranks = hb.plot.ranking(folder)
    assert len(ranks.data) == 2
    calibration = named(hb.plot.calibration(folder))
    assert list(calibration) == ["Bayesian linear regression"]


def test_a_model_is_held_against_what_it_was_not_fitted_to(model, table):
    points = hb.plot.predicted_against_measured(model, table, target="latency").data[1]
    assert len(points.x) == 1500
    few = table.frame[["arch", "latency"]].head(30)
    unseen = ~few["arch"].isin(model.card.training_archs)
    points = hb.plot.predicted_against_measured(model, few).data[1]
    np.testing.assert_allclose(sorted(points.x), sorted(few["latency"][unseen]), rtol=1e-4)
    board = hb.plot.leaderboard(model)
    chosen = [trace for trace in board.data if trace.marker.symbol == "diamond"]
    best = model.leaderboard().query("status == 'chosen'").iloc[0]
    assert chosen[0].x[0] == pytest.approx(best["kendall_tau"], abs=1e-4)


@pytest.mark.filterwarnings("ignore::hwbench.predictors.fit_quality.WeakFitWarning")
def test_calibration_counts_what_intervals_hold(table):
    process = hb.fit_model("macro-cpu:latency", "bayesian_linear_regression", samples=40)
    line = named(hb.plot.calibration(process, table, target="latency"))[
        "bayesian_linear_regression"
    ]
    rest = table.frame[~table.frame["arch"].isin(process.card.training_archs)]
    mean, deviation = process.predict(rest["arch"], return_std=True)
    inside = np.abs(rest["latency"] - mean) <= 1.959964 * deviation
    assert dict(zip(line.x, line.y, strict=True))[95] == pytest.approx(100 * inside.mean(), abs=0.1)


def test_a_front_is_what_nothing_is_better_than(table):
    frame = pd.DataFrame(
        {"arch": list("abcd"), "cost": [1.0, 2.0, 3.0, 1.5], "gain": [1.0, 3.0, 2.0, 0.5]}
    )
    points, line, best = hb.plot.front(frame, "cost", "gain").data
    assert len(points.x) == 4
    assert list(line.x) == list(best.x) == [1.0, 2.0]
    _, _, cheap = hb.plot.front(frame, "cost", "gain", directions=("maximize", "maximize")).data
    assert list(cheap.x) == [2.0, 3.0]
    _, _, of_card = hb.plot.front(hb.load_table("nb201-digits"), "latency", "test_accuracy").data
    assert (np.diff(of_card.x) >= 0).all()  # of five digits
    assert (np.diff(of_card.y) >= 0).all()
    hostile = frame.assign(arch="<script>%{x}")
    assert "<script>" not in str(hb.plot.front(hostile, "cost", "gain").data[0].text)


def test_architectures_are_drawn_for_notebooks_and_terminals():
    arch = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|"
    drawn = hb.plot.architecture(arch, "nasbench201")
    assert arch in repr(drawn)
    html = drawn._repr_html_()
    assert html.count("<svg") == html.count("</svg>") == 1
    assert "conv 3\N{MULTIPLICATION SIGN}3" in html
    assert 'data-jp-theme-light="false"' in html
    space = hb.load_space("darts")
    assert hb.plot.architecture(space.sample(1)[0], space).html.count("<svg") == 2
    assert "<ol" in hb.plot.architecture("00120212", "nasbench_macro").html


@pytest.mark.parametrize(
    ("draw", "reason"),
    [
        (lambda run, _: hb.plot.learning_curve(run, "macro-cpu:latenc"), "did you mean 'macro-cpu"),
        (lambda run, _: hb.plot.learning_curve("nowhere"), "no such run folder"),
        (lambda run, _: hb.plot.learning_curve(7), "a int is no run"),
        (lambda run, _: hb.plot.learning_curve(run, theme="blue"), "unknown theme 'blue'"),
        (lambda run, _: hb.plot.predicted_against_measured(run), "say which target: macro-cpu"),
        (lambda run, _: hb.plot.calibration(run, training_size=7), "'7'; did you mean '11'"),
        (lambda run, _: hb.plot.search_progress(run, "x"), "unknown metric"),
        (lambda run, _: hb.plot.search_progress(run, goal="x"), "unknown goal"),
        (lambda _, model: hb.plot.predicted_against_measured(model), "as the second argument"),
        (
            lambda _, model: hb.plot.predicted_against_measured(model, "nb201-digits:latency"),
            "of the space nasbench201, not nasbench_macro",
        ),
        (lambda _, model: hb.plot.learning_curve(model), "a FittedModel is no run"),
        (lambda *_: hb.plot.front(hb.load_table("macro-cpu"), "latency", "x"), "unknown column"),
        (lambda *_: hb.plot.front(hb.load_table("macro-cpu"), "arch", "latency"), "no numbers"),
        (lambda *_: hb.plot.architecture("x", "nasbench201"), "row 0: architecture 'x'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(draw, reason, folder, model):
    with pytest.raises(HwbenchError, match=reason):
        draw(folder, model)
