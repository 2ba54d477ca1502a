"""What goes on inside a supernet while strengths are learned (CHOE 3.3 and 3.4, Fig. 3.2 to 3.7).

Whether a strength says what an operation is worth depends on the scale of what it weighs. One pass
of a few training images after an epoch shows it, and touches nothing that is trained: nothing is
drawn from torch's generator, and neither gradients nor running statistics are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from hwbench.devices import forked_random
from hwbench.errors import HwbenchError
from hwbench.live.search import Search, batch_statistics
from hwbench.live.supernets.cell import SearchCell
from hwbench.live.supernets.mixed_operation import MixedOperation
from hwbench.results.diagnostics import (
    CORRELATION,
    DIAGNOSTIC_COLUMNS,
    GRADIENT_NORM,
    NODE_VARIANCE,
    OPERATION_VARIANCE,
    VARIANCE_RATIO,
)
from hwbench.results.frames import read_frame, write_frame
from hwbench.results.names import DIAGNOSTICS


class Seen(NamedTuple):
    """A number of one place of the network, which stays on its device until all are known."""

    quantity: str
    cell: int
    position: str
    operation: str | None
    other: str | None
    value: Tensor


def observe(search: Search, n_images: int) -> pd.DataFrame:
    """Look into the supernet as it is now.

    Parameters
    ----------
    search : whose strategy learns strengths.
    n_images : the first so many training images, as they are; batch normalisation uses their
        statistics.

    Returns
    -------
    A frame, see `hwbench.results.diagnostics.DIAGNOSTIC_COLUMNS`, without its column `epoch`. An
    operation that the pass does not compute has no rows, neither has one whose output is constant
    where this leaves a number undefined.
    """
    supernet = search.supernet
    batch = search.data.train[slice(0, n_images)]
    with (
        forked_random(batch.images.device),
        batch_statistics(supernet),
        _watched(search) as seen,
    ):
        output = supernet(batch.images, search.strategy.mixture().detached())
        loss = supernet.loss(output, batch.labels)
        seen += _gradient_norms(search, loss)
    columns = [name for name in DIAGNOSTIC_COLUMNS if name != "epoch"]
    frame = pd.DataFrame([each[:-1] for each in seen], columns=columns[:-1], dtype=object)
    frame["value"] = torch.stack([each.value for each in seen]).tolist() if seen else []
    known = np.isfinite(frame["value"].to_numpy(dtype=np.float64))
    return frame[known].reset_index(drop=True)


def check_diagnosed(search: Search) -> None:
    """Refuse a pass of more images than the weights learn from, before anything is trained.

    Raises
    ------
    HwbenchError
        Saying how many there are.
    """
    node, there = search.config.diagnostics, len(search.data.train)
    if node is not None and node.images > there:
        raise HwbenchError(
            f"[diagnostics]: images = {node.images:,} is more than the {there:,} training images "
            f"that the weights learn from; use images = {there} or fewer"
        )


def diagnose(search: Search, folder: Path, epoch: int, *, n_images: int) -> None:
    """Keep what goes on inside the supernet after an epoch.

    What the run folder holds of this epoch and later ones is replaced, so that a run that goes on
    after a stop has every epoch once.

    Parameters
    ----------
    search : of the run.
    folder : of the run.
    epoch : from 0.
    n_images : see `observe`.
    """
    path = folder / DIAGNOSTICS
    made = observe(search, n_images).assign(epoch=epoch)[list(DIAGNOSTIC_COLUMNS)]
    before = read_frame(path, DIAGNOSTIC_COLUMNS) if epoch else None
    if before is not None:
        made = pd.concat([before[before["epoch"] < epoch], made], ignore_index=True)
    write_frame(path, made)


@contextmanager
def _watched(search: Search) -> Iterator[list[Seen]]:
    """Collect numbers of all mixed operations and nodes of a pass."""
    seen: list[Seen] = []
    hooks: list[Any] = []
    for cell, mixed in _numbered(search):
        hooks += _watch_operations(mixed, cell, search, seen)
    for number, graph in enumerate(_cells(search.supernet)):
        hooks += _watch_nodes(graph, number, search, seen)
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _numbered(search: Search) -> Iterator[tuple[int, MixedOperation]]:
    """Mixed operations, each with how many of its position stand before it in the network."""
    passed = dict.fromkeys(range(len(search.supernet.positions)), 0)
    for mixed in search.supernet.mixed_operations():
        yield passed[mixed.position], mixed
        passed[mixed.position] += 1


def _cells(supernet: nn.Module) -> Iterator[SearchCell]:
    return (module for module in supernet.modules() if isinstance(module, SearchCell))


def _watch_operations(
    mixed: MixedOperation, cell: int, search: Search, seen: list[Seen]
) -> list[Any]:
    position = search.supernet.positions[mixed.position].name
    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _given: tuple[Any, ...], output: Tensor) -> None:
            outputs[name] = output.detach()

        return hook

    def compare(_module: nn.Module, given: tuple[Any, ...], output: Tensor | None) -> None:
        if output is None:
            return
        ratio = output.detach().var() / given[0].detach().var()
        seen.append(Seen(VARIANCE_RATIO, cell, position, None, None, ratio))
        seen.extend(
            Seen(OPERATION_VARIANCE, cell, position, name, None, each.var())
            for name, each in outputs.items()
        )
        standard = {name: _standardised(each) for name, each in outputs.items()}
        seen.extend(
            Seen(CORRELATION, cell, position, one, two, (standard[one] * standard[two]).mean())
            for one, two in combinations(standard, 2)
        )
        outputs.clear()

    hooks = [each.register_forward_hook(keep(name)) for name, each in mixed.candidates.items()]
    return [*hooks, mixed.register_forward_hook(compare)]


def _watch_nodes(graph: SearchCell, cell: int, search: Search, seen: list[Seen]) -> list[Any]:
    targets = list(dict.fromkeys(target for _, target in graph.edges))
    positions = search.supernet.positions
    hooks = []
    for target, node in zip(targets, graph.nodes, strict=True):
        edge = next(place for place, each in enumerate(graph.edges) if each[1] == target)
        name = positions[cast("MixedOperation", graph.operations[edge]).position].node

        def hook(
            _module: nn.Module, _given: tuple[Any, ...], output: Tensor, name: str = name
        ) -> None:
            seen.append(Seen(NODE_VARIANCE, cell, name, None, None, output.detach().var()))

        hooks.append(node.register_forward_hook(hook))
    return hooks


def _standardised(output: Tensor) -> Tensor:
    """Mean 0 and variance 1 in each channel; one that is constant has no correlation."""
    mean = output.mean(dim=(0, 2, 3), keepdim=True)
    variance = output.var(dim=(0, 2, 3), keepdim=True, correction=0)
    return (output - mean) / variance.sqrt()


def _gradient_norms(search: Search, loss: Tensor) -> list[Seen]:
    """Norm of the loss's gradient by the weights of each candidate, those that it depends on."""
    of_candidates = [
        (cell, search.supernet.positions[mixed.position].name, name, list(candidate.parameters()))
        for cell, mixed in _numbered(search)
        for name, candidate in mixed.candidates.items()
    ]
    weights = [weight for *_, own in of_candidates for weight in own]
    found = iter(torch.autograd.grad(loss, weights, allow_unused=True))
    seen = []
    for cell, position, name, own in of_candidates:
        gradients = [each for each in (next(found) for _ in own) if each is not None]
        if gradients:
            norm = torch.stack([each.norm() for each in gradients]).norm()
            seen.append(Seen(GRADIENT_NORM, cell, position, name, None, norm))
    return seen
