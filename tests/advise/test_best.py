import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench import HwbenchError
from hwbench.advise.presets import PRESETS

QUICK = ["bayesian_linear_regression:onehot"]
FEW = ["bayesian_linear_regression", "svm:counts"]


@pytest.fixture(scope="module")
def best(measured):
    return hb.fit_best(measured, "nasbench201", preset="fast", predictors=FEW)


def test_the_leaderboard_holds_what_was_tried_and_what_is_free(best, measured):
    board = best.leaderboard()
    assert board["status"].eq("chosen").sum() == 1
    chosen = board[board["status"] == "chosen"].iloc[0]
    assert (chosen["predictor"], chosen["encoding"]) == (best.predictor, best.encoding)
    assert chosen["low"] < chosen["kendall_tau"] <= chosen["high"]
    assert chosen["seconds"] > 0
    free = board[board["status"] == "free"].set_index("predictor")
    assert set(free.index) == {"flops", "parameters", "operations", "random", "mean"}
    flops = hb.load_space("nasbench201").flops(measured["arch"])
    expected = kendalltau(flops, measured["latency_ms"]).statistic
    assert free.loc["flops", "kendall_tau"] == pytest.approx(expected, abs=0.03)
    assert free.loc["mean", "rmse"] == pytest.approx(measured["latency_ms"].std(), rel=0.05)
    scores = board["kendall_tau"].dropna()
    assert scores.is_monotonic_decreasing
    assert (board["reason"].ne("") | board["kendall_tau"].notna()).all()


def test_the_rmse_is_that_of_out_of_fold_predictions(best, measured):
    board = best.leaderboard()
    chosen = board[board["status"] == "chosen"].iloc[0]
    own_error = np.sqrt(np.mean((best.predict(measured["arch"]) - measured["latency_ms"]) ** 2))
    assert own_error < chosen["rmse"] < measured["latency_ms"].std()


def test_what_is_expected_is_what_advice_expects(best, measured):
    advice = hb.advise_on(measured, "nasbench201", predictors=FEW, work=PRESETS["fast"].work)
    assert best.expected_tau == advice.fitted.expected_tau
    assert best.data_sha256 == advice.fitted.data_sha256
    assert best.card.leaderboard == tuple(
        row.model_copy(update={"seconds": best.card.leaderboard[place].seconds})
        for place, row in enumerate(advice.fitted.card.leaderboard)
    )
    archs = hb.load_space("nasbench201").sample(5, seed=1)
    np.testing.assert_array_equal(best.predict(archs), advice.model.predict(archs))


def test_a_file_keeps_all_that_a_model_knows(best, tmp_path):
    best.save(tmp_path / "best.hwb")
    kept = hb.load_model(tmp_path / "best.hwb")
    assert repr(kept) == repr(best)
    assert (kept.target, kept.unit, kept.direction) == ("frame:latency_ms", "ms", "minimize")
    assert (kept.training_size, kept.version) == (60, hb.__version__)
    assert kept.created == best.created
    assert len(kept.data_sha256) == 64
    assert kept.leaderboard()["seconds"].isna().all()  # what hangs on the machine is in no file
    pd.testing.assert_frame_equal(
        kept.leaderboard().drop(columns="seconds"), best.leaderboard().drop(columns="seconds")
    )


def test_samples_of_a_table_are_tested_on_the_others():
    fitted = hb.fit_best(
        "macro-cpu", target="latency", samples=30, preset="fast", predictors=QUICK, seed=3
    )
    again = hb.fit_best(
        hb.load_target("macro-cpu:latency"), samples=30, preset="fast", predictors=QUICK, seed=3
    )
    assert (fitted.training_size, fitted.card.held_out) == (30, 625)
    assert fitted.card.kendall_tau == again.card.kendall_tau
    assert fitted.data_sha256 == again.data_sha256
    assert fitted.expected_tau.low < fitted.card.kendall_tau < 1


def test_of_many_rows_some_are_cross_validated_and_all_are_fitted_to():
    fitted = hb.fit_best("macro-cpu:latency", preset="fast", predictors=QUICK, samples=700)
    assert fitted.training_size == 700
    assert fitted.expected_tau.rows == PRESETS["fast"].rows
    assert f"by {PRESETS['fast'].rows} of these" in repr(fitted)


def test_what_was_taken_for_granted_is_kept(measured):
    unknown = measured.rename(columns={"latency_ms": "latency"})
    fitted = hb.fit_best(unknown, "nasbench201", preset="fast", predictors=QUICK)
    assert fitted.unit == ""
    assert any("unit" in note for note in fitted.card.notes)


REFUSED = [
    ({"space": None}, r"say of which search space .* space='nasbench201'"),
    ({"space": "nasbench21"}, "did you mean 'nasbench201'"),
    ({"space": 7}, "space must be a search space or its name, not 7"),
    ({"preset": "god"}, "unknown preset 'god'; did you mean 'good'"),
    ({"target": "latenc"}, "did you mean 'latency_ms'"),
    ({"samples": 61}, "has 60 architectures; 61 samples"),
    ({"predictors": ["rigde"]}, "did you mean 'ridge'"),
    ({"data": "nowhere.csv"}, "nowhere.csv: no such file"),
    ({"data": "hw-nas-benc"}, "did you mean the table 'hw-nas-bench'"),
    ({"data": "macro-cpu"}, r"several columns of numbers .* target='latency'"),
    ({"data": "macro-cpu:latency"}, "of the space nasbench_macro, not nasbench201"),
    ({"data": "macro-cpu:latency", "space": None, "unit": "ms"}, "unit is for files and frames"),
    ({"data": "macro-cpu:latency", "target": "latency"}, "names a column already"),
    ({"data": None}, "no such file"),
]


@pytest.mark.parametrize(("given", "reason"), REFUSED)
def test_what_cannot_be_fitted_is_said_in_a_line(measured, given, reason):
    options = {"space": "nasbench201", "preset": "fast", "predictors": QUICK, **given}
    with pytest.raises(HwbenchError, match=reason) as raised:
        hb.fit_best(options.pop("data", measured), **options)
    assert "--" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: frame.head(5), "5 architectures are too few .*suggest_architectures"),
        (lambda frame: frame.assign(latency_ms=np.nan), "empty in all 60 rows"),
        (lambda frame: frame.assign(latency_ms=2.0), "are equal"),
        (lambda frame: frame.drop(columns="arch"), "no column is found to hold the arch"),
        (lambda frame: frame.drop(columns="latency_ms"), "no column of numbers"),
        (lambda frame: frame.assign(energy_mj=1.0), "say which one; .*target='energy_mj'"),
        (
            lambda frame: frame.assign(arch=[*frame["arch"][:-1], "bad"]),
            "row 59, arch: .*on_bad_rows='drop'",
        ),
        (
            lambda frame: frame.assign(latency_ms=[*frame["latency_ms"][:-1], np.nan]),
            "row 59, .* missing_values='keep'",
        ),
    ],
)
def test_frames_that_tell_too_little(measured, change, reason):
    with pytest.raises(HwbenchError, match=reason):
        hb.fit_best(change(measured), "nasbench201", preset="fast", predictors=QUICK)


def test_a_model_that_was_not_chosen_has_no_leaderboard():
    alone = hb.fit_model("macro-cpu:latency", "structural_gaussian_process", samples=60)
    with pytest.raises(HwbenchError, match="fit_best makes one"):
        alone.leaderboard()


def test_of_several_that_are_stacked_the_leaderboard_says_the_shares():
    space = hb.load_space("nasbench_macro")
    stacked = hb.make_predictor(
        "auto", space=space, candidates=("bayesian_ridge_counts", "linear:onehot")
    )
    archs = space.sample(20, seed=0)
    stacked.fit(archs, archs.sum(axis=1))
    board = hb.FittedModel.of(stacked).leaderboard()
    assert set(board["predictor"]) == {"bayesian_ridge_counts", "linear"}
    shares = board["reason"].str.removeprefix("share ").astype(float)
    assert shares.sum() == pytest.approx(1, abs=0.02)
    assert (board["status"].eq("chosen") == (shares > 0)).all()


def test_suggestions_take_names_and_texts(measured):
    space = hb.load_space("nasbench201")
    archs = space.check(measured["arch"])
    values = measured["latency_ms"]
    by_texts = hb.suggest_architectures("nasbench201", 2, measured["arch"], values)
    by_numbers = hb.suggest_architectures(space, 2, archs, values.to_numpy())
    np.testing.assert_array_equal(by_texts, by_numbers)
    with pytest.raises(HwbenchError, match="60 architectures need values"):
        hb.suggest_architectures("nasbench201", 2, archs, values[:5])
