"""A network that was trained from scratch as a folder: what it is, what trained it, its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import nn

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.components import Node
from hwbench.live.morphisms.described import with_layers
from hwbench.live.optimiser_state import States
from hwbench.live.supernets.export import TREE, WEIGHTS, SkeletonNode
from hwbench.results.names import RETRAINED_NETWORK
from hwbench.spaces import Space
from hwbench.spaces.base import SkeletonValue
from hwbench.spaces.registry import named_space
from hwbench.tensor_files import read_tensors, write_tensors
from hwbench.toml import read_toml, to_toml

OPTIMISER = "optimiser.pt"


class RetrainedTree(Node):
    """What a network is, and what trained it.

    Attributes
    ----------
    space : name of the search space.
    architecture : the space's string.
    skeleton : sizes of the network.
    training : images, seed, recipe, versions and what it came to.
    morphisms : by which it was changed afterwards, in their order.
    layers : by the names of its sequences that these have changed what they are made of, see
        `hwbench.live.morphisms.described`.
    """

    space: str
    architecture: str
    skeleton: SkeletonNode
    training: dict[str, Any]
    morphisms: list[dict[str, Any]] = Field(default_factory=list)
    layers: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RetrainedNetwork:
    """A network that was trained from scratch, with what trained it.

    Attributes
    ----------
    network : from images of shape (batch, input_channels, input_size, input_size), each channel
        normalised as `hwbench.images.sets.load_images` does, to logits of shape (batch, classes).
    space, architecture : what it is.
    training : images, seed, recipe, versions and what it came to, as `result.json` beside it says.
    optimiser : what the last step's optimiser knew of each parameter, by name, see
        `hwbench.live.optimiser_state`; empty where it was not kept.
    tree : the file that describes it.
    """

    network: nn.Module
    space: Space
    architecture: str
    training: dict[str, Any]
    optimiser: States
    tree: RetrainedTree


def export_retrained(
    network: nn.Module,
    folder: Path,
    *,
    space: Space,
    architecture: str,
    skeleton: Mapping[str, SkeletonValue],
    training: Mapping[str, Any],
    optimiser: States,
) -> None:
    """Write `network.toml`, `weights.pt` and `optimiser.pt` into a folder.

    Parameters
    ----------
    network : of `space.network`, as it was trained.
    folder : made if missing.
    space, architecture, skeleton : what the network is.
    training : plain values: what trained it.
    optimiser : what the optimiser knows of each parameter, by name.
    """
    tree = RetrainedTree(
        space=space.name,
        architecture=architecture,
        skeleton=SkeletonNode.model_validate(dict(skeleton)),
        training=dict(training),
    )
    write_retrained(network, folder, tree, optimiser)


def write_retrained(
    network: nn.Module, folder: Path, tree: RetrainedTree, optimiser: States
) -> None:
    """Write a network and the tree that describes it; see `export_retrained`."""
    write_tensors(folder / WEIGHTS, network.state_dict())
    if optimiser:
        write_tensors(folder / OPTIMISER, optimiser)
    content = tree.model_dump(mode="json")
    bare = {name: value for name, value in content.items() if value or name == "training"}
    write_text(folder / TREE, to_toml(bare))


def load_retrained(folder: Path) -> RetrainedNetwork:
    """The network that `hwbench live retrain` trained, or that `hwbench morph` made of it.

    In evaluation mode, on the CPU.

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
    if not (own / TREE).is_file():
        made = sorted(path.parent.parent for path in folder.glob(f"*/*/{own.name}/{TREE}"))
        where = f"such as {made[0]}" if made else "which hwbench live retrain makes"
        raise HwbenchError(f"{own / TREE}: no such file; give the folder of one training, {where}")
    tree = read_toml(own / TREE, RetrainedTree)
    weights = read_tensors(own / WEIGHTS)
    space = named_space(tree.space)
    arch = space.from_string(tree.architecture)
    try:
        network = _network_of(space, arch, tree, weights)
    except HwbenchError:
        raise
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(
            f"{own / WEIGHTS}: holds the weights of another network than {TREE} describes"
        ) from error
    # As it was trained, so that it computes the same to the last bit.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = read_tensors(own / OPTIMISER) if (own / OPTIMISER).exists() else {}
    return RetrainedNetwork(
        network.eval(), space, tree.architecture, tree.training, optimiser, tree
    )


def _network_of(
    space: Space, arch: IntArray, tree: RetrainedTree, weights: Mapping[str, Any]
) -> nn.Module:
    skeleton = tree.skeleton.model_dump()
    with torch.device("meta"):  # shapes first: the tree alone may ask for any size
        wanted = with_layers(space.network(arch, **skeleton), tree.layers, TREE).state_dict()
    shapes = {name: getattr(value, "shape", None) for name, value in weights.items()}
    if shapes != {name: value.shape for name, value in wanted.items()}:
        raise ValueError("the shapes of weights differ")
    network = with_layers(space.network(arch, **skeleton), tree.layers, TREE)
    network.load_state_dict(weights)
    return network
