"""What methods truly found, in words, as a figure and as a table, from two frames alone."""

import re

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.report import write_report
from hwbench.report.live.choices import choices_figures, operations_chosen
from hwbench.report.live.evidence import (
    best_figure,
    evidence_blocks,
    evidence_figure,
    evidence_groups,
    evidence_table,
    evidence_words,
    method_entries,
)
from hwbench.results.live_runs import tidy_runs

SKIPS = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|none~2|"
CONVS = SKIPS.replace("skip_connect", "nor_conv_3x3")


@pytest.fixture(scope="module")
def frames(evidence_folders):
    return tidy_runs(evidence_folders)


def test_the_answer_is_in_words(frames):
    darts, gdas, spos, free = map(str, evidence_words(frames))
    assert darts == (
        "<b>DARTS: 54.30 % in 5 of 5 seeds</b>, worse than 98 % of random ones, above their median "
        "in 0 of 5 seeds."
    )
    assert gdas == (
        "<b>GDAS: 91.00 % on average over 3 seeds (90.00 to 92.00 %)</b>, better than 60 % of "
        "random ones, above their median in 2 of 3 seeds."
    )
    assert spos == "<b>SPOS: 93.00 %</b>, better than 90 % of random ones, above their median."
    assert "has 90.50 % in the middle (half of them have 88.00 to 92.00 %)" in free
    assert "the most parameters and FLOPs 93.75 %; the best there is has 94.50 %" in free


def _traces(figure, place):
    group = figure.legend[place].group
    return [trace for trace in figure.data if trace["legendgroup"] == group]


def test_the_figure_shows_means_seeds_random_and_the_best(frames):
    figure = evidence_figure(frames)
    assert [entry.title for entry in figure.legend] == [
        "one random architecture",
        "DARTS",
        "GDAS",
        "SPOS",
        "best there is",
    ]
    *bands, median = _traces(figure, 0)
    # The axis is what accuracies lack of 100 %.
    assert [set(band["y"]) for band in bands] == [{24.5, 6.5}, {12.0, 8.0}]
    assert median["y"] == [9.5, 9.5]
    assert _traces(figure, 4)[0]["y"] == [5.5, 5.5]
    *seeds, mean, found = _traces(figure, 1)
    assert len(seeds) == 5
    assert seeds[3]["y"] == [11.0, 17.0, 45.7]
    assert mean["x"] == [1, 2, 3]
    assert mean["y"] == pytest.approx([11.0, 18.0, 45.7])
    assert found["x"] == [3] * 5
    assert found["y"] == [45.7] * 5
    (only,) = _traces(figure, 3)  # it says nothing of single epochs
    assert only["y"] == [7.0]
    axis = figure.layout["yaxis"]
    low, high = (10**end for end in axis["range"])
    assert low > 45.7 > 5.5 > high
    numbers = dict(zip(axis["ticktext"], axis["tickvals"], strict=True))
    assert numbers["90"] == 10
    assert 4 <= len(numbers) <= 12


def test_values_that_are_no_percentages_have_a_plain_axis(frames):
    runs, epochs = frames
    figure = evidence_figure((runs.assign(unit="points"), epochs))
    assert _traces(figure, 3)[0]["y"] == [93.0]
    assert "type" not in figure.layout["yaxis"]


def test_ticks_are_enough_where_values_are_alike(frames):
    runs, epochs = frames
    close = runs.assign(true_value=94.4, random_5=94.1, random_25=94.2, random_50=94.3)
    close = close.assign(random_75=94.35, random_95=94.4)
    axis = evidence_figure((close, epochs[:0])).layout["yaxis"]
    assert 4 <= len(axis["ticktext"]) <= 20


def test_the_table_has_a_row_a_method_and_what_is_free(frames, interval):
    table = evidence_table(frames)
    keys = [column.key for column in table.columns[1:]]
    rows = {row.title: dict(zip(keys, row.cells, strict=True)) for row in table.rows}
    gdas = rows["GDAS"]
    low, high = interval([91.0, 92.0, 90.0])
    assert gdas["true_value"].value == pytest.approx(91.0)
    assert gdas["true_value"].more["low_95"] == pytest.approx(low)
    assert gdas["true_value"].small == f"± {(high - low) / 2:.2f}"
    assert gdas["seeds_above_random_median"].value == pytest.approx(200 / 3)
    assert gdas["percentile"].value == 60
    assert gdas["cpu_minutes"].value == pytest.approx(12.0)  # 11, and one more a seed
    assert gdas["cpu_minutes"].small == "at most 13.0"
    assert gdas["cpu_minutes"].more["training"] == pytest.approx(11.0)
    assert rows["DARTS"]["operations"].text == "5 skip, 1 none"
    assert rows["DARTS"]["kendall_tau"].value is None
    assert rows["SPOS"]["kendall_tau"].value == 0.25
    foot = {row.title: row.cells[1].value for row in table.foot}
    assert foot == {
        "one random architecture, median": 90.5,
        "best of 3 random ones, median": 91.0,
        "most parameters and FLOPs": 93.75,
        "best there is": 94.5,
    }


def test_frames_from_parquet_give_the_same_figure(frames, tmp_path):
    read = []
    for place, frame in enumerate(frames):
        frame.to_parquet(tmp_path / f"{place}.parquet")
        read.append(pd.read_parquet(tmp_path / f"{place}.parquet"))
    assert evidence_figure(tuple(read)) == evidence_figure(frames)
    assert evidence_table(tuple(read)) == evidence_table(frames)


def test_other_spaces_targets_and_candidates_have_figures_of_their_own(frames):
    runs, epochs = frames
    other = runs.assign(run="b/" + runs["run"], target="bench:cifar100.test_accuracy")
    part = runs.assign(run="c/" + runs["run"], operations="only-conv")
    mixed = (
        pd.concat([runs, other, part], ignore_index=True),
        pd.concat([epochs.assign(run=prefix + epochs["run"]) for prefix in ("", "b/", "c/")]),
    )
    assert len(evidence_groups(mixed)) == 3
    blocks = evidence_blocks(mixed)
    names = [block.name for block in blocks if block.kind == "figure"]
    assert names == ["evidence-0", "evidence-1", "evidence-2"]
    with pytest.raises(HwbenchError, match="are of 3 spaces, candidates and targets"):
        evidence_figure(mixed)


def test_runs_without_true_values_are_in_no_figure(frames):
    runs, epochs = frames
    assert evidence_blocks((runs.assign(target=None), epochs)) == []


def test_the_best_so_far_stands_beside_as_many_random_ones(frames):
    figure = best_figure(frames, "best")
    assert [trace["line"]["dash"] for trace in figure.data] == ["solid", "dot"] * 2
    assert figure.data[0]["y"] == pytest.approx([11.0, 11.0, 11.0])
    assert figure.data[1]["y"] == [9.0] * 3
    assert best_figure((frames[0], frames[1][:0]), "best") is None


def test_operations_of_what_would_be_chosen_are_counted(frames):
    entries = method_entries(frames[0], "choices")
    figures = {figure.title: figure for figure in choices_figures("choices", frames, entries)}
    skips = figures["skip connections of what would be chosen"]
    assert [trace["y"] for trace in skips.data] == [[0, 0, 5], [0, 0, 0]]
    zeros = figures["zeros of what would be chosen"]
    assert [trace["y"] for trace in zeros.data] == [[1, 0, 1], [1, 0, 1]]
    assert (
        operations_chosen("nasbench201", [SKIPS, CONVS])
        == "2.5 skip, 2.5 conv 3\N{MULTIPLICATION SIGN}3, 1 none"
    )
    assert operations_chosen("of another package", [SKIPS]) == ""


def test_a_page_of_several_runs_begins_with_the_answer(
    evidence_folders, tmp_path, words_of, figures_of, write_live_run
):
    stopped = write_live_run(tmp_path / "stopped", "Stopped", ended=False)
    page = write_report([*evidence_folders, stopped], tmp_path / "page.html")
    summary = words_of(page).partition("Summary")[2].partition("Summary")[2]
    summary = summary or words_of(page).partition("Summary")[2]
    order = [
        "DARTS: 54.30 % in 5 of 5 seeds, worse than 98 % of random ones",
        "What each method would choose after each epoch",
        "What each method truly found",
        "Method by method",
        "5 of 5 epochs on ",
        "Choices over the epochs",
    ]
    places = [summary.index(words) for words in order]
    assert places == sorted(places)
    figures = figures_of(page)
    assert {"evidence-0", "choices-0-best", "choices-0-0"} <= set(figures)
    text = page.read_text(encoding="utf-8").partition('<script id="plotly">')[0]
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    unfolded = re.sub(r'<details class="fold">.*?</details>\s*</section>', "", text, flags=re.S)
    assert 'id="evidence-0"' in unfolded
    assert 'id="truth-0"' not in unfolded


def test_hostile_titles_stay_text(frames):
    runs, epochs = frames
    hostile = "<script>alert(1)</script>"
    named = (runs.assign(method=hostile), epochs.assign(method=hostile))
    assert all("<script>" not in str(words) for words in evidence_words(named))
    figure = evidence_figure(named)
    texts = [text for trace in figure.data for text in trace.get("text", [])]
    assert all("<script>" not in text for text in texts)
