"""Runtimes: what executes a network when it is measured, by name."""

from __future__ import annotations

from hwbench.registry import Registry

_HERE = "hwbench.tables.made.runtimes"

RUNTIMES = Registry(
    "runtime",
    {
        "command": f"{_HERE}.command:Command",
        "onnxruntime": f"{_HERE}.onnx_runtime:OnnxRuntime",
        "onnxruntime-int8": f"{_HERE}.onnx_runtime_int8:OnnxRuntimeInt8",
        "openvino": f"{_HERE}.open_vino:OpenVino",
        "torch-compile": f"{_HERE}.torch_compile:TorchCompile",
        "torch-eager": f"{_HERE}.torch_eager:TorchEager",
    },
    "hwbench.runtimes",
    base=f"{_HERE}.base:Runtime",
)
"""Subclasses of `Runtime`."""
