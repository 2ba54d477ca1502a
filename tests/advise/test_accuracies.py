import numpy as np
import pandas as pd
import pytest

from hwbench import HwbenchError, advise_on
from hwbench.advise.accuracies import find_accuracies, is_accuracy
from hwbench.advise.measurements import read_measurements

RIDGE = ["ridge:counts"]


@pytest.fixture(scope="module")
def both(measured, nasbench201):
    """Latencies of 60 cells and, of these and 40 others, accuracies; some cells are dead."""
    others = [
        text for text in nasbench201.to_strings(nasbench201.sample(200, seed=4))
        if text not in set(measured["arch"])
    ]  # fmt: skip
    texts = [*measured["arch"], *others[:40]]
    archs = nasbench201.from_strings(texts)
    work = nasbench201.parameters(archs) / 1e6
    noise = np.random.default_rng(5).standard_normal(len(archs))
    frame = pd.DataFrame({"arch": texts, "test_accuracy": 90 + 3 * work + 0.3 * noise})
    latency = measured.set_index("arch")["latency_ms"]
    return frame.assign(latency_ms=frame["arch"].map(latency))


def test_the_files_own_accuracies_are_used(both, nasbench201):
    advice = advise_on(both, "nasbench201", predictors=RIDGE, missing_values="keep")
    alive = int(nasbench201.connected(nasbench201.from_strings(both["arch"])).sum())
    assert alive < 100
    assert len(advice.measurements) == 60
    assert advice.measurements.metric == "latency_ms"
    selection = advice.selection
    assert selection.accuracy == "the file's 'test_accuracy'"
    assert selection.n_candidates == alive
    (note,) = selection.notes
    assert f"{100 - alive} architectures" in note
    assert "no path reaches are no candidates" in note
    assert set(selection.picks["arch"]) <= set(both["arch"])
    known = both.set_index("arch")["test_accuracy"]
    np.testing.assert_allclose(selection.picks["accuracy"], known[selection.picks["arch"]])
    assert any("the file's 'test_accuracy'" in line for line in advice.lines())
    assert any("test_accuracy is not" in note for note in advice.measurements.notes)


def test_a_missing_accuracy_is_no_bad_row(both, nasbench201):
    whole = both.dropna().reset_index(drop=True)
    whole.loc[3, "test_accuracy"] = np.nan
    assert len(read_measurements(whole, nasbench201)) == len(whole)
    known = find_accuracies(whole, nasbench201, "latency_ms", "ms")
    assert known.accuracies.target == "the file's 'test_accuracy'"
    assert np.isfinite(known.accuracies.values).all()


def test_fractions_repeats_and_a_choice_of_columns(both, nasbench201):
    twice = pd.concat([both, both.assign(test_accuracy=both["test_accuracy"] + 0.5)])
    fractions = twice.assign(
        test_accuracy=twice["test_accuracy"] / 100, val_acc=twice["test_accuracy"] / 2
    )
    default = find_accuracies(fractions, nasbench201, "latency_ms", "ms").accuracies
    mean = both.set_index("arch")["test_accuracy"] + 0.25
    np.testing.assert_allclose(
        default.values, mean[nasbench201.to_strings(default.archs)], rtol=1e-12
    )
    assert any("multiplied by 100" in note for note in default.notes)
    assert any("--accuracy val_acc takes another" in note for note in default.notes)
    other = find_accuracies(fractions, nasbench201, "latency_ms", "ms", wanted="val_acc")
    assert other.accuracies.target == "the file's 'val_acc'"


def test_without_a_column_the_published_ones_are_used(measured, nasbench201):
    known = find_accuracies(measured, nasbench201, "latency_ms", "ms")
    assert known.accuracies.target == "hw-nas-bench:cifar10.test_accuracy"
    assert nasbench201.connected(known.accuracies.archs).all()
    assert "341 architectures of" in known.accuracies.notes[-1]
    for frame, wanted, message in (
        (
            measured,
            "latency_mss",
            "did you mean 'latency_ms'.* or a table's, such as --accuracy",
        ),
        (measured, "latency_ms", "is what is learned; name another column of the file, or a table"),
        (measured.assign(energy_mJ=1.5), "energy_mJ", "'energy_mJ' is better the smaller it is"),
    ):
        with pytest.raises(HwbenchError, match=message):
            find_accuracies(frame, nasbench201, "latency_ms", "ms", wanted=wanted)


def test_an_accuracy_that_is_learned_is_no_cost(both, nasbench201):
    known = find_accuracies(both[["arch", "test_accuracy"]], nasbench201, "test_accuracy", "%")
    assert known.accuracies is None
    assert "itself an accuracy" in known.reason


def test_few_accuracies_are_too_few(both, nasbench201):
    few = both.assign(test_accuracy=both["test_accuracy"].where(both.index < 5))
    known = find_accuracies(few, nasbench201, "latency_ms", "ms")
    assert known.accuracies is None
    assert "10 are the least" in known.reason


@pytest.mark.parametrize(
    ("name", "unit", "found"),
    [
        ("test_accuracy", None, True),
        ("top1", "%", True),
        ("val_acc", "1", True),
        ("accuracy_ms", "ms", False),
        ("top1_error", "%", False),
        ("accuracy_drop", "%", False),
        ("latency", "ms", False),
    ],
)
def test_names_of_accuracies(name, unit, found):
    assert is_accuracy(name, unit) is found
