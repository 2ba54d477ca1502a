"""Strategies that weigh all candidates at once: DARTS, FairDARTS, PC-DARTS, VS-DARTS."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from hwbench.arguments import NotNegative
from hwbench.live.requirements import Requirements
from hwbench.live.strategies.base import INITIAL_DEVIATION, ParametricStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions, Supernet


class DARTS(ParametricStrategy):
    """Softmax over the candidates of each position (CHOE 237-250; LAUBE 666-694)."""


class DARTSELU(ParametricStrategy):
    """ELU(alpha) + 1 of each candidate alone, above 0 and without bound (NA 1100-1112).

    A rival for selections by the k strongest of all, in whose place softmax lets candidates of one
    position alone compete. Nothing is learned about `none`; supernets that have it are refused.
    """

    requires = Requirements(without=("none",))

    def strengths(self) -> Tensor:
        present = self.get_buffer("present")
        return (torch.nn.functional.elu(self.alpha) + 1.0) * present


class FairDARTS(ParametricStrategy):
    """Sigmoid of each candidate alone, so that candidates do not compete (NA 378).

    What is chosen by a threshold, 0.85 in the publication, is `threshold` of the selection by
    strength. Without competition nothing is learned about `none`: it adds nothing, so that no loss
    but the zero-one loss moves its share, from where the first draw has put it to the nearer end.
    Supernets that have it are refused.

    Parameters
    ----------
    zero_one_weight : of the zero-one loss -mean((sigmoid(alpha) - 0.5)^2), which drives every
        share to one of its ends; 10 in the method's publication.
    node_normalisation, square_root : see `ParametricStrategy`.
    """

    requires = Requirements(without=("none",))

    def __init__(
        self,
        *,
        zero_one_weight: NotNegative = 10.0,
        node_normalisation: bool = False,
        square_root: bool = False,
    ) -> None:
        super().__init__(node_normalisation=node_normalisation, square_root=square_root)
        self.zero_one_weight = zero_one_weight

    def strengths(self) -> Tensor:
        return torch.sigmoid(self.logits())

    def penalty(self) -> Tensor:
        shares = self.strengths().flatten()[self.get_buffer("places")]
        return -self.zero_one_weight * torch.mean((shares - 0.5) ** 2)


class PCDARTS(ParametricStrategy):
    """Softmax over candidates that see a part of the channels, and edge normalisation (YU 269-291).

    Parameters
    ----------
    partial_channels : K; one of K channels passes the candidates. 4 in the publication.
    node_normalisation, square_root : see `ParametricStrategy`.
    """

    def __init__(
        self,
        *,
        partial_channels: PositiveInt = 4,
        node_normalisation: bool = False,
        square_root: bool = False,
    ) -> None:
        super().__init__(node_normalisation=node_normalisation, square_root=square_root)
        self.partial_channels = partial_channels

    def network_options(self) -> NetworkOptions:
        return replace(super().network_options(), partial_channels=self.partial_channels)

    def attach(self, supernet: Supernet) -> Self:
        super().attach(supernet)
        nodes = [position.node for position in supernet.positions]
        together = [[node == other for other in nodes] for node in nodes]
        self.register_buffer("together", torch.tensor(together), persistent=False)
        self.beta = nn.Parameter(INITIAL_DEVIATION * torch.randn(len(nodes)))
        return self

    def edge_weights(self) -> Tensor:
        """Softmax over the positions that enter the same node, of shape (n_positions,)."""
        exponents = torch.exp(self.beta - self.beta.detach().max())
        return exponents / (self.get_buffer("together").to(exponents.dtype) @ exponents)

    def mixture(self) -> Mixture:
        shares = self.relaxed(super().strengths())
        return Mixture.weighted(shares, self.sizes, self.edge_weights())

    def strengths(self) -> Tensor:
        return super().strengths() * self.edge_weights()[:, None]


class VSDARTS(DARTS):
    """Variance-stationary DARTS (CHOE 3.4): node normalisation and square-root weights.

    The third part, LARC, belongs to the trainer: `larc` there.

    Parameters
    ----------
    node_normalisation, square_root : as of every strategy with strengths, but True by default.
    """

    def __init__(self, *, node_normalisation: bool = True, square_root: bool = True) -> None:
        super().__init__(node_normalisation=node_normalisation, square_root=square_root)
