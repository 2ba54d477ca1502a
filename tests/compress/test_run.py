"""Run folders of compressions: resumed, refused, measured, exported, and networks of one's own."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.analysis.compression import summary, with_losses
from hwbench.compress.networks import lenet_300_100, make_network
from hwbench.compress.run import load_compressed, run_compressions
from hwbench.compress.spec import CompressSpec
from hwbench.compress.training import Compression
from hwbench.errors import HwbenchError
from hwbench.images.fit import DivergedError
from hwbench.images.sets import load_images
from hwbench.report.compress import compression_page, write_compress_report
from hwbench.results.compressions import WHOLE, read_compressions

TRAINING = {"epochs": 4, "loops": 2, "loop_epochs": 1, "last_epochs": 1}
OWN = """
from torch import nn


def network(pixels, classes, neurons=20):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(pixels**2, neurons), nn.Sigmoid(), nn.Linear(neurons, classes)
    )


def nothing():
    return 3


def broken(pixels):
    raise RuntimeError("no")
"""


def _spec(**changes):
    given = {
        "network": "lenet_300_100",
        "images": "digits",
        "recipe": "small",
        "training": TRAINING,
        "methods": ["sparse_bayes", "group_lasso", "random"],
        "budgets": [0.2, 0.0],
        "strengths": {"group_lasso": [1e-3, 1e-2]},
        "latency": {"rounds": 2, "repeats": 1},
        **changes,
    }
    return CompressSpec.model_validate(given)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, run_compressions(_spec(), folder, onnx=True)


def _numbers(frame):
    return frame.drop(columns="cpu_seconds")


def test_a_row_for_each_method_budget_and_lambda(ran):
    folder, frame = ran
    assert frame["label"].tolist() == [
        "whole-seed0",
        "sparse_bayes-0.2-seed0",
        "sparse_bayes-open-seed0",
        "group_lasso-0.2-lambda0.001-seed0",
        "group_lasso-0.2-lambda0.01-seed0",
        "group_lasso-open-lambda0.001-seed0",
        "group_lasso-open-lambda0.01-seed0",
        "random-0.2-seed0",  # random units become zero by no penalty
    ]
    found = read_compressions(folder)
    assert _numbers(found.trainings).equals(_numbers(found.trainings[list(frame.columns)]))
    under = found.trainings[found.trainings["budget"] == 0.2]
    assert (under["flops_share"] <= 0.2).all()
    assert found.trainings.loc[0, "flops_share"] == 1.0
    assert (found.trainings["difference"] <= 1e-6).all()
    assert found.layers.groupby("label")["units_before"].apply(list).map(
        tuple
    ).unique().tolist() == [(64, 300, 100)]
    assert found.record["images"]["name"] == "digits"
    assert len(found.record["config_sha256"]) == 64
    assert found.latency_ratios["whole-seed0"] == 1.0
    assert found.latency_ratios.notna().all()
    assert len(found.latency_ratios) == len(frame)


def test_networks_are_there_to_be_used(ran):
    import onnxruntime

    folder, frame = ran
    images = load_images("digits")
    own = folder / "networks" / "sparse_bayes-0.2-seed0"
    network = load_compressed(lenet_300_100(1, 8), own)
    given = torch.from_numpy(images.test_images)
    with torch.inference_mode():
        logits = network(given)
    right = float((logits.argmax(1).numpy() == images.test_labels).mean())
    assert 100 * right == pytest.approx(frame.loc[1, "accuracy"])
    session = onnxruntime.InferenceSession(str(own / "network.onnx"))
    [other] = session.run(None, {"images": images.test_images[:1]})
    assert np.allclose(other, logits[:1].numpy(), atol=1e-5)
    with pytest.raises(HwbenchError, match="a part of another network"):
        load_compressed(lenet_300_100(1, 28), own)


class _Stopped(BaseException):
    pass


@pytest.mark.parametrize("stop", [1, 3])
def test_killed_and_gone_on_with_comes_to_the_same_numbers(stop, tmp_path, monkeypatch):
    spec = _spec(methods=["sparse_bayes"], budgets=[0.2], strengths={})
    whole = run_compressions(spec, tmp_path / "whole")
    epoch = Compression._train_epoch
    done = []

    def dying(self):
        if len(done) == 4 + stop - 1:  # of the second training, which begins with epoch 1
            raise _Stopped
        done.append(0)
        epoch(self)

    monkeypatch.setattr(Compression, "_train_epoch", dying)
    with pytest.raises(_Stopped):
        run_compressions(spec, tmp_path / "stopped")
    monkeypatch.setattr(Compression, "_train_epoch", epoch)
    again = run_compressions(spec, tmp_path / "stopped")
    pd.testing.assert_frame_equal(_numbers(again), _numbers(whole))
    for label in whole["label"]:
        one, other = (
            (tmp_path / each / "networks" / label / "weights.pt").read_bytes()
            for each in ("whole", "stopped")
        )
        assert one == other


def test_a_folder_of_another_kind_is_left_alone(tmp_path):
    (tmp_path / "config.toml").touch()
    with pytest.raises(HwbenchError, match="holds a live search; choose another folder with -o"):
        run_compressions(_spec(), tmp_path)
    assert not (tmp_path / "compress.toml").exists()


def test_what_is_done_is_not_done_again(ran, monkeypatch):
    folder, frame = ran
    monkeypatch.setattr(Compression, "_train_epoch", lambda _self: pytest.fail("trained again"))
    assert run_compressions(_spec(), folder).equals(frame)
    with pytest.raises(HwbenchError, match="holds another comparison"):
        run_compressions(_spec(seeds=[1]), folder)
    path = folder / "networks" / "whole-seed0" / "result.json"
    text = path.read_text()
    path.write_text(json.dumps({**json.loads(text), "code": "other"}))
    with pytest.raises(HwbenchError, match="was made by other code"):
        run_compressions(_spec(), folder)
    path.write_text(text)


def test_networks_of_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    images = load_images("digits")
    made = make_network(f"{path}:network", images, {"neurons": 7})
    assert made[1].weight.shape == (7, 64)
    for name, options, words in (
        ("network", {"neuron": 7}, "did you mean 'neurons'"),
        ("nothing", {}, "gives a int, not a torch module"),
        ("broken", {}, "cannot be made, RuntimeError: no"),
        ("netwrk", {}, "did you mean 'network'"),
    ):
        with pytest.raises(HwbenchError, match=words):
            make_network(f"{path}:{name}", images, options)
    with pytest.raises(HwbenchError, match="there is no file"):
        make_network(f"{tmp_path / 'other.py'}:network", images, {})
    spec = _spec(
        network=f"{path}:network",
        methods=["magnitude"],
        budgets=[0.5],
        strengths={},
        latency={"rounds": 0},
    )
    frame = run_compressions(spec, tmp_path / "run")
    assert frame["difference"].max() <= 1e-6  # though a sigmoid makes a half of nothing
    assert frame["flops_share"].tolist()[1] <= 0.5
    assert not (tmp_path / "run" / "compressed_latency.parquet").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ["random", "random"]}, "random is given twice"),
        ({"strengths": {"magnitude": [1.0]}}, "magnitude is none of the methods"),
        ({"methods": ["lasso"]}, "unknown compression method 'lasso'"),
        ({"training": {"epoch": 3}}, "did you mean 'epochs'"),
    ],
)
def test_a_specification_says_what_is_wrong(changes, words):
    with pytest.raises((HwbenchError, ValueError), match=words):
        _spec(**changes)


def test_too_many_images_are_refused(tmp_path):
    with pytest.raises(HwbenchError, match="has 898 images to train on, not 5,000"):
        run_compressions(_spec(train_images=5000), tmp_path / "run")


def test_a_whole_network_that_diverges_stops_the_run_and_says_what_to_do(tmp_path):
    spec = _spec(training={**TRAINING, "learning_rate": 1e12})
    with pytest.raises(HwbenchError, match="whole-seed0: the training diverged") as caught:
        run_compressions(spec, tmp_path / "run")
    assert "--set training.learning_rate=3e+11" in str(caught.value)


def test_a_method_that_diverges_is_a_row_without_an_accuracy(tmp_path, monkeypatch):
    whole = Compression.train_all

    def train_all(self, after_epoch=None):
        if self.method is not None and type(self.method).__name__ == "GroupLasso":
            self.train_until(self.recipe.first_epochs, after_epoch)
            raise DivergedError("the training diverged")
        whole(self, after_epoch)

    monkeypatch.setattr(Compression, "train_all", train_all)
    spec, folder = _spec(budgets=[0.2], strengths={}), tmp_path / "run"
    frame = run_compressions(spec, folder, onnx=True)
    assert frame["accuracy"].isna().tolist() == [False, False, True, False]
    assert frame.equals(run_compressions(spec, folder))  # it is not tried again
    found = read_compressions(folder)
    (row,) = summary(with_losses(found)).query("method == 'group_lasso'").to_dict("records")
    assert (row["seeds"], row["diverged"]) == (0, 1)
    assert "group_lasso-0.2-seed0" not in set(found.latency["label"])
    assert "0 seeds, 1 diverged" in write_compress_report([folder]).read_text()


def test_the_page_begins_with_the_best_lambda(ran):
    """A smaller network of another lambda, whose loss is tolerable too, is not the answer."""
    found = read_compressions(ran[0])
    trainings = found.trainings.copy()
    trainings["accuracy"] = 90.0
    lasso = (trainings["method"] == "group_lasso") & (trainings["budget"] == 0.2)
    better = lasso & (trainings["strength"] == 0.001)
    trainings = trainings[(trainings["method"] == WHOLE) | lasso].copy()
    trainings.loc[better, ["accuracy", "flops_share"]] = 93.0, 0.2
    trainings.loc[lasso & ~better, "flops_share"] = 0.19
    said = str(compression_page([replace(found, trainings=trainings)]).sections[0].blocks)
    assert "<b>3.00 points of accuracy gained</b>" in said
    assert "lambda 0.001, " in said
