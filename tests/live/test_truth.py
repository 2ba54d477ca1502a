"""True values: against brute force, and what is never called one."""

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.files import file_digest
from hwbench.live import truth as truth_module
from hwbench.live.run import run_live, truth_run
from hwbench.live.truth import expected_best, find_truth, published_accuracy
from hwbench.results.live import read_live_run
from hwbench.results.true_value import TrueValue, baselines, headline
from hwbench.spaces import get_space
from hwbench.tables import load_table, load_target
from hwbench.tables.library import table_path
from hwbench.testing.live_example import example_config, example_run

PUBLISHED = "hw-nas-bench:cifar10.test_accuracy"


@pytest.fixture(scope="module")
def spos(tmp_path_factory):
    return example_run(tmp_path_factory.mktemp("spos"), "spos")


@given(
    st.lists(st.integers(0, 9).map(float), min_size=1, max_size=7),
    st.integers(1, 7),
)
@settings(max_examples=60, deadline=None)
def test_the_expected_best_is_the_mean_over_all_draws(values, drawn):
    count = min(drawn, len(values))
    brute = np.mean([max(draw) for draw in combinations(values, count)])
    assert expected_best(np.array(values), drawn) == pytest.approx(brute)


def test_the_expected_best_of_many_is_exact_in_a_large_table():
    values = np.arange(15625.0)
    # The mean of the largest of n out of 0 .. N - 1 is n (N + 1) / (n + 1) - 1.
    assert expected_best(values, 300) == pytest.approx(300 * 15626 / 301 - 1)


def test_a_result_says_how_good_what_was_found_is(spos):
    truth = spos.truth
    table = load_table("hw-nas-bench")
    accuracy = table.column("cifar10.test_accuracy")
    space = get_space("nasbench201")
    arch = space.from_string(spos.result["architecture"])
    (place,) = np.flatnonzero((table.archs == arch).all(axis=1))
    assert truth.target == PUBLISHED
    assert truth.value == accuracy[place]
    assert truth.rank == 1 + (accuracy > accuracy[place]).sum()
    assert truth.better_than == (accuracy < accuracy[place]).mean()
    assert truth.of == 15625
    assert truth.best == accuracy.max()
    assert truth.sha256 == file_digest(table_path("hw-nas-bench"))
    # The example's search has two operations: at random one of its 64 cells is drawn.
    allowed = {space.choices[0].index(name) for name in ("nor_conv_1x1", "nor_conv_3x3")}
    own = accuracy[np.isin(table.archs, sorted(allowed)).all(axis=1)]
    assert truth.random.of == len(own) == 64
    assert truth.random.mean == pytest.approx(own.mean())
    assert [truth.random.low, truth.random.high] == pytest.approx(np.quantile(own, [0.05, 0.95]))
    assert truth.best_of.drawn == 6
    assert truth.best_of.mean == pytest.approx(expected_best(own, 6))
    sizes = table.column("cifar10.parameters")
    most = accuracy[(sizes == sizes.max())].mean()
    assert [each.what for each in truth.largest] == ["parameters", "FLOPs"]
    assert truth.largest[0].value == most
    assert len(truth.quantiles) == 101
    assert f"rank {truth.rank:,} of 15,625" in headline(truth)
    assert any(f"{truth.best_of.mean:.2f} %" in sentence for sentence in baselines(truth))


def test_cells_without_a_path_are_not_drawn(tmp_path):
    everything = {"name": "nasbench201", "channels": 2, "depth": 1}
    ranking = {"architectures": 2, "calibration": {"passes": 1, "batch_size": 64}}
    truth = example_run(tmp_path, "spos", space=everything, ranking=ranking).truth
    table = load_table("hw-nas-bench")
    connected = table.space.connected(table.archs)
    assert truth.random.of == connected.sum() < truth.of == len(connected)
    assert truth.random.mean == pytest.approx(
        table.column("cifar10.test_accuracy")[connected].mean()
    )


def test_accuracies_of_short_trainings_are_a_stand_in(spos, tmp_path):
    (note,) = json.loads((spos.folder / "run.json").read_text())["notes"]["ranking"]
    assert note == (
        "The ranking's target, nb201-digits:test_accuracy, is a stand-in and no truth: trainings "
        "of 1 epoch on digits; it agrees with the true values at a Kendall's tau of 0.09."
    )
    with pytest.raises(HwbenchError, match="name accuracies of complete trainings"):
        truth_run(spos.folder, "nb201-digits:test_accuracy")


def test_a_target_that_is_no_stand_in_is_the_truth(tmp_path):
    target = "hw-nas-bench:cifar100.test_accuracy"
    ranking = {"architectures": 3, "calibration": {"passes": 1}, "target": target}
    found = find_truth(example_config("spos", ranking=ranking))
    assert found.target.key == target
    assert found.stand_in is None


@pytest.mark.parametrize(
    ("space", "images", "expected"),
    [
        ("nasbench201", "digits", PUBLISHED),
        ("nasbench201", "cifar100", "hw-nas-bench:cifar100.test_accuracy"),
        ("nasbench201", "imagenet16-120", "hw-nas-bench:ImageNet16-120.test_accuracy"),
        ("nasbench101", "cifar10", "nasbench101:test_accuracy"),
        ("nasbench_macro", "cifar10", "nasbench-macro:test_accuracy"),
        ("nasbench1shot1_3", "cifar10", "nasbench101:test_accuracy"),
        ("darts", "cifar10", None),
    ],
)
def test_true_values_are_those_of_public_benchmarks(space, images, expected):
    assert published_accuracy(space, images) == expected


def test_a_part_of_a_space_has_the_true_values_of_the_whole(tmp_path):
    space = {"name": "nasbench1shot1_1", "channels": 6, "depth": 1}
    ranking = {"architectures": 3, "calibration": {"passes": 1}}
    result = run_live(example_config(space=space, ranking=ranking), tmp_path)
    truth = TrueValue.model_validate(result["truth"])
    arch = get_space("nasbench1shot1_1").from_string(result["architecture"])[None, :]
    cell = get_space("nasbench1shot1_1").in_larger_space(arch)
    expected = load_target("nasbench101:test_accuracy").values_of(cell)[0]
    assert (truth.target, truth.value) == ("nasbench101:test_accuracy", expected)
    # Ranks are among cells, of which several codes stand for one; chances are those of codes.
    assert (truth.of, truth.random.of) == (2_685, 14_580)
    space, whole = get_space("nasbench1shot1_1"), load_target("nasbench101:test_accuracy")
    cells = np.unique(space.in_larger_space(space.all_architectures()), axis=0)
    accuracy = whole.values_of(cells)
    assert truth.rank == 1 + (accuracy > expected).sum()
    assert truth.better_than == pytest.approx((accuracy < expected).mean())
    assert truth.quantiles[50] == pytest.approx(np.median(accuracy))
    assert truth.best == pytest.approx(94.2007, abs=1e-4)
    assert truth.largest[0].what == "parameters"


def test_a_smaller_set_counts_as_what_its_images_are_of(hwbench_home):
    config = example_config("spos", ranking={"architectures": 3, "calibration": {"passes": 1}})
    data = config.data.model_copy(update={"name": "cifar100-16"})
    found = find_truth(config.model_copy(update={"data": data}))
    assert found.target.key == "hw-nas-bench:cifar100.test_accuracy"


def test_a_run_without_a_true_value_gets_it_later(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(truth_module, "table_files", dict)  # the table is not installed
        result = run_live(example_config(), tmp_path)
        assert "truth" not in result
        assert read_live_run(tmp_path).truth is None
        with pytest.raises(HwbenchError, match="name a table of your own with --target"):
            truth_run(tmp_path)
    again = run_live(example_config(), tmp_path)  # finished: nothing but the value is added
    truth = again.pop("truth")
    assert again == result
    assert TrueValue.model_validate(truth) == read_live_run(tmp_path).truth
    other = truth_run(tmp_path, "hw-nas-bench:cifar100.test_accuracy")["truth"]
    assert other["target"] == "hw-nas-bench:cifar100.test_accuracy"
    assert run_live(example_config(), tmp_path)["truth"] == other  # what was asked for stays


def test_a_target_of_another_space_is_refused(spos):
    with pytest.raises(HwbenchError, match="is of the space nasbench_macro, not nasbench201"):
        truth_run(spos.folder, "nasbench-macro:test_accuracy")
