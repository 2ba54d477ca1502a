"""What search spaces promise of their networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.spaces import Skeleton, SpaceLacksError
from hwbench.spaces.base import SkeletonValue
from hwbench.testing.space_subject import SpaceSubject

N_LOOKED_AT_CLOSELY = 3
"""Architectures whose networks are built."""

SMALL_SKELETON = {"channels": 8, "depth": 1, "input_size": 16, "classes": 7}
"""The largest network that is built, where the official one is larger."""


def check_networks(subject: SpaceSubject) -> None:
    """Networks can be built and run, are a function of the seed, and are what formulas count."""
    space, archs = subject.space, subject.archs[:N_LOOKED_AT_CLOSELY]
    try:
        official = space.skeleton()
    except SpaceLacksError:
        return  # a space need not say what its networks are
    official_values = vars(official)
    small = {key: min(value, official_values[key]) for key, value in SMALL_SKELETON.items()}
    changes = {**small, **subject.skeleton}
    whole = subject.call(f"skeleton({changes})", partial(space.skeleton, **changes))
    counts = {
        "parameters": _formula(subject, partial(space.parameters, **changes), archs),
        "flops": _formula(subject, partial(space.flops, **changes), archs),
    }
    for row, arch in enumerate(archs):
        found = _check_network(subject, arch, whole, changes)
        if found is None:
            return
        for name, values in found.items():
            formula = counts[name]
            subject.require(
                formula is None or formula[row] in values,
                f"{name} of {arch.tolist()} are {formula and formula[row]} by formula, "
                f"{' or '.join(map(str, values))} in the network ({changes})",
            )


def _check_measurements(subject: SpaceSubject, network: Any, place: str) -> None:
    """The last pass measured what the space says, in numbers."""
    from hwbench.images.fit import Measuring

    wanted = subject.space.measured
    if not wanted:
        return
    subject.require(isinstance(network, Measuring), f"{place} has no method measurements")
    found = subject.call(f"measurements of {place}", network.measurements)
    subject.require(
        set(found) == set(wanted), f"{place} measures {sorted(found)}, not {sorted(wanted)}"
    )
    subject.require(
        all(value.dim() == 0 and bool(value.isfinite()) for value in found.values()),
        f"{place} measures what is no finite number",
    )


def _formula(
    subject: SpaceSubject, count: Callable[[IntArray], IntArray], archs: IntArray
) -> list[int] | None:
    """What a formula gives, or None where the space has none."""
    try:
        values = count(archs)
    except SpaceLacksError:
        return None
    subject.require(
        values.dtype == np.int64 and values.shape == archs.shape[:1] and bool((values >= 0).all()),
        "parameters and flops must be int64 arrays of shape (n_archs,), never negative",
    )
    return [int(value) for value in values]


def _check_network(
    subject: SpaceSubject, arch: IntArray, skeleton: Skeleton, changes: dict[str, SkeletonValue]
) -> dict[str, list[int]] | None:
    """Build a network and run it; its counts, or None where the space has no networks.

    A linear layer's bias is one addition an output, which some benchmarks count: FLOPs with and
    without it are both right.
    """
    import torch

    from hwbench.spaces.counting import count_flops, count_parameters

    try:
        network = subject.space.network(arch, seed=1, **changes)
    except SpaceLacksError:
        return None
    size, channels = skeleton.input_size, skeleton.input_channels
    place = f"the network of {arch.tolist()}"
    images = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    network.eval()
    with torch.inference_mode():
        logits = subject.call(place, network, images)
    shape = (2, skeleton.classes)
    subject.require(
        tuple(logits.shape) == shape, f"{place} gives {tuple(logits.shape)}, not {shape}"
    )
    subject.require(bool(torch.isfinite(logits).all()), f"{place} gives NaN or infinity")
    _check_measurements(subject, network, place)
    if subject.space.takes_events:
        events = images[:, None].expand(-1, 3, -1, -1, -1)
        with torch.inference_mode():
            votes = subject.call(f"{place}, shown events", network, events)
        subject.require(tuple(votes.shape) == shape, f"{place} gives another shape of events")
    weights = network.state_dict()
    again = subject.space.network(arch, seed=1, **changes).state_dict()
    subject.require(
        all(torch.equal(weights[key], again[key]) for key in weights),
        f"{place}: the weights depend on more than the seed",
    )
    image = (channels, size, size)
    return {
        "parameters": [count_parameters(network)],
        "flops": [count_flops(network, image, classifier_bias=bias) for bias in (False, True)],
    }
