"""One network compressed by one method, in memory."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from torch import nn

from hwbench.compress.flops import count_flops
from hwbench.compress.methods import METHODS
from hwbench.compress.recipe import recipe_of
from hwbench.compress.training import Compression
from hwbench.devices import choose_device, seeded
from hwbench.errors import HwbenchError
from hwbench.images.fit import evaluate_network
from hwbench.images.image_set import ImageSet
from hwbench.images.parts import parts_of
from hwbench.images.sets import load_images
from hwbench.progress import Progress, silent


@dataclass(frozen=True)
class Compressed:
    """A smaller network.

    Attributes
    ----------
    network : dense, in evaluation mode, on the CPU.
    accuracy : on test images, in %.
    flops, whole_flops : of it and of the one it was made of, for one image.
    kept : for each dimension its name and the units that are left, numbers of the first network.
    difference : the largest, of its outputs from those of the network with zeros in place of what
        was left out; in double precision, at any loop.
    """

    network: nn.Module
    accuracy: float
    flops: int
    whole_flops: int
    kept: dict[str, list[int]]
    difference: float


def compress_network(
    network: nn.Module,
    images: ImageSet | str,
    *,
    method: str = "sparse_bayes",
    budget: float | None = None,
    strength: float | None = None,
    recipe: str = "cpu",
    seed: int = 0,
    device: str | None = "cpu",
    threads: int = 1,
    progress: Progress = silent,
    **changes: Any,
) -> Compressed:
    """Train a network and leave units of it out, see `hwbench.compress.compress`."""
    known = METHODS.load(method)
    if budget is None and not known.penalised:
        raise HwbenchError(
            f"compress: {method} makes nothing zero by itself; give a budget, such as budget=0.1"
        )
    if budget is not None and not 0 < budget < 1:
        raise HwbenchError(f"compress: budget must be above 0 and below 1, not {budget}")
    image_set = load_images(images) if isinstance(images, str) else images
    place = choose_device(device)
    plan = recipe_of(recipe, changes)
    with seeded(seed, place, threads):
        train, test = (part.to(place) for part in parts_of(image_set))
        own = copy.deepcopy(network).to(place)
        compression = Compression(own, train, plan, known(strength), budget)
        compression.train_all(lambda epoch: progress(epoch, plan.epochs))
        accuracy = evaluate_network(compression.network.eval(), test).accuracy
        flops = count_flops(compression.network, compression.example)
    names = [dimension.name for dimension in compression.first.dimensions]
    return Compressed(
        network=compression.network.cpu(),
        accuracy=accuracy,
        flops=flops,
        whole_flops=compression.first_flops,
        kept={name: own.tolist() for name, own in zip(names, compression.kept, strict=True)},
        difference=max((each["difference"] for each in compression.loops), default=0.0),
    )
