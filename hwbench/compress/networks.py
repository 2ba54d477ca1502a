"""The networks that compression is published on, and networks of one's own by their path."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import relu

from hwbench.compress.known import NETWORKS
from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.images.image_set import ImageSet

OF_IMAGES = ("channels", "pixels", "classes")
"""What a network is told of the images."""


def lenet_300_100(channels: int = 1, pixels: int = 28, classes: int = 10) -> nn.Sequential:
    """LeNet-300-100: fully connected layers of 300, 100 and the classes (LeCun et al. 1998)."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * pixels**2, 300),
        nn.ReLU(),
        nn.Linear(300, 100),
        nn.ReLU(),
        nn.Linear(100, classes),
    )


def lenet_5(channels: int = 1, pixels: int = 28, classes: int = 10) -> nn.Sequential:
    """LeNet-5 as it is compressed: convolutions of 20 and 50 filters, 500 neurons (Caffe's form).

    Raises
    ------
    HwbenchError
        Where images are too small for two convolutions of 5x5 pixels, each halved.
    """
    side = ((pixels - 4) // 2 - 4) // 2
    if side < 1:
        raise HwbenchError(f"network lenet_5: needs images of 16 pixels or more, not {pixels}")
    return nn.Sequential(
        nn.Conv2d(channels, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(50 * side**2, 500),
        nn.ReLU(),
        nn.Linear(500, classes),
    )


class Block(nn.Module):
    """Two 3x3 convolutions beside a skip, which is a 1x1 convolution where sizes change."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.convolution2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or in_channels != out_channels:
            self.skip = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, given: Tensor) -> Tensor:
        inner = relu(self.norm1(self.convolution1(given)))
        return relu(self.norm2(self.convolution2(inner)) + self.skip(given))


class ResNet18(nn.Module):
    """ResNet-18 in its form for CIFAR: a stem of 3x3 and no pooling before the four stages.

    Parameters
    ----------
    channels, classes : of the images.
    width : channels of the first stage; each of the following has twice as many.
    """

    def __init__(self, channels: int = 3, classes: int = 10, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        blocks: list[nn.Module] = []
        before = width
        for stage in range(4):
            for block in range(2):
                own = width * 2**stage
                blocks.append(Block(before, own, 2 if stage and not block else 1))
                before = own
        self.stages = nn.Sequential(*blocks)
        self.classifier = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.stages(self.stem(images)).mean(dim=(2, 3)))
        return logits


# ---------------------------------------------------------------------- by name or path


def network_maker(name: str) -> Callable[..., nn.Module]:
    """What makes the network of a name or a path.

    Parameters
    ----------
    name : one of `NETWORKS`, the import path "module:function", or "file.py:function" with the path
        of a file of one's own, which is run.

    Raises
    ------
    HwbenchError
        Where there is none, or its file cannot be run.
    """
    path, _, function = name.rpartition(":")
    if not path.endswith(".py"):
        maker: Callable[..., nn.Module] = NETWORKS.load(name)
        return maker
    module = _run(Path(path))
    if not hasattr(module, function):
        own = [each for each, value in vars(module).items() if callable(value)]
        raise unknown_name("function", function, own, where=path)
    found: Callable[..., nn.Module] = getattr(module, function)
    return found


def _run(path: Path) -> ModuleType:
    """The module of a file of one's own, run once a process."""
    name = f"_own_{path.stem}_{abs(hash(path.resolve()))}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise HwbenchError(f"network: there is no file {path}; name one as FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise HwbenchError(f"network: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # the code of others may raise anything
        del sys.modules[name]
        raise HwbenchError(
            f"network: {path} cannot be run, it raises {type(error).__name__}: {one_line(error)}"
        ) from error
    return module


def make_network(name: str, images: ImageSet, options: Mapping[str, Any]) -> nn.Module:
    """The network of a name for an image set, untrained; draws are torch's.

    Parameters
    ----------
    name : see `network_maker`.
    images : what it is made for.
    options : further arguments of its maker.

    Raises
    ------
    HwbenchError
        Where there is none, its maker raises, does not know an option, or makes no module.
    """
    maker = network_maker(name)
    numbers = (images.channels, images.size, images.classes)
    known = inspect.signature(maker).parameters
    every = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values())
    given = {
        key: value for key, value in zip(OF_IMAGES, numbers, strict=True) if every or key in known
    }
    for key in options:
        if not every and key not in known:
            raise unknown_name(f"option of the network {name}", key, known)
    try:
        network = maker(**{**given, **options})
    except HwbenchError:
        raise
    except Exception as error:  # the code of others may raise anything
        raise HwbenchError(
            f"network {name}: cannot be made, {type(error).__name__}: {one_line(error)}"
        ) from error
    if not isinstance(network, nn.Module):
        raise HwbenchError(f"network {name}: gives a {type(network).__name__}, not a torch module")
    return network
