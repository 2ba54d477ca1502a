"""Updates of sparse Bayesian learning: how sure it is that a weight, or a group of them, is zero.

A weight has a prior N(0, gamma). Where gamma has gone to zero the weight is not needed. The updates
are those of a reweighted l1 penalty, lambda * sum |omega w| (YANG 499-530), or group lasso, lambda
* sum ||omega_g w_g|| (YANG 713-776).

Curvatures are of the mean loss and are divided by lambda here, which YANG leaves out: only then is
the fixed point that of sparse Bayesian learning, for one weight with loss h/2 (w - w0)^2 gamma =
max(0, w0^2 - lambda/h). They must not be negative, and `FLOOR` is added to them: a weight without
any influence has no curvature, and would otherwise never be found to be superfluous.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

THRESHOLD = 1.0 / (2.0 * math.pi * math.e)
"""Of gamma: the entropy of N(0, gamma) is zero there, 0.0585 (YANG 507)."""

FLOOR = 1e-8
"""Added to curvatures after the division by lambda."""


def scaled_curvature(curvature: Tensor, strength: float) -> Tensor:
    """What the updates take of a curvature.

    Parameters
    ----------
    curvature : of the mean loss, not negative.
    strength : lambda, of the penalty beside the mean loss; positive.

    Raises
    ------
    ValueError
        Where a curvature is negative.
    """
    if bool((curvature < 0).any()):
        raise ValueError("curvatures must not be negative; use those of Gauss and Newton")
    return curvature / strength + FLOOR


def posterior_variance(gamma: Tensor, scaled: Tensor) -> Tensor:
    """C = (1/gamma + h)^-1 (YANG eq. 4-2), of the shape of both.

    Parameters
    ----------
    gamma : variances of the prior, not negative.
    scaled : curvatures of `scaled_curvature`.
    """
    return gamma / (1.0 + gamma * scaled)


def reweighting(gamma: Tensor, scaled: Tensor) -> Tensor:
    """Omega = sqrt(gamma - C) / gamma (YANG eq. 4-3), the penalty's next weight.

    It is computed as sqrt(h / (1 + gamma h)), the same without a difference of near numbers.
    """
    return (scaled / (1.0 + gamma * scaled)).sqrt()


def switches(weights: Tensor, omega: Tensor) -> Tensor:
    """S = |w / omega| (YANG eq. 4-4): gamma of a weight that depends on no other."""
    return (weights / omega).abs()


def chained(before: Tensor, own: Tensor) -> Tensor:
    """Gamma = (1/before + 1/own)^-1: of what is on where both are (YANG eq. 3-5).

    Parameters
    ----------
    before : sum of the switches of all that leads there; infinite where nothing has to.
    own : the switch itself.
    """
    unbound = torch.isinf(before)
    finite = before.masked_fill(unbound, 1.0)  # whose gradient would not be finite either
    both = own * finite / (own + finite).clamp_min(torch.finfo(own.dtype).tiny)
    return torch.where(unbound, own, both)


def entropy(gamma: Tensor) -> Tensor:
    """Of N(0, gamma), in nats (YANG 507)."""
    return 0.5 * torch.log(2.0 * math.pi * math.e * gamma)


# ---------------------------------------------------------------------- groups


def group_reweighting(gamma: Tensor, scaled: Tensor) -> Tensor:
    """omega_g = sqrt(sum over the group of h / (1 + gamma_g h)) (YANG eq. A-3 to A-5).

    Parameters
    ----------
    gamma : of each group, of shape (groups,).
    scaled : curvatures of the weights, of shape (groups, weights of a group).
    """
    return reweighting(gamma[:, None], scaled).square().sum(dim=1).sqrt()


def group_variance(weights: Tensor, omega: Tensor) -> Tensor:
    """gamma_g = ||w_g|| / omega_g (YANG eq. A-2), of shape (groups,).

    Parameters
    ----------
    weights : of shape (groups, weights of a group).
    omega : of each group.
    """
    return weights.norm(dim=1) / omega


def shrunk(weights: Tensor, amount: Tensor) -> Tensor:
    """Groups shortened by an amount each; those that are no longer are zero (proximal step).

    The exact minimum of ||v - w||^2 / 2 + sum_g amount_g ||v_g|| over v.

    Parameters
    ----------
    weights : of shape (groups, weights of a group).
    amount : step size times lambda times omega, of shape (groups,).
    """
    return weights * shares_left(weights.norm(dim=1), amount)[:, None]


def shares_left(length: Tensor, amount: Tensor) -> Tensor:
    """What `shrunk` multiplies each group by, from its length: in 0 .. 1, of shape (groups,)."""
    return (1.0 - amount / length.clamp_min(torch.finfo(length.dtype).tiny)).clamp_min(0.0)
