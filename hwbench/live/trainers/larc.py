"""LARC as VS-DARTS uses it: a learning rate for each candidate operation (CHOE 3.4.2).

The local rate is the global one times trust * ||w|| / ||g||. It is a part of the step: where
gradients have a largest norm, they are clipped before. Weight decay is no part of g: the optimiser
adds it afterwards, at the global rate. The publication does not say whether its gradient holds it.
"""

from __future__ import annotations

import torch

from hwbench.devices import sent
from hwbench.live.supernets.supernet import Supernet


def scale_gradients(supernet: Supernet, trust: float) -> None:
    """Multiply each candidate operation's gradient g by trust * ||w|| / ||g||.

    Norms are taken over all weights of the operation at its place. What has no gradient, or one of
    length zero, is left as it is.

    Parameters
    ----------
    supernet : with gradients.
    trust : 1 is the rate as printed (CHOE 408).
    """
    weights: list[torch.Tensor] = []
    gradients: list[torch.Tensor] = []
    owners: list[int] = []
    n_operations = 0
    for mixed in supernet.mixed_operations():
        for candidate in mixed.candidates.values():
            own = [weight for weight in candidate.parameters() if weight.grad is not None]
            weights.extend(own)
            gradients.extend(weight.grad for weight in own if weight.grad is not None)
            owners.extend([n_operations] * len(own))
            n_operations += bool(own)
    if not weights:
        return
    with torch.no_grad():
        owner = sent(torch.tensor(owners), weights[0].device)

        def squares(tensors: list[torch.Tensor]) -> torch.Tensor:
            norms = torch.stack(torch._foreach_norm(tensors))
            return norms.new_zeros(n_operations).index_add_(0, owner, norms**2)

        rate = trust * torch.sqrt(squares(weights) / squares(gradients))
        rate = torch.where(torch.isfinite(rate), rate, torch.ones_like(rate))
        torch._foreach_mul_(gradients, list(rate[owner].unbind(0)))
