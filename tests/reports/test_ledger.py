"""The ledger holds every published number against the results that are kept, and hides none."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from hwbench.analysis.published import BEST, LINEAR, SIZES
from hwbench.results.leaderboard import read_scores

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ledger():
    spec = importlib.util.spec_from_file_location("ledger", ROOT / "docs" / "ledger.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept(ledger):
    return ledger.Kept()


@pytest.fixture(scope="module")
def rows(ledger, kept):
    return ledger.rows(kept)


def test_every_published_number_stands_on_the_page(ledger, rows, kept):
    page = ledger.page(kept)
    assert len(rows) > 500
    for row in rows:
        assert row["published"] in page
        float(row["published"])
        assert row["ours"] or row["note"], row  # what cannot run says what it would take
    assert {row["source"] for row in rows} >= {"LAUBE", "CHOE", "NA", "YANG"}


def test_what_fails_stands_first_and_the_rest_is_folded(ledger, rows, kept):
    page = ledger.page(kept)
    shown = page.partition("<details>")[0].replace("<wbr>", "")
    failing = [row for row in rows if "**" in row["verdict"]]
    assert failing
    for row in failing:
        assert f"| {row['what']} | {row['published']}" in shown
    assert page.count("<details>") == page.count("</details>") == 5
    agreeing = sum(row["verdict"].startswith("agrees") for row in rows)
    assert f"{agreeing} agree" in shown


def test_numbers_are_those_that_the_figures_draw(rows):
    found = {row["what"]: float(row["published"]) for row in rows}
    for target, taus in LINEAR.items():
        column = target.partition(":")[2]
        for size, tau in zip(SIZES, taus, strict=True):
            assert found[f"linear regression, {size} measurements, {column}"] == tau
    for size, tau in zip(SIZES, BEST, strict=True):
        what = f"best of the 18 predictors, {size} measurements, mean over five tables"
        assert found[what] == pytest.approx(tau)


def test_ours_are_means_of_the_scores_that_are_kept(rows):
    scores = read_scores()
    for row in rows:
        way, *arguments = row["ours"].split() or [""]
        if way != "lookup" or row["found"] is None:
            continue
        own = scores[(scores["predictor"] == "lookup_table") & (scores["target"] == arguments[0])]
        assert row["found"].value == pytest.approx(own["kendall_tau"].mean())
        # Which has no randomness: it is as published.
        assert row["verdict"] == "agrees"


@pytest.mark.parametrize(
    ("published", "value", "unit", "verdict"),
    [
        ("0.50", 0.52, "tau", "agrees"),
        ("0.50", 0.53, "tau", "**differs**"),
        ("1.43", 1.20, "points", "**differs**"),
        ("0.42", 0.4176, "M", "agrees"),
    ],
)
def test_verdicts(ledger, published, value, unit, verdict):
    row = {
        "source": "LAUBE",
        "place": "Table A.2",
        "what": "a number",
        "ours": "study",
        "unit": unit,
        "published": published,
        "found": ledger.Ours(value),
    }
    assert ledger._verdict(row) == verdict
    aimed = {**row, "what": "best of the 18 predictors", "published": "73.09"}
    assert ledger._verdict({**aimed, "found": ledger.Ours(73.087)}) == "agrees"
    assert ledger._verdict({**aimed, "found": ledger.Ours(73.096)}) == "ours is higher"
    assert ledger._verdict({**aimed, "found": ledger.Ours(73.084)}) == "**ours is lower**"
    assert ledger._verdict({**row, "found": None}) == "not run yet"
    assert ledger._verdict({**row, "ours": ""}) == "cannot run here"


def test_the_best_is_told_where_most_have_a_score(ledger):
    class Few:
        scores = pd.DataFrame(
            [
                {
                    "target": target,
                    "predictor": name,
                    "training_size": size,
                    "seed": seed,
                    "kendall_tau": 0.5 + 0.01 * place,
                    "own_training_set": False,
                }
                for target in LINEAR
                for place, name in enumerate([*ledger.EIGHTEEN, "auto"])
                for size in (11, 25)
                for seed in ((0, 1, 2) if name == "linear" else (0,))
                if size == 11 or place < 3
            ]
        )

    found = ledger.best(Few, "11")
    assert found.value == pytest.approx(0.5 + 0.01 * (len(ledger.EIGHTEEN) - 1))
    assert "of the whole zoo auto" in found.note
    assert found.seeds == 1  # of the best alone, whatever others have
    assert ledger.best(Few, "25") is None


def test_searches_under_a_limit_stand_beside_what_costs_nothing(ledger, tmp_path):
    names = [("Algorithm 1, ours", 70.0), ("Random search", 66.0), ("FLOPs alone", 67.0)]
    rows = [
        {
            "strategy": name,
            "metric_target": "a:b",
            "limit": 3.0,
            "seed": seed,
            "accuracy": best + seed,
        }
        for name, best in names
        for seed in (0, 1)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "limited_searches.parquet")
    kept = ledger.Kept()
    kept.folder = tmp_path
    found = ledger.limited(kept, "a:b", "3")
    assert (found.value, found.seeds) == (70.5, 2)
    assert found.note == "Algorithm 1, ours, Random search 66.50, FLOPs alone 67.50"
    assert ledger.limited(kept, "a:b", "5") is None


def test_vaes_are_told_by_their_file(ledger, tmp_path):
    rows = [{"file": "nb101", "validity": 76.0}, {"file": "nb101-final", "validity": 98.0}]
    pd.DataFrame(rows).to_parquet(tmp_path / "vaes.parquet")
    kept = ledger.Kept()
    kept.folder = tmp_path
    found = ledger.vae(kept, "nb101", "validity")
    assert (found.value, found.note) == (76.0, "after the further epochs with --tallied 98.00")
    assert ledger.vae(kept, "enas", "validity") is None
