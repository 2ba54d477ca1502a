import html
import json
import re

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench import HwbenchError, advise_on
from hwbench.advise.candidates import find_candidates
from hwbench.predictors.model_file import load_model, read_model_card

FEW = ["bayesian_linear_regression", "svm:counts"]


@pytest.fixture(scope="module")
def advice(measured):
    again = pd.concat([measured, measured.head(8).assign(latency_ms=lambda f: f.latency_ms + 0.02)])
    return advise_on(again, "nasbench201", predictors=FEW)


def test_everything_is_found(advice, nasbench201, measured):
    assert advice.predictor in {"bayesian_linear_regression", "svm"}
    assert advice.encoding in nasbench201.encodings
    assert 0 < advice.promise.tau.low < advice.promise.tau.value < advice.promise.tau.high <= 1
    assert advice.noise.n_repeats >= 8
    assert advice.noise.deviation == pytest.approx(0.02 / np.sqrt(2), rel=0.3)
    assert advice.selection.mra_verified.value <= advice.selection.mra_all.value
    for name in ("mra_all", "mra_verified", "hypervolume_lost"):
        loss = getattr(advice.selection, name)
        assert 0 <= loss.low <= loss.value <= loss.high
    assert advice.done.complete
    predicted = advice.model.predict(nasbench201.from_strings(measured["arch"]))
    assert np.corrcoef(predicted, measured["latency_ms"])[0, 1] > 0.7


def test_the_choice_is_among_the_best(advice):
    taus = [trial.tau for trial in advice.ranking.trials]
    assert taus == sorted(taus, reverse=True)
    gap, error = advice.ranking.chosen.behind(advice.ranking.best, advice.data.networks)
    assert gap <= error or advice.ranking.chosen is advice.ranking.best


def test_the_losses_fall_with_the_picks_measured(advice):
    lost = [each.lost for each in advice.selection.budgets]
    assert lost == sorted(lost, reverse=True)
    enough = next(each.budget for each in advice.selection.budgets if each.lost <= lost[-1] + 1.0)
    assert advice.selection.verify == min(enough, advice.selection.n_selected)
    example = advice.selection.example
    front = example[example["front"]].sort_values("metric")
    assert front["accuracy"].is_monotonic_increasing
    assert example["selected"].any()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_advice_on_any_number_of_workers(measured):
    one, two = (
        advise_on(measured, "nasbench201", predictors=FEW, workers=workers) for workers in (1, 2)
    )
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())


def test_files(advice, nasbench201, tmp_path):
    paths = advice.save(tmp_path / "new" / "folder")
    assert {path.name for path in paths.values()} == {
        "model.hwb", "advice.json", "advice.html", "run.json", "picks.csv",
    }  # fmt: skip
    numbers = json.loads(paths["numbers"].read_text())
    assert numbers["kendall_tau"]["value"] == advice.promise.tau.value
    assert numbers["predictor"] == advice.predictor
    assert len(numbers["ranking"]) == len(advice.ranking.trials)
    loss = advice.selection.mra_all
    assert numbers["selection"]["mra_all"] == {
        "value": loss.value, "low": loss.low, "high": loss.high,
    }  # fmt: skip
    picks = pd.read_csv(paths["picks"])
    assert len(picks) <= advice.selection.verify
    assert picks["accuracy"].is_monotonic_decreasing
    assert picks["predicted"].is_monotonic_decreasing
    run = json.loads(paths["run"].read_text())
    assert set(run) == {"seconds", "cross_validations", "machine", "versions"}
    archs = nasbench201.sample(5, seed=9)
    loaded = load_model(paths["model"])
    np.testing.assert_allclose(loaded.predict(archs), advice.model.predict(archs))
    card = read_model_card(paths["model"])
    assert (card.predictor, card.unit, card.training_size) == (advice.predictor, "ms", 60)
    np.testing.assert_array_equal(loaded.training_archs, advice.measurements.archs)
    page = paths["page"].read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert page.count('class="plot"') == 5
    assert "NaN" not in page.partition('<script id="plotly">')[0]


def test_the_page_says_what_was_tried_and_chosen(advice, tmp_path):
    page = advice.save(tmp_path)["page"].read_text(encoding="utf-8").partition('id="plotly"')[0]
    sections = re.findall(r'<section aria-labelledby="([\w-]+)"', page)
    assert sections == ["summary", "predictors", "quality", "search", "how-to-read", "provenance"]
    for line in advice.lines():
        assert (
            html.escape(line.removeprefix("Beware: "), quote=True).replace("&#x27;", "&#39;")
            in page
        )
    table = page.partition('id="tried"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th.*?</tr>", table, flags=re.DOTALL)
    assert len(rows) == len(advice.ranking.trials)
    (chosen,) = [row for row in rows if 'data-small="chosen"' in row]
    assert f'data-value="{advice.ranking.chosen.tau}"' in chosen
    assert f'data-value="{advice.encoding}"' in chosen
    for each in advice.left_out:
        assert each.predictor in page


def test_words(advice):
    text = "\n".join(advice.lines())
    assert advice.predictor in text
    assert f"{advice.promise.tau.value:.2f}" in text
    assert "extrapolation" in text
    assert len(advice.lines()) <= 11


def test_ten_are_enough_and_nine_are_not(measured):
    found = advise_on(measured.head(10), "nasbench201", predictors=FEW[:1])
    assert any("too few" in each or "guessing" in each for each in found.warnings)
    with pytest.raises(HwbenchError, match="9 architectures are too few to advise on, 10 are"):
        advise_on(measured.head(9), "nasbench201")


def test_a_constant_metric(measured):
    with pytest.raises(HwbenchError, match=r"all 60 values of latency_ms are equal \(2\)"):
        advise_on(measured.assign(latency_ms=2.0), "nasbench201")


def test_noise_alone_is_told(measured):
    noise = 10 + np.random.default_rng(1).normal(size=60)
    found = advise_on(measured.assign(latency_ms=noise), "nasbench201", predictors=FEW[:1])
    assert found.lines()[0].startswith("No model here: of 3 that were tried none is seen to rank")
    assert found.verdict.kind == "guessing"
    assert not found.verdict.has_model


def test_too_noisy_is_told(measured):
    generator = np.random.default_rng(1)
    twice = pd.concat([measured, measured])
    noisy = 10 + twice["latency_ms"] + 2 * twice["latency_ms"].std() * generator.normal(size=120)
    found = advise_on(twice.assign(latency_ms=noisy), "nasbench201", predictors=FEW[:1])
    assert found.verdict.kind == "noisy"
    assert "too noisy" in found.lines()[0]
    assert found.lines()[1].startswith("Noise: ")
    assert not any("worthwhile" in line for line in found.lines())


def test_few_values_are_told(measured):
    coarse = measured.assign(latency_ms=measured["latency_ms"].round())
    found = advise_on(coarse, "nasbench201", predictors=FEW[:1])
    assert any("takes few values" in each for each in found.warnings)


def test_what_there_is_no_work_for_is_named(measured):
    found = advise_on(measured, "nasbench201", predictors=FEW, work=1)
    assert not found.done.complete
    assert len(found.ranking.trials) == 1
    assert found.ranking.not_tried
    (line,) = [each for each in found.lines() if each.startswith("Left out for lack of work: ")]
    assert found.ranking.not_tried[0].label in line
    assert f"--work {found.done.all_of_it} would do all" in line
    with pytest.raises(HwbenchError, match="give one of them"):
        advise_on(measured, "nasbench201", work=1, minutes=1)


def test_a_space_without_accuracies():
    space = hb.get_space("fbnet")
    archs = space.sample(20, seed=0)
    frame = pd.DataFrame({"arch": space.to_strings(archs), "latency_ms": space.flops(archs) / 1e6})
    found = advise_on(frame, space.name, predictors=FEW[:1])
    assert found.selection is None
    assert any("no accuracies" in line for line in found.lines())
    with pytest.raises(HwbenchError, match="is of the space nasbench201, not"):
        advise_on(frame, space.name, accuracy="nb201-digits:test_accuracy")


def test_larger_may_be_better(measured):
    speed = measured.assign(throughput=1 / measured["latency_ms"]).drop(columns="latency_ms")
    found = advise_on(speed, "nasbench201", predictors=FEW[:1])
    assert found.measurements.direction == "maximize"
    front = found.selection.example.query("front").sort_values("metric")
    assert front["accuracy"].is_monotonic_decreasing


def test_a_predictor_that_fails_is_told(measured, hwbench_home):
    card = hwbench_home / "predictors" / "broken.toml"
    card.parent.mkdir()
    card.write_text(
        'title = "Broken"\nfamily = "linear"\npaper = "none"\n'
        'estimator = "sklearn.linear_model:Ridge"\n[defaults]\nalpha = -1.0\n'
    )
    found = advise_on(measured, "nasbench201", predictors=["broken", FEW[0]])
    assert {each.candidate.predictor for each in found.ranking.failed} == {"broken"}
    assert found.predictor == FEW[0]


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("predictors", "message"),
    [
        (["rige"], "did you mean 'ridge'"),
        (["ridge:onehto"], "did you mean 'onehot'"),
        (["gcn:onehot"], "takes no encoding but 'graph'"),
        (["lookup_table"], "lookup_table needs a fixed set"),
    ],
)
def test_predictors_that_cannot_be_tried(nasbench201, predictors, message):
    with pytest.raises(HwbenchError, match=message):
        find_candidates(nasbench201, predictors)


def test_the_whole_zoo_is_tried_or_left_out_with_a_reason(nasbench201):
    candidates, left_out = find_candidates(nasbench201)
    told = {each.predictor for each in candidates} | {each.predictor for each in left_out}
    assert told == set(hb.list_predictors())
    assert len(set(candidates)) == len(candidates)
    assert candidates[0].predictor == "structural_gaussian_process"


@pytest.mark.needs("torch")
def test_cards_say_what_is_tried_first_and_a_broken_one_is_left_out(nasbench201, hwbench_home):
    card = 'title = "M"\nfamily = "f"\npaper = "p"\nestimator = "sklearn.neighbors:{}"\n'
    cards = {
        "dear": card.format("KNeighborsRegressor") + "cost = 7\n",
        "cheap": card.format("KNeighborsRegressor") + "cost = 1\n",
        "shy": card.format("KNeighborsRegressor") + 'only_if_named = "is slow"\n',
        "gone": card.format("NoSuchRegressor"),
        "torn": "title = 3\n",
    }
    (hwbench_home / "predictors").mkdir()
    for name, text in cards.items():
        (hwbench_home / "predictors" / f"{name}.toml").write_text(text)
    candidates, left_out = find_candidates(nasbench201)
    order = [each.predictor for each in candidates]
    tried_first = [hb.predictor_card(name).tried_first is not None for name in order[:9]]
    assert all(tried_first)
    assert order.index("cheap") < order.index("dear")
    assert [each.encoding for each in candidates if each.predictor == "cheap"] == [
        "live", "onehot", "counts",
    ]  # fmt: skip
    reasons = {each.predictor: each.reason for each in left_out}
    assert reasons["shy"] == "is slow"
    assert "has no 'NoSuchRegressor'" in reasons["gone"]
    assert "torn.toml" in reasons["torn"]
    assert [each.predictor for each in find_candidates(nasbench201, ["shy:onehot"])[0]] == ["shy"]
    with pytest.raises(HwbenchError, match=r"torn\.toml"):
        find_candidates(nasbench201, ["torn"])


def test_fractions_and_percentages_give_the_same_advice(unit_tables, measured):
    percent, fraction = (
        advise_on(
            measured,
            "nasbench201",
            accuracy=f"{name}:test_accuracy",
            predictors=FEW[:1],
        )
        for name in ("percent", "fraction")
    )
    one, other = (each.to_dict()["selection"] for each in (percent, fraction))
    assert (one.pop("accuracy"), other.pop("accuracy")) == (
        "percent:test_accuracy",
        "fraction:test_accuracy",
    )
    (note,) = other.pop("notes")
    assert one.pop("notes") == []
    assert "it was multiplied by 100" in note
    assert f"Note: {note}" in fraction.lines()
    numbers = [pd.json_normalize(each, sep=".").drop(columns="budgets") for each in (one, other)]
    pd.testing.assert_frame_equal(*numbers, rtol=1e-9)
    assert one["mra_all"]["value"] > 0.1  # points of accuracy, not of a share
    budgets = [pd.DataFrame(each["budgets"]) for each in (one, other)]
    pd.testing.assert_frame_equal(*budgets, rtol=1e-9)
    pd.testing.assert_frame_equal(percent.selection.example, fraction.selection.example, rtol=1e-9)


def test_an_accuracy_to_be_minimised_is_refused_before_the_work(unit_tables, measured):
    with pytest.raises(HwbenchError, match="use percent:test_accuracy"):
        advise_on(
            measured,
            "nasbench201",
            accuracy="percent:test_error",
            stage=lambda title: pytest.fail(f"{title} has begun"),
        )
