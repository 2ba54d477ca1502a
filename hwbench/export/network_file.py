"""A network as the content of a file that was held against the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hwbench.errors import HwbenchError, one_line
from hwbench.export.formats import FORMATS, FileFormat
from hwbench.tables.made.onnx_opsets import OPSET

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-4
"""Largest difference between a file's outputs and torch's, as a share of the largest output."""

BRIGHTNESS = (1.0, 4.0, 16.0)
"""Of the images that a file is tried with: untrained spiking networks need bright ones to fire."""

TRIES = 3
"""Of a spiking network: where rounding makes a neuron fire, one image is far from the other."""


class NetworkFile(NamedTuple):
    """What a network became.

    Attributes
    ----------
    content : the file's bytes.
    checked_by : the library that ran it and gave torch's outputs; "" where it is not installed.
    """

    content: bytes
    checked_by: str


def network_file(
    network: torch.nn.Module,
    shape: tuple[int, int, int, int],
    to: str,
    *,
    opset: int = OPSET,
    seed: int = 0,
    owner: str,
) -> NetworkFile:
    """Write a network in a format, and see that the file computes what the network does.

    Parameters
    ----------
    network : a float32 module in evaluation mode, on the CPU.
    shape : (batch, channels, height, width) of the images that the file takes.
    to : one of `FORMATS`.
    opset : version of ONNX's operators.
    seed : of the images that the file is tried with.
    owner : what messages begin with: whose network it is.

    Raises
    ------
    HwbenchError
        Where the network cannot be written in the format, or the file computes something else.
    """
    import torch

    chosen = FORMATS[to]
    dark = _output(network, torch.zeros(shape), owner)
    try:
        content = chosen.made(network, torch.zeros(shape), opset)
    except HwbenchError:
        raise
    except Exception as error:  # exporters raise errors of many libraries
        raise HwbenchError(
            f"{owner}: cannot be written as {to} ({type(error).__name__}: {_reason(error)}); "
            f"another format may hold it: --to {' or --to '.join(sorted(set(FORMATS) - {to}))}"
        ) from error
    if not chosen.can_run():
        return NetworkFile(content, "")
    _check(network, chosen, content, dark, shape, seed, owner)
    return NetworkFile(content, chosen.runner)


def _check(
    network: torch.nn.Module,
    chosen: FileFormat,
    content: bytes,
    dark: torch.Tensor,
    shape: tuple[int, int, int, int],
    seed: int,
    owner: str,
) -> None:
    """Hold a file's outputs against the network's, of which `dark` is that of black images."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    tries = TRIES if hasattr(network, "measurements") else 1
    drawn = [torch.randn(shape, generator=generator) for _ in range(tries)]
    with torch.no_grad():
        for brightness in BRIGHTNESS:
            batches = [brightness * each for each in drawn]
            expected = [network(batch) for batch in batches]
            if not all(torch.equal(each, dark) for each in expected):
                break
    try:
        found = chosen.outputs(content, batches)
    except Exception as error:  # of many libraries
        raise HwbenchError(
            f"{owner}: {chosen.runner} cannot run the {chosen.name} file "
            f"({type(error).__name__}: {_reason(error)})"
        ) from error
    differences = []
    for own, torchs in zip(found, expected, strict=True):
        scale = float(torchs.abs().max()) or 1.0
        same = own.shape == tuple(torchs.shape)
        differences.append(float(np.abs(own - torchs.numpy()).max()) / scale if same else np.nan)
    if not any(difference <= TOLERANCE for difference in differences):
        raise HwbenchError(
            f"{owner}: the {chosen.name} file computes something else than the network: of its "
            f"largest output they differ by {differences[0]:.2g}, {TOLERANCE:g} is allowed; it is "
            "not written"
        )


def _output(network: torch.nn.Module, images: torch.Tensor, owner: str) -> torch.Tensor:
    """What the network makes of images, where it works at all."""
    import torch

    size = "x".join(map(str, images.shape))
    try:
        with torch.no_grad():
            output = network(images)
    except Exception as error:  # a network of the user's may raise anything
        raise HwbenchError(
            f"{owner}: its network fails on images of {size} ({type(error).__name__}: "
            f"{_reason(error)})"
        ) from error
    if not isinstance(output, torch.Tensor) or not bool(torch.isfinite(output).all()):
        what = "no finite numbers" if isinstance(output, torch.Tensor) else type(output).__name__
        raise HwbenchError(
            f"{owner}: its network gives {what} of images of {size}; files hold networks from "
            "images to one tensor of finite numbers"
        )
    return output


def _reason(error: Exception) -> str:
    """The first line of a message that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return one_line(lines[0]) if lines else "no reason is given"
