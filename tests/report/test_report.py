import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.comparison import rank_predictors, samples_needed
from hwbench.analysis.deviations import deviation_statistics
from hwbench.errors import HwbenchError
from hwbench.report import write_report

SECTIONS = [
    "summary",
    "learning-curves",
    "ranking",
    "samples-needed",
    "accuracy-lost",
    "how-to-read",
    "appendix",
    "ranks",
    "cost",
    "predictions",
    "errors",
    "losses-by-metric",
    "hypervolume",
    "simulation-study",
    "selection",
    "provenance",
]
IN_THE_CONTENTS = SECTIONS[: SECTIONS.index("appendix") + 1]
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What the tests ask of a page: tags, attributes, text, figures, and that tags match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.scripts, self.styles, self.words = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag == "style":
            self.styles.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif inside == "style":
            self.styles[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]

    @property
    def figures(self):
        return [
            json.loads(text)
            for attrs, text in self.scripts
            if attrs.get("type") == "application/json"
        ]


def report(folder):
    return Page(write_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(pristine, tmp_path_factory):
    output = tmp_path_factory.mktemp("page") / "out" / "page.html"
    assert write_report(pristine, output) == output
    return Page(output.read_text(encoding="utf-8"))


def test_default_output_lies_in_the_run_folder(run_folder):
    path = write_report(run_folder)
    assert path == run_folder / "report.html"
    assert path.stat().st_size < 6_000_000
    assert write_report(run_folder).read_bytes() == path.read_bytes()


def test_asks_nothing_of_a_network(page):
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset", "style", "xlink:href"):
            value = attrs.get(name) or ""
            assert "//" not in value, (tag, name, value)
            if name == "href" and value:
                assert value.startswith(("#", "data:"))
    for style in page.styles:
        assert "@import" not in style
        assert "url(" not in style
        assert "//" not in style
    own = [text for attrs, text in page.scripts if attrs.get("id") != "plotly"]
    assert not any(re.search(r"https?:", text) for text in own)
    policies = [a for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0]["content"].startswith("default-src 'none'")


def test_plotly_is_there_once(page):
    large = [attrs for attrs, text in page.scripts if len(text) > 1_000_000]
    assert large == [{"id": "plotly"}]


def test_every_section_stands_in_order_and_in_the_contents(page):
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    links = {attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert {f"#{name}" for name in IN_THE_CONTENTS} <= links
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in links} <= set(page.ids)


def test_figures_are_valid_plotly(page):
    go = pytest.importorskip("plotly.graph_objects")
    # 1 of the answer, 2 learning curves, 1 of ranks, 1 cost, 2 x 2 predictions, 1 of spreads, 1
    # and 2 of losses, 2 hypervolumes, 1 example, and 8 of the simulation as a whole
    assert len(page.figures) == 24

    def painted(value):
        if isinstance(value, str) and re.fullmatch(r"\$\w+(/[\d.]+)?", value):
            return "rgba(1, 2, 3, 0.5)"
        if isinstance(value, dict):
            return {key: painted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [painted(item) for item in value]
        return value

    for figure in page.figures:
        go.Figure(data=painted(figure["data"]), layout=painted(figure["layout"]))


def test_a_predictor_has_one_colour_in_all_figures(page):
    looks = {}
    for figure in page.figures:
        for trace in figure["data"]:
            if trace.get("text") and trace.get("legendgroup", "").startswith("p:"):
                look = (trace["line"]["color"], trace["marker"]["symbol"], trace["line"]["dash"])
                assert looks.setdefault(trace["legendgroup"], look) == look
    assert len(looks) == 9
    assert len({colour for colour, _, _ in looks.values()}) == 9


def test_summary_says_what_the_frames_hold(page, pristine, interval):
    study = pd.read_parquet(pristine / "study.parquet")
    simulation = pd.read_parquet(pristine / "simulation.parquet")
    for target, unit in (("nb201-digits:latency", "ms"), ("nb201-digits:energy", "mJ")):
        own = study[(study["target"] == target) & ~study["own_training_set"]]
        for size in (25, 614):
            means = own[own["training_size"] == size].groupby("title")["kendall_tau"].mean()
            best = means.idxmax()
            chosen = own[(own["training_size"] == size) & (own["title"] == best)]
            low, high = interval(chosen["kendall_tau"])
            digits = 2 if high - low >= 0.02 else 3
            numbers = [f"{value:.{digits}f}" for value in (means.max(), low, high)]
            assert "{} (95 % interval {} to {}, 5 seeds)".format(*numbers) in page.text, target
            assert best in page.text
        assert f"off by {chosen['mae'].mean():.3g} {unit} on average" in page.text
        table = study[(study["target"] == target) & study["own_training_set"]]
        score = table["kendall_tau"].iloc[0]
        means = own.groupby(["training_size", "title"])["kendall_tau"].mean()
        first = means[means > score].reset_index().sort_values("training_size").iloc[0]
        assert f"reaches {score:.2f};" in page.text
        assert f"passes it with {first['training_size']} measurements" in page.text

        tau = chosen["kendall_tau"].mean()
        points = simulation[simulation["n_candidates"] == 15625].groupby("deviation")
        taus = points["kendall_tau"].mean().sort_values()
        (lost, most), (verified, verified_most) = (
            [
                np.interp(tau, taus, points[name].quantile(share).reindex(taus.index))
                for share in (0.5, 0.95)
            ]
            for name in ("mra_all", "mra_pareto")
        )
        assert (
            f"with tau {tau:.2f} the selected architectures lose {lost:.2f} points of accuracy in "
            f"the median search, {most:.2f} in one of twenty, {verified:.2f} and "
            f"{verified_most:.2f} if the picks are verified by measuring" in page.text
        )


def test_the_page_begins_with_answers(page, pristine):
    study = pd.read_parquet(pristine / "study.parquet")
    own = study[~study["own_training_set"] & study["error"].isna()]
    by_seed = own.groupby(["predictor", "training_size", "seed"])["kendall_tau"].mean()
    means = by_seed.groupby(["predictor", "training_size"]).mean().unstack()
    top = page.text.partition("Each target")[2].partition("What measurements give")[0]
    questions = ("Which predictor?", "How many measurements?", "What does it cost me?")
    assert [top.index(each) for each in questions] == sorted(map(top.index, questions))
    assert "How sure is this?" in top
    assert "What next?" in top
    best = means.max()
    enough = best[best >= 0.95 * best[614]].index[0]
    assert f"{enough} give a tau of {best[enough]:.2f}" in top
    assert "hwbench advise my.csv" in top
    folded = [attrs for tag, attrs in page.tags if tag == "details" and "open" not in attrs]
    assert len(folded) >= len(SECTIONS) - 2


def test_failed_trials_are_said_plainly(page):
    assert "2 of 452 trials failed" in page.text
    assert "LightGBM (2)" in page.text
    assert "ValueError: too few rows for <leaf>" in page.text


def test_what_could_not_be_run_is_said(page, run_folder):
    assert "could not be run" not in page.text
    info = json.loads((run_folder / "run.json").read_text())
    info["predictors"] = {"gcn": {"title": "GCN"}}
    reason = "my-space has no encoding 'graph'"
    left_out = {"predictor": "gcn", "encoding": "graph", "target": "t:c", "reason": reason}
    (run_folder / "run.json").write_text(json.dumps(info | {"left_out": [left_out]}))
    text = report(run_folder).text
    assert "1 of the predictors and targets asked for could not be run" in text
    assert f"GCN (graph) on t:c: {reason}." in text


def test_ranking_cells_are_the_means(page, pristine, interval):
    study = pd.read_parquet(pristine / "study.parquet")
    values = study.query(
        "predictor == 'gp' and training_size == 55 and target == 'nb201-digits:energy'"
    )["kendall_tau"]
    low, high = interval(values)
    found = [
        attrs
        for tag, attrs in page.tags
        if tag == "td" and attrs.get("data-value", "").startswith(f"{values.mean():.12f}"[:-1])
    ]
    assert len(found) == 1
    more = json.loads(found[0]["data-more"])
    assert [more["low_95"], more["high_95"], more["seeds"]] == pytest.approx([low, high, 5])
    # One best for each of five sizes in three tables (two targets and their mean), and for each
    # target in the tables of the most and the fewest measurements.
    assert sum(attrs.get("class") == "best" for _, attrs in page.tags) == 15 + 4


def test_ranks_samples_and_errors_are_those_of_the_study(page, pristine):
    study = pd.read_parquet(pristine / "study.parquet")
    ranked = rank_predictors(study, measurements={})
    figure = next(f for f in page.figures if f["name"] == "critical-difference")
    dots = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    drawn = {trace["x"][0] for trace in dots}
    assert drawn == {float(f"{rank:.5g}") for rank in ranked.ranks.values()}
    # Two targets are too few to say which predictors differ.
    assert not ranked.claim
    assert not any("error_x" in trace for trace in dots)
    assert [trace for trace in figure["data"] if trace["mode"] == "lines"] == []
    assert "2 independent measurements are too few to say which differ" in page.text
    best = samples_needed(study, 0.8).iloc[0]
    assert f"{best['samples']:,.0f}{best['low']:,.0f} to {best['high']:,.0f}" in page.text
    errors = deviation_statistics(pd.read_parquet(pristine / "predictions.parquet"))
    for row in errors.itertuples():
        cells = f"{row.spread:.3f} {row.skewness:.2f} {row.kurtosis:.1f}"
        assert cells.replace(" ", "") in page.text.replace(" ", "")
    spread = next(f for f in page.figures if f["name"] == "spread-tau")
    points = [trace for trace in spread["data"] if trace["mode"] == "markers"]
    assert sum(len(trace["x"]) for trace in points) == 9 * 2 * 5


def test_a_study_that_was_stopped_is_reported(run_folder):
    whole = pd.read_parquet(run_folder / "study.parquet").assign(trial="", exception=None)
    half = whole.iloc[::2].assign(trial=[f"t{i}" for i in range(len(whole.iloc[::2]))])
    (run_folder / "study.parquet").unlink()
    (run_folder / "predictions.parquet").unlink()
    (run_folder / "parts").mkdir()
    for place in (1, 2):
        name = f"{place:08d}-{place:08d}.study.parquet"
        half.iloc[place - 1 :: 2].to_parquet(run_folder / "parts" / name)
    assert f"{len(half):,} trials" in report(run_folder).text


def test_five_tables_say_which_predictors_differ(run_folder):
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path)
    one = study[study["target"] == "nb201-digits:latency"]
    many = [one.assign(target=f"t{place}:latency") for place in range(6)]
    pd.concat(many).to_parquet(path)
    study = pd.read_parquet(path)
    ranked = rank_predictors(study, measurements={each: each for each in study["target"].unique()})
    page = report(run_folder)
    figure = next(f for f in page.figures if f["name"] == "critical-difference")
    dots = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    assert {trace["error_x"]["value"] for trace in dots} == {ranked.difference / 2}
    joined = [trace["y"] for trace in figure["data"] if trace["mode"] == "lines"]
    n = len(ranked.ranks)
    assert joined == [[n - first + 0.25, n - last - 0.25] for first, last in ranked.groups]


def test_a_run_without_spreads_has_no_figure_of_them(run_folder):
    path = run_folder / "study.parquet"
    pd.read_parquet(path).drop(columns="deviation").to_parquet(path)
    page = report(run_folder)
    assert "spread-tau" not in page.ids
    assert "errors" in page.ids


def test_every_unit_is_shown(page):
    labels = json.dumps(page.figures)
    for label in ("true (ms)", "predicted (mJ)", "points", "hypervolume lost, %", '"100 ms"'):
        assert label in labels


def test_the_example_marks_the_loss_below_the_front(page, pristine):
    example = pd.read_parquet(pristine / "selection_example.parquet")
    figure = next(f for f in page.figures if f["name"] == "selection-example")
    drawn = {trace["legendgroup"]: trace for trace in figure["data"]}
    assert len(drawn["s:candidates"]["x"]) == 4000
    segments = np.array(drawn["s:loss"]["y"], dtype=float).reshape(-1, 3)[:, :2]
    expected = 0.0
    for row in example[example["selected"]].itertuples():
        cheaper = example[example["metric"] <= row.metric]
        expected += cheaper["accuracy"].max() - row.accuracy
    assert (segments[:, 1] - segments[:, 0]).sum() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        (["study.parquet", "predictions.parquet"], {"learning-curves", "ranking", "predictions"}),
        (["simulation.parquet", "selection_example.parquet"], {"accuracy-lost", "selection"}),
        (["predictions.parquet"], {"predictions"}),
        (["selection_example.parquet"], {"selection"}),
        (["run.json"], set()),
        (["study.parquet"], {"learning-curves", "predictions"}),
    ],
)
def test_a_missing_part_is_left_out(run_folder, missing, gone):
    for name in missing:
        (run_folder / name).unlink()
    page = report(run_folder)
    assert not gone & set(page.ids)
    assert {"summary", "how-to-read", "provenance"} <= set(page.ids)


def test_an_empty_part_counts_as_missing(run_folder):
    path = run_folder / "study.parquet"
    pd.read_parquet(path).iloc[:0].to_parquet(path)
    assert "learning-curves" not in report(run_folder).ids


def change(path, **columns):
    pd.read_parquet(path).assign(**columns).to_parquet(path)


def test_a_study_without_any_score(run_folder):
    change(run_folder / "study.parquet", kendall_tau=np.nan, error="ValueError: no")
    page = report(run_folder)
    assert "452 of 452 trials failed" in page.text
    assert "nothing to compare" in page.text
    assert "accuracy-lost" in page.ids


def test_one_seed_one_size_one_target(run_folder):
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path).query(
        "seed == 0 and training_size == 124 and target == 'nb201-digits:latency'"
    )
    study.to_parquet(path)
    (run_folder / "simulation.parquet").unlink()
    page = report(run_folder)
    assert "(one seed)" in page.text
    assert page.ids.count("ranking-0") == 1
    assert "ranking-all" not in page.ids


def test_targets_with_different_training_sizes_have_no_common_ranking(run_folder):
    path = run_folder / "study.parquet"
    study = pd.read_parquet(path)
    energy = study["target"] == "nb201-digits:energy"
    change(path, training_size=study["training_size"] + energy)
    page = report(run_folder)
    assert "ranking-all" not in page.ids
    assert "fit-cost" in page.ids


def test_twenty_predictors_with_a_shared_title(run_folder):
    path = run_folder / "study.parquet"
    ridge = pd.read_parquet(path).query("predictor == 'ridge'")
    many = [ridge.assign(predictor=f"r{i}", title="Same title") for i in range(20)]
    pd.concat(many).to_parquet(path)
    page = report(run_folder)
    assert "Same title (r0)" in page.text
    curves = next(figure for figure in page.figures if figure["name"] == "curve-0")
    lines = [t for t in curves["data"] if t.get("text")]
    looks = {(t["line"]["color"], t["marker"]["symbol"], t["line"]["dash"]) for t in lines}
    assert len(looks) == 20


def test_infinite_and_constant_values_pass(run_folder):
    study = pd.read_parquet(run_folder / "study.parquet")
    change(run_folder / "study.parquet", mae=np.inf, fit_seconds=0.0)
    change(run_folder / "predictions.parquet", truth=1.0)
    change(run_folder / "simulation.parquet", hypervolume_true=0.0, mra_pareto=np.nan)
    page = report(run_folder)
    assert len(study) == 452
    assert "predictions" not in page.ids
    assert "inf" not in page.text.split("Provenance")[0].replace("information", "").split()


HOSTILE = "<script>alert(1)</script>\"'&</title>"


def test_hostile_text_stays_text(run_folder):
    before = len(report(run_folder).scripts)
    study = pd.read_parquet(run_folder / "study.parquet")
    change(
        run_folder / "study.parquet",
        title=study["title"] + HOSTILE,
        encoding=HOSTILE,
        error=study["error"].where(study["error"].isna(), HOSTILE),
    )
    change(run_folder / "selection_example.parquet", arch=HOSTILE)
    info = json.loads((run_folder / "run.json").read_text())
    info |= {"title": HOSTILE, "scenario": HOSTILE, "started": HOSTILE, "spec": {HOSTILE: HOSTILE}}
    info["machine"] = {"processor": HOSTILE, HOSTILE: HOSTILE}
    info["tables"]["nb201-digits"] |= {"title": HOSTILE, "sha256": HOSTILE}
    info["tables"]["nb201-digits"]["columns"]["latency"] |= {"unit": HOSTILE, "title": HOSTILE}
    (run_folder / "run.json").write_text(json.dumps(info))
    page = report(run_folder)
    assert len(page.scripts) == before
    assert HOSTILE in page.text
    drawn = json.dumps([figure["data"] for figure in page.figures])
    assert "&lt;script&gt;" in drawn
    assert "<script>" not in drawn


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(HwbenchError, match=f"{re.escape(str(tmp_path))}: nothing to report"):
        write_report(tmp_path)
    with pytest.raises(HwbenchError, match="no such run folder"):
        write_report(tmp_path / "absent")


FILES = [
    "study.parquet",
    "predictions.parquet",
    "simulation.parquet",
    "selection_example.parquet",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 3, 0.5, -1])
def test_a_truncated_file_is_named(run_folder, name, kept):
    path = run_folder / name
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept) if kept == 0.5 else kept])
    with pytest.raises(HwbenchError, match=f"{re.escape(name)}: cannot be read") as caught:
        write_report(run_folder)
    assert "\n" not in str(caught.value)
    assert not (run_folder / "report.html").exists()


def test_flipped_bytes_never_escape_as_another_error(run_folder):
    path = run_folder / "study.parquet"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(12):
        broken = bytearray(content)
        for at in rng.integers(4, len(content), 40):
            broken[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(broken))
        try:
            write_report(run_folder)
        except HwbenchError as error:
            refused.append(str(error))
    assert len(refused) >= 6  # by luck the damage may leave a file that reads
    assert all("study.parquet: " in message and "\n" not in message for message in refused)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("study.parquet", "kendall_tau"),
        ("predictions.parquet", "truth"),
        ("simulation.parquet", "mra_pareto"),
        ("selection_example.parquet", "true_front"),
    ],
)
def test_a_missing_column_is_named(run_folder, name, column):
    path = run_folder / name
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
    with pytest.raises(HwbenchError, match=f"{name}: column '{column}' is missing"):
        write_report(run_folder)


@pytest.mark.parametrize(
    ("name", "column", "value", "message"),
    [
        ("study.parquet", "kendall_tau", "high", "must hold numbers"),
        ("study.parquet", "training_size", 2.5, "must hold whole numbers"),
        ("study.parquet", "target", None, "holds missing values"),
        ("selection_example.parquet", "selected", 1.0, "must hold true or false"),
    ],
)
def test_a_column_of_the_wrong_kind_is_named(run_folder, name, column, value, message):
    change(run_folder / name, **{column: value})
    with pytest.raises(HwbenchError, match=f"{name}: column '{column}' {message}"):
        write_report(run_folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff", '{"spec": 3}', "[" * 100_000])
def test_a_broken_record_is_named(run_folder, text):
    (run_folder / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(HwbenchError, match=r"run\.json: "):
        write_report(run_folder)
