"""A network that was trained from scratch as a folder: what it is, what trained it, its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.components import Node
from hwbench.live.supernets.export import TREE, WEIGHTS, SkeletonNode
from hwbench.results.names import RETRAINED_NETWORK
from hwbench.spaces import Space
from hwbench.spaces.base import SkeletonValue
from hwbench.spaces.registry import named_space
from hwbench.tensor_files import read_tensors, write_tensors
from hwbench.toml import read_toml, to_toml


class RetrainedTree(Node):
    """What a network is, and what trained it.

    Attributes
    ----------
    space : name of the search space.
    architecture : the space's string.
    skeleton : sizes of the network.
    training : images, seed, recipe, versions and what it came to.
    """

    space: str
    architecture: str
    skeleton: SkeletonNode
    training: dict[str, Any]


@dataclass(frozen=True, eq=False)
class RetrainedNetwork:
    """A network that was trained from scratch, with what trained it.

    Attributes
    ----------
    network : from images of shape (batch, input_channels, input_size, input_size), each channel
        normalised as `hwbench.images.sets.load_images` does, to logits of shape (batch, classes).
    space, architecture : what it is.
    training : images, seed, recipe, versions and what it came to, as `result.json` beside it says.
    """

    network: nn.Module
    space: Space
    architecture: str
    training: dict[str, Any]


def export_retrained(
    network: nn.Module,
    folder: Path,
    *,
    space: Space,
    architecture: str,
    skeleton: Mapping[str, SkeletonValue],
    training: Mapping[str, Any],
) -> None:
    """Write `network.toml` and `weights.pt` into a folder.

    Parameters
    ----------
    network : of `space.network`, as it was trained.
    folder : made if missing.
    space, architecture, skeleton : what the network is.
    training : plain values: what trained it.
    """
    tree = RetrainedTree(
        space=space.name,
        architecture=architecture,
        skeleton=SkeletonNode.model_validate(dict(skeleton)),
        training=dict(training),
    )
    write_tensors(folder / WEIGHTS, network.state_dict())
    write_text(folder / TREE, to_toml(tree.model_dump(mode="json")))


def load_retrained(folder: Path) -> RetrainedNetwork:
    """The network that `hwbench live retrain` trained, in evaluation mode, on the CPU.

    The files are read without running code that they bring.

    Parameters
    ----------
    folder : of the retraining, `RUN/retraining/LABEL`.

    Raises
    ------
    HwbenchError
        Where a file is missing or broken, or the weights are of another network.
    """
    own = folder / RETRAINED_NETWORK
    tree = read_toml(own / TREE, RetrainedTree)
    weights = read_tensors(own / WEIGHTS)
    space = named_space(tree.space)
    arch = space.from_string(tree.architecture)
    try:
        network = _network_of(space, arch, tree.skeleton.model_dump(), weights)
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(
            f"{own / WEIGHTS}: holds the weights of another network than {TREE} describes"
        ) from error
    # As it was trained, so that it computes the same to the last bit.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return RetrainedNetwork(network.eval(), space, tree.architecture, tree.training)


def _network_of(
    space: Space, arch: IntArray, skeleton: Mapping[str, int], weights: Mapping[str, Any]
) -> nn.Module:
    with torch.device("meta"):  # shapes first: the tree alone may ask for any size
        wanted = space.network(arch, **skeleton).state_dict()
    shapes = {name: getattr(value, "shape", None) for name, value in weights.items()}
    if shapes != {name: value.shape for name, value in wanted.items()}:
        raise ValueError("the shapes of weights differ")
    network = space.network(arch, **skeleton)
    network.load_state_dict(weights)
    return network
