"""Where the entries of new tensors come from, and what optimisers have learned of the old ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor


class Origin(NamedTuple):
    """Where a new tensor's entries come from.

    Attributes
    ----------
    tensor : the old one.
    places : for each entry of the new one, in order, its place among the old one's, -1 for an entry
        that is new; int64 of shape (entries of the new one,). None where both are alike.
    """

    tensor: Tensor
    places: Tensor | None = None

    def carried(self, values: Tensor, shape: torch.Size) -> Tensor:
        """Values that belong to the old tensor's entries, at those of the new one; zeros at new.

        Parameters
        ----------
        values : of the old tensor's shape.
        shape : of the new tensor.
        """
        if self.places is None:
            return values.clone()
        places = self.places.to(values.device)
        found = values.flatten()[places.clamp_min(0)]
        return torch.where(places >= 0, found, torch.zeros_like(found)).view(shape)


Origins = Mapping[Tensor, Origin]
"""For each new parameter where it comes from; those that are missing are as they were, or fresh."""


def carry_state(
    before: torch.optim.Optimizer, after: torch.optim.Optimizer, origins: Origins
) -> None:
    """Give an optimiser what another has learned of the same parameters, or of their origins.

    Parameters
    ----------
    before : of the parameters as they were.
    after : of the parameters as they are; its learning rate becomes that of `before`.
    origins : of those that are new.
    """
    for old, new in zip(before.param_groups, after.param_groups, strict=False):
        new["lr"] = old["lr"]
    for group in after.param_groups:
        for parameter in group["params"]:
            origin = origins.get(parameter, Origin(parameter))
            state = before.state.get(origin.tensor)
            if state:
                after.state[parameter] = {
                    name: origin.carried(value, parameter.shape)
                    if isinstance(value, Tensor) and value.shape == origin.tensor.shape
                    else value.clone()
                    if isinstance(value, Tensor)
                    else value
                    for name, value in state.items()
                }
