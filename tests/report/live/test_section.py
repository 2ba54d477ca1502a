"""Reports of live searches, alone, beside others, and in sweeps."""

import json
import re

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.report import write_report
from hwbench.results.ranking_measures import measures_of


@pytest.fixture(scope="module")
def page(live_folder, tmp_path_factory):
    return write_report(live_folder, tmp_path_factory.mktemp("page") / "live.html")


def test_the_summary_says_what_was_found(page, live_folder, words_of):
    words = words_of(page)
    assert "5 epochs on digits found it in nasbench201." in words
    assert "With the supernet's weights it has 81.50 % on validation" in words
    measures = measures_of(pd.read_parquet(live_folder / "ranking.parquet"))
    assert f"at a Kendall's tau of {measures['kendall_tau']:.2f}." in words
    assert f"By it the 10 best ranked have {measures['mean_true_top10']:.2f} % on average" in words
    assert "Trained from scratch it reaches 91.50 %" in words


def test_epochs_strengths_and_ranking_are_those_of_the_files(page, live_folder, figures_of):
    figures = figures_of(page)
    epochs = pd.read_parquet(live_folder / "metrics.parquet")
    loss = figures["live-loss"]["data"]
    assert [trace["line"]["dash"] for trace in loss] == ["solid", "dash"]
    assert loss[0]["x"] == [1, 2, 3, 4, 5]
    assert loss[0]["y"] == pytest.approx(epochs["train_loss"], abs=1e-4)
    assert loss[1]["y"] == pytest.approx(epochs["validation_loss"], abs=1e-4)
    # The first variance ratio is 0, which a logarithmic axis cannot show.
    assert figures["live-variance"]["data"][0]["y"][0] is None
    assert sum(name.startswith("strengths-0-") for name in figures) == 6
    assert len(figures["strengths-0-0"]["data"]) == 5
    points = figures["live-ranking-0"]["data"]
    assert sum(len(trace["x"]) for trace in points) == 39  # one has no value of the target


def test_the_best_ranked_stand_with_their_true_rank(page, live_folder):
    ranking = pd.read_parquet(live_folder / "ranking.parquet")
    text = page.read_text(encoding="utf-8")
    table = text.partition('id="live-top-0"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], flags=re.DOTALL)
    assert len(rows) == 10
    for row, expected in zip(rows, ranking.itertuples(), strict=False):
        values = re.findall(r'<td[^>]*data-value="([^"]*)"', row)
        assert float(values[0]) == pytest.approx(expected.accuracy)
        if values[2]:
            rank = 1 + (ranking["true"] > expected.true).sum()
            assert float(values[3]) == rank


def test_a_search_that_was_stopped_is_reported(tmp_path, write_live_run, words_of):
    folder = write_live_run(tmp_path / "stopped", epochs=3, ended=False)
    (folder / "ranking.parquet").unlink()
    page = write_report(folder)
    assert "3 of 3 epochs on digits so far: nothing is derived yet." in words_of(page)
    for name in ("metrics", "strengths"):
        (folder / f"{name}.parquet").unlink()
    text = write_report(folder).read_text(encoding="utf-8")
    assert 'class="plot"' not in text
    assert "<b>0 of 3 epochs</b> on digits so far" in text


def test_a_damaged_file_is_named(tmp_path, write_live_run):
    folder = write_live_run(tmp_path / "damaged")
    (folder / "metrics.parquet").write_bytes(b"PAR1")
    with pytest.raises(HwbenchError, match=r"metrics\.parquet: cannot be read"):
        write_report(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("result.json", "81.5", '"many"', r"result\.json: 'search_accuracy' must be a number"),
        ("config.toml", "[space]", "[spaces]", r"config\.toml: \[space\] must have a name"),
    ],
)
def test_a_record_that_lacks_something_is_named(tmp_path, write_live_run, name, old, new, message):
    folder = write_live_run(tmp_path / "wrong", ended=name == "result.json")
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace(old, new))
    with pytest.raises(HwbenchError, match=message):
        write_report(folder)


def test_hostile_text_stays_text(tmp_path, write_live_run, figures_of):
    hostile = "<script>alert(1)</script>"
    folder = write_live_run(tmp_path / "run", title=hostile)
    for name in ("strengths", "ranking"):
        path = folder / f"{name}.parquet"
        frame = pd.read_parquet(path)
        column = "operation" if name == "strengths" else "architecture"
        frame.assign(**{column: frame[column] + hostile}).to_parquet(path)
    page = write_report(folder)
    text = page.read_text(encoding="utf-8").partition('<script id="plotly">')[0]
    assert "<script>alert" not in text
    drawn = figures_of(page)["strengths-0-0"]["data"]
    assert all("&lt;script&gt;" in label for trace in drawn for label in trace["text"])


def test_positions_of_one_candidate_have_their_strengths_by_operation(
    tmp_path, write_live_run, figures_of
):
    folder = write_live_run(tmp_path / "run")
    path = folder / "strengths.parquet"
    places = [(f"block {number}", "conv" if number < 3 else "pool") for number in range(5)]
    rows = [
        {
            "epoch": epoch,
            "position": position,
            "operation": operation,
            "strength": 0.5 * place + epoch,
            "probability": 1.0,
        }
        for epoch in range(5)
        for place, (position, operation) in enumerate(places)
    ]
    pd.DataFrame(rows).to_parquet(path)
    figures = figures_of(write_report(folder))
    (name,) = [name for name in figures if name.startswith("strengths-")]
    lines = [trace for trace in figures[name]["data"] if "text" in trace]
    assert [line["y"] for line in lines] == [
        [0.5 + epoch for epoch in range(5)],
        [1.75 + epoch for epoch in range(5)],
    ]
    assert "strength 0.5 (0 to 1) at 3 positions" in lines[0]["text"][0]
    areas = [trace for trace in figures[name]["data"] if trace.get("fill") == "toself"]
    assert max(areas[1]["y"]) == 6.0


def test_a_policy_stands_beside_uniform_draws(tmp_path, write_live_run, words_of):
    folder = write_live_run(tmp_path / "run")
    path = folder / "metrics.parquet"
    epochs = pd.read_parquet(path)
    rewards = [10.0 * (epoch + 1) for epoch in range(len(epochs))]
    epochs.assign(reward_mean=rewards, reward_best=rewards).to_parquet(path)
    ranking = pd.read_parquet(folder / "ranking.parquet")
    assert (
        f"What its policy samples has {rewards[-1]:.2f} % on validation images on average by the "
        f"supernet's weights, after 10.00 % in the first epoch; {len(ranking)} architectures drawn "
        f"uniformly have {ranking['accuracy'].mean():.2f} % there."
    ) in words_of(write_report(folder))


def test_a_sweep_has_the_means_of_its_searches(tmp_path, write_live_sweep, figures_of, words_of):
    page = write_report(write_live_sweep(tmp_path / "sweep"))
    figures = figures_of(page)
    line = next(t for t in figures["sweep-0-kendall_tau"]["data"] if "text" in t)
    assert line["y"] == pytest.approx([0.41, 0.51, 0.61])
    words = words_of(page)
    assert "9 searches over 3 values of strategy.split_epoch." in words
    assert "Kendall's tau of the ranking with its target is highest at 4: 0.610" in words
    assert len(figures["live-loss"]["data"]) == 2 * 9
    text = page.read_text(encoding="utf-8")
    assert "split 2, seed 0" not in text.partition('id="sweep-section-0"')[0]
    assert 'data-value="4-seed2/ranking.parquet"' in page.read_text(encoding="utf-8")


def test_runs_of_all_kinds_share_a_page(
    pristine, live_folder, tmp_path, write_live_run, words_of, figures_of
):
    other = write_live_run(tmp_path / "other", title="Another", search_accuracy=12.5)
    page = write_report([pristine, live_folder, other], tmp_path / "all.html")
    words = words_of(page)
    assert "9 predictors" in words
    assert "DARTS on digits" in words
    assert "it has 12.50 % on validation" in words
    figures = figures_of(page)
    assert {"curve-0", "selection-example", "live-loss", "live-ranking-1"} <= set(figures)
    # The table's title and unit are known from the study's record.
    assert "agrees with test accuracy" in words
    text = page.read_text(encoding="utf-8")
    for name in (f"{pristine.name}/study.parquet", "live-darts/metrics.parquet"):
        assert f'data-value="{name}"' in text
    ids = re.findall(r'\bid="([^"]+)"', text.partition('<script id="plotly">')[0])
    assert len(ids) == len(set(ids))


def test_two_runs_of_one_kind_do_not_share_a_page(pristine, tmp_path, write_run):
    other = write_run(tmp_path / "other")
    with pytest.raises(HwbenchError, match=r"both hold a study: hwbench report compare"):
        write_report([pristine, other])


def test_other_tables_of_one_name_do_not_share_a_page(pristine, tmp_path, write_run):
    other = write_run(tmp_path / "other")
    for name in ("study", "predictions", "simulation", "selection_example"):
        (other / f"{name}.parquet").unlink()
    front = pd.DataFrame(
        {"metric_target": ["t:m"], "arch": ["a"], "accuracy": 1.0, "metric": 1.0, "hypervolume": 1}
    )
    front.to_parquet(other / "search_fronts.parquet")
    keys = {"strategy": "s", "accuracy_target": "t:a", "goal": "front", "limit": 1.0, "seed": 0}
    front.assign(evaluation=1, **keys).to_parquet(other / "search.parquet")
    info = json.loads((other / "run.json").read_text())
    info["tables"]["nb201-digits"]["sha256"] = "0" * 64
    (other / "run.json").write_text(json.dumps(info))
    with pytest.raises(HwbenchError, match=r"their tables nb201-digits differ"):
        write_report([pristine, other])


# ---------------------------------------------------------------------- true values


def truth(value=79.5, rank=14013, tau=-0.02, **fields):
    """What a result keeps of a true value; the table is made up."""
    return {
        "target": "bench:cifar10.test_accuracy",
        "title": "test accuracy, mean of the seeds",
        "dataset": "cifar10",
        "unit": "%",
        "source": "200 epochs",
        "sha256": "ab" * 32,
        "value": value,
        "rank": rank,
        "of": 15625,
        "better_than": 1 - (rank or 0) / 15625,
        "best": 94.5,
        "random": {"of": 15284, "mean": 88.5, "low": 75.5, "median": 90.5, "high": 93.5},
        "best_of": {"drawn": 300, "mean": 94.0},
        "largest": [
            {"column": "cifar10.parameters", "what": "parameters", "value": 93.5, "rank": 167},
            {"column": "cifar10.flops", "what": "FLOPs", "value": 93.5, "rank": 167},
        ],
        "kendall_tau": tau,
        "quantiles": [10.0, 80.0, 90.0, 92.0, 94.5],
        **fields,
    }


def test_a_page_begins_with_the_true_value(tmp_path, write_live_run, words_of, figures_of):
    page = write_report(write_live_run(tmp_path / "run", truth=truth()))
    words = words_of(page)
    summary = words.partition("Summary")[2]
    first = "What was found truly has 79.50 % (test accuracy on cifar10 in the table bench)"
    assert summary.index(first) < summary.index("With the supernet's weights")
    assert "rank 14,013 of 15,625, better than 10 % of them, 9.00 points less than one" in words
    assert "One architecture drawn at random has 88.50 % on average (90 % of them have" in words
    assert "300 random architectures, as many as were ranked, would find 94.00 %" in words
    assert "the architecture with the most parameters and FLOPs has 93.50 % (rank 167)." in words
    assert "Its ranking agrees with the true values at a Kendall's tau of -0.02." in words
    figure = figures_of(page)["truth-0"]
    points = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    assert [trace["y"] for trace in points] == [[79.5], [93.5]]
    assert figure["layout"]["shapes"][0]["y0"] == 88.5


def test_a_page_without_true_values_says_what_brings_them(live_folder, page, words_of):
    words = words_of(page)
    assert "No true value of what was found is known" in words
    assert f"hwbench live truth {live_folder} looks for one" in words
    assert "True values" not in words


def test_what_a_table_lacks_is_said(tmp_path, write_live_run, words_of, figures_of):
    lacking = truth(value=None, rank=None, better_than=None, largest=[], random=None, best_of=None)
    page = write_report(write_live_run(tmp_path / "run", truth=lacking))
    assert "The table of bench:cifar10.test_accuracy lacks what was found" in words_of(page)
    assert len(figures_of(page)["truth-0"]["data"]) == 1


def test_searches_of_one_method_have_a_mean_over_seeds(
    tmp_path, write_live_run, words_of, interval
):
    values = [80.0, 91.0, 92.5]
    folders = []
    for seed, value in enumerate(values):
        folder = write_live_run(tmp_path / f"run-seed{seed}", truth=truth(value=value))
        config = folder / "config.toml"
        config.write_text(config.read_text().replace("seed = 0", f"seed = {seed}"))
        folders.append(folder)
    other = write_live_run(tmp_path / "other", title="Another", truth=truth(value=60.0))
    words = words_of(write_report([*folders, other], tmp_path / "page.html"))
    low, high = interval(values)
    mean = sum(values) / 3
    assert f"Over 3 seeds what was found truly has {mean:.2f} % on average" in words
    assert f"95 % interval over the seeds {low:.2f} to {high:.2f} %" in words
    assert f"DARTS on digits: mean of 3 seeds {mean:.2f}± {(high - low) / 2:.2f}" in words
    assert words.count("One random architecture, at no cost of a search, has 90.50 % in") == 1
    assert "Their rankings agree with the true values at a Kendall's tau of -0.02 on" in words


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("good", r"result\.json: truth must be an object"),
        ({"target": "a:b"}, r"result\.json: truth: the key 'title' is missing"),
        (truth(value="high"), r"result\.json: truth: value"),
        ({**truth(), "rank": None}, r"truth: value, rank and better_than must be given together"),
        (truth(better_than=7.0), r"result\.json: truth: better_than"),
    ],
)
def test_a_damaged_true_value_is_named(tmp_path, write_live_run, given, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        write_report(write_live_run(tmp_path / "run", truth=given))
    assert "\n" not in str(caught.value)


def test_a_sweep_shows_true_values_beside_random(
    tmp_path, write_live_sweep, write_live_run, words_of, figures_of
):
    folder = write_live_sweep(tmp_path / "sweep")
    rows = pd.read_parquet(folder / "sweep.parquet")
    values = [80.0 + place for place in range(len(rows))]
    rows.assign(true_value=values).to_parquet(folder / "sweep.parquet")
    for row, value in zip(rows.itertuples(), values, strict=True):
        name = f"{row.value}-seed{row.seed}"
        write_live_run(folder / name, f"split {row.value}", truth=truth(value=value))
    page = write_report(folder)
    words = words_of(page)
    found = "split 4: 87.00 % on average over 3 seeds"
    swept = "True value of what was found is highest at 4: 87.00 % ± 2.5"
    assert words.index(found) < words.index("has 90.50 % in the middle") < words.index(swept)
    figure = figures_of(page)["sweep-0-true_value"]
    assert figure["layout"]["shapes"][0]["y0"] == 88.5
    assert figure["layout"]["yaxis"]["range"][1] > 88.5
