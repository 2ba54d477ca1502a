"""Which units are left out: those of no use, then the least needed, until a budget is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hwbench.compress.flops import Cost


def chosen_units(
    scores: Sequence[Tensor],
    needless: Sequence[Tensor],
    cost: Cost,
    budget: float | None,
) -> list[Tensor]:
    """The units that are kept of each dimension, ascending; one of each at least.

    Parameters
    ----------
    scores : how much each unit is needed, (units,) for each dimension.
    needless : which units go in any case, bool of the same shapes.
    cost : of the network as it is.
    budget : the most FLOPs. As few units go as meet it, those with the lowest scores of all
        dimensions first. None where only the needless go.
    """
    sizes = [len(each) for each in scores]
    values = torch.cat([each.detach().double().cpu() for each in scores])
    values[torch.cat([each.cpu() for each in needless])] = -1.0
    dimension = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    best = torch.tensor(
        [
            start + int(values[start : start + size].argmax())
            for start, size in zip(starts, sizes, strict=True)
        ]
    )
    may_go = torch.ones(len(values), dtype=torch.bool)
    may_go[best] = False
    order = torch.argsort(values, stable=True)
    order = order[may_go[order]]
    at_least = int((values[order] < 0).sum())

    def flops(removed: int) -> int:
        gone = torch.bincount(dimension[order[:removed]], minlength=len(sizes)).tolist()
        return cost.flops([size - each for size, each in zip(sizes, gone, strict=True)])

    removed = at_least if budget is None else _fewest(flops, budget, at_least, len(order))
    left = torch.ones(len(values), dtype=torch.bool)
    left[order[:removed]] = False
    return [each.nonzero().flatten() for each in torch.split(left, sizes)]


def _fewest(flops: Callable[[int], int], budget: float, low: int, high: int) -> int:
    """The smallest number of units, from low to high, without which a budget is met."""
    while low < high:
        middle = (low + high) // 2
        if flops(middle) <= budget:
            high = middle
        else:
            low = middle + 1
    return low
