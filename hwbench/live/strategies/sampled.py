"""Strategies that draw the weights of candidates from a distribution they learn."""

from __future__ import annotations

import torch
from torch import Tensor

from hwbench.arguments import NotNegative, Positive
from hwbench.devices import sent
from hwbench.live.requirements import Requirements
from hwbench.live.strategies.base import ParametricStrategy
from hwbench.live.supernets.mixture import Choice, Mixture


class GumbelStrategy(ParametricStrategy):
    """Gumbel noise on the logits, at a temperature that falls linearly with the epochs.

    Parameters
    ----------
    temperature_start, temperature_end : of the softmax in the first and the last epoch.
    node_normalisation : see `ParametricStrategy`.
    """

    deterministic = False

    def __init__(
        self,
        *,
        temperature_start: Positive = 10.0,
        temperature_end: Positive = 0.1,
        node_normalisation: bool = False,
    ) -> None:
        super().__init__(node_normalisation=node_normalisation)
        self.temperature_start = temperature_start
        self.temperature_end = temperature_end
        self.temperature = temperature_start

    def before_epoch(self, epoch: int, epochs: int) -> None:
        share = epoch / max(1, epochs - 1)
        self.temperature = self.temperature_start + share * (
            self.temperature_end - self.temperature_start
        )

    def get_extra_state(self) -> dict[str, float]:
        """What draws depend on besides the parameters: wherever a state is loaded, it comes too."""
        return {"temperature": self.temperature}

    def set_extra_state(self, state: dict[str, float]) -> None:
        """Take back what `get_extra_state` gave."""
        self.temperature = float(state["temperature"])

    def draw(self) -> Tensor:
        """Relaxed one-hot rows, of shape (n_positions, most candidates)."""
        log_probabilities = torch.log_softmax(self.logits(), dim=1)
        # Drawn on the CPU, so that a seed means the same draws on every device.
        drawn = torch.empty(log_probabilities.shape).exponential_()
        gumbel = -sent(drawn, log_probabilities.device).log()
        return torch.softmax((log_probabilities + gumbel) / self.temperature, dim=1)


class SNAS(GumbelStrategy):
    """All candidates, weighted by a relaxed one-hot sample (YU 223-256).

    Parameters
    ----------
    temperature_start, temperature_end, node_normalisation : as of `GumbelStrategy`, whose other
        strategies open single candidates, which have no root.
    square_root : see `ParametricStrategy`.
    """

    def __init__(
        self,
        *,
        temperature_start: Positive = 10.0,
        temperature_end: Positive = 0.1,
        node_normalisation: bool = False,
        square_root: bool = False,
    ) -> None:
        super().__init__(
            temperature_start=temperature_start,
            temperature_end=temperature_end,
            node_normalisation=node_normalisation,
        )
        self.square_root = square_root

    def mixture(self) -> Mixture:
        return Mixture.weighted(self.relaxed(self.draw()), self.sizes)


class GumbelSigmoid(GumbelStrategy):
    """A gate a candidate, open or shut, drawn alone (Zhou's PR-DARTS in NA 1100-1112).

    A gate is 1 where the sigmoid of its logit plus logistic noise exceeds a half, with the gradient
    of that sigmoid at the temperature (straight-through). Strengths are the softmax of the logits,
    as NA derives cells. Nothing is learned about `none`; supernets that have it are refused.
    """

    requires = Requirements(without=("none",))

    def draw(self) -> Tensor:
        """Gates of shape (n_positions, most candidates)."""
        # Drawn on the CPU, so that a seed means the same draws on every device.
        noise = sent(torch.rand(self.alpha.shape).logit(eps=1e-7), self.alpha.device)
        relaxed = torch.sigmoid((self.alpha + noise) / self.temperature)
        return (relaxed.detach() > 0.5).to(relaxed.dtype) - relaxed.detach() + relaxed

    def mixture(self) -> Mixture:
        return Mixture.weighted(self.draw(), self.sizes)


class GDAS(GumbelStrategy):
    """The candidate that a sample holds the largest, with the relaxed sample's gradient (NA 383).

    Its weight is one; the gradient of the loss towards it goes on to the relaxed sample
    (straight-through), so only one candidate a position is computed. Which one depends on the
    parameters, so that each pass waits for the step before it.
    """

    def mixture(self) -> Mixture:
        relaxed = self.draw()
        chosen = relaxed.detach().argmax(dim=1)
        straight_through = 1.0 - relaxed.detach() + relaxed
        return Mixture.selected(straight_through, [[index] for index in chosen.tolist()])


class DrNAS(ParametricStrategy):
    """Weights drawn from a Dirichlet distribution whose concentrations are learned (NA 383).

    Parameters
    ----------
    anchor_weight : of the distance of the concentrations from 1, the mean over positions of its
        norm; 1e-3 in the publication.
    node_normalisation, square_root : see `ParametricStrategy`; with both, and LARC in the trainer,
        it is VS-DrNAS (CHOE Table 3.5).
    """

    deterministic = False

    def __init__(
        self,
        *,
        anchor_weight: NotNegative = 1e-3,
        node_normalisation: bool = False,
        square_root: bool = False,
    ) -> None:
        super().__init__(node_normalisation=node_normalisation, square_root=square_root)
        self.anchor_weight = anchor_weight

    def concentrations(self) -> Tensor:
        """ELU(alpha) + 1, above 0, of shape (n_positions, most candidates)."""
        return torch.nn.functional.elu(self.alpha) + 1.0

    def mixture(self) -> Mixture:
        # A Dirichlet sample is one of gamma distributions scaled to sum 1, also where a position
        # has fewer candidates than the others.
        present = self.get_buffer("present")
        gamma = torch.distributions.Gamma(  # its checks would wait for a GPU's numbers
            self.concentrations(), torch.ones_like(self.alpha), validate_args=False
        )
        drawn = gamma.rsample() * present
        shares = drawn / drawn.sum(dim=1, keepdim=True)
        return Mixture.weighted(self.relaxed(shares), self.sizes)

    def strengths(self) -> Tensor:
        means = self.concentrations() * self.get_buffer("present")
        return means / means.sum(dim=1, keepdim=True)

    def penalty(self) -> Tensor:
        distance = (self.concentrations() - 1.0) * self.get_buffer("present")
        return self.anchor_weight * distance.norm(dim=1).mean()


class ProxylessNAS(ParametricStrategy):
    """Binarised paths (YU 258-268; LAUBE 1114).

    A step of the weights takes one path, drawn from the softmax of the parameters. A step of the
    parameters draws two candidates a position without replacement, computes both, opens the gate
    of one, and leaves the probabilities of all others as they were, whatever the optimiser has
    kept of earlier steps. All is drawn on the CPU, where the parameters are read once a pass.

    Parameters
    ----------
    node_normalisation : see `ParametricStrategy`; gates have no root.
    """

    deterministic = False

    def __init__(self, *, node_normalisation: bool = False) -> None:
        super().__init__(node_normalisation=node_normalisation)

    def mixture(self) -> Mixture:
        drawn = torch.multinomial(super().strengths().detach().cpu(), 1)
        return Mixture.single(drawn[:, 0].tolist())

    def architecture_mixture(self) -> Mixture:
        """Two candidates a position; the gates are 1 and 0, with the gradient of their softmax."""
        self._before = self.alpha.detach().clone()
        probabilities = super().strengths().detach().cpu()
        pairs = [
            torch.multinomial(row[:size], min(2, size)).sort().values
            for row, size in zip(probabilities, self.sizes, strict=True)
        ]
        drawn = torch.zeros(self.alpha.shape, dtype=torch.bool)
        gates = torch.zeros(self.alpha.shape)
        for place, pair in enumerate(pairs):
            drawn[place, pair] = True
            opened = torch.multinomial(probabilities[place, pair], 1)
            gates[place, pair[opened]] = 1.0
        self._drawn = sent(drawn, self.alpha.device)
        rows = zip(self.alpha, sent(gates, self.alpha.device), pairs, strict=True)
        choices = []
        for row, gate, pair in rows:
            active = pair.tolist()
            shares = torch.softmax(torch.stack([row[index] for index in active]), dim=0)
            opened = torch.stack([gate[index] for index in active])
            choices.append(Choice(tuple(active), opened + shares - shares.detach()))
        return Mixture(tuple(choices))

    def project(self) -> None:
        """Put back what was not drawn, and shift the pairs so that each has the mass it had."""
        with torch.no_grad():
            # In double precision, so that the mass is off by no more than a rounding of alpha.
            before, after = (
                torch.logsumexp(each.double().masked_fill(~self._drawn, float("-inf")), dim=1)
                for each in (self._before, self.alpha)
            )
            shifted = (self.alpha.double() + (before - after)[:, None]).to(self.alpha.dtype)
            self.alpha.copy_(torch.where(self._drawn, shifted, self._before))
