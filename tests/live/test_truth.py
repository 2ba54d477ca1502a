"""What a found architecture is worth, by hand on the embedded table."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.live.truth import expected_best, true_target, true_value


@pytest.mark.parametrize(
    ("space", "images", "column"),
    [
        ("nasbench201", "cifar10", "hw-nas-bench:cifar10.test_accuracy"),
        ("nasbench201", "cifar100", "hw-nas-bench:cifar100.test_accuracy"),
        ("nasbench201", "imagenet16-120", "hw-nas-bench:ImageNet16-120.test_accuracy"),
        ("nasbench201", "digits", "hw-nas-bench:cifar10.test_accuracy"),
        ("nasbench_macro", "digits", "nasbench-macro:test_accuracy"),
        ("darts", "cifar10", None),
    ],
)
def test_the_column_of_a_space(space, images, column):
    assert true_target(space, images) == column


def test_value_rank_and_random_ones():
    table = hb.load_table("hw-nas-bench")
    accuracy = table.column("cifar10.test_accuracy")
    found = true_value("nasbench201", table.archs[4321], "cifar10")
    assert found["value"] == accuracy[4321]
    assert found["rank"] == 1 + (accuracy > accuracy[4321]).sum()
    assert found["of"] == 15625
    assert found["random_mean"] == pytest.approx(accuracy.mean())
    best = true_value("nasbench201", table.archs[accuracy.argmax()], "cifar10")
    assert (best["rank"], best["value"]) == (1, best["best"])
    assert best["most_flops"] < best["best"]
    assert true_value("darts", np.zeros(4, dtype=np.int64), "cifar10") is None


def test_the_expected_best_of_several():
    values = np.array([3.0, 1.0, 2.0])
    assert expected_best(values, 1) == pytest.approx(2.0)
    assert expected_best(values, 2) == pytest.approx((1 + 2 * 3 + 3 * 5) / 9)
    drawn = np.random.default_rng(0).choice(values, size=(20_000, 5)).max(axis=1)
    assert expected_best(values, 5) == pytest.approx(drawn.mean(), abs=0.01)
