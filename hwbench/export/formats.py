"""The kinds of files that a network can be written as, each made and run again in one place.

The same network gives the same bytes, wherever and however often it is written: names that torch
counts up in a process, and paths of the code that traced the network, are left out.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from hwbench.arrays import FloatArray
from hwbench.extras import is_there
from hwbench.imports import import_module_of

if TYPE_CHECKING:
    import torch


class FileFormat(ABC):
    """One kind of file.

    Attributes
    ----------
    name : by which users choose it.
    suffix : of the files.
    runner : the library that runs them here, to check them.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    runner: ClassVar[str] = "torch"

    def require(self, owner: str) -> None:  # noqa: B027  most need nothing
        """See that what writes the files is installed.

        Raises
        ------
        HwbenchError
            Where it is not; the message says how to install it, and begins with `owner`.
        """

    def described(self, opset: int) -> str:  # noqa: ARG002
        """The format in words, with the version of its operators where it has them."""
        return self.name

    @abstractmethod
    def made(self, network: torch.nn.Module, images: torch.Tensor, opset: int) -> bytes:
        """The file's content.

        Parameters
        ----------
        network : a float32 module in evaluation mode, on the CPU.
        images : float32 of shape (batch, channels, height, width); the file takes this shape alone.
        opset : version of ONNX's operators; of no effect on other formats.
        """

    def can_run(self) -> bool:
        """Whether the library is here that runs the files."""
        return is_there(self.runner)

    @abstractmethod
    def outputs(self, content: bytes, batches: list[torch.Tensor]) -> list[FloatArray]:
        """What the file computes of each batch of images, float32 of shape (batch, classes)."""


class Onnx(FileFormat):
    """ONNX, for ONNX Runtime, TensorRT, OpenVINO and the converters of most boards.

    The input is called "images", the output "logits".
    """

    name = "onnx"
    suffix = ".onnx"
    runner = "onnxruntime"

    def require(self, owner: str) -> None:
        import_module_of("onnx", owner=owner)

    def described(self, opset: int) -> str:
        return f"onnx opset {opset}"

    def made(self, network: torch.nn.Module, images: torch.Tensor, opset: int) -> bytes:
        from hwbench.tables.made.onnx_graph import onnx_model

        return onnx_model(network, images, opset)

    def outputs(self, content: bytes, batches: list[torch.Tensor]) -> list[FloatArray]:
        import onnxruntime

        from hwbench.tables.made.onnx_graph import INPUT

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return [session.run(None, {INPUT: batch.numpy()})[0] for batch in batches]


class TorchScript(FileFormat):
    """TorchScript, for LibTorch and PyTorch Mobile: traced and frozen, read by `torch.jit.load`."""

    name = "torchscript"
    suffix = ".pt"

    def made(self, network: torch.nn.Module, images: torch.Tensor, opset: int) -> bytes:  # noqa: ARG002
        import torch

        buffer = io.BytesIO()
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer warns of its own replacement
            traced = torch.jit.trace(network, images, check_trace=False)  # type: ignore[no-untyped-call]
            # Nothing is folded: a file computes what the network computes, operation by operation.
            frozen = torch.jit.freeze(traced, optimize_numerics=False)
            torch.jit.save(frozen, buffer)
        return _without_counters(buffer.getvalue())

    def outputs(self, content: bytes, batches: list[torch.Tensor]) -> list[FloatArray]:
        import torch

        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            network = torch.jit.load(io.BytesIO(content))  # type: ignore[no-untyped-call]
            return [network(batch).numpy() for batch in batches]


class TorchExport(FileFormat):
    """An exported program, for ExecuTorch and AOTInductor: read by `torch.export.load`."""

    name = "torch-export"
    suffix = ".pt2"

    def made(self, network: torch.nn.Module, images: torch.Tensor, opset: int) -> bytes:  # noqa: ARG002
        import torch

        buffer = io.BytesIO()
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(network, (images,))
            for module in program.graph_module.modules():
                if isinstance(module, torch.fx.GraphModule):
                    for node in module.graph.nodes:  # which say in what files the code stands
                        node.meta.pop("stack_trace", None)
            torch.export.save(program, buffer)
        return buffer.getvalue()

    def outputs(self, content: bytes, batches: list[torch.Tensor]) -> list[FloatArray]:
        import torch

        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            network = torch.export.load(io.BytesIO(content)).module()
            return [network(batch).numpy() for batch in batches]


FORMATS: dict[str, FileFormat] = {
    each.name: each for each in (Onnx(), TorchScript(), TorchExport())
}

_COUNTED = re.compile(rb"___torch_mangle_\d+")
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


def _without_counters(content: bytes) -> bytes:
    """A TorchScript archive without what differs each time that one is written.

    These are the number of the class in this process, the places of the Python code, and a digest
    of both.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(made, "w") as new:
        for name in given.namelist():
            if name.endswith((".debug_pkl", "/.data/serialization_id")):
                continue
            part = given.read(name)
            if "/constants/" not in name and "/data/" not in name:  # which are numbers
                part = _COUNTED.sub(b"___torch_mangle_0", part)
            place = _COUNTED.sub(b"___torch_mangle_0", name.encode()).decode()
            new.writestr(zipfile.ZipInfo(place, _FIRST_DATE), part)
    return made.getvalue()
