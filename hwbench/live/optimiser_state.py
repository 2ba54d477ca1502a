"""What an optimiser has learned of a network's parameters, by their names, as plain tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hwbench.live.origins import Origin

States = dict[str, dict[str, Any]]
"""By name of a parameter what its optimiser knows: momentum, or the moments of Adam."""


def states_of(optimizer: torch.optim.Optimizer, network: nn.Module) -> States:
    """What an optimiser knows of each of a network's parameters; of some it may know nothing."""
    return {
        name: {key: _kept(value) for key, value in optimizer.state[parameter].items()}
        for name, parameter in network.named_parameters()
        if optimizer.state.get(parameter)
    }


def give_states(
    optimizer: torch.optim.Optimizer, network: nn.Module, states: Mapping[str, dict[str, Any]]
) -> None:
    """Let an optimiser go on with what another has learned, as `states_of` gave it."""
    for name, parameter in network.named_parameters():
        if name in states:
            optimizer.state[parameter] = {
                key: value.clone() if isinstance(value, Tensor) else value
                for key, value in states[name].items()
            }


def carried_states(
    states: Mapping[str, dict[str, Any]],
    before: Mapping[str, Tensor],
    after: nn.Module,
    origins: Mapping[Tensor, Origin],
) -> States:
    """What was learned of a network, for the network that a morphism has made of it.

    Parameters
    ----------
    states : by the names of parameters as they were.
    before : the parameters as they were, by name.
    after : the network as it is; it shares those parameters that stay.
    origins : of those that are new.
    """
    known = {parameter: states[name] for name, parameter in before.items() if name in states}
    found: States = {}
    for name, parameter in after.named_parameters():
        origin = origins.get(parameter, Origin(parameter))
        if origin.tensor in known:
            found[name] = {
                key: origin.carried(value, parameter.shape)
                if isinstance(value, Tensor) and value.shape == origin.tensor.shape
                else value
                for key, value in known[origin.tensor].items()
            }
    return found


def _kept(value: Any) -> Any:
    return value.detach().cpu().clone() if isinstance(value, Tensor) else value
