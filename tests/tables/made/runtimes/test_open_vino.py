"""OpenVINO by a stand-in that has what is used of it, and by itself where it is installed."""

import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.extras import MissingExtraError
from hwbench.spaces import get_space
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe, check_runtime
from hwbench.tables.made.runtimes import base
from hwbench.tables.made.runtimes.base import MeasureError, Work, complete_options, make_runtime

SPACE = get_space("nasbench201")
TINY = {"channels": 4, "depth": 1, "input_size": 8}


@pytest.fixture
def work(tmp_path):
    network = SPACE.network(SPACE.sample(1, 3)[0], seed=1, **TINY).eval()
    images = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    return Work(network, images, "a", 2, 1, 2, 0, tmp_path, tmp_path / "kept")


class Request:
    """An inference request, which ONNX Runtime answers."""

    def __init__(self, model):
        self._session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._given, self._found = {}, []

    def set_tensor(self, name, tensor):
        self._given[name] = tensor.data

    def infer(self):
        self._found = self._session.run(None, self._given)

    def get_output_tensor(self, index):
        return SimpleNamespace(data=self._found[index])


@pytest.fixture
def openvino(monkeypatch):
    """A stand-in for the module; keeps what models were compiled with."""
    module = ModuleType("openvino")
    module.compiled = []

    class Core:
        available_devices = ("CPU", "GPU.0")

        def read_model(self, model):
            if module.refuses:
                raise RuntimeError("Check 'false' failed\nat many places")
            return model

        def compile_model(self, model, target, settings):
            module.compiled.append((target, settings))
            return SimpleNamespace(create_infer_request=lambda: Request(model))

        def get_property(self, target, name):
            assert name == "FULL_DEVICE_NAME"
            return f"a {target}"

    module.refuses = False
    module.Core = Core
    module.Tensor = lambda array: SimpleNamespace(data=array)
    monkeypatch.setitem(sys.modules, "openvino", module)
    known = base.is_there
    monkeypatch.setattr(base, "is_there", lambda name: name == "openvino" or known(name))
    return module


def runtime_of(**options):
    return make_runtime("openvino", complete_options("openvino", options))


def test_it_computes_what_the_network_computes(openvino, work):
    with torch.inference_mode():
        expected = work.network(work.images).numpy()
    found = runtime_of().prepare(work)()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_threads_precision_and_streams_are_said(openvino, work):
    runtime_of().prepare(work)
    runtime_of(target="GPU.0").prepare(work)
    (cpu, of_cpu), (gpu, of_gpu) = openvino.compiled
    assert (cpu, gpu) == ("CPU", "GPU.0")
    shared = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    assert of_gpu == shared
    assert of_cpu == {
        **shared,
        "INFERENCE_NUM_THREADS": 2,
        "CPU_DENORMALS_OPTIMIZATION": True,
    }


def test_a_network_that_it_refuses_is_a_failure(openvino, work):
    openvino.refuses = True
    with pytest.raises(MeasureError, match="OpenVINO refuses the network: Check 'false' failed"):
        runtime_of().prepare(work)


@pytest.mark.parametrize("target", ["NPU", "AUTO"])
def test_a_device_that_is_not_there_is_refused(openvino, target):
    recipe = MeasureRecipe(runtime="openvino", options={"target": target})
    with pytest.raises(HwbenchError, match=f"unknown device of OpenVINO '{target}'"):
        check_runtime(recipe)
    check_runtime(MeasureRecipe(runtime="openvino", options={"target": "GPU"}))


def test_the_table_names_the_device(openvino, tmp_path):
    recipe = MeasureRecipe(runtime="openvino", options={"target": "GPU.0"}, rounds=1, skeleton=TINY)
    table = measured_table(
        SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=SPACE.sample(2)
    )
    assert table.card.columns["latency"].device == "a GPU.0"
    assert (table.column("latency") > 0).all()


def test_without_the_library_it_names_the_extra(monkeypatch):
    known = base.is_there
    monkeypatch.setattr(base, "is_there", lambda name: name != "openvino" and known(name))
    with pytest.raises(MissingExtraError, match=r"needs openvino, .*hwbench\[openvino\]"):
        check_runtime(MeasureRecipe(runtime="openvino"))


@pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")
def test_the_library_itself_computes_what_the_network_computes(work):
    with torch.inference_mode():
        expected = work.network(work.images).numpy()
    runtime = runtime_of()
    runtime.check("openvino", "float32", "cpu")
    np.testing.assert_allclose(runtime.prepare(work)(), expected, rtol=1e-4, atol=1e-6)
    assert runtime.versions()["openvino"][0].isdigit()
    assert runtime.device_name("cpu")
