"""A fitted model from Python: what it was fitted to, how it ranks, and the same from its file."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.fit_quality import COUNTED, WeakFitWarning
from hwbench.predictors.neighbourhood import neighbourhood
from hwbench.predictors.tuning import Tuning
from hwbench.spaces import get_space
from hwbench.tables import Table, load_table

pytestmark = pytest.mark.filterwarnings("ignore::hwbench.predictors.fit_quality.WeakFitWarning")


def test_a_model_says_what_it_was_fitted_to(own_table, tmp_path):
    model = hb.fit_model("small:latency", "bayesian_linear_regression", samples=150, seed=3)
    table = load_table("small")
    card = model.card
    assert (card.target, card.unit, card.predictor) == ("small:latency", "ms", model.card.predictor)
    assert (card.space, card.encoding) == ("nasbench201", model.regressor.encoding)
    assert (card.training_size, card.held_out) == (150, 50)
    assert card.versions["hwbench"] == hb.__version__
    assert model.fit_seconds > 0

    places = {text: row for row, text in enumerate(table.frame["arch"])}
    training = np.array([places[text] for text in card.training_archs])
    np.testing.assert_array_equal(model.training_archs, table.archs[training])
    latency = table.column("latency")
    others = np.setdiff1d(np.arange(200), training)
    assert len(others) == 50
    expected = kendalltau(latency[others], model.predict(table.archs[others])).statistic
    assert card.kendall_tau == pytest.approx(expected, abs=1e-12)
    plain = hb.make_predictor("bayesian_linear_regression", space=table.space, seed=3)
    plain.fit(table.archs[training], latency[training])
    np.testing.assert_array_equal(model.predict(table.archs), plain.predict(table.archs))

    model.save(tmp_path / "model.hwb")
    again = hb.load_model(tmp_path / "model.hwb")
    assert again.card == card
    np.testing.assert_array_equal(again.training_archs, model.training_archs)
    for found, kept in zip(
        again.predict(table.archs, return_std=True),
        model.predict(table.archs, return_std=True),
        strict=True,
    ):
        np.testing.assert_allclose(found, kept, rtol=1e-12)


def test_a_model_fitted_to_everything_was_tested_on_nothing(own_table):
    card = hb.fit_model("small:latency", "ridge").card
    assert (card.training_size, card.held_out, card.kendall_tau) == (200, None, None)


def test_chosen_architectures_encoding_and_search(own_table):
    table = load_table("small")
    model = hb.fit_model(
        "small:latency",
        "ridge",
        archs=table.archs[[5, 3, 5, *range(60, 100)]],
        encoding="counts",
        tuning=Tuning(trials=3),
    )
    np.testing.assert_array_equal(model.training_archs, table.archs[[3, 5, *range(60, 100)]])
    assert model.card.encoding == "counts"
    assert len(model.regressor.tuning_.scores) == 3


def test_a_saved_regressor_of_ones_own_has_no_more_than_was_said(own_table, tmp_path):
    table = load_table("small")
    archs, latency = table.archs[:20], table.column("latency")[:20]
    regressor = hb.make_predictor("ridge", space=table.space).fit(archs, latency)
    hb.save_model(regressor, tmp_path / "a.hwb", target="my board")
    model = hb.load_model(tmp_path / "a.hwb")
    assert (model.card.target, model.card.unit, model.card.training_size) == ("my board", "", None)
    assert model.training_archs is None
    assert model.fit_seconds is None
    hb.save_model(regressor, tmp_path / "b.hwb", training_archs=archs)
    model = hb.load_model(tmp_path / "b.hwb")
    assert model.card.training_size == 20
    np.testing.assert_array_equal(model.training_archs, archs)


def test_a_model_is_differentiable_where_its_regressor_is(own_table):
    model = hb.fit_model("small:latency", "ridge", samples=100)
    torch = pytest.importorskip("torch")
    features = torch.from_numpy(model.space.encode(model.training_archs, model.card.encoding))
    predicted = model.to_torch()(features.float()).detach().numpy()
    np.testing.assert_allclose(predicted, model.predict(model.training_archs), rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictor": "rigde"}, "did you mean 'ridge'"),
        ({"target": "small:latenc"}, "did you mean 'latency'"),
        ({"samples": 999}, "has 200 architectures"),
        ({"samples": 1}, "a fit needs 2 at least"),
        ({"samples": 9, "archs": np.zeros((3, 6), np.int64)}, "either samples or architectures"),
        ({"archs": np.full((3, 6), 9)}, "9"),
        ({"sources": ["devices:a"]}, "learns from no other device"),
        ({"predictor": "transfer_gaussian_process"}, "name their columns as sources"),
        ({"predictor": "lookup_table"}, "are not in table small"),
    ],
)
def test_wrong_use_is_one_line(own_table, options, message):
    given = {"target": "small:latency", "predictor": "ridge", **options}
    with pytest.raises(HwbenchError, match=message) as error:
        hb.fit_model(given.pop("target"), given.pop("predictor"), **given)
    assert "\n" not in str(error.value)


def test_a_model_is_tested_on_what_its_sources_have_not_measured(devices_table):
    given = {"samples": 15, "sources": ["devices:a"], "seed": 2}
    fitted = hb.fit_model("devices:b", "transfer_gaussian_process", source_samples=20, **given)
    sources = fitted.regressor.estimator_.sources
    archs = devices_table.archs
    known = np.isfinite(sources.values_of(archs)[:, 0])
    trained = devices_table.space.rows_among(fitted.training_archs, devices_table.keys)
    # 185 others are tested, so that the source has measured what the target has and no more.
    assert fitted.card.held_out == 185
    assert known.sum() == 15
    assert known[trained].all()
    assert fitted.card.summary.startswith("1 other device ")
    whole = hb.fit_model("devices:b", "transfer_gaussian_process", **given)
    assert np.isfinite(whole.regressor.estimator_.sources.values).sum() == 200
    with pytest.raises(HwbenchError, match="source_samples must be at least 2, not 1"):
        hb.fit_model("devices:b", "transfer_gaussian_process", source_samples=1, **given)


def test_a_lookup_table_of_random_rows_says_what_it_lacks():
    with pytest.warns(WeakFitWarning) as said:
        card = hb.fit_model("nb201-digits:latency", "lookup_table", samples=50).card
    assert [str(each.message) for each in said] == list(card.warnings)
    lacking, worse = card.warnings
    assert "of 24 such changes" in lacking
    assert "made for 25 architectures" in lacking
    assert COUNTED in worse
    assert card.kendall_tau < 0.3 < card.baselines["FLOPs"] < card.baselines[COUNTED]


@pytest.mark.filterwarnings("error")
def test_a_sound_fit_has_no_weakness():
    card = hb.fit_model("nb201-digits:latency", "lookup_table").card
    assert card.warnings == ()
    own = neighbourhood(get_space("nasbench201"))
    assert hb.fit_model("nb201-digits:latency", "lookup_table", archs=own).card.warnings == ()


def test_where_all_rows_are_fitted_to_the_fit_is_cross_validated(own_table):
    whole = load_table("nb201-digits")
    rows = np.arange(0, len(whole), len(whole) // 60)
    latency = whole.column("latency")[rows]

    def fitted_to(values):
        card = whole.card.model_copy(
            update={"columns": {"latency": whole.card.columns["latency"]}, "name": "part"}
        )
        part = Table.from_archs(whole.archs[rows], pd.DataFrame({"latency": values}), card)
        return hb.fit_model(hb.Target.of(part, "latency"), "ridge").card

    card = fitted_to(latency)
    assert card.held_out is None
    assert card.kendall_tau is None
    assert 0.4 < card.cross_validated_tau < 1
    assert card.warnings == ()
    noise = fitted_to(np.random.default_rng(0).permutation(latency))
    assert noise.cross_validated_tau < 0.3
    assert "wrong order" in noise.warnings[0]
