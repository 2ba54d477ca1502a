"""What a live run's page says of what was selected from its supernet again."""

import json
import os
import re

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.report import write_report
from hwbench.results.live import read_live_run

LATENCY = {
    "name": "bench:cifar10.latency",
    "title": "latency on a phone",
    "unit": "ms",
    "direction": "minimize",
    "limit": 9.5,
    "optimised": False,
    "source": "table",
}
FLOPS = {**LATENCY, "name": "flops", "title": "FLOPs", "unit": "M", "source": "formula"}
TRUTH = {
    "target": "bench:cifar10.test_accuracy",
    "title": "test accuracy, mean of the seeds",
    "dataset": "cifar10",
    "unit": "%",
    "sha256": "ab" * 32,
    "value": 92.0,
    "rank": 1000,
    "of": 15625,
    "better_than": 0.936,
    "best": 94.5,
    "random": {"of": 15284, "mean": 88.5, "low": 75.5, "median": 90.5, "high": 93.5},
    "largest": [{"column": "parameters", "what": "parameters", "value": 93.5, "rank": 167}],
    "quantiles": [10.0, 94.5],
}


@pytest.fixture
def run(tmp_path, write_live_run):
    return write_live_run(tmp_path / "run")


def table_of(page, name="selections-0-table"):
    """Rows of a table by their heading, each a list of the cells' values by the column's key."""
    text = page.read_text(encoding="utf-8").partition(f'id="{name}"')[2].partition("</table>")[0]
    keys = re.findall(r'data-key="([^"]+)"', text)[1:]
    rows = {}
    for row in re.findall(r"<tr>(.*?)</tr>", text, flags=re.DOTALL)[1:]:
        title = re.search(r'<th scope="row" class="name" data-value="([^"]*)"', row).group(1)
        rows[title] = dict(zip(keys, re.findall(r'<td[^>]*data-value="([^"]*)"', row), strict=True))
    return rows


def test_a_page_without_selections_is_unchanged(run):
    before = write_report(run).read_text(encoding="utf-8")
    assert 'id="selections"' not in before
    assert "selected again" not in before
    # Nor does one say anything of selections that have not ended.
    (run / "selections" / "under-way").mkdir(parents=True)
    (run / "selections" / "note.txt").write_text("mine")
    assert write_report(run).read_text(encoding="utf-8") == before
    assert read_live_run(run).selections == ()


def test_selections_are_read(run, write_selection):
    write_selection(run, "b", "Evolution", metric=LATENCY, truth=TRUTH)
    write_selection(run, "a", "Bare", metric=None, known=False, kept=False)
    bare, kept = read_live_run(run).selections
    assert (bare.result.label, kept.result.label) == ("a", "b")
    assert bare.true_accuracy is None
    assert bare.evaluations.empty
    assert bare.true_points.empty
    assert kept.result.selection.name == "evolution"
    assert kept.evaluations["selected"].sum() == 1
    (point,) = kept.true_points.itertuples()
    assert point.true_accuracy == kept.true_accuracy
    assert len(kept.true_front) == 12


def test_a_front_is_held_against_the_true_one(run, write_selection, words_of, figures_of):
    write_selection(run, "nsga2", "NSGA-II on latency", front=True)
    page = write_report(run)
    words = words_of(page)
    answer = (
        "NSGA-II on latency selected a front that truly has 0.912 of the true front's hypervolume; "
        "random search by true values (60 evaluations) has 0.874."
    )
    assert words.count(answer) == 2  # in the summary, and above the section's table
    rows = table_of(page)
    assert float(rows["NSGA-II on latency"]["igd_plus"]) == 0.021
    assert float(rows["random search by true values"]["igd_plus"]) == 0.034
    assert "true_accuracy" not in rows["NSGA-II on latency"]
    assert "latency on a phone, predicted by ridge, fitted to 60 architectures" in words
    assert "IGD+, additive epsilon" in words
    figures = figures_of(page)
    true = figures["selections-0-true-0"]
    rows = pd.read_parquet(run / "selections" / "nsga2" / "evaluations.parquet")
    chosen = rows[rows["selected"]]
    points = next(trace for trace in true["data"] if trace["mode"] == "markers")
    assert points["x"] == pytest.approx(chosen["true_metric"], rel=1e-4)
    assert points["y"] == pytest.approx(chosen["true_accuracy"], rel=1e-4)
    front = pd.read_parquet(run / "selections" / "nsga2" / "true_front.parquet")
    line = next(trace for trace in true["data"] if trace["legendgroup"].endswith(":front"))
    assert line["x"] == pytest.approx(front["metric"], rel=1e-4)
    assert line["line"]["shape"] == "hv"
    others, selected = figures["selections-0-evaluated-0"]["data"]
    assert (len(others["x"]), len(selected["x"])) == (54, 6)
    assert selected["y"] == pytest.approx(chosen["accuracy"], rel=1e-4)
    text = page.read_text(encoding="utf-8")
    assert '<figure class="card wide" id="selections-0-evaluated-0">\n<details>' in text
    assert '<figure class="card wide" id="selections-0-true-0">\n<h4>' in text
    assert 'data-value="selections/nsga2/evaluations.parquet"' in text


def test_selections_that_found_as_good_ones_are_named_together(run, write_selection, words_of):
    for folder, title in (("a", "Evolution"), ("b", "Random search"), ("c", "The policy's best")):
        accuracy = 90.5 if folder == "a" else 91.5
        single = {"true_accuracy": accuracy, "true_metric": 6.5, "baselines": []}
        write_selection(run, folder, title, metric=LATENCY, single=single)
    words = words_of(write_report(run))
    assert 'architecture, "Random search" and "The policy\'s best" found the truly best' in words


def test_the_truly_best_of_several_is_named_beside_what_is_free(run, write_selection, words_of):
    single = {"true_accuracy": 90.5, "true_metric": 6.5, "baselines": []}
    write_selection(run, "a", "Evolution", metric=LATENCY, single=single)
    free = {"name": "largest", "words": "the largest", "true_accuracy": 92.25}
    best = {"true_accuracy": 91.5, "true_metric": 9.25, "baselines": [free]}
    write_selection(run, "b", "Random search", metric=LATENCY, single=best, truth=TRUTH)
    # What breaks its limit is not the best of all.
    beyond = {"true_accuracy": 93.5, "true_metric": 9.75}
    write_selection(run, "c", "Gone too far", metric=LATENCY, single=beyond)
    page = write_report(run)
    words = words_of(page)
    assert (
        'Of 3 selections of one architecture, "Random search" found the truly best: it has 91.50 % '
        "(at 9.25 ms, test accuracy on cifar10 in the table bench, rank 1,000 of 15,625); at no "
        "cost of a search, the largest has 92.25 %." in words
    )
    assert "limit 9.5 ms, broken" in words
    rows = table_of(page)
    assert list(rows) == [
        "Evolution",
        "Random search",
        "Gone too far",
        "what the search itself derived",
        "the largest",
        "best there is",
    ]
    assert float(rows["Random search"]["true_accuracy"]) == 91.5
    assert float(rows["the largest"]["true_accuracy"]) == 92.25
    assert rows["the largest"]["evaluations"] == ""


def test_baselines_are_drawn_as_points_and_levels(run, write_selection, figures_of, words_of):
    write_selection(run, "a", "Evolution", metric=LATENCY)
    page = write_report(run)
    figure = figures_of(page)["selections-0-true-0"]
    own = {trace["legendgroup"]: trace for trace in figure["data"]}
    level, point = (own[f"selections-0-true-0:free-{place}"] for place in range(2))
    assert level["mode"] == "lines"
    assert level["y"] == [86.25, 86.25]
    assert (point["x"], point["y"]) == ([8.5], [88.75])
    assert figure["layout"]["shapes"][0]["x0"] == 9.5
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < 86.25 < 88.75 < high
    assert "Dotted, upright: the limit of 9.5 ms." in words_of(page)


def test_true_values_that_are_not_known_are_said_so(run, write_selection, words_of, figures_of):
    write_selection(run, "a", "Evolution", known=False, metric=FLOPS)
    page = write_report(run)
    words = words_of(page)
    assert (
        'How good what "Evolution" selected truly is, is not known: by the supernet\'s own numbers '
        "it has 81.50 % on validation and 80.25 % on test images, which says little of it." in words
    )
    assert "True accuracy and FLOPs of what was selected are not both known: the figure" in words
    assert "No true values are known; accuracies are the supernet's own." in words
    assert [name for name in figures_of(page) if name.startswith("selections")] == [
        "selections-0-evaluated-0"
    ]
    assert "<details><summary>" not in page.read_text().partition('<script id="plotly">')[0]
    # Of two the first is no answer to how good the second is.
    write_selection(run, "b", "Other", metric=FLOPS)
    both = words_of(write_report(run))
    assert "Other found an architecture that truly has" in both
    assert "Not drawn, since its true values are not known: Evolution." in both


def test_accuracy_alone_has_no_figure(run, write_selection, words_of, figures_of):
    write_selection(run, "a", "Evolution", known=False, kept=False, metric=None, truth=TRUTH)
    page = write_report(run)
    words = words_of(page)
    assert "Evolution found an architecture that truly has 92.00 %" in words
    assert "at no cost of a search, the architecture with the most parameters has 93.50 %" in words
    rows = table_of(page)
    assert float(rows["one random architecture on average"]["true_accuracy"]) == 88.5
    assert not any(name.startswith("selections") for name in figures_of(page))


def test_more_may_be_better(run, write_selection, figures_of, words_of):
    speed = {**LATENCY, "title": "frames", "unit": "1/s", "direction": "maximize", "limit": 3.0}
    slow = {"true_accuracy": 93.5, "true_metric": 2.5}
    write_selection(run, "a", "Slow", metric=speed, single=slow)
    page = write_report(run)
    assert "(at 2.5 1/s, which breaks its limit)" in words_of(page)
    figure = figures_of(page)["selections-0-true-0"]
    line = next(trace for trace in figure["data"] if trace["legendgroup"].endswith(":front"))
    assert line["line"]["shape"] == "vh"
    assert "(more frames is better)" in words_of(page)


def test_several_supernets_share_a_page(tmp_path, write_live_run, write_selection, words_of):
    folders = []
    for name in ("one", "two"):
        folder = write_live_run(tmp_path / name, title=f"Search {name}")
        write_selection(folder, "a", "Evolution", metric=LATENCY)
        write_selection(folder, "b", "Evolution", front=True)
        folders.append(folder)
    page = write_report(folders, tmp_path / "page.html")
    words = words_of(page)
    assert "What was selected from 2 supernets again." in words
    assert "Search one: selected again" in words
    assert set(table_of(page, "selections-1-table")) >= {"Evolution (a)", "Evolution (b)"}
    text = page.read_text(encoding="utf-8").partition('<script id="plotly">')[0]
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert 'data-value="two/selections/a/result.json"' in text


def test_numbers_beyond_all_sense_are_drawn(run, write_selection, figures_of):
    folder = write_selection(run, "a", "Evolution", front=True)
    path = folder / "evaluations.parquet"
    frame = pd.read_parquet(path)
    for column in ("accuracy", "true_accuracy", "true_metric", "metric"):
        frame[column] = [1.7e308, -1.7e308] * 30
    frame.to_parquet(path)
    assert "range" not in figures_of(write_report(run))["selections-0-true-0"]["layout"]["yaxis"]


def test_large_selections_are_thinned(run, write_selection, words_of, figures_of):
    write_selection(run, "a", "Evolution", n=5000)
    page = write_report(run)
    others, selected = figures_of(page)["selections-0-evaluated-0"]["data"]
    assert (len(others["x"]), len(selected["x"])) == (3000, 1)
    assert "small: 3,000 of 4,999 others" in words_of(page)


def test_hostile_text_stays_text(run, write_selection, figures_of):
    hostile = "<script>alert(1)</script>"
    metric = {**LATENCY, "title": hostile, "unit": hostile, "predictor": hostile}
    folder = write_selection(run, "a", hostile, metric=metric, architecture=hostile)
    path = folder / "evaluations.parquet"
    frame = pd.read_parquet(path)
    frame.assign(architecture=hostile).to_parquet(path)
    page = write_report(run)
    text = page.read_text(encoding="utf-8").partition('<script id="plotly">')[0]
    assert "<script>alert" not in text
    for name in ("selections-0-true-0", "selections-0-evaluated-0"):
        figure = figures_of(page)[name]
        assert hostile not in json.dumps(figure)
        assert "&lt;script&gt;" in figure["data"][-1]["text"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"selection": "evolution"}, r"selection"),
        ({"selection": {"population": 20}}, r"the key 'selection.name' is missing"),
        ({"search_accuracy": "high"}, r"search_accuracy"),
        ({"test_accuracy": float("nan")}, r"test_accuracy"),
        ({"seconds": -1}, r"seconds"),
        ({"seconds": float("inf")}, r"seconds"),
        ({"selected": 0}, r"selected"),
        ({"metric": {**LATENCY, "direction": "sideways"}}, r"metric\.direction"),
        ({"metric": {**LATENCY, "source": "rumour"}}, r"metric\.source"),
        ({"single": {"true_accuracy": None}}, r"single\.true_accuracy"),
        ({"single": {"true_accuracy": 1, "baselines": {"a": 1}}}, r"single\.baselines"),
        ({"front": {"hypervolume_share": 0.5}}, r"the key 'front\.igd_plus' is missing"),
        ({"truth": {**TRUTH, "value": "good"}}, r"truth\.value"),
        ({"title": ["a"]}, r"title"),
    ],
)
def test_a_damaged_result_is_named_in_one_line(run, write_selection, given, message):
    path = write_selection(run, "bad", "Bad") / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **given}))
    where = r"selections/bad/result\.json: .*"
    with pytest.raises(HwbenchError, match=where + message) as caught:
        write_report(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"label": "a"', b"{}", b"\xff" * 10])
def test_what_is_no_result_is_named_in_one_line(run, write_selection, content):
    (write_selection(run, "bad", "Bad") / "result.json").write_bytes(content)
    with pytest.raises(HwbenchError, match=r"selections/bad/result\.json: ") as caught:
        write_report(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["evaluations", "true_front"])
def test_a_damaged_frame_is_named_in_one_line(run, write_selection, name):
    folder = write_selection(run, "bad", "Bad")
    path = folder / f"{name}.parquet"
    frame = pd.read_parquet(path)
    broken = [
        ("column 'metric' is missing", frame.drop(columns="metric")),
        ("column 'accuracy' must hold numbers", frame.assign(accuracy="high")),
    ]
    if name == "evaluations":
        broken.append(("column 'selected' must hold true or false", frame.assign(selected=2)))
    for message, rows in broken:
        rows.to_parquet(path)
        with pytest.raises(HwbenchError, match=rf"bad/{name}\.parquet: {message}") as caught:
            write_report(run)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"PAR1")
    with pytest.raises(HwbenchError, match=rf"bad/{name}\.parquet: cannot be read"):
        write_report(run)


def test_pipes_in_place_of_files_do_not_wait(run, write_selection):
    folder = write_selection(run, "bad", "Bad")
    (folder / "evaluations.parquet").unlink()
    os.mkfifo(folder / "evaluations.parquet")
    with pytest.raises(HwbenchError, match=r"evaluations\.parquet: cannot be read"):
        write_report(run)


def test_frames_without_rows_or_numbers_leave_figures_out(run, write_selection, figures_of):
    folder = write_selection(run, "a", "Evolution", known=False)
    path = folder / "evaluations.parquet"
    frame = pd.read_parquet(path)
    for rows in (frame.iloc[:0], frame.assign(metric=float("nan")), frame.assign(selected=False)):
        rows.to_parquet(path)
        figures = figures_of(write_report(run))
        drawn = [name for name in figures if name.startswith("selections")]
        assert len(drawn) == (not rows["selected"].any() and len(rows) > 0)
