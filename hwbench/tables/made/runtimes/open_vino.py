"""The network as an ONNX model in OpenVINO."""

from __future__ import annotations

from typing import Any

from hwbench.errors import one_line, unknown_name
from hwbench.tables.made.quiet import denormals_left_alone
from hwbench.tables.made.runtimes.base import MeasureError, Run, Runtime, Work

DENORMALS = {"CPU_DENORMALS_OPTIMIZATION": True}
"""Numbers too small for full precision count as 0, as with all runtimes here."""


class OpenVino(Runtime):
    """OpenVINO, one stream that is tuned for latency, in single precision.

    Parameters
    ----------
    target : OpenVINO's name of the device: "CPU", "GPU" or "NPU" of Intel.
    """

    libraries = ("onnx", "openvino")
    distributions = ("onnx", "openvino")

    def __init__(self, *, target: str = "CPU") -> None:
        self.target = target

    def check(self, name: str, dtype: str, device: str) -> None:
        super().check(name, dtype, device)
        devices = _core().available_devices
        if self.target.partition(".")[0] not in {each.partition(".")[0] for each in devices}:
            raise unknown_name("device of OpenVINO", self.target, devices, where="measure")

    def prepare(self, work: Work) -> Run:
        from hwbench.tables.made.onnx_graph import INPUT, onnx_model

        core = _core()
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            # A processor that knows bfloat16 would else compute in that, without a word.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if self.target == "CPU":
            settings |= {"INFERENCE_NUM_THREADS": work.threads, **DENORMALS}
        try:
            model = core.read_model(onnx_model(work.network, work.images))
            with denormals_left_alone():
                compiled = core.compile_model(model, self.target, settings)
        except RuntimeError as error:
            raise MeasureError(f"OpenVINO refuses the network: {one_line(error)}") from error
        request = compiled.create_infer_request()
        request.set_tensor(INPUT, _tensor(work))

        def run() -> object:
            request.infer()
            return request.get_output_tensor(0).data

        return run

    def device_name(self, device: str) -> str:
        del device
        return str(_core().get_property(self.target, "FULL_DEVICE_NAME"))


def _core() -> Any:
    import openvino

    return openvino.Core()


def _tensor(work: Work) -> Any:
    """The images in memory that the runtime reads where it is."""
    import openvino

    return openvino.Tensor(work.images.numpy())
