"""What executes a network when it is measured: PyTorch eager, compiled PyTorch, ONNX Runtime."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    import torch

Runner = Callable[[], object]

DTYPES = ("float32", "float64", "float16", "bfloat16")
DEVICES = ("cpu", "cuda")


def torch_eager(network: torch.nn.Module, images: torch.Tensor, threads: int) -> Runner:  # noqa: ARG001
    """The network as PyTorch runs it, layer by layer."""
    return _synchronised(lambda: network(images), images)


def torch_compile(network: torch.nn.Module, images: torch.Tensor, threads: int) -> Runner:  # noqa: ARG001
    """The network compiled by `torch.compile` for this input shape.

    Raises
    ------
    HwbenchError
        Where compiling fails, as it does without a C++ compiler.
    """
    import torch

    torch._dynamo.reset()  # a compiled network of another architecture must not be looked through
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler warns of its own parts
            compiled = torch.compile(network, dynamic=False)
            compiled(images)
    except Exception as error:  # the compiler raises errors of many libraries
        # The first line says what is wrong, many more follow it.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise HwbenchError(
            f"torch-compile does not work here ({reason}); use another runtime"
        ) from error
    return _synchronised(lambda: compiled(images), images)


def onnxruntime(network: torch.nn.Module, images: torch.Tensor, threads: int) -> Runner:
    """The network as an ONNX model in ONNX Runtime, with all of its graph optimisations.

    Images and output are bound to memory of the device, so that no run copies them to it or back.

    Raises
    ------
    HwbenchError
        Where ONNX Runtime has no provider for the device.
    """
    import onnxruntime as ort

    from hwbench.tables.made.onnx_graph import INPUT, OUTPUT, onnx_model

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    provider = "CUDAExecutionProvider" if images.is_cuda else "CPUExecutionProvider"
    if provider not in ort.get_available_providers():
        raise HwbenchError(
            f"onnxruntime: this build has no {provider}; install onnxruntime-gpu, "
            "or measure on the CPU with --device cpu"
        )
    model = onnx_model(network.cpu(), images.cpu())
    session = ort.InferenceSession(model, options, providers=[provider])
    if provider not in session.get_providers():  # it is in the build, but its libraries are not
        raise HwbenchError(
            f"onnxruntime: {provider} cannot be loaded; install the CUDA and cuDNN libraries that "
            "this onnxruntime-gpu was built for, or measure on the CPU with --device cpu"
        )
    place = images.device.type, images.device.index or 0
    given = ort.OrtValue.ortvalue_from_numpy(images.cpu().numpy(), *place)
    binding = session.io_binding()
    binding.bind_ortvalue_input(INPUT, given)
    binding.bind_output(OUTPUT, *place)

    def run() -> object:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return binding.get_outputs()

    return run


RUNTIMES: dict[str, Callable[[torch.nn.Module, torch.Tensor, int], Runner]] = {
    "torch-eager": torch_eager,
    "torch-compile": torch_compile,
    "onnxruntime": onnxruntime,
}


def check_device(device: str, *, owner: str) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    HwbenchError
        Where torch has no CUDA device and one is asked for.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise HwbenchError(f"{owner}: this machine has no CUDA device that torch can use")


def check_runtime(runtime: str, dtype: str, device: str) -> None:
    """Refuse what cannot be measured here before the first network is built.

    Raises
    ------
    HwbenchError
        Where the device is absent, a library is missing, or the runtime lacks the dtype.
    """
    check_device(device, owner="measure")
    if runtime != "onnxruntime":
        return
    for library in ("onnx", "onnxruntime"):
        if find_spec(library) is None:
            raise HwbenchError(
                f"measure: runtime onnxruntime needs the library {library}; "
                "install it with: pip install 'hwbench[onnx]'"
            )
    if dtype != "float32":
        raise HwbenchError(f"measure: runtime onnxruntime measures float32 alone, not {dtype}")


def _synchronised(run: Runner, images: torch.Tensor) -> Runner:
    """On a GPU a call returns before the work is done: wait for it."""
    if not images.is_cuda:
        return run
    import torch

    def run_and_wait() -> object:
        result = run()
        torch.cuda.synchronize()
        return result

    return run_and_wait
