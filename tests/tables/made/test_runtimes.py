import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables.made import runtimes
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.runtimes import RUNTIMES, check_runtime

SPACE = get_space("nasbench201")
TINY = {"channels": 4, "depth": 1, "input_size": 8}
IMAGES = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    return SPACE.network(SPACE.sample(1, 3)[0], seed=1, **TINY).eval()


@pytest.mark.parametrize("runtime", ["torch-eager", "onnxruntime"])
def test_runner_computes_what_the_network_computes(runtime, network):
    with torch.inference_mode():
        result = RUNTIMES[runtime](network, IMAGES, 1)()
        expected = network(IMAGES)
    found = result[0].numpy() if runtime == "onnxruntime" else result
    np.testing.assert_allclose(np.asarray(found), expected.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_compiled_network_computes_the_same(network):
    with torch.inference_mode():
        found = RUNTIMES["torch-compile"](network, IMAGES, 1)()
        np.testing.assert_allclose(found.numpy(), network(IMAGES).numpy(), rtol=1e-4, atol=1e-6)


def test_compiling_that_fails_says_so(network, monkeypatch):
    def broken(module, dynamic):
        def call(images):
            raise RuntimeError("no working C++ compiler\nin many lines")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(HwbenchError) as caught:
        RUNTIMES["torch-compile"](network, IMAGES, 1)
    assert "does not work here (no working C++ compiler)" in str(caught.value)


@pytest.mark.parametrize(
    ("runtime", "settings", "columns"),
    [
        ("torch-eager", {"batch_size": 3}, True),
        ("torch-eager", {"dtype": "bfloat16"}, True),
        ("torch-eager", {"dtype": "float64"}, True),
        ("onnxruntime", {"batch_size": 3}, False),
    ],
)
def test_table_of_any_runtime(tmp_path, runtime, settings, columns):
    recipe = MeasureRecipe(runtime=runtime, rounds=1, skeleton=TINY, **settings)
    archs = SPACE.sample(3)
    table = measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=archs)
    assert (table.column("latency") > 0).all()
    assert ("peak_memory" in table.card.columns) == columns
    source = table.card.columns["latency"].source
    assert runtime in source
    assert settings.get("dtype", runtime) in source
    assert ("3 images" in source) == ("batch_size" in settings)
    assert table.card.recipes[0]["runtime"] == runtime


def test_absent_device_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    recipe = MeasureRecipe(device="cuda", rounds=1, skeleton=TINY)
    with pytest.raises(HwbenchError, match="no CUDA device"):
        measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=SPACE.sample(2))
    assert not (tmp_path / "j").exists()


def test_missing_library_names_what_to_install(monkeypatch):
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None if name == "onnx" else object())
    with pytest.raises(HwbenchError, match=r"needs the library onnx; .*hwbench\[onnx\]"):
        check_runtime("onnxruntime", "float32", "cpu")
    check_runtime("torch-eager", "float32", "cpu")


def test_onnxruntime_measures_float32_alone():
    with pytest.raises(HwbenchError, match="float32 alone, not bfloat16"):
        check_runtime("onnxruntime", "bfloat16", "cpu")
