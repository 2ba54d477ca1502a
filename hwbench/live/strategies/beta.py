"""BtNAS: strengths of candidates that are Beta-distributed, each alone (NA 1040-1072)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from hwbench.arguments import NotNegative
from hwbench.live.requirements import Requirements
from hwbench.live.strategies.base import ParametricStrategy
from hwbench.live.supernets.mixture import Mixture


class BtNAS(ParametricStrategy):
    """Weights drawn from a Beta distribution a candidate, whose two parameters are learned.

    A step draws once for all candidates, and its gradients go through the draws (pathwise, NA eq.
    4.6). A candidate's strength is the mean of its distribution. As candidates do not compete,
    nothing is learned about `none`; supernets that have it are refused.

    The parameters of a distribution are 1 + softplus of what is trained, so that they stay above 1;
    where training begins no source says: here at softplus(0), a mean of 0.5 and a deviation of
    about 0.24.

    Parameters
    ----------
    divergence_weight : of the sum over candidates of the divergence of their distributions from the
        uniform one (lambda of NA eq. 4.5); 0.001 in the publication.
    node_normalisation, square_root : see `ParametricStrategy`.
    """

    deterministic = False
    requires = Requirements(without=("none",))
    tables: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    beta: nn.Parameter

    def __init__(
        self,
        *,
        divergence_weight: NotNegative = 1e-3,
        node_normalisation: bool = False,
        square_root: bool = False,
    ) -> None:
        super().__init__(node_normalisation=node_normalisation, square_root=square_root)
        self.divergence_weight = divergence_weight

    def concentrations(self) -> tuple[Tensor, Tensor]:
        """Both parameters of the distributions, above 1, each (n_positions, most candidates)."""
        return 1.0 + softplus(self.alpha), 1.0 + softplus(self.beta)

    def mixture(self) -> Mixture:
        first, second = self.concentrations()
        # Its checks would wait for a GPU's numbers.
        drawn = torch.distributions.Beta(first, second, validate_args=False).rsample()
        return Mixture.weighted(self.relaxed(drawn), self.sizes)

    def strengths(self) -> Tensor:
        first, second = self.concentrations()
        return first / (first + second) * self.get_buffer("present")

    def penalty(self) -> Tensor:
        divergence = divergence_from_uniform(*self.concentrations())
        return self.divergence_weight * divergence.flatten()[self.get_buffer("places")].sum()


def divergence_from_uniform(first: Tensor, second: Tensor) -> Tensor:
    """The Kullback-Leibler divergence of Beta distributions from the uniform one, in nats.

    Parameters
    ----------
    first, second : parameters of the distributions, of one shape.
    """
    both = first + second
    log_beta = torch.lgamma(first) + torch.lgamma(second) - torch.lgamma(both)
    return (
        (first - 1) * torch.digamma(first)
        + (second - 1) * torch.digamma(second)
        + (2 - both) * torch.digamma(both)
        - log_beta
    )
