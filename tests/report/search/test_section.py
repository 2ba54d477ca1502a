"""The report's section on searches: its numbers by hand, and a page that holds them."""

import json

import moocore
import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.search import (
    attainment_surfaces,
    best_under_limits,
    curve_places,
    front_distances,
    hypervolume_curves,
    hypervolume_shares,
    regret_curves,
    true_best_under_limit,
    true_fronts,
)
from hwbench.errors import HwbenchError
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
            "accuracy": [40.0, 62.0, 75.0],
            "metric": [1.0, 2.0, 5.5],
            "hypervolume": 2.0,
        }
    )


def test_shares_and_regrets():
    shares = hypervolume_shares(evaluations(), fronts(), [2, 4])
    ours = shares[shares["strategy"] == "ours"]
    assert sorted(ours["published_share"]) == pytest.approx([0.3, 0.3, 0.5, 0.5])
    # The box: 75 to 40 % and 1 to 5.5; a tenth around it, down to 36.5 % and up to 5.95. After two
    # there is 60 % at 5; 70 % at 6 lies beyond.
    whole = 1 * 3.5 + 3.5 * 25.5 + 0.45 * 38.5
    after_two = 0.95 * 23.5 / whole
    assert ours.loc[ours["evaluation"] == 2, "share"].tolist() == pytest.approx([after_two] * 2)
    assert true_best_under_limit(fronts(), METRIC, 3.0) == 62.0
    assert np.isnan(true_best_under_limit(fronts(), METRIC, 0.5))
    curves = regret_curves(evaluations(), fronts(), {METRIC: [3.0]})
    free = curves[curves["limit"].isna() & (curves["strategy"] == "ours")]
    assert free["mean"].tolist() == [15, 5, 5, 5]
    bound = curves[(curves["limit"] == 3.0) & (curves["strategy"] == "ours")]
    assert bound["mean"].tolist() == [62, 62, 62 - 52.5, 62 - 52.5]
    assert bound["median"].tolist() == [62, 62, 62 - 52.5, 62 - 52.5]
    assert bound["seeds"].tolist() == [2] * 4
    published = hypervolume_curves(evaluations(), fronts(), "published_share")
    assert published["mean"].max() == pytest.approx(0.5)
    columns = ["median", "lower", "upper", "mean"]
    assert hypervolume_curves(evaluations(), fronts())[columns].max().max() < 1


def test_distances_are_those_of_moocore():
    found = front_distances(evaluations(), fronts(), [2])
    front = np.array([[1.0, 0.0], [13 / 35, 1 / 4.5], [0.0, 1.0]])
    points = np.array([[15 / 35, 4 / 4.5], [5 / 35, 5 / 4.5]])
    for row in found.itertuples():
        assert row.igd_plus == pytest.approx(moocore.igd_plus(points, ref=front))
        assert row.epsilon_additive == pytest.approx(moocore.epsilon_additive(points, ref=front))


def test_a_front_of_one_point_needs_its_nadir():
    one = fronts()[2:]
    assert true_fronts(one) == {}
    assert hypervolume_shares(evaluations(), one, [4])["share"].isna().all()
    assert front_distances(evaluations(), one, [4]).empty
    known = one.assign(nadir_accuracy=10.0, nadir_metric=9.0)
    assert true_fronts(known)[METRIC].nadir == (10.0, 9.0)


def test_shares_are_never_above_one():
    rounded = evaluations()
    rounded.loc[rounded["evaluation"] == 4, "hypervolume"] = 2.0 * (1 + 4e-16)
    shares = hypervolume_shares(rounded, fronts(), [4])
    assert shares["published_share"].tolist() == [1.0] * 4
    rounded.loc[rounded["evaluation"] == 4, "hypervolume"] = 2.1
    with pytest.raises(HwbenchError, match=r"1\.0500 of the hypervolume .* not of the same tables"):
        hypervolume_shares(rounded, fronts(), [4])


def test_attainment_surfaces_count_seeds():
    found = attainment_surfaces(evaluations()[evaluations()["strategy"] == "ours"])
    assert set(found["seeds"]) == {2}
    corners = {
        share: list(zip(own["metric"], own["accuracy"], strict=True))
        for share, own in found.groupby("percentage")
    }
    # Seed 1 found 53 % at 2.5, seed 0 found 52 %: one of two attains 53 %, both attain 52 %.
    rest = [(4.0, 55.0), (5.0, 60.0), (6.0, 70.0)]
    assert corners == {25: [(2.5, 53.0), *rest], 50: [(2.5, 53.0), *rest], 75: [(2.5, 52.0), *rest]}
    assert attainment_surfaces(evaluations()[:0]).empty


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
        "search-hypervolume-published-0",
        "search-distances-0",
        "search-attainment-0-4",
        "ideal 75.00 % at 1, nadir 40.00 % at 5.5",
        "search-limits-0-2",
        "search-mra-pareto-0",
        "theirs &lt;b&gt;",
        "KeyError: &#39;&lt;x&gt;&#39;",
        "63.89",
        "52.50",
        "Best there is",
        "16 evaluations",
    ):
        assert part in text, part
    assert "theirs <b>" not in text.split('<script id="plotly">')[0]
