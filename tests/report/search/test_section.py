"""The report's section on searches: its numbers by hand, and a page that holds them."""

import json

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.search import (
    best_under_limits,
    curve_places,
    hypervolume_curves,
    hypervolume_shares,
    regret_curves,
    true_best_under_limit,
)
from hwbench.report import write_report

METRIC = "latbench:latency"


def evaluations():
    """Two strategies, two seeds, four evaluations; the third is the first within 3 ms."""
    rows = []
    for strategy, bonus in (("ours", 2.0), ("theirs <b>", 0.0)):
        for seed in (0, 1):
            for evaluation, (accuracy, metric) in enumerate(
                [(60, 5.0), (70, 6.0), (50 + bonus + seed, 2.5), (55, 4.0)], start=1
            ):
                rows.append(
                    {
                        "strategy": strategy,
                        "accuracy_target": "t:accuracy",
                        "metric_target": METRIC,
                        "goal": "front",
                        "limit": np.nan,
                        "seed": seed,
                        "evaluation": evaluation,
                        "arch": f"|a~{evaluation}|",
                        "accuracy": float(accuracy),
                        "metric": metric,
                        "hypervolume": 0.2 * evaluation + 0.1 * bonus,
                    }
                )
    return pd.DataFrame(rows)


def fronts():
    return pd.DataFrame(
        {
            "metric_target": METRIC,
            "arch": ["|x|", "|y|", "|z|"],
            "accuracy": [40.0, 58.0, 75.0],
            "metric": [1.0, 3.0, 6.5],
            "hypervolume": 2.0,
        }
    )


def test_shares_and_regrets():
    shares = hypervolume_shares(evaluations(), fronts(), [2, 4])
    ours = shares[shares["strategy"] == "ours"]
    assert sorted(ours["share"]) == pytest.approx([0.3, 0.3, 0.5, 0.5])
    assert true_best_under_limit(fronts(), METRIC, 3.0) == 58.0
    assert np.isnan(true_best_under_limit(fronts(), METRIC, 0.5))
    curves = regret_curves(evaluations(), fronts(), {METRIC: [3.0]})
    free = curves[curves["limit"].isna() & (curves["strategy"] == "ours")]
    assert free["mean"].tolist() == [15, 5, 5, 5]
    bound = curves[(curves["limit"] == 3.0) & (curves["strategy"] == "ours")]
    assert bound["mean"].tolist() == [58, 58, 58 - 52.5, 58 - 52.5]
    assert bound["seeds"].tolist() == [2] * 4
    assert hypervolume_curves(evaluations(), fronts())["mean"].max() == pytest.approx(0.5)


def test_best_under_limits():
    found = best_under_limits(evaluations(), {METRIC: [3.0, 5.0]}, [2, 4])
    at = found.set_index(["strategy", "seed", "limit", "evaluation"])
    assert np.isnan(at.loc[("ours", 0, 3.0, 2), "accuracy"])
    assert at.loc[("ours", 1, 3.0, 4), ["accuracy", "value"]].tolist() == [53.0, 2.5]
    assert at.loc[("theirs <b>", 0, 5.0, 2), ["accuracy", "value"]].tolist() == [60.0, 5.0]
    one = evaluations().assign(goal="limits", limit=3.0)
    only = best_under_limits(one, {METRIC: [3.0, 5.0]}, [4])
    assert set(only["limit"]) == {3.0}  # a search for one limit says nothing of another


def test_places_of_a_curve():
    assert curve_places(4) == [1, 2, 3, 4]
    places = curve_places(550)
    assert (places[0], places[-1]) == (1, 550)
    assert len(places) <= 60


def test_the_page(tmp_path):
    evaluations().to_parquet(tmp_path / "search.parquet")
    fronts().to_parquet(tmp_path / "search_fronts.parquet")
    verified = [
        {
            "strategy": "ours",
            "metric_target": METRIC,
            "seed": seed,
            "training_size": size,
            "kendall_tau": 0.8,
            "mra_all": 1.0,
            "mra_pareto": 0.5,
            "mra_all_expected": 1.2,
            "mra_pareto_expected": 0.4,
        }
        for seed in (0, 1)
        for size in (25, 124)
    ]
    pd.DataFrame(verified).to_parquet(tmp_path / "search_verified.parquet")
    published = {"metric": METRIC, "limit": 3.0, "method": "BRP-NAS", "accuracy": 63.89}
    spec = {"checkpoints": [2, 4], "limits": {METRIC: [3.0, 5.0]}, "published": [published]}
    info = {
        "title": "Searches",
        "spec": {"search": spec},
        "search_failures": [{"strategy": "ours", "seed": 3, "error": "Traceback\nKeyError: '<x>'"}],
    }
    (tmp_path / "run.json").write_text(json.dumps(info))
    text = write_report(tmp_path).read_text(encoding="utf-8")
    for part in (
        "search-hypervolume-0",
        "search-regret-0",
        "search-regret-2",
        "search-front-0-4",
        "search-limits-0-2",
        "search-mra-pareto-0",
        "theirs &lt;b&gt;",
        "KeyError: &#39;&lt;x&gt;&#39;",
        "63.89",
        "52.50",
        "Best there is",
        "16 evaluations",
        "search-nearness-0",
        "search-attained-0",
    ):
        assert part in text, part
    assert "theirs <b>" not in text.split('<script id="plotly">')[0]
