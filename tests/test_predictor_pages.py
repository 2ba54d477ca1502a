"""Pages of predictors say when to use one; their snippets run; curves are of shipped scores."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.assets import asset_files
from hwbench.predictors import predictor_card

ROOT = Path(__file__).resolve().parent.parent
NAMES = list(asset_files("predictors", ".toml"))
QUICK = {name for name in NAMES if predictor_card(name).cost <= 2}


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import predictor_pages

    yield predictor_pages
    del sys.modules["predictor_pages"]


def as_table(columns, rows):
    return "".join("|".join(map(str, row)) + "\n" for row in [columns, *rows])


def test_every_card_says_when_to_use_it():
    for name in NAMES:
        when = predictor_card(name).when
        assert 40 < len(when) < 260, name
        assert when.endswith("."), name


def test_when_is_no_part_of_what_a_predictor_is():
    card = predictor_card("ridge")
    assert card.model_dump(mode="json") == card.model_copy(update={"when": ""}).model_dump(
        mode="json"
    )


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
def test_snippets(name, pages, hwbench_home):
    names = {}
    exec(compile(pages.snippet(name), name, "exec"), names)  # noqa: S102  our own text
    table = hb.load_table("hw-nas-bench")
    assert names["predicted"].shape == (len(table),)
    tau = kendalltau(names["predicted"], table.column("cifar10.edgegpu_latency"))[0]
    assert tau > 0.1  # a lookup table ranks this device little better
    assert ("deviation" in names) == predictor_card(name).uncertainty


def scores(tmp_path):
    rows = [
        {
            "target": target,
            "predictor": predictor,
            "encoding": predictor_card(predictor).encoding,
            "tuning": tuning,
            "training_size": size,
            "seed": seed,
            "kendall_tau": tau + size / 1000,
            "fit_cpu_seconds": 0.02,
            "predict_seconds": 2.0,
            "failure": None,
        }
        for target in ("a:x", "a:y")
        for size in (25, 124)
        for seed in (0, 1)
        for predictor, tau, tuning in (("svm", 0.5, ""), ("ridge", 0.6, ""), ("svm", 0.9, "x"))
        if not (predictor == "ridge" and target == "a:y")
    ]
    path = tmp_path / "study_scores.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path


def test_curve_and_cost_are_those_of_the_shipped_scores(pages, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SCORES", scores(tmp_path))
    page = pages.predictor_page("svm", as_table)
    assert (
        "measurements|tau|more than Ridge regression|a fit|predicting the test set|targets / seeds"
        in page
    )
    assert "25|0.525|-0.100|20\u00a0ms|2.0\u00a0s|2 / 2" in page
    assert "124|0.624|-0.100|20\u00a0ms|2.0\u00a0s|2 / 2" in page
    assert page.count("<polyline") == 1
    assert pages.overview("svm") == ("0.62", "20\u00a0ms")
    assert "Learning curve" not in pages.predictor_page("gcn", as_table)


def test_without_shipped_scores_there_is_no_curve(pages, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SCORES", tmp_path / "none.parquet")
    page = pages.predictor_page("svm", as_table)
    assert "Learning curve" not in page
    assert predictor_card("svm").when in page
    assert pages.overview("svm") == ("", "")
