"""Turning a PyTorch network into an ONNX model, fast enough to do it for every architecture.

The layers that hwbench's own spaces are made of are written one by one, which takes some
milliseconds a network where the general exporter takes some hundred. A network with any other layer
goes through that exporter.
"""

from __future__ import annotations

import io
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, fx, nn

from hwbench.spaces.layers import StridedPointwiseConv2d
from hwbench.tables.made.onnx_opsets import OPSET

AXES_ARE_AN_INPUT = 18
"""The first version in which means are given their axes so, not by an attribute."""

INPUT, OUTPUT = "images", "logits"


class _UnsupportedError(Exception):
    """The graph holds a layer that is not written here."""


def onnx_model(network: nn.Module, images: Tensor, opset: int = OPSET) -> bytes:
    """A serialised ONNX model that computes what the network computes in evaluation mode.

    Parameters
    ----------
    network : a float32 module in evaluation mode, from images to logits.
    images : float32 of shape (batch, channels, height, width); the model takes this shape alone.
    opset : version of ONNX's operators, one of `OPSETS`.

    Returns
    -------
    The model's bytes; its input is called "images", its output "logits".
    """
    try:
        graph = _Tracer().trace(network)
        return _Writer(fx.GraphModule(network, graph), opset).model(images)
    except (_UnsupportedError, fx.proxy.TraceError):
        return _exported(network, images, opset)


def _exported(network: nn.Module, images: Tensor, opset: int) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own replacement
        torch.onnx.export(
            network,
            (images,),
            buffer,  # type: ignore[arg-type]  # it writes to files as well as to names
            dynamo=False,
            opset_version=opset,
            input_names=[INPUT],
            output_names=[OUTPUT],
        )
    return buffer.getvalue()


class _Tracer(fx.Tracer):
    """Leaves convolutions whole, however they compute."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d) or super().is_leaf_module(m, module_qualified_name)


class _Writer:
    """Writes the nodes of a traced network one after the other."""

    def __init__(self, traced: fx.GraphModule, opset: int) -> None:
        self.traced = traced
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}

    def model(self, images: Tensor) -> bytes:
        names: dict[fx.Node, str] = {}
        for node in self.traced.graph.nodes:
            if node.op == "placeholder":
                names[node] = INPUT
            elif node.op == "output":
                self.add("Identity", [names[node.args[0]]], OUTPUT)
            else:
                names[node] = self._write(node, names)
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, list(images.shape))],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None)],
            list(self.weights.values()),
        )
        opsets = [helper.make_opsetid("", self.opset)]
        oldest = helper.find_min_ir_version_for(opsets)  # which most runtimes read
        model = helper.make_model(graph, opset_imports=opsets, ir_version=oldest)
        inferred = onnx.shape_inference.infer_shapes(model)  # of every node; the output's is needed
        model.graph.output[0].CopyFrom(inferred.graph.output[0])
        return model.SerializeToString()

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, name: str, value: Tensor | np.ndarray) -> str:
        if name not in self.weights:
            array = value.detach().numpy() if isinstance(value, Tensor) else value
            self.weights[name] = onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def whole_numbers(self, name: str, values: Sequence[int]) -> str:
        return self.weight(name, np.array(values, dtype=np.int64))

    def _write(self, node: fx.Node, names: dict[fx.Node, str]) -> str:
        if node.op == "call_module":
            module = self.traced.get_submodule(str(node.target))
            layer = _LAYERS.get(type(module))
            if layer is None:
                raise _UnsupportedError(type(module).__name__)
            return layer(self, module, names[node.args[0]], node.name)  # type: ignore[index]
        function = _FUNCTIONS.get(node.target)
        if function is None:
            raise _UnsupportedError(str(node.target))
        return function(self, node, lambda argument: names[argument])


# ---------------------------------------------------------------------- layers


def _conv(writer: _Writer, conv: nn.Conv2d, x: str, name: str) -> str:
    if isinstance(conv.padding, str) or conv.padding_mode != "zeros":
        raise _UnsupportedError("padding mode")
    inputs = [x, writer.weight(f"{name}.weight", conv.weight)]
    if conv.bias is not None:
        inputs.append(writer.weight(f"{name}.bias", conv.bias))
    return writer.add(
        "Conv",
        inputs,
        name,
        kernel_shape=list(conv.kernel_size),
        strides=list(conv.stride),
        pads=list(conv.padding) * 2,
        dilations=list(conv.dilation),
        group=conv.groups,
    )


def _batch_norm(writer: _Writer, norm: nn.BatchNorm2d, x: str, name: str) -> str:
    if norm.running_mean is None or norm.running_var is None or norm.training:
        raise _UnsupportedError("batch normalisation by the batch's own statistics")
    size = norm.num_features
    scale = norm.weight if norm.weight is not None else torch.ones(size)
    shift = norm.bias if norm.bias is not None else torch.zeros(size)
    values = {"scale": scale, "shift": shift, "mean": norm.running_mean, "var": norm.running_var}
    inputs = [x, *(writer.weight(f"{name}.{key}", value) for key, value in values.items())]
    return writer.add("BatchNormalization", inputs, name, epsilon=norm.eps)


def _pool(writer: _Writer, pool: nn.AvgPool2d | nn.MaxPool2d, x: str, name: str) -> str:
    kernel, stride, padding = (_pair(v) for v in (pool.kernel_size, pool.stride, pool.padding))
    shared: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": stride,
        "pads": padding * 2,
        "ceil_mode": int(pool.ceil_mode),
    }
    if isinstance(pool, nn.MaxPool2d):
        return writer.add("MaxPool", [x], name, dilations=_pair(pool.dilation), **shared)
    if pool.divisor_override is not None:
        raise _UnsupportedError("divisor_override")
    return writer.add(
        "AveragePool", [x], name, count_include_pad=int(pool.count_include_pad), **shared
    )


def _linear(writer: _Writer, linear: nn.Linear, x: str, name: str) -> str:
    inputs = [x, writer.weight(f"{name}.weight", linear.weight)]
    if linear.bias is not None:
        inputs.append(writer.weight(f"{name}.bias", linear.bias))
    return writer.add("Gemm", inputs, name, transB=1)


def _relu(writer: _Writer, _module: nn.Module, x: str, name: str) -> str:
    return writer.add("Relu", [x], name)


def _relu6(writer: _Writer, _module: nn.Module, x: str, name: str) -> str:
    low = writer.weight("relu6.low", np.array(0.0, dtype=np.float32))
    high = writer.weight("relu6.high", np.array(6.0, dtype=np.float32))
    return writer.add("Clip", [x, low, high], name)


def _identity(_writer: _Writer, _module: nn.Module, x: str, _name: str) -> str:
    return x


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


_LAYERS: dict[type[nn.Module], Callable[[_Writer, Any, str, str], str]] = {
    nn.Conv2d: _conv,
    StridedPointwiseConv2d: _conv,
    nn.BatchNorm2d: _batch_norm,
    nn.AvgPool2d: _pool,
    nn.MaxPool2d: _pool,
    nn.Linear: _linear,
    nn.ReLU: _relu,
    nn.ReLU6: _relu6,
    nn.Identity: _identity,
}

# ---------------------------------------------------------------------- functions

_Names = Callable[[Any], str]


def _add(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    if not all(isinstance(argument, fx.Node) for argument in node.args):
        raise _UnsupportedError("adding a constant")
    return writer.add("Add", [name_of(argument) for argument in node.args], node.name)


def _multiply(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    x, factor = node.args
    if not isinstance(factor, int | float):
        raise _UnsupportedError("product of tensors")
    constant = writer.weight(f"{node.name}.factor", np.array(factor, dtype=np.float32))
    return writer.add("Mul", [name_of(x), constant], node.name)


def _relu_function(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    return writer.add("Relu", [name_of(node.args[0])], node.name)


def _mean(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    axes = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    if not isinstance(axes, tuple | list) or node.kwargs.get("keepdim"):
        raise _UnsupportedError("mean")
    inputs = [name_of(node.args[0])]
    if writer.opset < AXES_ARE_AN_INPUT:
        return writer.add("ReduceMean", inputs, node.name, axes=list(axes), keepdims=0)
    inputs.append(writer.whole_numbers(f"{node.name}.axes", list(axes)))
    return writer.add("ReduceMean", inputs, node.name, keepdims=0)


def _concatenate(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    parts: Any = node.args[0]
    axis = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
    return writer.add("Concat", [name_of(part) for part in parts], node.name, axis=axis)


def _pad(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    pads: Any = node.args[1]
    options = dict(zip(("mode", "value"), node.args[2:], strict=False)) | dict(node.kwargs)
    zeros = options.get("mode", "constant") == "constant" and not options.get("value")
    if not zeros or len(pads) != 4:
        raise _UnsupportedError("padding mode")
    left, right, top, bottom = pads
    amounts = writer.whole_numbers(f"{node.name}.pads", [0, 0, top, left, 0, 0, bottom, right])
    return writer.add("Pad", [name_of(node.args[0]), amounts], node.name)


def _slice(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    places: Any = node.args[1]
    cuts: list[tuple[int, int, int, int]] = []
    for axis, place in enumerate(places if isinstance(places, tuple) else (places,)):
        if not isinstance(place, slice) or any(
            not isinstance(value, int | None) for value in (place.start, place.stop, place.step)
        ):
            raise _UnsupportedError("indexing")
        stop = np.iinfo(np.int64).max if place.stop is None else place.stop
        if (place.start, place.stop, place.step) != (None, None, None):
            cuts.append((place.start or 0, stop, axis, place.step or 1))
    inputs = [name_of(node.args[0])]
    for key, values in zip(
        ("starts", "ends", "axes", "steps"), zip(*cuts, strict=True), strict=True
    ):
        inputs.append(writer.whole_numbers(f"{node.name}.{key}", values))
    return writer.add("Slice", inputs, node.name)


def _tile(writer: _Writer, node: fx.Node, name_of: _Names) -> str:
    repeats: Any = node.args[1:]
    inputs = [name_of(node.args[0]), writer.whole_numbers(f"{node.name}.repeats", repeats)]
    return writer.add("Tile", inputs, node.name)


_FUNCTIONS: dict[Any, Callable[[_Writer, fx.Node, _Names], str]] = {
    operator.add: _add,
    torch.add: _add,
    "mul": _multiply,
    operator.mul: _multiply,
    torch.relu: _relu_function,
    nn.functional.relu: _relu_function,
    torch.mean: _mean,
    "mean": _mean,
    torch.cat: _concatenate,
    nn.functional.pad: _pad,
    operator.getitem: _slice,
    "repeat": _tile,
}
