"""What would be chosen after each epoch, beside random ones at equal cost: against brute force."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.live import epoch_truth
from hwbench.live import truth as truth_module
from hwbench.live.config import load_config, with_changes
from hwbench.live.epoch_truth import EpochTruth, TrueTable, with_true_values
from hwbench.live.run import run_live, truth_run
from hwbench.live.search import Search, make_search
from hwbench.live.supernets.export import load_network
from hwbench.live.truth import best_quantiles, find_truth, percentiles
from hwbench.results.live import QUANTILES, TRUE_COLUMNS, read_live_run
from hwbench.spaces import get_space
from hwbench.tables import load_table
from hwbench.testing.live_example import example_config, example_run

CPU = torch.device("cpu")
FEW = {"validation_share": 0.5, "subset": {"name": "random", "images": 200}}
WHOLE = {"name": "nasbench201", "channels": 2, "depth": 1}
EACH_EPOCH = {
    "architectures": 4,
    "each_epoch": 8,
    "calibration": {"passes": 1, "batch_size": 64},
}


@pytest.fixture(scope="module")
def darts(tmp_path_factory):
    """Of all cells, for three epochs."""
    trainer = {"name": "bilevel", "epochs": 3, "batch_size": 32}
    folder = tmp_path_factory.mktemp("darts")
    return example_run(folder, data=FEW, space=WHOLE, trainer=trainer)


@pytest.fixture(scope="module")
def spos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spos")
    return example_run(folder, "spos", data=FEW, space=WHOLE, ranking=EACH_EPOCH)


@given(
    st.lists(st.integers(0, 6).map(float), min_size=1, max_size=7),
    st.integers(1, 7),
    st.sampled_from([5, 25, 40, 50, 75, 95, 100]),
)
@settings(max_examples=80, deadline=None)
def test_quantiles_of_the_best_are_those_over_all_draws(values, drawn, share):
    count = min(drawn, len(values))
    brute = sorted(max(draw) for draw in combinations(values, count))
    least = next(
        value for i, value in enumerate(brute, 1) if 100 * i >= share * len(brute) * (1 - 1e-9)
    )
    assert best_quantiles(np.array(values), [drawn, 0], [share])[0, 0] == least


def test_of_no_draw_there_is_no_best():
    assert np.isnan(best_quantiles(np.arange(3.0), [0, 2], QUANTILES)[0]).all()


def test_the_best_of_many_out_of_a_large_table_is_exact():
    found = best_quantiles(np.arange(15625.0), [300], [50])[0, 0]
    # The best of 300 is below the j-th of 15,625 with probability C(j, 300) / C(15625, 300).
    share = np.prod((found + 1 - np.arange(300)) / (15625 - np.arange(300)))
    before = np.prod((found - np.arange(300)) / (15625 - np.arange(300)))
    assert before < 0.5 <= share


@given(st.lists(st.integers(0, 5).map(float), min_size=1, max_size=9), st.integers(-1, 6))
@settings(max_examples=60, deadline=None)
def test_percentiles_count_equal_values_half(values, own):
    ordered = np.sort(values)
    brute = sum(1.0 if value < own else 0.5 if value == own else 0.0 for value in values)
    assert percentiles(ordered, [own])[0] == pytest.approx(100 * brute / len(values))
    assert np.isnan(percentiles(ordered, [np.nan])[0])


def _own_values():
    table = load_table("hw-nas-bench")
    return table.column("cifar10.test_accuracy")[table.space.connected(table.archs)]


def test_epochs_say_what_would_be_chosen_and_how_good_it_is(darts):
    epochs = darts.epochs
    table = load_table("hw-nas-bench")
    accuracy = dict(
        zip(table.space.to_strings(table.archs), table.column("cifar10.test_accuracy"), strict=True)
    )
    own = _own_values()
    best, seen = -np.inf, set()
    for row in epochs.itertuples():
        value = accuracy[row.architecture]
        best = max(best, value)
        seen.add(row.architecture)
        assert row.true_value == value
        worse = (own < value).mean() + (own == value).mean() / 2
        assert row.true_percentile == pytest.approx(100 * worse)
        assert row.best_true_value == best
        assert row.different == len(seen)
        assert row.random_50 == np.quantile(own, 0.5, method="inverted_cdf")
        assert row.best_random_50 == best_quantiles(own, [len(seen)], [50])[0, 0]
    assert epochs["architecture"].iloc[-1] == darts.result["architecture"]
    assert epochs["true_value"].iloc[-1] == darts.truth.value
    assert epochs["true_percentile"].iloc[-1] == pytest.approx(darts.truth.percentile)
    assert darts.truth.random.lower_quartile == pytest.approx(np.quantile(own, 0.25))
    assert "kendall_tau" not in epochs


def test_each_epochs_architecture_is_derived_from_its_strengths(darts):
    supernet = load_network(darts.folder / "supernet")
    for epoch, own in darts.strengths.groupby("epoch"):
        rows = [torch.tensor(each["strength"].to_numpy()) for _, each in own.groupby("position")]
        names = [name for name, _ in own.groupby("position")]
        order = [names.index(position.name) for position in supernet.positions]
        arch = supernet.derive(torch.stack([rows[place] for place in order]))
        text = darts.epochs["architecture"][epoch]
        assert supernet.space.to_string(arch) == text


def test_a_policy_chooses_the_best_of_each_epochs_samples(tmp_path):
    changes = {"data.name": "digits", "data.subset.images": 200, "trainer.epochs": 2}
    changes |= {"space.channels": 2, "ranking.architectures": 4, "strategy.samples": 3}
    config = with_changes(load_config("enas_nasbench201", "cpu"), changes)
    result = run_live(config, tmp_path)
    epochs = read_live_run(tmp_path).epochs
    assert epochs["architecture"].iloc[-1] == result["architecture"]
    values = [result["truth"]["value"], epochs["best_true_value"].iloc[-1]]
    assert epochs["true_value"].iloc[-1] == pytest.approx(values[0])
    assert epochs["true_value"].max() == values[1]
    assert (epochs["best_random_50"] >= epochs["random_50"]).all()


def test_a_ranking_after_each_epoch_is_held_against_true_values(spos):
    epochs = spos.epochs
    assert epochs["kendall_tau"].between(-1, 1).all()
    config = example_config("spos", data=FEW, space=WHOLE, ranking=EACH_EPOCH)
    with seeded(config.seed, CPU, 1):
        search = make_search(config, CPU)
        follower = EpochTruth(search, find_truth(config))
        assert len(follower.ranked) == 8
        for epoch in range(2):
            search.train_epoch(epoch)
            scores = search.judge().evaluate(follower.ranked)["accuracy"].to_numpy()
            best = search.supernet.space.to_string(follower.ranked[scores.argmax()])
            assert epochs["architecture"][epoch] == best
            true = follower.table.values_of(follower.ranked)
            expected = truth_module.kendall_tau(scores, true)
            assert epochs["kendall_tau"][epoch] == pytest.approx(expected)


def test_without_strengths_and_such_a_ranking_epochs_say_nothing_of_it(tmp_path):
    epochs = example_run(tmp_path, "spos", data=FEW).epochs
    assert not {"architecture", "kendall_tau", *TRUE_COLUMNS} & set(epochs)


@pytest.mark.parametrize("strategy", ["gdas", "fair_nas"])
def test_training_is_the_same_bit_by_bit_with_and_without(tmp_path, monkeypatch, strategy):
    own = {} if strategy != "fair_nas" else {"ranking": EACH_EPOCH}
    config = example_config(strategy, data=FEW, **own)
    run_live(config, tmp_path / "with")
    with monkeypatch.context() as patch:
        patch.setattr(EpochTruth, "after_epoch", lambda _: {})
        run_live(config, tmp_path / "without")
    folders = [tmp_path / name for name in ("with", "without")]
    assert [len(list(_true_columns(folder))) > 0 for folder in folders] == [True, False]
    states = [torch.load(folder / "checkpoint.pt", weights_only=True) for folder in folders]
    for each in states:
        assert [row.pop("epoch") for row in each["metrics"]] == [0.0, 1.0]
    trained = [
        [{k: v for k, v in row.items() if k not in ("architecture", "kendall_tau")} for row in rows]
        for rows in (state.pop("metrics") for state in states)
    ]
    assert trained[0] == trained[1]
    assert _same(*states)
    weights = [(folder / "supernet" / "weights.pt").read_bytes() for folder in folders]
    assert weights[0] == weights[1]


def _true_columns(folder):
    return set(pd.read_parquet(folder / "metrics.parquet")) & set(TRUE_COLUMNS)


def _same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


def test_what_is_learned_of_epochs_leaves_the_search_as_it_was(spos):
    config = example_config("spos", data=FEW, ranking=EACH_EPOCH)
    with seeded(0, CPU, 1):
        search = make_search(config, CPU)
        follower = EpochTruth(search, find_truth(config))
        search.train_epoch(0)
        before = torch.get_rng_state()
        buffers = [each.clone() for each in search.supernet.state_dict().values()]
        assert follower.after_epoch().keys() == {"architecture", "kendall_tau"}
        assert torch.equal(torch.get_rng_state(), before)
        assert search.supernet.training
        after = search.supernet.state_dict().values()
        assert all(map(torch.equal, buffers, after))


def test_a_stopped_run_has_the_same_columns(tmp_path, monkeypatch):
    config = example_config(data=FEW, space=WHOLE, ranking=EACH_EPOCH)
    run_live(config, tmp_path / "unbroken")
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped")
    run_live(config, tmp_path / "stopped")
    files = [tmp_path / name / "metrics.parquet" for name in ("unbroken", "stopped")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert set(TRUE_COLUMNS) < set(pd.read_parquet(files[0]))
    record = json.loads((tmp_path / "stopped" / "run.json").read_text())
    sessions = [session["spent"] for session in record["sessions"]]
    assert len(sessions) == 2
    for name in ("seconds", "cpu_seconds"):
        total = sum(session["training"][name] for session in sessions)
        assert record["spent"]["training"][name] == pytest.approx(total, abs=2e-3)
    assert set(record["spent"]) == {"preparation", "training", "ranking", "selection"}
    assert "selection" not in sessions[0]


def test_another_table_of_true_values_is_what_epochs_are_held_against(tmp_path):
    config = example_config(data=FEW, ranking=EACH_EPOCH)
    run_live(config, tmp_path)
    before = read_live_run(tmp_path).epochs
    assert truth_run(tmp_path)["truth"]["target"] == "hw-nas-bench:cifar10.test_accuracy"
    pd.testing.assert_frame_equal(read_live_run(tmp_path).epochs, before)
    truth_run(tmp_path, "hw-nas-bench:cifar100.test_accuracy")
    run = read_live_run(tmp_path)
    assert run.epochs["true_value"].iloc[-1] == run.truth.value
    assert (run.epochs["true_value"] != before["true_value"]).any()
    assert run.epochs["architecture"].tolist() == before["architecture"].tolist()
    assert "kendall_tau" not in run.epochs  # it was of the other values


def test_what_a_table_lacks_is_no_look_up(cells):
    config = example_config(space=WHOLE)
    supernet = cells()
    table = TrueTable(find_truth(config), supernet)
    space = get_space("nasbench201")
    first, second = space.to_strings(space.sample(2, seed=0))
    frame = pd.DataFrame({"epoch": range(4), "architecture": [None, first, None, second]})
    found = with_true_values(frame, table)
    assert found["different"].tolist() == [0, 1, 1, 2]
    assert found["true_value"].notna().tolist() == [False, True, False, True]
    assert found["best_true_value"].isna().tolist() == [True, False, False, False]
    assert found["best_random_50"].isna().tolist() == [True, False, False, False]
    again = with_true_values(found, table)
    pd.testing.assert_frame_equal(again, found)


def test_rankings_after_epochs_without_true_values_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(truth_module, "table_files", dict)  # the table is not installed
    ranking = {key: value for key, value in EACH_EPOCH.items() if key != "target"}
    with pytest.raises(HwbenchError, match=r"\[ranking\]: each_epoch = 8 holds .* target ="):
        run_live(example_config("spos", ranking=ranking), tmp_path)
    assert not (tmp_path / "config.toml").exists()


def test_where_nothing_can_be_derived_training_goes_on(tmp_path, monkeypatch):
    def refuses(*_):
        raise HwbenchError("no candidate may stay")

    with monkeypatch.context() as patch:
        patch.setattr(epoch_truth.Strength, "select", refuses)
        config = example_config(data=FEW, selection={"name": "ranking"})
        run_live(config, tmp_path)
    epochs = read_live_run(tmp_path).epochs
    assert epochs["architecture"].isna().all()
    assert epochs["true_value"].isna().all()


def test_a_search_without_true_values_still_says_what_it_would_choose(tmp_path, monkeypatch):
    monkeypatch.setattr(truth_module, "table_files", dict)
    epochs = example_run(tmp_path, data=FEW).epochs
    assert epochs["architecture"].notna().all()
    assert not set(TRUE_COLUMNS) & set(epochs)


def test_codes_of_one_cell_are_one_network():
    space = get_space("nasbench1shot1_1")
    nodes = {"space": {"name": space.name, "channels": 6, "depth": 1}}
    config = example_config(**nodes, ranking={"architectures": 2})
    table = TrueTable(find_truth(config), make_search(config, CPU).supernet)
    archs = space.all_architectures()
    classes = space.function_classes(archs)
    first = int(np.flatnonzero(np.bincount(classes) > 1)[0])
    one, two = archs[classes == first][:2]
    (other,) = archs[classes != first][:1]
    texts = space.to_strings(np.stack([one, two, other, one]))
    found = table.columns([*texts, None])
    assert found["different"].tolist() == [1, 1, 2, 2, 2]
    assert found["true_value"][0] == found["true_value"][1]
    assert found["best_random_50"][1] == found["random_50"][0]  # still one draw
