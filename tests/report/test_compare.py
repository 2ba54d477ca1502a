"""Comparisons of two runs: paired differences by hand, and what cannot be compared."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hwbench.analysis.differences import differing_values, paired_differences, search_outcomes
from hwbench.analysis.statistics import holm
from hwbench.errors import HwbenchError
from hwbench.report import write_comparison
from hwbench.report.compare.figures import predictor_looks


def change(path, **columns):
    pd.read_parquet(path).assign(**columns).to_parquet(path)


@pytest.fixture
def better(run_folder):
    """A copy in which one predictor gained 0.05 tau, and a setting and a version changed."""
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path)
    gained = study["predictor"].eq("ridge") * 0.05
    noise = np.random.default_rng(0).normal(0, 0.002, len(study))
    change(path, kendall_tau=study["kendall_tau"] + gained + noise)
    info = json.loads((run_folder / "run.json").read_text())
    info["versions"]["numpy"] = "9.9"
    info["spec"]["seeds"] = 6
    (run_folder / "run.json").write_text(json.dumps(info))
    return run_folder


def frame(values, seeds):
    return pd.DataFrame({"key": "k", "seed": seeds, "tau": values})


def test_differences_are_paired_by_seed():
    one, other = frame([0.1, 0.2, 0.3, 0.9], [0, 1, 2, 3]), frame([0.5, 0.2, 0.15], [2, 1, 0])
    row = paired_differences(one, other, ["key"], "seed", "tau").iloc[0]
    expected = np.array([0.05, 0.0, 0.2])
    assert row["repeats"] == 3
    assert [row["one"], row["other"]] == pytest.approx([0.2, 0.85 / 3])
    assert row["difference"] == pytest.approx(expected.mean())
    test = stats.ttest_1samp(expected, 0.0)
    low, high = test.confidence_interval(0.95)
    assert [row["low"], row["high"]] == pytest.approx([low, high])
    assert row["p_value"] == pytest.approx(test.pvalue)


def test_p_values_are_adjusted_over_all_rows():
    rng = np.random.default_rng(1)
    rows = [(f"k{i}", seed, 0.01 * i + rng.normal(0, 0.02)) for i in range(6) for seed in range(8)]
    other = pd.DataFrame(rows, columns=["key", "seed", "tau"])
    one = other.assign(tau=0.0)
    found = paired_differences(one, other, ["key"], "seed", "tau")
    plain = [stats.ttest_1samp(own["tau"], 0.0).pvalue for _, own in other.groupby("key")]
    assert found["p_value"].to_numpy() == pytest.approx(holm(plain))
    assert found["significant"].tolist() == (holm(plain) < 0.05).tolist()


def test_missing_keys_pair_with_missing_keys():
    one = frame([1.0, 2.0], [0, 1]).assign(key=[None, None])
    found = paired_differences(one, one, ["key"], "seed", "tau")
    assert len(found) == 1
    assert found["p_value"].tolist() == [1.0]


def test_a_search_counts_up_to_the_last_common_evaluation():
    rows = [
        {"strategy": "s", "seed": 0, "evaluation": n, "accuracy": a, "hypervolume": h}
        for n, a, h in ((2, 70.0, 0.2), (1, 80.0, 0.1), (3, 99.0, 0.9))
    ]
    keys = {"accuracy_target": "a", "metric_target": "m", "goal": "front", "limit": np.nan}
    outcome = search_outcomes(pd.DataFrame(rows).assign(**keys), 2).iloc[0]
    assert [outcome["accuracy"], outcome["hypervolume"]] == [80.0, 0.2]


def test_records_differ_where_their_leaves_do():
    one = {"a": {"b": 1, "c": [1, 2]}, "d": "x", "same": True}
    other = {"a": {"b": 2, "c": [1, 2, 3]}, "e": None, "f": 0, "same": True}
    assert differing_values(one, other) == [
        ("a.b", "1", "2"),
        ("a.c", "[1, 2]", "[1, 2, 3]"),
        ("d", "x", "absent"),
        ("f", "absent", "0"),
    ]


def test_the_page_says_what_changed(pristine, better, tmp_path, words_of, figures_of):
    page = write_comparison(pristine, better, tmp_path / "compare.html")
    words = words_of(page)
    found = re.findall(r"(\d+) of 45 differences are significant, B is better in (\d+)", words)
    assert len(found) == 2
    assert all(count == wins and 3 <= int(count) <= 6 for count, wins in found)
    assert re.search(r"Most: Ridge regression, \d+ measurements, \+0\.05\d", words)
    total = sum(int(count) for count, _ in found)
    headline = f"{total} of 144 differences are significant: B is better in {total}, worse in 0."
    summary = words.partition("Summary")[2].partition("Summary")[2]
    places = [
        summary.index(text)
        for text in (
            headline,
            "Kendall's tau, latency, digits: ",
            "No significant difference in MRA of all selected, points, latency, digits (all 18 the "
            "same); MRA of verified picks",
            "numpy versions 2.4.0 9.9",
        )
    ]
    assert places == sorted(places)
    assert "seeds specification 5 6" in words
    text = page.read_text(encoding="utf-8")
    settings = text.partition('id="settings-table"')[0].rpartition("<details")[2]
    assert " open" not in settings
    figure = figures_of(page)["difference-study-0"]
    lines = {t["legendgroup"]: t["y"] for t in figure["data"] if "text" in t}
    assert lines["p:Ridge regression:one-hot"] == pytest.approx([0.05] * 5, abs=0.004)
    assert "data differ" not in words


def looks_of(figure):
    """Colour and symbol of each line of a figure, by predictor."""
    return {
        trace["legendgroup"].split(":")[1]: (trace["line"]["color"], trace["marker"]["symbol"])
        for trace in figure["data"]
        if "text" in trace
    }


def test_a_predictor_looks_the_same_in_all_figures(pristine, run_folder, tmp_path, figures_of):
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path)
    first = study["target"].eq("nb201-digits:latency")
    study[~(first & study["predictor"].isin(["linear", "gp"]))].to_parquet(path)
    figures = figures_of(write_comparison(pristine, run_folder, tmp_path / "compare.html"))
    names = sorted(name for name in figures if name.startswith("difference-study"))
    one, other = (looks_of(figures[name]) for name in names)
    assert {len(one), len(other)} == {7, 9}
    shared = one.keys() & other.keys()
    assert len(shared) == 7
    assert all(one[predictor] == other[predictor] for predictor in shared)
    assert len(set((one | other).values())) == 9


def test_encodings_of_a_predictor_share_its_colour():
    rows = pd.DataFrame({"predictor": ["a", "a", "b"], "encoding": ["x", "y", "x"]})
    looks = predictor_looks([rows], ["b", "a"])
    assert [entry.title for entry in looks.values()] == ["b (x)", "a (x)", "a (y)"]
    assert looks["a", "x"].colour == looks["a", "y"].colour != looks["b", "x"].colour
    assert looks["a", "x"].dash != looks["a", "y"].dash


def test_what_one_run_alone_has_is_named(pristine, run_folder, tmp_path, words_of):
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path)
    names = study["predictor"].replace({"linear": "plain", "lookup": "table"})
    titles = study["title"].mask(study["predictor"].eq("linear"), "Plain regression")
    sizes = study["training_size"].replace({614: 900})
    seeds = study["seed"].replace({4: 7})
    change(path, predictor=names, title=titles, training_size=sizes, seed=seeds)
    words = words_of(write_comparison(pristine, run_folder, tmp_path / "compare.html"))
    for text in (
        "Predictors in A only: Linear regression, lookup; in B only: Plain regression, table.",
        "Training sizes in A only: 614; in B only: 900.",
        "Seeds in A only: 4; in B only: 7.",
    ):
        assert text in words


def test_encodings_of_one_run_alone_are_named(pristine, run_folder, tmp_path, words_of):
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path)
    ridge = study["predictor"].eq("ridge") & study["seed"].eq(0)
    change(path, encoding=study["encoding"].mask(ridge, "path"))
    words = words_of(write_comparison(pristine, run_folder, tmp_path / "compare.html"))
    assert "Encodings in B only: Ridge regression (path)." in words


def test_the_same_run_twice_has_changed_nowhere(pristine, run_folder, tmp_path, words_of):
    words = words_of(write_comparison(pristine, run_folder, tmp_path / "compare.html"))
    assert "Nothing changed: all 144 comparisons are the same." in words
    assert words.count("No significant difference in") == 1
    assert "Not compared" not in words


@pytest.mark.parametrize("measure", ["hypervolume", "mra_pareto"])
def test_a_measure_that_an_older_run_lacks_is_named(
    pristine, run_folder, tmp_path, words_of, measure
):
    change(run_folder / "simulation.parquet", **{measure: np.nan})
    words = words_of(write_comparison(pristine, run_folder, tmp_path / "compare.html"))
    title = {"hypervolume": "Hypervolume", "mra_pareto": "MRA of verified picks"}[measure]
    assert f"{title}: B is of a version without it." in words
    assert "MRA of all selected" in words


def test_runs_without_a_study_have_a_chart_of_verdicts(
    pristine, run_folder, tmp_path, figures_of, words_of
):
    (run_folder / "study.parquet").unlink()
    path = run_folder / "simulation.parquet"
    simulation = pd.read_parquet(path)
    change(path, mra_all=simulation["mra_all"] + 0.1)
    page = write_comparison(pristine, run_folder, tmp_path / "compare.html")
    assert "18 of 54 differences are significant: B is better in 0, worse in 18." in words_of(page)
    assert "A alone holds a study." in words_of(page)
    traces = figures_of(page)["verdicts"]["data"]
    assert [trace["x"] for trace in traces] == [[18, 0, 0], [0, 18, 18]]


def test_other_data_are_said(pristine, better, tmp_path, words_of):
    info = json.loads((better / "run.json").read_text())
    info["tables"]["nb201-digits"]["sha256"] = "0" * 64
    (better / "run.json").write_text(json.dumps(info))
    words = words_of(write_comparison(pristine, better, tmp_path / "compare.html"))
    assert "The data differ." in words
    assert "be of the data: nb201-digits." in words


def test_hostile_names_stay_text(better, pristine, tmp_path):
    path = better / "study.parquet"
    study = pd.read_parquet(path)
    change(path, title=study["title"] + "<script>alert(1)</script>")
    page = write_comparison(better, pristine, tmp_path / "compare.html")
    text = page.read_text(encoding="utf-8").partition('<script id="plotly">')[0]
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_live_searches_stand_side_by_side(live_folder, tmp_path, write_live_run, words_of):
    other = write_live_run(tmp_path / "b", "Other", epochs=4, search_accuracy=80.0)
    words = words_of(write_comparison(live_folder, other, tmp_path / "compare.html"))
    assert "81.5 80 -1.5" in words
    assert "trainer.epochs configuration 5 4" in words
    assert "One search each: no interval can be given." in words


def test_true_values_say_which_search_found_the_better(tmp_path, write_live_run, words_of):
    def run(name, value, rank, sha256="ab" * 32):
        drawn = {"of": 100, "mean": 88.5, "low": 75.5, "median": 90.5, "high": 93.5}
        truth = {
            "target": "bench:accuracy",
            "title": "test accuracy",
            "unit": "%",
            "sha256": sha256,
            "value": value,
            "rank": rank,
            "of": 120,
            "better_than": 1 - rank / 120,
            "best": 95.0,
            "random": drawn,
            "quantiles": [10.0, 95.0],
        }
        return write_live_run(tmp_path / name, name, truth=truth)

    one = run("one", 80.0, 100)
    words = words_of(write_comparison(one, run("two", 91.0, 40), tmp_path / "compare.html"))
    assert "What B found is truly better than what A found: 91.00 % against 80.00 %" in words
    assert "one random architecture has 88.50 %" in words
    assert "rank among 120 100 40 -60" in words
    other = run("three", 91.0, 40, "cd" * 32)
    words = words_of(write_comparison(one, other, tmp_path / "compare.html"))
    assert "no table of true values judges both" in words


@pytest.fixture
def refused(tmp_path):
    def refuse(one, other, message):
        with pytest.raises(HwbenchError, match=message) as caught:
            write_comparison(one, other, tmp_path / "compare.html")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "compare.html").exists()

    return refuse


def test_runs_without_a_common_part_are_refused(pristine, live_folder, refused):
    message = r"holds study, simulation and .* holds live search: give two runs that hold the same"
    refused(pristine, live_folder, message)


def test_runs_without_a_common_target_are_refused(pristine, run_folder, refused):
    change(run_folder / "study.parquet", target="other:latency")
    change(run_folder / "simulation.parquet", metric_target="other:latency")
    refused(pristine, run_folder, r"no target in common: nb201-digits:energy, .* other:latency in")


def test_runs_without_a_common_seed_are_refused(pristine, run_folder, refused):
    (run_folder / "simulation.parquet").unlink()
    study = pd.read_parquet(run_folder / "study.parquet")
    change(run_folder / "study.parquet", seed=study["seed"] + 100)
    refused(pristine, run_folder, r"no predictor, encoding and training size in common .* seed")


def test_live_searches_of_other_spaces_are_refused(live_folder, tmp_path, write_live_run, refused):
    other = write_live_run(tmp_path / "b", ended=False)
    path = other / "config.toml"
    path.write_text(path.read_text().replace("nasbench201", "nasbench_macro"))
    refused(live_folder, other, "give two single live searches of one space")
