"""The network as an ONNX model in ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import PositiveInt

from hwbench.arguments import one_of
from hwbench.errors import HwbenchError
from hwbench.tables.made.devices import DEVICES
from hwbench.tables.made.quiet import denormals_left_alone
from hwbench.tables.made.runtimes.base import Run, Runtime, Work

if TYPE_CHECKING:
    import torch

OPTIMISATIONS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "none": "ORT_DISABLE_ALL",
}
"""Levels of graph optimisation: layouts, fusions, what is redundant, and nothing."""


class OnnxRuntime(Runtime):
    """ONNX Runtime in single precision.

    Images and output are bound to memory of the device, so that no run copies them to it or back.

    Parameters
    ----------
    graph_optimisation : one of `OPTIMISATIONS`.
    parallel_branches : nodes that do not need each other run side by side where it is above 1, on
        so many threads ("inter-op"), beside those that share the work of a node ("intra-op"),
        which are the recipe's.
    spinning : whether threads wait for work by looking for it, which is quicker and takes more of
        a processor than sleeping.
    """

    devices: ClassVar[tuple[str, ...]] = DEVICES
    libraries = ("onnx", "onnxruntime")
    distributions = ("onnx", "onnxruntime")

    def __init__(
        self,
        *,
        graph_optimisation: Annotated[str, one_of(OPTIMISATIONS)] = "all",
        parallel_branches: PositiveInt = 1,
        spinning: bool = True,
    ) -> None:
        self.graph_optimisation = graph_optimisation
        self.parallel_branches = parallel_branches
        self.spinning = spinning

    def cores(self, threads: int) -> int:
        return threads + self.parallel_branches - 1

    def prepare(self, work: Work) -> Run:
        return bound(self.session(self.model(work), work), work.images)

    def model(self, work: Work) -> bytes:
        """The ONNX model that is run."""
        from hwbench.tables.made.onnx_graph import onnx_model

        return onnx_model(work.network.cpu(), work.images.cpu())

    def session(self, model: bytes, work: Work) -> Any:
        """The model, ready to be run.

        Raises
        ------
        HwbenchError
            Where ONNX Runtime has no provider for the device.
        """
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = work.threads
        options.inter_op_num_threads = self.parallel_branches
        if self.parallel_branches > 1:
            options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
        level = OPTIMISATIONS[self.graph_optimisation]
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
        options.log_severity_level = 3  # errors only
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        spinning = str(int(self.spinning))
        options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
        options.add_session_config_entry("session.inter_op.allow_spinning", spinning)
        provider = "CUDAExecutionProvider" if work.images.is_cuda else "CPUExecutionProvider"
        if provider not in ort.get_available_providers():
            raise HwbenchError(
                f"onnxruntime: this build has no {provider}; install onnxruntime-gpu, "
                "or measure on the CPU with --device cpu"
            )
        with denormals_left_alone():
            session = ort.InferenceSession(model, options, providers=[provider])
        if provider not in session.get_providers():  # it is in the build, but its libraries are not
            raise HwbenchError(
                f"onnxruntime: {provider} cannot be loaded; install the CUDA and cuDNN libraries "
                "that this onnxruntime-gpu was built for, or measure on the CPU with --device cpu"
            )
        return session


def bound(session: Any, images: torch.Tensor) -> Run:
    """Runs of a session whose input and output stay in memory of the device."""
    import onnxruntime as ort

    from hwbench.tables.made.onnx_graph import INPUT, OUTPUT

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
