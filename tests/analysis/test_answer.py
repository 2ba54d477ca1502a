"""What a study answers first, by hand on small frames."""

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.answer import answers_by_size, enough, leaders


def study(taus, *, seeds=4, targets=("t:a", "t:b"), times=None):
    """Trials with tau by (predictor, size); seeds differ by a hundredth, targets by a tenth."""
    rows = [
        {
            "target": target,
            "predictor": predictor,
            "training_size": size,
            "seed": seed,
            "kendall_tau": tau + 0.01 * seed + 0.1 * place,
            "fit_seconds": (times or {}).get(predictor, 1.0),
            "own_training_set": False,
            "error": None,
        }
        for (predictor, size), tau in taus.items()
        for place, target in enumerate(targets)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


TAUS = {("a", 10): 0.5, ("b", 10): 0.3, ("a", 100): 0.6, ("b", 100): 0.8}


def test_the_best_at_every_size():
    found = answers_by_size(study(TAUS))
    assert [(each.training_size, each.predictor) for each in found] == [(10, "a"), (100, "b")]
    first = found[0]
    assert first.tau == pytest.approx(0.5 + 0.015 + 0.05)
    assert first.low < first.tau < first.high
    assert first.taus == pytest.approx({"t:a": 0.515, "t:b": 0.615})
    assert (first.seeds, first.equals) == (4, ())
    assert enough(found) is found[1]


def test_of_those_that_are_as_good_the_fastest_is_named():
    frame = study({("slow", 10): 0.5, ("fast", 10): 0.5}, times={"slow": 9.0, "fast": 0.1})
    ahead = np.array([0.01, -0.008, 0.01, -0.008])[frame["seed"]]
    frame["kendall_tau"] += np.where(frame["predictor"] == "slow", ahead, 0.0)
    (found,) = answers_by_size(frame)
    assert found.predictor == "fast"
    assert found.equals == ("slow",)
    assert found.fit_seconds == 0.1


def test_one_that_lacks_a_score_somewhere_takes_no_part():
    frame = study(TAUS)
    lacks = (frame["predictor"] == "b") & (frame["target"] == "t:b") & (frame["seed"] == 1)
    frame.loc[lacks, "kendall_tau"] = np.nan
    assert [each.predictor for each in answers_by_size(frame)] == ["a", "a"]


def test_of_a_seed_that_is_not_at_its_end_nothing_counts():
    whole = study(TAUS, seeds=2)
    begun = study({("b", 10): 0.9}, seeds=3, targets=("t:a",))
    frame = pd.concat([whole, begun[begun["seed"] == 2]])
    assert answers_by_size(frame) == answers_by_size(whole)


def test_a_lookup_table_of_one_seed_at_a_size_leaves_all_seeds_of_the_others():
    frame = study(TAUS)
    table = study({("lookup_table", 10): 0.9}, seeds=1).assign(own_training_set=True)
    assert answers_by_size(pd.concat([frame, table])) == answers_by_size(frame)


def test_sizes_that_a_target_lacks_are_left_out():
    frame = study(TAUS)
    frame = frame[(frame["target"] == "t:a") | (frame["training_size"] == 10)]
    assert [each.training_size for each in answers_by_size(frame)] == [10]


def test_one_seed_tells_nothing_apart():
    found = answers_by_size(study(TAUS, seeds=1))
    assert np.isnan(found[0].low)
    assert found[0].equals == ()


def test_leaders_are_the_best_and_then_the_next():
    frame = study({**TAUS, ("c", 10): 0.45, ("c", 100): 0.79, ("d", 10): 0.1, ("d", 100): 0.1})
    assert leaders(frame, answers_by_size(frame), 3) == ["a", "b", "c"]
    assert leaders(frame, answers_by_size(frame), 1) == ["a", "b"]
