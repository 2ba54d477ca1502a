"""The space of published networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import unknown_name
from hwbench.spaces.base import Skeleton, Space
from hwbench.spaces.published.cost import network_cost
from hwbench.spaces.published.networks import NETWORKS
from hwbench.spaces.published.shapes import OFFICIAL

if TYPE_CHECKING:
    import torch


class PublishedNetworks(Space):
    """Networks of the literature; a string is a network's name, such as "MobileNet-V2".

    A space of one position, so that whatever trains, measures or retrains architectures does the
    same with these. Of 36 channels and depth 6 each has the size of its publication: networks of
    cells on CIFAR-10, mobile networks on images of 224 pixels with 1,000 classes. Other channels
    change the width of all in proportion, and `depth` is the most cells or layers that a stage has.
    Mobile networks halve images of up to 64 pixels two times less. Auxiliary heads and dropout
    are a matter of training. FLOPs count the multiply-adds of convolutions and of the classifier
    without its bias.
    """

    name = "published_networks"
    title = "Published networks"
    choices = (tuple(NETWORKS),)
    positions = ("network",)
    default_skeleton = OFFICIAL

    def to_string(self, arch: ArrayLike) -> str:
        return self.choices[0][int(self.check(np.asarray(arch)[None, :])[0, 0])]

    def from_string(self, text: str) -> IntArray:
        name = text.strip() if isinstance(text, str) else str(text)
        if name not in NETWORKS or not isinstance(text, str):
            raise unknown_name("network", name, NETWORKS, where=f"architecture {text!r}")
        return np.array([self.choices[0].index(name)], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return 0, [[network_cost(each, skeleton)[0] for each in NETWORKS.values()]]

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return 0, [[network_cost(each, skeleton)[1] for each in NETWORKS.values()]]

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.published.network import published_network

        return published_network(NETWORKS[self.choices[0][arch[0]]], skeleton)
