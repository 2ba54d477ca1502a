"""A supernet, or the network of one architecture, as a folder: a config tree and its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict, Field

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.imports import require_imported
from hwbench.live.components import Node
from hwbench.live.supernets import SUPERNETS
from hwbench.live.supernets.supernet import NetworkOptions, Supernet, make_supernet
from hwbench.spaces.base import SkeletonValue
from hwbench.spaces.registry import named_space
from hwbench.tensor_files import read_tensors, write_tensors
from hwbench.toml import read_toml, to_toml

MOST_SIZE, MOST_DEPTH = 100_000, 1000
TREE, WEIGHTS = "network.toml", "weights.pt"


class SkeletonNode(Node):
    """Sizes of the network, see `hwbench.spaces.Skeleton`; with what else the space's own has."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SkeletonValue]

    channels: int = Field(gt=0, le=MOST_SIZE)
    depth: int = Field(gt=0, le=MOST_DEPTH)
    input_channels: int = Field(gt=0, le=MOST_SIZE)
    input_size: int = Field(gt=0, le=MOST_SIZE)
    classes: int = Field(gt=0, le=MOST_SIZE)


class OptionsNode(Node):
    """See `hwbench.live.supernets.supernet.NetworkOptions`."""

    node_normalisation: bool
    partial_channels: int = Field(gt=0)
    affine: bool = False
    linear_transformers: bool = False


class NetworkTree(Node):
    """What a network is made of.

    Attributes
    ----------
    space : name of the search space.
    supernet : import path of its class, where it is not the one under the space's name.
    operations : names of the candidates at each position.
    split : whether operations have weights for every choice of the positions before them.
    finalised : whether it is the network of one architecture, which computes all it has.
    """

    space: str
    supernet: str | None = None
    operations: list[list[str]]
    split: bool
    finalised: bool = False
    skeleton: SkeletonNode
    options: OptionsNode


def network_tree(supernet: Supernet) -> NetworkTree:
    """The config tree of a supernet."""
    kind = type(supernet)
    path = f"{kind.__module__}:{kind.__qualname__}"
    return NetworkTree(
        space=supernet.space.name,
        supernet=None if SUPERNETS.get(supernet.space.name) == path else path,
        operations=[list(position.operations) for position in supernet.positions],
        split=supernet.is_split,
        finalised=supernet.is_finalised,
        skeleton=SkeletonNode(**vars(supernet.skeleton)),
        options=OptionsNode(**vars(supernet.options)),
    )


def build_network(tree: NetworkTree) -> Supernet:
    """The supernet of a config tree, with initial weights.

    Raises
    ------
    HwbenchError
        Where the tree names what does not exist, or what has not been imported.
    """
    if tree.supernet is not None:
        require_imported(tree.supernet, owner="supernet")
    supernet = make_supernet(
        named_space(tree.space),
        supernet=tree.supernet,
        operations=tree.operations,
        options=NetworkOptions(**tree.options.model_dump()),
        **tree.skeleton.model_dump(),
    )
    if tree.split:
        supernet.restructure(supernet.split_structure())
    supernet.is_finalised = tree.finalised
    return supernet


def export_network(supernet: Supernet, folder: Path) -> Path:
    """Write `network.toml` and `weights.pt` into a folder and return it."""
    write_tensors(folder / WEIGHTS, supernet.state_dict())
    write_text(folder / TREE, to_toml(network_tree(supernet).model_dump(mode="json")))
    return folder


def load_network(folder: Path) -> Supernet:
    """The supernet that `export_network` wrote, in evaluation mode, on the CPU.

    The files are read without running code that they bring.

    Raises
    ------
    HwbenchError
        Where a file is missing or broken, or the weights are of another network.
    """
    tree = read_toml(folder / TREE, NetworkTree)
    weights = read_tensors(folder / WEIGHTS)
    try:
        supernet = _supernet_of(tree, weights)
    except HwbenchError:
        raise
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(
            f"{folder / WEIGHTS}: holds the weights of another network than {TREE} describes"
        ) from error
    return supernet.eval()


def _supernet_of(tree: NetworkTree, weights: dict[str, Any]) -> Supernet:
    with torch.device("meta"):  # shapes first: the tree alone may ask for any size
        wanted = build_network(tree).state_dict()
    shapes = {name: getattr(value, "shape", None) for name, value in weights.items()}
    if shapes != {name: value.shape for name, value in wanted.items()}:
        raise ValueError("the shapes of weights differ")
    supernet = build_network(tree)
    supernet.load_state_dict(weights)
    return supernet
