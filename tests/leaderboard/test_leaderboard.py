"""Standings from stored scores, the page of them, and what is taken beside hwbench's own."""

import json

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
import hwbench.results.leaderboard as files
from hwbench.errors import HwbenchError
from hwbench.leaderboard.collecting import collected
from hwbench.leaderboard.contributing import add_run, outdated_entries, remove_contribution
from hwbench.leaderboard.page import render
from hwbench.leaderboard.standings import chosen_size, chosen_targets, learning_curves, standings

LATENCY, ACCURACY = "small:latency", "small:test_accuracy"


@pytest.fixture
def board(shipped):
    return files.read_board()


def test_scores_are_those_of_the_run_and_grow_with_it(shipped, run_study, tmp_path):
    scores = files.read_scores()
    trials = hb.read_trials(tmp_path / "ours")
    both = scores.merge(trials, on="trial", suffixes=("", "_run"))
    assert len(both) == len(scores) == len(trials)
    np.testing.assert_allclose(both["kendall_tau"], both["kendall_tau_run"], atol=1e-6)
    failed = scores[scores["predictor"] == "lookup_table"]
    assert failed["kendall_tau"].isna().all()
    assert failed["failure"].str.contains("lacks").all()
    # The same run again, and another one beside it.
    again = files.joined(scores, files.read_runs(), *collected(tmp_path / "ours"))
    other = files.joined(*again, *collected(run_study("more", ("linear",))))
    assert len(again[0]) == len(scores)
    assert len(other[0]) == len(scores) + 10
    assert set(other[1]) == {"ours", "more"}
    # All fits of the other one run once more, by a run of another name.
    replaced = files.joined(*other, *collected(tmp_path / "more", "later"))
    assert len(replaced[0]) == len(other[0])
    assert set(replaced[1]) == {"ours", "later"}


def test_standings_are_of_common_fits(board):
    targets = chosen_targets(board, targets=[LATENCY])
    found = standings(board, targets, 40).table.set_index("predictor")
    trials = board.scores[board.scores["target"] == LATENCY]
    at = trials[(trials["training_size"] == 40) & trials["kendall_tau"].notna()]
    wide = at.pivot(index="seed", columns="predictor", values="kendall_tau")
    assert "random_forest" not in found.index  # it stops at 10
    assert found.loc["ridge", "mean"] == pytest.approx(wide["ridge"].mean())
    free = board.targets()[LATENCY]["baselines"]
    rivals = [wide["bayesian_ridge_counts"], *(pd.Series(tau, wide.index) for tau in free.values())]
    won = [(wide["ridge"] > rival) + 0.5 * (wide["ridge"] == rival) for rival in rivals]
    assert found.loc["ridge", "win_rate"] == pytest.approx(np.mean(won))
    assert found["elo"].is_monotonic_decreasing
    assert found.loc["random", "elo"] == found["elo"].min()


def test_more_seeds_than_others_have_are_no_advantage(board):
    rows = board.scores[(board.scores["predictor"] == "ridge") & (board.scores["seed"] < 3)]
    alone = [rows.assign(predictor="alone", title="Alone", seed=rows["seed"] + n) for n in (0, 9)]
    more = files.Board(pd.concat([board.scores, *alone]), board.runs)
    table = standings(more, [LATENCY], 40).table.set_index("predictor")
    assert table.loc["alone", "fits"] == 3  # of six: no other has the later seeds
    ridge = rows[(rows["target"] == LATENCY) & (rows["training_size"] == 40)]
    assert table.loc["alone", "mean"] == pytest.approx(ridge["kendall_tau"].mean())


def test_targets_and_sizes_are_chosen_or_refused(board):
    assert chosen_targets(board, kind="accuracy") == [ACCURACY]
    assert set(chosen_targets(board, space="nasbench201")) == {LATENCY, ACCURACY}
    assert chosen_size(board.scores, [LATENCY], None) == 40
    with pytest.raises(HwbenchError, match="did you mean 'latency'"):
        chosen_targets(board, kind="latencey")
    with pytest.raises(HwbenchError, match="'41'"):
        chosen_size(board.scores, [LATENCY], 41)
    with pytest.raises(HwbenchError, match="unknown score 'tau'"):
        standings(board, [LATENCY], 40, score="tau")


def test_curves_need_every_target(board):
    both = learning_curves(board, [LATENCY, ACCURACY])
    assert set(both["predictor"]) == {"ridge", "bayesian_ridge_counts", "random_forest"}
    forest = both[both["predictor"] == "random_forest"]
    assert forest["training_size"].tolist() == [10]
    assert (both["seeds"] == 5).all()


def test_a_study_of_ones_own_is_added_and_removed(board, run_study, own_card):
    own_card("mine")
    added = add_run(run_study("theirs", ("mine", "ridge")), board)
    assert (added.fits, added.shared, added.agreeing) == (20, 10, 10)
    with_it = files.read_board()
    found = standings(with_it, [LATENCY], 40).table
    assert set(found.loc[found["predictor"] == "ridge", "origin"]) == {"hwbench", "theirs"}
    assert files.read_board(contributed=False).scores["origin"].unique() == ["hwbench"]
    page = render(with_it)
    assert "contributed by theirs" in page
    assert 'id="run-theirs-theirs"' in page
    remove_contribution("theirs")
    assert len(files.read_board().scores) == len(board.scores)
    with pytest.raises(HwbenchError, match="unknown contribution 'theirs'"):
        remove_contribution("theirs")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": [0, 1]}, "takes 0, 1, 2, 3, 4"),
        ({"seeds": [1, 2, 3, 4, 5]}, "takes 0, 1, 2, 3, 4"),
        ({"sizes": [10, 41]}, "is fitted to 41 measurements"),
        ({"test_size": 51}, "set test_size = 50"),
        ({"more": 'target_transform = "log"'}, "sets target_transform to log"),
        ({"more": 'encodings = ["path"]'}, "sets encodings"),
    ],
)
def test_another_study_is_refused(board, run_study, changes, message):
    with pytest.raises(HwbenchError, match=message):
        add_run(run_study("theirs", **changes), board)


def test_what_is_not_whole_or_not_the_same_is_refused(
    board, run_study, own_card, make_table, hwbench_home
):
    run = run_study("theirs")
    record = json.loads((run / "run.json").read_text())

    def refused(message, change):
        changed = json.loads(json.dumps(record))
        change(changed)
        (run / "run.json").write_text(json.dumps(changed))
        with pytest.raises(HwbenchError, match=message) as caught:
            add_run(run, board)
        assert "\n" not in str(caught.value)

    def other_code(changed):
        changed["study"]["code"]["predictors"]["ridge"] = "0" * 16

    def other_card(changed):
        changed["predictors"]["ridge"]["defaults"]["alpha"] = 2.0

    refused("lacks seed 5 of ridge", lambda it: it["spec"]["study"]["seeds"].append(5))
    refused("was run by other code", other_code)
    refused("is not the zoo's", other_card)
    refused("by another hwbench", lambda it: it["study"]["code"].update(trial="0" * 16))
    refused("part of a study", lambda it: it.update(shard=[1, 2]))
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(HwbenchError, match="give another"):
        add_run(run, board, name="../up")
    make_table(seed=1).save(hwbench_home / "tables" / "small.parquet")
    with pytest.raises(HwbenchError, match="holds other values than the leaderboard's"):
        add_run(run_study("elsewhere"), board)


def test_nothing_of_others_runs_in_the_page(board, run_study, own_card):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>%{y}"
    own_card("mine", hostile)
    add_run(run_study("theirs", ("mine",)), board)
    page = render(files.read_board())
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("predictor", "<b>", "is no name"),
        ("run", "../x", "is no name"),
        ("title", "a\nb", "printable"),
        ("kendall_tau", 2.0, "goes beyond -1 and 1"),
        ("seed", -1, "negative"),
        ("run", "nobody", "lacks the run nobody"),
    ],
)
def test_a_broken_contribution_is_left_out_and_named(
    board, run_study, hwbench_home, column, value, message
):
    folder = add_run(run_study("theirs"), board).folder
    scores = pd.read_parquet(folder / files.SCORES_FILE)
    scores[column] = value
    scores.to_parquet(folder / files.SCORES_FILE)
    found = files.read_board()
    assert set(found.scores["origin"]) == {"hwbench"}
    (fault,) = found.faults
    assert message in fault
    assert "contribution theirs is left out" in fault


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run["spec"].pop("training_sizes"), "training_sizes"),
        (lambda run: run["spec"].update(costly={"seconds": "long"}), "costly"),
        (lambda run: run["targets"][LATENCY].update(digest="0"), "holds other values there"),
        (lambda run: run["targets"][LATENCY].update(baselines={"flops": "<b>"}), "baselines"),
        (lambda run: run.pop("machine"), "machine"),
    ],
)
def test_a_contribution_of_a_broken_record_is_left_out_and_named(board, run_study, change, message):
    path = add_run(run_study("theirs"), board).folder / files.RUNS_FILE
    record = json.loads(path.read_text())
    change(record["runs"]["theirs"])
    path.write_text(json.dumps(record))
    found = files.read_board()
    assert set(found.scores["origin"]) == {"hwbench"}
    (fault,) = found.faults
    assert message in fault


def test_what_other_code_made_is_told(board):
    assert outdated_entries(board) == {}
    board.runs["hwbench"]["ours"]["code"]["predictors"]["ridge"] = "0" * 16
    assert outdated_entries(board) == {"ridge": ["ours"]}
