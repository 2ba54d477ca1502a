"""Search experiments: the same numbers on any number of workers, whole files, clear refusals."""

import json

import numpy as np
import pandas as pd
import pytest

from hwbench.analysis.search import hypervolume_shares
from hwbench.errors import HwbenchError
from hwbench.runs.run import run_scenario
from hwbench.search import spec as spec_module
from hwbench.search.plan import planned_runs
from hwbench.search.run import run_search, write_search
from hwbench.search.spec import SearchSpec
from hwbench.search.tables import SearchTable
from hwbench.simulation import hypervolume, pareto_front
from hwbench.spaces import get_space
from hwbench.tables import ColumnCard, Table, TableCard
from hwbench.toml import validated


@pytest.fixture
def latency_gaps(hwbench_home, make_table):
    """The small table, and one of its latencies where some are missing."""
    table = make_table("small")
    table.save(hwbench_home / "tables" / "small.parquet")
    latency = table.column("latency").copy()
    latency[::10] = np.nan
    card = TableCard(
        name="gaps",
        title="t",
        space="nasbench201",
        created="2026-01-01",
        columns={
            "latency": ColumnCard(title="l", unit="ms", direction="minimize", source="s"),
            "speed": ColumnCard(title="s", unit="1/s", direction="maximize", source="s"),
        },
    )
    frame = pd.DataFrame({"latency": latency, "speed": 1 / latency})
    space = get_space("nasbench201")
    Table.from_indices(space.indices_of(table.archs), frame, card).save(
        hwbench_home / "tables" / "gaps.parquet"
    )
    return table


def small_spec(**changes):
    given = {
        "accuracy": "small:test_accuracy",
        "metrics": ["small:latency"],
        "strategies": [
            "random",
            {"name": "predictor_guided", "label": "guided", "parameters": {"predictor": "ridge"}},
        ],
        "evaluations": 60,
        "checkpoints": [30, 60],
        "n_initial": 20,
        "seeds": [0, 1],
    }
    return validated({**given, **changes}, SearchSpec, where="search")


def test_the_number_of_workers_changes_nothing(latency_gaps):
    spec = small_spec(predicted_metric={"predictor": "ridge", "training_sizes": [20], "repeats": 5})
    one, two = run_search(spec), run_search(spec, workers=2)
    assert one.failures == two.failures == ()
    for a, b in ((one.evaluations, two.evaluations), (one.verified, two.verified)):
        drop = [column for column in a if column.endswith("seconds")]
        pd.testing.assert_frame_equal(a.drop(columns=drop), b.drop(columns=drop))


def test_what_a_search_writes_is_true(latency_gaps):
    result = run_search(small_spec())
    table = SearchTable.load("small:test_accuracy", "small:latency")
    rows = result.evaluations
    assert len(rows) == 2 * 2 * 60
    for (_, seed), own in rows.groupby(["strategy", "seed"]):
        assert own["evaluation"].tolist() == list(range(1, 61))
        assert own["arch"].is_unique
        at = table.rows_of(table.space.from_strings(own["arch"]))
        np.testing.assert_array_equal(own["accuracy"], table.accuracy[at])
        np.testing.assert_array_equal(own["metric"], table.metric[at])
        volume = hypervolume(
            table.accuracy[at] / 100,
            table.standardised[at],
            reference_accuracy=0,
            reference_metric=table.reference_metric,
        )
        assert own["hypervolume"].iloc[-1] == pytest.approx(volume)
        first = rows[(rows["strategy"] == "Random search") & (rows["seed"] == seed)]
        assert own["arch"].tolist()[:20] == first["arch"].tolist()[:20]
    front = pareto_front(table.accuracy, table.metric)
    np.testing.assert_array_equal(result.fronts["metric"], table.metric[front])
    assert rows["hypervolume"].max() <= result.fronts["hypervolume"].iloc[0]
    assert rows["hypervolume_share"].between(0, 1).all()
    own = rows[(rows["strategy"] == "guided") & (rows["seed"] == 1)]
    share = table.true_front.hypervolume_share(own["accuracy"].to_numpy(), own["metric"].to_numpy())
    assert own["hypervolume_share"].iloc[-1] == share
    assert result.fronts["nadir_metric"].unique().tolist() == [table.metric[front[-1]]]
    assert result.fronts["ideal_accuracy"].unique().tolist() == [table.accuracy[front[-1]]]


def test_architectures_without_a_metric_are_no_candidates(latency_gaps):
    table = SearchTable.load("small:test_accuracy", "gaps:latency")
    assert len(table) == 180
    faster = SearchTable.load("small:test_accuracy", "gaps:speed")
    assert (faster.metric < 0).all()  # larger is better, so it enters negated
    result = run_search(small_spec(metrics=["gaps:latency"], evaluations=180, seeds=[0]))
    assert np.isfinite(result.evaluations["metric"]).all()
    shares = result.evaluations.groupby("strategy")["hypervolume"].max()
    # Both measured everything there is.
    np.testing.assert_allclose(shares, result.fronts["hypervolume"].iloc[0])
    found = hypervolume_shares(result.evaluations, result.fronts, [60, 180])
    assert (found[["share", "published_share"]] <= 1).all(axis=None)
    assert (found.loc[found["evaluation"] == 180, "share"] == 1).all()
    older = result.evaluations.drop(columns="hypervolume_share")
    again = hypervolume_shares(older, result.fronts, [60, 180])
    pd.testing.assert_frame_equal(found, again)


def test_goals(latency_gaps):
    spec = small_spec(
        strategies=["regularised_evolution"],
        goals=["front", "accuracy", "limits"],
        limits={"small:latency": [0.9, 1.1]},
        seeds=[0],
    )
    assert [(run.goal, run.limit) for run in planned_runs(spec)] == [
        ("front", None),
        ("accuracy", None),
        ("limits", 0.9),
        ("limits", 1.1),
    ]
    rows = run_search(spec).evaluations
    searches = rows.groupby(["goal", "limit"], dropna=False)["evaluation"].max()
    assert searches.tolist() == [60] * 4
    # From the same start, each goal leads elsewhere.
    ways = {
        (goal, limit): tuple(own["arch"])
        for (goal, limit), own in rows.groupby(["goal", "limit"], dropna=False)
    }
    assert len({way[:20] for way in ways.values()}) == 1
    assert len(set(ways.values())) == 4


def test_a_predicted_metric_is_verified(latency_gaps):
    spec = small_spec(
        predicted_metric={"predictor": "ridge", "training_sizes": [15, 100], "repeats": 20}
    )
    verified = run_search(spec).verified
    assert len(verified) == 2 * 2 * 2
    assert (verified["mra_pareto"] >= 0).all()
    assert verified["hypervolume_share"].between(0, 1).all()
    assert (verified[["igd_plus", "epsilon_additive"]] >= 0).all(axis=None)
    # A mean is made by few: half of the selections lose less.
    assert (verified["mra_all_expected_median"] <= verified["mra_all_expected"]).all()
    assert (verified["n_selected_pareto"] <= verified["n_selected"]).all()
    by_size = verified.groupby("training_size").mean(numeric_only=True)
    assert by_size["kendall_tau"].is_monotonic_increasing
    # The better predictor is expected to lose less.
    assert by_size["mra_all_expected"].is_monotonic_decreasing


def test_failures_are_kept_and_the_rest_goes_on(latency_gaps, monkeypatch, tmp_path):
    from hwbench.search.strategies.random_search import RandomSearch

    def fail(self, n_archs):
        raise ZeroDivisionError("by the strategy")

    monkeypatch.setattr(RandomSearch, "_propose", fail)
    failures = write_search(small_spec(), tmp_path).failures
    assert [(each["strategy"], each["seed"]) for each in failures] == [
        ("Random search", 0),
        ("Random search", 1),
    ]
    assert "ZeroDivisionError: by the strategy" in failures[0]["error"]
    assert set(pd.read_parquet(tmp_path / "search.parquet")["strategy"]) == {"guided"}
    with pytest.raises(HwbenchError, match=r"all 2 searches failed.*ZeroDivisionError"):
        run_search(small_spec(strategies=["random"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategies": ["randm"]}, "did you mean 'random'"),
        ({"strategies": ["random", "random"]}, "two strategies are called 'Random search'"),
        ({"strategies": [{"name": "random", "parameters": {"size": 1}}]}, "unknown parameter"),
        ({"checkpoints": [70]}, "checkpoint 70 lies beyond the 60 evaluations"),
        ({"limits": {"small:energy": [1.0]}}, "'small:energy' has limits"),
        ({"goals": ["limits"]}, "needs a section"),
        ({"goals": ["fronts"]}, "front"),
        ({"goals": []}, "goals must be a list of at least 1"),
        ({"checkpoints": []}, "checkpoints must be a list of at least 1"),
        ({"limits": {"small:latency": []}}, "must be a list of at least 1"),
        ({"limits": {"small:latency": [float("inf")]}}, "must be a finite number"),
        ({"seeds": [0, 0, 1]}, "seeds holds a value twice: 0; drop one of them"),
        ({"metrics": ["small:latency"] * 2}, "metrics holds a value twice"),
        ({"checkpoints": [30, 30]}, "checkpoints holds a value twice: 30"),
        ({"goals": ["front", "front"]}, "goals holds a value twice: front"),
        ({"limits": {"small:latency": [1.0, 1.0]}}, "limits of small:latency holds a value twice"),
        (
            {"predicted_metric": {"training_sizes": [20, 20]}},
            "training_sizes holds a value twice: 20",
        ),
        ({"predicted_metric": {"training_sizes": [1]}}, "must be at least 2, not 1"),
        (
            {"n_initial": 60},
            "n_initial = 60 makes all 60 evaluations random, .* such as n_initial = 30",
        ),
        ({"evaluations": 1, "checkpoints": [1], "n_initial": 1}, "give 2 evaluations at least"),
        (
            {"strategies": [{"name": "nsga2", "parameters": {"population_size": 41}}]},
            "NSGA-II: population_size = 41 is more than the 40 .* population_size = 40 at most",
        ),
    ],
)
def test_broken_specs(changes, message):
    with pytest.raises(ValueError, match=message):
        small_spec(**changes)


def test_a_start_that_nobody_gave_leaves_half_of_few_evaluations():
    def started(**changes):
        given = small_spec(**changes).model_dump()
        del given["n_initial"]
        return SearchSpec.model_validate(given).n_initial

    assert started() == 30
    assert started(evaluations=550) == 50
    spec = small_spec(
        strategies=["random", "nsga2", "predictor_guided"], evaluations=38, checkpoints=[38]
    )
    assert [note.partition(", the default")[0] for note in spec.notes] == [
        "NSGA-II: population_size = 20"
    ]
    assert small_spec(strategies=["nsga2"]).notes == ()


def test_what_a_default_leaves_unlearned_is_told(latency_gaps):
    spec = small_spec(strategies=["nsga2"], evaluations=30, checkpoints=[30], seeds=[0])
    assert run_search(spec).notes[-1:] == spec.notes


def test_nothing_runs_before_all_that_cannot_is_said(latency_gaps, monkeypatch, tmp_path):
    spec = small_spec(
        strategies=["random", {"name": "gaussian_process", "parameters": {"predictor": "ridge"}}],
        goals=["front", "accuracy", "limits"],
        limits={"small:latency": [0.9, 1.0, 1.1]},
    )
    monkeypatch.setattr("hwbench.search.run._run_all", lambda *given: pytest.fail("was run"))
    with pytest.raises(HwbenchError, match="ridge does not say; these do: structural_gaussian"):
        run_search(spec)
    with pytest.raises(HwbenchError, match=r"limit -3 of small:latency: none of 200 .* the least"):
        run_search(small_spec(limits={"small:latency": [-3.0]}))
    with pytest.raises(HwbenchError, match="named twice, as accuracy and as metric"):
        run_search(small_spec(metrics=["small:test_accuracy"]))
    with pytest.raises(HwbenchError, match=r"fitted to 201 architectures, but .* share 200"):
        run_search(small_spec(predicted_metric={"predictor": "ridge", "training_sizes": [201]}))


def test_more_evaluations_than_architectures(latency_gaps):
    with pytest.raises(HwbenchError, match=r"201 evaluations asked for, but .* share 200"):
        run_search(small_spec(evaluations=201))
    with pytest.raises(HwbenchError, match="did you mean 'ridge'"):
        run_search(small_spec(predicted_metric={"predictor": "ridgee", "training_sizes": [20]}))


SCENARIO = """
title = "Searches"
[search]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
strategies = ["random", "local_search"]
evaluations = 40
checkpoints = [20, 40]
n_initial = 10
seeds = [0, 1]
"""


def test_a_scenario_of_searches(latency_gaps, tmp_path):
    path = tmp_path / "searches.toml"
    path.write_text(SCENARIO)
    folder = run_scenario(str(path), tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    assert record["search_failures"] == []
    assert "small" in record["tables"]
    assert record["spec"]["search"]["checkpoints"] == [20, 40]
    assert len(pd.read_parquet(folder / "search.parquet")) == 2 * 2 * 40
    assert spec_module.SearchSpec.model_validate(record["spec"]["search"]).evaluations == 40


# ---------------------------------------------------------------------- units and directions


def searched(accuracy, metric, **changes):
    """What a search finds, without names of columns and seconds."""
    given = {"accuracy": accuracy, "metrics": [metric], "seeds": [0], **changes}
    result = run_search(small_spec(**given))
    assert result.failures == ()
    frames = [result.evaluations, result.fronts, result.verified]
    drop = ["accuracy_target", "metric_target", "seconds", "fit_seconds"]
    return [frame.drop(columns=drop, errors="ignore") for frame in frames], result.notes


def test_fractions_and_percentages_give_the_same_search(unit_tables):
    predicted = {"predictor": "ridge", "training_sizes": [20], "repeats": 5}
    (percent, silent), (fraction, notes) = (
        searched(f"{name}:test_accuracy", "percent:latency", predicted_metric=predicted)
        for name in ("percent", "fraction")
    )
    for one, other in zip(percent, fraction, strict=True):
        assert len(one)
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert silent == ()
    assert [note.partition(" ")[0] for note in notes] == ["fraction:test_accuracy"]
    assert "multiplied by 100" in notes[0]


def test_a_metric_to_be_maximised_is_searched_as_its_negative(unit_tables):
    (faster, notes), (slower, silent) = (
        searched(
            "percent:test_accuracy",
            metric,
            strategies=["regularised_evolution"],
            evaluations=150,
            goals=["accuracy", "limits"],
            limits={metric: limits},
        )
        for metric, limits in (
            ("percent:throughput", [900.0, 1100.0]),
            ("percent:slowness", [-900.0, -1100.0]),
        )
    )
    for one, other in zip(faster, slower, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert "percent:throughput (throughput) is better the larger it is" in notes[0]
    assert silent == ()
    # The limit leads the search: more of what it measures is as fast as asked for.
    rows = faster[0]
    free = rows[rows["goal"] == "accuracy"]
    for limit in (-900.0, -1100.0):
        bound = rows[rows["limit"] == limit]
        assert len(bound) == 150
        assert (bound["metric"] <= limit).mean() > (free["metric"] <= limit).mean()


def test_limits_of_a_metric_to_be_maximised_reach_the_page(unit_tables, tmp_path):
    from hwbench.report import write_report
    from hwbench.results.run import read_run

    path = tmp_path / "faster.toml"
    path.write_text(
        SCENARIO.replace("small:test_accuracy", "fraction:test_accuracy").replace(
            "small:latency", "fraction:throughput"
        )
        + 'goals = ["limits"]\n[search.limits]\n"fraction:throughput" = [900]\n'
        "[[search.published]]\n"
        'metric = "fraction:throughput"\nlimit = 900\nmethod = "Printed"\naccuracy = 77.77\n'
    )
    folder = run_scenario(str(path), tmp_path / "run")
    run = read_run(folder)
    assert run.search_limits == {"fraction:throughput": (-900,)}
    notes = json.loads((folder / "run.json").read_text())["notes"]["search"]
    assert run.notes == notes
    assert [note.split()[0] for note in notes] == ["fraction:test_accuracy", "fraction:throughput"]
    page = write_report(folder).read_text(encoding="utf-8")
    table = page[page.index('id="search-limits-0-40"') :]
    table = table[: table.index("</table>")]
    assert "at most -900 1/s" in table
    assert "77.77" in table
    best = SearchTable.load("fraction:test_accuracy", "fraction:throughput")
    assert f"{best.accuracy[best.metric <= -900].max():.2f}" in table
    for note in notes:
        assert note in page


def test_an_accuracy_to_be_minimised_is_refused(unit_tables):
    with pytest.raises(HwbenchError, match="use fraction:test_accuracy"):
        run_search(small_spec(accuracy="fraction:test_error", metrics=["percent:latency"]))
