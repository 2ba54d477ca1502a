import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hwbench.environment import available_cores
from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables.made.devices import DEVICES, DTYPES
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe, check_runtime
from hwbench.tables.made.runtimes import RUNTIMES, base
from hwbench.tables.made.runtimes.base import Runtime, Work, complete_options, make_runtime

SPACE = get_space("nasbench201")
TINY = {"channels": 4, "depth": 1, "input_size": 8}
IMAGES = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def work(tmp_path):
    network = SPACE.network(SPACE.sample(1, 3)[0], seed=1, **TINY).eval()
    folder = tmp_path / "visit"
    folder.mkdir()
    return Work(network, IMAGES, "a", 1, 1, 2, 0, folder, tmp_path / "kept")


@pytest.mark.parametrize(
    ("runtime", "options"),
    [
        ("torch-eager", {}),
        ("onnxruntime", {}),
        *(("onnxruntime", {"graph_optimisation": each}) for each in ("extended", "basic", "none")),
        ("onnxruntime", {"parallel_branches": 2, "spinning": False}),
    ],
)
def test_runner_computes_what_the_network_computes(runtime, options, work):
    with torch.inference_mode():
        result = make_runtime(runtime, complete_options(runtime, options)).prepare(work)()
        expected = work.network(IMAGES)
    found = result[0].numpy() if runtime == "onnxruntime" else result
    np.testing.assert_allclose(np.asarray(found), expected.numpy(), rtol=1e-4, atol=1e-6)


def test_options_reach_onnxruntime(work):
    options = {"graph_optimisation": "basic", "parallel_branches": 3, "spinning": False}
    runtime = make_runtime("onnxruntime", complete_options("onnxruntime", options))
    session = runtime.session(runtime.model(work), work)
    found = session.get_session_options()
    assert found.intra_op_num_threads == work.threads
    assert found.inter_op_num_threads == 3
    assert found.execution_mode.name == "ORT_PARALLEL"
    assert found.graph_optimization_level.name == "ORT_ENABLE_BASIC"
    assert found.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert runtime.words() == "graph optimisation basic, parallel branches 3, spinning False"


@pytest.mark.parametrize("flushed", [False, True])
def test_the_smallest_numbers_are_left_alone_by_the_first_session(flushed):
    """Of a process, for which ONNX Runtime sets it once and for good."""
    script = f"""
import torch
from pathlib import Path
from hwbench.tables.made.runtimes.base import Work, complete_options, make_runtime
torch.set_flush_denormal({flushed})
network, images, here = torch.nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8), Path()
work = Work(network, images, "a", 1, 1, 2, 0, here, here)
runtime = make_runtime("onnxruntime", complete_options("onnxruntime", {{}}))
runtime.session(runtime.model(work), work)
assert ((torch.full((1,), 1e-40) * 1.0).item() == 0) == {flushed}
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_branches_side_by_side_need_cores_of_their_own():
    options = {"parallel_branches": available_cores() + 1}
    with pytest.raises(HwbenchError, match=f"{available_cores() + 1} threads on"):
        MeasureRecipe(runtime="onnxruntime", options=options)
    runtime = make_runtime("onnxruntime", complete_options("onnxruntime", options))
    assert runtime.cores(2) == available_cores() + 2


@pytest.mark.slow
def test_compiled_network_computes_the_same(work):
    with torch.inference_mode():
        found = make_runtime("torch-compile", {}).prepare(work)()
        expected = work.network(IMAGES).numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_compiling_that_fails_says_so(work, monkeypatch):
    def broken(module, dynamic):
        def call(images):
            raise RuntimeError("no working C++ compiler\nin many lines")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(HwbenchError) as caught:
        make_runtime("torch-compile", {}).prepare(work)
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
    (recipe,) = table.card.recipes
    assert recipe["runtime"] == runtime
    distributions = {"torch-eager": ["torch"], "onnxruntime": ["onnx", "onnxruntime"]}
    assert list(recipe["runtime_versions"]) == distributions[runtime]
    assert "unknown" not in recipe["runtime_versions"].values()


def test_options_are_in_the_record_and_the_sources(tmp_path):
    recipe = MeasureRecipe(
        runtime="onnxruntime", options={"graph_optimisation": "none"}, rounds=1, skeleton=TINY
    )
    path = tmp_path / "j"
    table = measured_table(SPACE, recipe, name="t", journal_path=path, archs=SPACE.sample(2))
    assert table.card.recipes[0]["options"] == {
        "graph_optimisation": "none",
        "parallel_branches": 1,
        "spinning": True,
    }
    assert table.card.columns["latency"].source.endswith("; graph optimisation none")
    other = MeasureRecipe(runtime="onnxruntime", rounds=1, skeleton=TINY)
    with pytest.raises(HwbenchError, match=r"was begun with another recipe .*options"):
        measured_table(SPACE, other, name="t", journal_path=path, archs=SPACE.sample(2))


def test_absent_device_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    recipe = MeasureRecipe(device="cuda", rounds=1, skeleton=TINY)
    with pytest.raises(HwbenchError, match="no CUDA device"):
        measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=SPACE.sample(2))
    assert not (tmp_path / "j").exists()


def test_missing_library_names_what_to_install(monkeypatch):
    monkeypatch.setattr(base, "is_there", lambda name: name != "onnx")
    for runtime in ("onnxruntime", "onnxruntime-int8", "openvino"):
        with pytest.raises(HwbenchError, match=r"needs onnx, .*hwbench\[onnx\]"):
            check_runtime(MeasureRecipe(runtime=runtime))
    check_runtime(MeasureRecipe())


@pytest.mark.parametrize("runtime", ["onnxruntime", "onnxruntime-int8"])
def test_onnxruntime_measures_float32_alone(runtime):
    with pytest.raises(HwbenchError, match="float32 alone, not bfloat16"):
        check_runtime(MeasureRecipe(runtime=runtime, dtype="bfloat16"))


@pytest.mark.parametrize(
    ("runtime", "options", "message"),
    [
        ("torch", {}, "unknown runtime 'torch'; did you mean 'torch-eager'?"),
        ("onnxruntime", {"optimisation": "all"}, "'graph_optimisation'?"),
        ("onnxruntime", {"graph_optimisation": "al"}, "did you mean 'all'?"),
        ("onnxruntime", {"parallel_branches": 0}, "parallel_branches must be above 0, not 0"),
        ("torch-eager", {"spinning": True}, "unknown key 'spinning'"),
        ("command", {}, "the key 'command' is missing"),
        ("onnxruntime-int8", {"calibration_method": "max"}, "did you mean 'minmax'?"),
    ],
)
def test_wrong_options_are_refused(runtime, options, message):
    with pytest.raises(HwbenchError) as caught:
        MeasureRecipe(runtime=runtime, options=options)
    assert message in str(caught.value)
    assert str(caught.value).startswith("measure: ")


class Halting(Runtime):
    """A runtime of one's own, whose runs take as long as its option says."""

    def __init__(self, *, milliseconds: float = 1.0) -> None:
        self.milliseconds = milliseconds

    in_process = False

    def prepare(self, work):
        return lambda: [self.milliseconds]


def test_a_runtime_of_ones_own_needs_no_more_than_a_class(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "my_runtimes", type("Module", (), {"Halting": Halting}))
    recipe = MeasureRecipe(
        runtime="my_runtimes:Halting",
        options={"milliseconds": 2.5},
        rounds=1,
        skeleton=TINY,
        device_name="nothing",
    )
    table = measured_table(
        SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=SPACE.sample(3)
    )
    assert (table.column("latency") == 2.5).all()
    assert table.card.recipes[0]["options"] == {"milliseconds": 2.5}
    assert table.card.columns["latency"].device == "nothing"


def test_every_runtime_says_what_it_is():
    assert len(RUNTIMES.built_in) == 6
    for name in RUNTIMES.built_in:
        part = RUNTIMES.load(name)
        assert part.__doc__
        assert set(part.dtypes) <= set(DTYPES)
        assert set(part.devices) <= set(DEVICES)
        assert Path(__import__(part.__module__, fromlist=["x"]).__file__).parent.name == "runtimes"
