import logging

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.spaces import get_space
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe, check_runtime
from hwbench.tables.made.runtimes import onnx_runtime_int8
from hwbench.tables.made.runtimes.base import Work, complete_options, make_runtime

SPACE = get_space("nasbench201")
TINY = {"channels": 4, "depth": 1, "input_size": 8}
CONV = "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|nor_conv_1x1~1|skip_connect~2|"
OPTIONS = {"calibration_images": 8}


@pytest.fixture
def work(tmp_path):
    arch = SPACE.from_string(CONV)
    network = SPACE.network(arch, seed=1, **TINY).eval()
    folder = tmp_path / "visit"
    folder.mkdir()
    images = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    return Work(network, images, CONV, 1, 1, 2, 0, folder, tmp_path / "kept")


def int8(**options):
    given = complete_options("onnxruntime-int8", {**OPTIONS, **options})
    return make_runtime("onnxruntime-int8", given)


def test_convolutions_are_in_whole_numbers(work):
    model = onnx.load_from_string(int8().model(work))
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BatchNormalization") == 1  # behind the last sum; others are folded
    weights = {each.name: each for each in model.graph.initializer}
    scaled = {node.output[0]: node for node in model.graph.node if "Dequant" in node.op_type}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) > 5
    for node in convolutions:
        weight = scaled[node.input[1]]
        whole, scale = weights[weight.input[0]], weights[weight.input[1]]
        assert whole.data_type == onnx.TensorProto.INT8
        assert list(scale.dims) == [whole.dims[0]]  # one for each output channel
        assert node.input[0] in scaled


def test_the_same_seed_gives_the_same_model_and_another_seed_another(work, tmp_path):
    first = int8().model(work)
    again = int8().model(_elsewhere(work, tmp_path / "again"))
    other = int8().model(_elsewhere(work, tmp_path / "other", seed=1))
    assert first == again
    assert first != other


def _elsewhere(work, path, seed=0):
    return Work(**{**vars(work), "kept": path, "seed": seed})


def test_a_model_is_made_once_for_all_visits(work, monkeypatch):
    runtime = int8()
    first = runtime.model(work)
    monkeypatch.setattr(type(runtime), "_quantise", None)
    assert runtime.model(work) == first


def test_what_int8_changes_is_told(work):
    runtime = int8(calibration_images=64)
    run = runtime.prepare(work)
    found = runtime.outcomes_of(work, run)
    batches = runtime._batches(load_images("digits").test_images, work)
    assert len(batches) == 32
    session = onnxruntime.InferenceSession(runtime.model(work), providers=["CPUExecutionProvider"])
    changed = np.concatenate([session.run(None, {"images": each.numpy()})[0] for each in batches])
    with torch.inference_mode():
        exact = work.network(torch.cat(batches)).numpy()
    deviation = np.sqrt(((changed - exact) ** 2).mean() / exact.var(axis=0).mean())
    assert found["int8_deviation"] == pytest.approx(100 * deviation, rel=0.05)
    agreement = np.mean(changed.argmax(axis=1) == exact.argmax(axis=1))
    assert found["int8_agreement"] == pytest.approx(100 * agreement, abs=2)
    assert deviation > 0


def test_logits_that_do_not_depend_on_the_image_have_no_deviation(work):
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 2, 1), torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(2, 3)
    ).eval()
    torch.nn.init.zeros_(network[3].weight)
    constant = Work(**{**vars(work), "network": network})
    runtime = int8()
    found = runtime.outcomes_of(constant, runtime.prepare(constant))
    assert np.isnan(found["int8_deviation"])
    assert found["int8_agreement"] == 100


def test_table_names_the_images_and_the_seed(tmp_path):
    recipe = MeasureRecipe(
        runtime="onnxruntime-int8", options=OPTIONS, rounds=2, skeleton=TINY, seed=3
    )
    archs = SPACE.from_strings([CONV, CONV.replace("skip_connect~1", "nor_conv_1x1~1")])
    level = logging.root.manager.disable
    table = measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=archs)
    assert logging.root.manager.disable == level
    assert (table.column("int8_deviation") > 0).all()
    source = table.card.columns["int8_deviation"].source
    assert "calibrated (minmax) on 8 training images of digits" in source
    (record,) = table.card.recipes
    assert record["options"]["calibration"] == "digits"
    assert record["calibration_set"]["name"] == "digits"
    assert len(record["calibration_set"]["sha256"]) == 64
    assert record["seed"] == 3
    units = {name: card.unit for name, card in table.card.columns.items()}
    assert units["int8_deviation"] == units["int8_agreement"] == "%"
    assert table.card.columns["int8_agreement"].direction == "maximize"


def image_set(shape):
    images = np.random.default_rng(0).standard_normal((4, *shape)).astype(np.float32)
    labels = np.arange(4)
    return ImageSet("mine", "mine", images, labels, images, labels, 4)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 2, 8, 8), "holds events over time; calibrate with images that stand still"),
        ((2, 8, 8), "images of 2 channels, the networks take 3"),
    ],
)
def test_images_that_do_not_fit_are_refused(tmp_path, monkeypatch, shape, message):
    monkeypatch.setattr(onnx_runtime_int8, "load_images", lambda name: image_set(shape))
    recipe = MeasureRecipe(runtime="onnxruntime-int8", rounds=1, skeleton=TINY)
    with pytest.raises(HwbenchError, match=message):
        measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=SPACE.sample(2))


def test_few_images_of_any_size_are_enough(work, monkeypatch):
    monkeypatch.setattr(onnx_runtime_int8, "load_images", lambda name: image_set((3, 5, 5)))
    batches = int8()._batches(image_set((3, 5, 5)).train_images, work)
    assert [tuple(each.shape) for each in batches] == [(2, 3, 8, 8)] * 4


def test_an_unknown_image_set_is_refused():
    recipe = MeasureRecipe(runtime="onnxruntime-int8", options={"calibration": "digit"})
    with pytest.raises(HwbenchError, match="did you mean 'digits'"):
        check_runtime(recipe)
