"""A supernet, or the network of one architecture, as a folder: a config tree and its weights."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import Field

from hwbench.errors import HwbenchError
from hwbench.files import atomic_path, write_text
from hwbench.imports import require_imported
from hwbench.live.components import Node
from hwbench.live.supernets import SUPERNETS
from hwbench.live.supernets.supernet import NetworkOptions, Supernet, make_supernet
from hwbench.spaces.registry import named_space
from hwbench.toml import read_toml, to_toml

TREE, WEIGHTS = "network.toml", "weights.pt"


class SkeletonNode(Node):
    """Sizes of the network, see `hwbench.spaces.Skeleton`."""

    channels: int = Field(gt=0)
    depth: int = Field(gt=0)
    input_channels: int = Field(gt=0)
    input_size: int = Field(gt=0)
    classes: int = Field(gt=0)


class OptionsNode(Node):
    """See `hwbench.live.supernets.supernet.NetworkOptions`."""

    node_normalisation: bool
    partial_channels: int = Field(gt=0)


class NetworkTree(Node):
    """What a network is made of.

    Attributes
    ----------
    space : name of the search space.
    supernet : import path of its class, where it is not the one under the space's name.
    operations : names of the candidates at each position; one each in a finalised network.
    split : whether operations have weights for every choice of the positions before them.
    """

    space: str
    supernet: str | None = None
    operations: list[list[str]]
    split: bool
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
        supernet.split()
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
    supernet = build_network(read_toml(folder / TREE, NetworkTree))
    try:
        supernet.load_state_dict(read_tensors(folder / WEIGHTS))
    except (RuntimeError, TypeError) as error:
        raise HwbenchError(
            f"{folder / WEIGHTS}: holds the weights of another network than {TREE} describes"
        ) from error
    return supernet.eval()


def write_tensors(path: Path, content: Mapping[str, object]) -> None:
    """Write what `read_tensors` reads; the same content is the same file, byte for byte.

    It is on the disk when this returns.

    Raises
    ------
    HwbenchError
        Where it cannot be written.
    """
    # Given a path, `torch.save` puts its name into the file, and this one is temporary; and what it
    # raises where a disk is full does not say so.
    written = io.BytesIO()
    torch.save(content, written)
    with atomic_path(path, durable=True) as temporary:
        temporary.write_bytes(written.getbuffer())


def read_tensors(path: Path) -> dict[str, object]:
    """What `torch.save` wrote, if it is tensors, numbers, strings and containers of them.

    Raises
    ------
    HwbenchError
        Where the file is missing, broken, or holds anything else.
    """
    broken = HwbenchError(f"{path}: is no file of weights, or is damaged")
    if path.exists() and not zipfile.is_zipfile(path):  # an older format, or none
        raise broken
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise broken from error
    if not isinstance(content, dict):
        raise HwbenchError(f"{path}: is no file of weights")
    return content
